#include <fmt/format.h>

#include <algorithm>

#include "engine/report/report.h"

namespace ronda::engine::report {
namespace {

constexpr std::size_t kMostFailures = 10;

class Text {
 public:
  explicit Text(Paint paint) : paint_(paint) {}
  std::string out;

  template <typename... T>
  void Line(fmt::format_string<T...> format, T&&... values) {
    out += fmt::format(format, std::forward<T>(values)...) + "\n";
  }
  [[nodiscard]] std::string Mark(bool good) const {
    if (paint_ == Paint::kPlain) return good ? "ok  " : "FAIL";
    return good ? "\x1b[32mok  \x1b[0m" : "\x1b[31mFAIL\x1b[0m";
  }
  [[nodiscard]] std::string Bold(std::string_view text) const {
    return paint_ == Paint::kPlain ? std::string(text) : fmt::format("\x1b[1m{}\x1b[0m", text);
  }

 private:
  const Paint paint_;
};

void Thresholds(const ReportInput& input, Text& text) {
  if (input.thresholds.empty()) return;
  text.Line("\n{}", text.Bold("thresholds"));
  for (const stats::ThresholdResult& t : input.thresholds) {
    std::string actual;
    for (const stats::MetricValue& m : t.actual)
      actual += fmt::format("  {} = {}", m.name, m.value);
    text.Line("  {} {}{}{}", text.Mark(t.verdict == stats::ThresholdResult::Verdict::kPassed),
              t.text, actual, t.reason.empty() ? "" : "  (" + t.reason + ")");
  }
}

void Checks(const ReportInput& input, Text& text) {
  const stats::Shape& shape = input.load->shape();
  const stats::Totals& totals = input.load->totals();
  bool headed = false;
  for (std::size_t i = 0; i < shape.checks.size() && i < totals.checks.size(); ++i) {
    const stats::CheckCounters& c = totals.checks[i];
    if (c.passed + c.failed == 0) continue;
    if (!headed) text.Line("\n{}", text.Bold("checks"));
    headed = true;
    text.Line("  {} {}: {}{}", text.Mark(c.failed == 0), shape.steps[shape.checks[i].step].id,
              shape.checks[i].name,
              c.failed == 0 ? "" : fmt::format("  {} of {} failed", c.failed, c.passed + c.failed));
  }
}

void Steps(const ReportInput& input, Text& text) {
  const stats::Shape& shape = input.load->shape();
  const stats::Totals& totals = input.load->totals();
  std::size_t width = 4;
  for (const stats::StepInfo& step : shape.steps)
    width = std::max(width, std::min<std::size_t>(step.id.size(), 40));
  text.Line("\n{}",
            text.Bold(fmt::format("{:<{}}  {:>9}  {:>8}  {:>9}  {:>9}  {:>9}  {:>9}", "step", width,
                                  "requests", "failed", "p50", "p95", "p99", "max")));
  for (std::size_t i = 0; i < shape.steps.size(); ++i) {
    const stats::StepCounters* s = i < totals.steps.size() ? totals.steps[i].get() : nullptr;
    if (s == nullptr) continue;
    const base::Histogram& h = s->Latency();
    if (h.count() == 0) continue;
    text.Line("{:<{}}  {:>9}  {:>8}  {:>9}  {:>9}  {:>9}  {:>9}", shape.steps[i].id.substr(0, 40),
              width, h.count(), s->failed, FormatNs(h.Quantile(0.5)), FormatNs(h.Quantile(0.95)),
              FormatNs(h.Quantile(0.99)), FormatNs(h.Quantile(1)));
  }
}

void Failures(const stats::Aggregator* aggregator, Text& text) {
  if (aggregator == nullptr) return;
  const auto groups = aggregator->Failures();
  if (groups.empty()) return;
  text.Line("\n{}", text.Bold("errors"));
  for (std::size_t i = 0; i < groups.size() && i < kMostFailures; ++i) {
    const stats::FailureGroup& g = *groups[i];
    text.Line("  {} x {}: {}", g.count, aggregator->shape().steps[g.step].id, g.message);
    if (g.example == nullptr) continue;
    if (!g.example->request_line.empty()) text.Line("      {}", g.example->request_line);
    if (!g.example->response_line.empty()) text.Line("      {}", g.example->response_line);
    if (g.example->detail != g.message) {
      for (std::size_t at = 0; at < g.example->detail.size();) {
        const std::size_t end =
            std::min(g.example->detail.find('\n', at), g.example->detail.size());
        text.Line("      {}", g.example->detail.substr(at, end - at));
        at = end + 1;
      }
    }
  }
  if (groups.size() > kMostFailures)
    text.Line("  ... {} more kinds", groups.size() - kMostFailures);
}

}  // namespace

std::string SummaryText(const ReportInput& input, Paint paint) {
  Text text(paint);
  const stats::Totals& totals = input.load->totals();
  const double seconds = input.load->MeasuredSeconds();
  text.Line("{} {}  {}", text.Mark(input.passed), text.Bold(input.name), input.verdict);
  if (input.end != "done") text.Line("  {}: {}", input.end, input.reason);
  Thresholds(input, text);
  Checks(input, text);
  Steps(input, text);
  Failures(input.outer, text);
  Failures(input.load, text);
  text.Line("");
  text.Line("{} requests in {:.1f} s ({:.1f}/s), {} failed ({}), {} iterations, {} failed",
            totals.all.requests, seconds,
            seconds > 0 ? static_cast<double>(totals.all.requests) / seconds : 0.0,
            totals.all.failed, FormatRatio(totals.all.failed, totals.all.requests),
            totals.Iterations(), totals.IterationsFailed());
  if (!input.single_iteration) {
    const base::Histogram lateness = totals.Lateness();
    text.Line(
        "{} users at most, {} connections opened, in {}, out {}, {} threads, {:.1f} us of CPU a "
        "request",
        input.load->MostUsers(), input.load->CurrentGauges().connections_opened,
        FormatBytes(totals.all.bytes_in), FormatBytes(totals.all.bytes_out), input.threads,
        totals.all.requests > 0
            ? static_cast<double>(input.cpu_ns) / 1e3 / static_cast<double>(totals.all.requests)
            : 0.0);
    if (lateness.count() > 0 || totals.Dropped() > 0) {
      text.Line("arrivals: lateness p99 {}, max {}; {} dropped", FormatNs(lateness.Quantile(0.99)),
                FormatNs(lateness.Quantile(1)), totals.Dropped());
    }
  }
  for (const stats::GuardEvent& e : input.guard_events) {
    text.Line("guard {} at {} s: {} ({})",
              e.kind == stats::GuardEvent::Kind::kFired ? "fired" : "let go", e.second, e.text,
              e.reason);
  }
  for (const std::string& warning : input.warnings) text.Line("note: {}", warning);
  return std::move(text.out);
}

std::string LiveLine(const stats::Snapshot& look) {
  return fmt::format("{:.0f}s  {} users  {} req/s  p50 {}  p95 {}  p99 {}  failed {} of {}{}",
                     look.elapsed_s, look.gauges.users, look.last.requests,
                     FormatNs(look.last.latency.p50), FormatNs(look.last.latency.p95),
                     FormatNs(look.last.latency.p99), look.failed, look.requests,
                     look.dropped > 0 ? fmt::format("  dropped {}", look.dropped) : "");
}

std::vector<std::string> LiveBlock(const stats::Snapshot& look, const stats::Shape& shape,
                                   Paint paint) {
  const Text text(paint);
  std::vector<std::string> lines;
  lines.push_back(text.Bold(LiveLine(look)) + (look.warm_up ? "  (warm-up)" : ""));
  std::uint64_t most = 1;
  for (const stats::Row& row : look.recent) most = std::max(most, row.requests);
  static constexpr const char* kBars[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  std::string bars;
  for (const stats::Row& row : look.recent) bars += kBars[row.requests * 8 / most];
  lines.push_back("requests/s, last minute  " + bars);
  for (std::size_t i = 0; i < shape.steps.size() && i < look.steps.size(); ++i) {
    const stats::Snapshot::Step& s = look.steps[i];
    if (s.requests == 0 || shape.steps[i].kind != stats::StepKind::kExchange) continue;
    lines.push_back(fmt::format("  {:<24} {:>8.0f}/s  p50 {:>9}  p95 {:>9}  p99 {:>9}  failed {}",
                                shape.steps[i].id.substr(0, 24), s.rate, FormatNs(s.latency.p50),
                                FormatNs(s.latency.p95), FormatNs(s.latency.p99), s.failed));
    if (lines.size() > 20) break;
  }
  return lines;
}

}  // namespace ronda::engine::report
