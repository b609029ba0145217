#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/report/compare.h"

// A report of somebody else: it is read or refused, and what was read can be compared and shown.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace report_ns = ronda::engine::report;
  auto report = report_ns::ReadReport({reinterpret_cast<const char*>(data), size});
  if (!report.ok()) return 0;
  if (report->all.row_requests.size() > 64 || report->steps.size() > 8)
    return 0;  // slow, and no other code
  const report_ns::Comparison comparison = report_ns::Compare(*report, *report);
  (void)report_ns::ComparisonText(comparison, report_ns::Paint::kPlain);
  (void)report_ns::ComparisonJson(comparison);
  (void)report_ns::ComparisonHtml(comparison);
  return 0;
}
