#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

#include "engine/report/paint.h"
#include "engine/report/report.h"
#include "engine/report/text.h"
#include "stats/format.h"

namespace ronda::engine::report {
namespace {

constexpr std::size_t kMostFailures = 10;
constexpr std::size_t kMostSteps = 60;
constexpr std::size_t kMostChecks = 40;
constexpr std::size_t kMostDetailLines = 8;
constexpr std::size_t kNameColumns = 44;
constexpr std::size_t kTextColumns = 160;

std::string Count(std::uint64_t n) { return stats::FormatCount(static_cast<double>(n)); }
std::string Shown(std::string_view text, std::size_t columns) {
  return Cut(PlainText(text), columns);
}

class Summary {
 public:
  Summary(const ReportInput& in, Paint paint)
      : in_(in), totals_(in.load->totals()), paint_(paint) {}

  std::string Write() {
    Head();
    Thresholds();
    Checks();
    Steps();
    Phases();
    Failures(in_.outer);
    Failures(in_.load);
    Load();
    Notes();
    return std::move(out_);
  }

 private:
  void Line(const std::string& text = {}) { out_.append(text).append("\n"); }
  void Title(std::string_view text) { Line("\n" + Ink_(Ink::kBold, text)); }
  [[nodiscard]] std::string Ink_(Ink ink, std::string_view text) const {
    return Colored(paint_, ink, text);
  }
  [[nodiscard]] std::string Mark(bool good) const {
    return good ? Ink_(Ink::kGood, "ok  ") : Ink_(Ink::kBad, "FAIL");
  }
  [[nodiscard]] std::string BadIf(bool bad, std::string text) const {
    return bad ? Ink_(Ink::kBad, text) : text;
  }

  void Head() {
    Line(fmt::format("{} {}  {}", Mark(in_.passed), Ink_(Ink::kBold, Shown(in_.name, kTextColumns)),
                     PlainText(in_.verdict)));
    if (in_.end != "done" && !in_.end.empty())
      Line(fmt::format("  {}: {}", in_.end, PlainText(in_.reason)));
  }

  void Thresholds() {
    if (in_.thresholds.empty()) return;
    Title("thresholds");
    for (const stats::ThresholdResult& t : in_.thresholds) {
      std::string actual;
      for (const stats::MetricValue& m : t.actual)
        actual += fmt::format("  {} = {}", PlainText(m.name), m.value);
      Line(fmt::format("  {} {}{}{}", Mark(t.verdict == stats::ThresholdResult::Verdict::kPassed),
                       Shown(t.text, kTextColumns), Ink_(Ink::kDim, actual),
                       t.reason.empty() ? "" : "  (" + PlainText(t.reason) + ")"));
    }
  }

  void Checks() {
    const stats::Shape& shape = in_.load->shape();
    std::vector<std::size_t> shown;
    for (std::size_t i = 0; i < shape.checks.size(); ++i) {
      if (totals_.checks[i].passed + totals_.checks[i].failed > 0) shown.push_back(i);
    }
    if (shown.empty()) return;
    Title("checks");
    if (shown.size() > kMostChecks) {  // those that failed, then the others as far as there is room
      std::ranges::sort(shown, [&](std::size_t a, std::size_t b) {
        return std::tuple(totals_.checks[a].failed > 0, b) >
               std::tuple(totals_.checks[b].failed > 0, a);
      });
      const std::size_t more = shown.size() - kMostChecks;
      shown.resize(kMostChecks);
      Line(fmt::format("  {} more are in the JSON report", more));
    }
    for (const std::size_t i : shown) {
      const stats::CheckCounters& c = totals_.checks[i];
      const std::uint64_t all = c.passed + c.failed;
      Line(fmt::format("  {} {}: {}{}", Mark(c.failed == 0),
                       Shown(shape.steps[shape.checks[i].step].id, kNameColumns),
                       Shown(shape.checks[i].name, kTextColumns),
                       c.failed == 0 ? Ink_(Ink::kDim, fmt::format("  {}", Count(all)))
                                     : fmt::format("  {} of {} failed ({})", Count(c.failed),
                                                   Count(all), FormatRatio(c.failed, all))));
    }
  }

