#include <fmt/format.h>

#include "engine/report/report.h"
#include "engine/report/text.h"

namespace ronda::engine::report {
namespace {

double Ms(std::uint64_t ns) { return static_cast<double>(ns) / 1e6; }

template <typename R>
void Rows(std::string_view step, const std::vector<R>& rows, std::string& out) {
  for (const R& r : rows) {
    if (r.requests == 0 && !step.empty()) continue;
    fmt::format_to(std::back_inserter(out), "{},{},", r.second, r.width);
    AppendCsvText(step, out);
    fmt::format_to(std::back_inserter(out), ",{},{},{:.6f},{:.6f},{:.6f},{:.6f}", r.requests,
                   r.failed, Ms(r.latency.p50), Ms(r.latency.p95), Ms(r.latency.p99),
                   Ms(r.latency.max));
    if constexpr (std::is_same_v<R, stats::Row>) {
      fmt::format_to(std::back_inserter(out), ",{:.6f},{},{},{},{},{},{:.6f}\r\n",
                     Ms(r.service.p95), r.users, r.iterations, r.dropped, r.bytes_in, r.bytes_out,
                     Ms(r.lateness_p99));
    } else {
      out += ",,,,,,,\r\n";
    }
  }
}

}  // namespace

std::string ReportCsv(const ReportInput& input) {
  const stats::Aggregator& load = *input.load;
  std::string out =
      "second,width_s,step,requests,failed,p50_ms,p95_ms,p99_ms,max_ms,service_p95_ms,users,"
      "iterations,dropped,bytes_in,bytes_out,lateness_p99_ms\r\n";
  Rows("", load.rows(), out);
  for (std::size_t i = 0; i < load.shape().steps.size(); ++i) {
    Rows(load.shape().steps[i].id, load.StepRows(static_cast<stats::StepId>(i)), out);
  }
  return out;
}

}  // namespace ronda::engine::report