  void StepLine(std::string_view name, std::size_t width, std::uint64_t failed,
                const base::Histogram& h, std::string_view prefix) {
    static constexpr double kQ[] = {0.5, 0.95, 0.99};
    std::uint64_t v[3];
    h.Quantiles(kQ, v);
    const double seconds = in_.load->MeasuredSeconds();
    const std::string errors = fmt::format("{:>9}", Count(failed));
    Line(fmt::format(
        "{}{}  {:>11}  {:>10}  {}  {}  {}  {}  {}", prefix, PadRight(name, width), Count(h.count()),
        seconds > 0 ? stats::FormatRate(static_cast<double>(h.count()) / seconds) : "-",
        BadIf(failed > 0, errors), PadLeft(FormatNs(v[0]), 8), PadLeft(FormatNs(v[1]), 8),
        PadLeft(FormatNs(v[2]), 8), PadLeft(FormatNs(h.MaxNs()), 8)));
  }

  void Steps() {
    const stats::Shape& shape = in_.load->shape();
    std::vector<std::size_t> shown;
    std::size_t width = 4;
    for (std::size_t i = 0; i < shape.steps.size(); ++i) {
      if (!totals_.steps[i] || totals_.steps[i]->service.count() == 0) continue;
      shown.push_back(i);
      width = std::max(width, std::min(kNameColumns, Columns(PlainText(shape.steps[i].id))));
    }
    if (shown.empty()) return;
    out_ += '\n';
    Line(Ink_(Ink::kBold, fmt::format("{}  {:>11}  {:>10}  {:>9}  {:>8}  {:>8}  {:>8}  {:>8}",
                                      PadRight("step", width + 2), "runs", "rate", "failed", "p50",
                                      "p95", "p99", "max")));
    for (std::size_t n = 0; n < shown.size() && n < kMostSteps; ++n) {
      const stats::StepCounters& s = *totals_.steps[shown[n]];
      StepLine(Shown(shape.steps[shown[n]].id, width), width, s.failed, s.Latency(), "  ");
    }
    if (shown.size() > kMostSteps)
      Line(fmt::format("  ... {} more steps are in the JSON and HTML reports",
                       shown.size() - kMostSteps));
    if (totals_.all.requests > 0 && shown.size() > 1)
      StepLine("all requests", width, totals_.all.failed, totals_.all.Latency(), "  ");
    if (totals_.all.differs)
      StepLine("service time", width, totals_.all.failed, totals_.all.service, "  ");
  }

  void Phases() {
    if (!totals_.all.phases) return;
    std::string text;
    for (std::size_t i = 0; i < stats::kPhases; ++i) {
      const base::Histogram& h = (*totals_.all.phases)[i];
      if (h.count() == 0) continue;
      std::string name(stats::NameOf(static_cast<stats::Phase>(i)));
      std::ranges::replace(name, '_', ' ');
      text += fmt::format("{}{} {} / {}", text.empty() ? "" : ",  ", name,
                          FormatNs(h.Quantile(0.5)), FormatNs(h.Quantile(0.95)));
    }
    if (!text.empty()) Line(fmt::format("  {}{}", Ink_(Ink::kDim, "phases p50 / p95:  "), text));
  }

  void Failures(const stats::Aggregator* load) {
    if (load == nullptr || load->Failures().empty()) return;
    const auto groups = load->Failures();
    Title(load == in_.outer ? "errors of setup and finally" : "errors");
    for (std::size_t i = 0; i < groups.size() && i < kMostFailures; ++i)
      Failure(*groups[i], load->shape());
    if (groups.size() > kMostFailures)
      Line(fmt::format("  ... {} rarer kinds", groups.size() - kMostFailures));
  }

  void Failure(const stats::FailureGroup& g, const stats::Shape& shape) {
    Line(fmt::format("  {} {}: {}", Ink_(Ink::kBad, Count(g.count) + " x"),
                     Shown(shape.steps[g.step].id, kNameColumns), Shown(g.message, kTextColumns)));
    if (g.example == nullptr) return;
    const stats::Example& e = *g.example;
    if (!e.request_line.empty())
      Line("      " + Ink_(Ink::kDim, Shown(e.request_line, kTextColumns)));
    if (!e.response_line.empty())
      Line("      " + Ink_(Ink::kDim, Shown(e.response_line, kTextColumns)));
    if (e.detail != g.message) {
      std::string_view rest = e.detail;
      for (std::size_t n = 0; n < kMostDetailLines && !rest.empty(); ++n) {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        Line("      " + Ink_(Ink::kDim, Shown(rest.substr(0, end), kTextColumns)));
        rest.remove_prefix(std::min(end + 1, rest.size()));
      }
    }
    if (!e.trace_id.empty()) Line("      " + Ink_(Ink::kDim, "trace " + PlainText(e.trace_id)));
  }

  void Load() {
    const double seconds = in_.load->MeasuredSeconds();
    Line();
    Line(fmt::format(
        "{} requests in {} ({}), {} failed ({}), {} iterations, {} failed",
        Count(totals_.all.requests), stats::FormatDuration(seconds * 1e9),
        stats::FormatRate(seconds > 0 ? static_cast<double>(totals_.all.requests) / seconds : 0.0),
        Count(totals_.all.failed), FormatRatio(totals_.all.failed, totals_.all.requests),
        Count(totals_.Iterations()), Count(totals_.IterationsFailed())));
    if (in_.single_iteration) return;
    Line(fmt::format("{} users at most, {} connections opened, {} received, {} sent, {} thread{}{}",
                     Count(in_.load->MostUsers()),
                     Count(in_.load->CurrentGauges().connections_opened),
                     FormatBytes(totals_.all.bytes_in), FormatBytes(totals_.all.bytes_out),
                     in_.threads, in_.threads == 1 ? "" : "s",
                     totals_.all.requests > 0
                         ? ", " +
                               stats::FormatDuration(static_cast<double>(in_.cpu_ns) /
                                                     static_cast<double>(totals_.all.requests)) +
                               " of CPU a request"
                         : ""));
    const base::Histogram lateness = totals_.Lateness();
    if (lateness.count() > 0 || totals_.Dropped() > 0) {
      Line(fmt::format("arrivals: lateness p50 {}, p99 {}, max {}; {}",
                       FormatNs(lateness.Quantile(0.5)), FormatNs(lateness.Quantile(0.99)),
                       FormatNs(lateness.MaxNs()),
                       BadIf(totals_.Dropped() > 0, Count(totals_.Dropped()) + " dropped")));
    }
    for (const stats::MeetResult& meet : in_.meets) Meet(meet);
    if (in_.load->WarmUpRequests() > 0)
      Line(fmt::format("warm-up: {} requests, not counted", Count(in_.load->WarmUpRequests())));
    if (totals_.IterationsInterrupted() > 0)
      Line(fmt::format("{} iterations were interrupted at the end",
                       Count(totals_.IterationsInterrupted())));
  }

  void Meet(const stats::MeetResult& m) {
    if (m.rounds == 0) {
      Line(fmt::format("meet {}: nobody waited", PlainText(m.name)));
      return;
    }
    Line(fmt::format("meet {}: {} round{} of {}, {} users; skew first to last {}, max {}{}",
                     PlainText(m.name), Count(m.rounds), m.rounds == 1 ? "" : "s", Count(m.planned),
                     Count(m.users), FormatNs(m.last_skew_ns), FormatNs(m.max_skew_ns),
                     m.timeouts == 0
                         ? ""
                         : BadIf(true, fmt::format("; {} not full in time", Count(m.timeouts)))));
  }

  void Notes() {
    for (const stats::GuardEvent& e : in_.guard_events) {
      Line(fmt::format("guard {} at {} s: {} ({})",
                       e.kind == stats::GuardEvent::Kind::kFired ? "fired" : "let go", e.second,
                       PlainText(e.text), PlainText(e.reason)));
    }
    for (const std::string& warning : in_.warnings)
      Line(Ink_(Ink::kWarn, "note: ") + PlainText(warning));
  }

  const ReportInput& in_;
  const stats::Totals& totals_;
  const Paint paint_;
  std::string out_;
};

}  // namespace

std::string SummaryText(const ReportInput& input, Paint paint) {
  return Summary(input, paint).Write();
}

}  // namespace ronda::engine::report
