#include <fmt/format.h>

#include "engine/report/report.h"

namespace ronda::engine::report {
namespace {

double Ms(std::uint64_t ns) { return static_cast<double>(ns) / 1e6; }

std::string Quantiles(const base::Histogram& h) {
  return fmt::format(
      "{{\"count\":{},\"mean\":{:.6f},\"p50\":{:.6f},\"p90\":{:.6f},\"p95\":{:.6f},\"p99\":{:.6f},"
      "\"p999\":{:.6f},\"max\":{:.6f}}}",
      h.count(), h.MeanNs() / 1e6, Ms(h.Quantile(0.5)), Ms(h.Quantile(0.9)), Ms(h.Quantile(0.95)),
      Ms(h.Quantile(0.99)), Ms(h.Quantile(0.999)), Ms(h.Quantile(1)));
}

template <typename Range, typename F>
std::string List(const Range& range, F&& item) {
  std::string out = "[";
  for (const auto& each : range) {
    if (out.size() > 1) out += ',';
    out += item(each);
  }
  return out + "]";
}

std::string Step(const stats::StepInfo& info, const stats::StepCounters& s) {
  std::string phases = "{";
  if (s.phases) {
    for (std::size_t i = 0; i < stats::kPhases; ++i) {
      if ((*s.phases)[i].count() == 0) continue;
      if (phases.size() > 1) phases += ',';
      phases += fmt::format("\"{}\":{}", stats::NameOf(static_cast<stats::Phase>(i)),
                            Quantiles((*s.phases)[i]));
    }
  }
  const auto status = [](const auto& pair) {
    return fmt::format("{{\"status\":{},\"count\":{}}}", pair.first, pair.second);
  };
  return fmt::format(
      "{{\"id\":{},\"action\":{},\"requests\":{},\"failed\":{},\"bytes_in\":{},\"bytes_out\":{},"
      "\"latency_ms\":{},\"service_ms\":{},\"phases_ms\":{},\"statuses\":{}}}",
      JsonText(info.id), JsonText(info.action), s.requests, s.failed, s.bytes_in, s.bytes_out,
      Quantiles(s.Latency()), Quantiles(s.service), phases + "}", List(s.statuses, status));
}

std::string Row(const stats::Row& r) {
  return fmt::format(
      "{{\"second\":{},\"width\":{},\"requests\":{},\"failed\":{},\"iterations\":{},\"dropped\":{},"
      "\"users\":{},\"p50_ms\":{:.6f},\"p95_ms\":{:.6f},"
      "\"p99_ms\":{:.6f},\"max_ms\":{:.6f},\"service_p95_ms\":{:.6f},\"lateness_p99_ms\":{:.6f}}}",
      r.second, r.width, r.requests, r.failed, r.iterations, r.dropped, r.users, Ms(r.latency.p50),
      Ms(r.latency.p95), Ms(r.latency.p99), Ms(r.latency.max), Ms(r.service.p95),
      Ms(r.lateness_p99));
}

std::string Failure(const stats::FailureGroup& g, const stats::Shape& shape) {
  std::string example = "null";
  if (g.example) {
    const stats::Example& e = *g.example;
    example = fmt::format(
        "{{\"trace_id\":{},\"user\":{},\"request\":{},\"request_headers\":{},\"request_body\":{},"
        "\"response\":{},\"response_headers\":{},\"response_body\":{},\"detail\":{}}}",
        JsonText(e.trace_id), JsonText(e.user), JsonText(e.request_line), JsonText(e.request_head),
        JsonText(e.request_body), JsonText(e.response_line), JsonText(e.response_head),
        JsonText(e.response_body), JsonText(e.detail));
  }
  return fmt::format(
      "{{\"step\":{},\"message\":{},\"count\":{},\"first_second\":{},\"last_second\":{},"
      "\"example\":{}}}",
      JsonText(shape.steps[g.step].id), JsonText(g.message), g.count, g.first_second, g.last_second,
      example);
}

}  // namespace

std::string ReportJson(const ReportInput& in) {
  const stats::Aggregator& load = *in.load;
  const stats::Shape& shape = load.shape();
  const stats::Totals& totals = load.totals();
  const double seconds = load.MeasuredSeconds();
  std::string steps;
  for (std::size_t i = 0; i < shape.steps.size() && i < totals.steps.size(); ++i) {
    if (totals.steps[i] == nullptr) continue;
    steps += (steps.empty() ? "" : ",") + Step(shape.steps[i], *totals.steps[i]);
  }
  std::string checks;
  for (std::size_t i = 0; i < shape.checks.size() && i < totals.checks.size(); ++i) {
    checks += fmt::format("{}{{\"step\":{},\"name\":{},\"passed\":{},\"failed\":{}}}",
                          checks.empty() ? "" : ",", JsonText(shape.steps[shape.checks[i].step].id),
                          JsonText(shape.checks[i].name), totals.checks[i].passed,
                          totals.checks[i].failed);
  }
  const auto threshold = [](const stats::ThresholdResult& t) {
    const auto metric = [](const stats::MetricValue& m) {
      return fmt::format("{{\"name\":{},\"value\":{}}}", JsonText(m.name), JsonText(m.value));
    };
    return fmt::format("{{\"text\":{},\"passed\":{},\"actual\":{},\"reason\":{}}}",
                       JsonText(t.text), t.verdict == stats::ThresholdResult::Verdict::kPassed,
                       List(t.actual, metric), JsonText(t.reason));
  };
  const auto guard = [](const stats::GuardEvent& e) {
    return fmt::format("{{\"guard\":{},\"event\":{},\"second\":{},\"reason\":{}}}",
                       JsonText(e.text),
                       JsonText(e.kind == stats::GuardEvent::Kind::kFired ? "fired" : "released"),
                       e.second, JsonText(e.reason));
  };
  std::string failures =
      List(load.Failures(), [&](const stats::FailureGroup* g) { return Failure(*g, shape); });
  if (in.outer != nullptr && !in.outer->Failures().empty()) {
    const std::string outer = List(
        in.outer->Failures(), [&](const stats::FailureGroup* g) { return Failure(*g, shape); });
    failures =
        failures == "[]" ? outer : outer.substr(0, outer.size() - 1) + "," + failures.substr(1);
  }
  return fmt::format(
             "{{\"format\":\"ronda-report\",\"format_version\":1,\"ronda\":{},\"name\":{},\"kind\":"
             "{},\"digest\":{},\"environment\":{},\"run_id\":{},"
             "\"start_unix_ms\":{},\"duration_s\":{:.3f},\"measured_s\":{:.3f},\"threads\":{},"
             "\"cpu_us\":{},\"end\":{},\"reason\":{},\"passed\":{},\"verdict\":{},"
             "\"thresholds\":{},\"checks\":[{}],",
             JsonText(in.version), JsonText(in.name), JsonText(in.kind), JsonText(in.digest),
             JsonText(in.environment), JsonText(in.run_id), in.start_wall_ns / 1'000'000,
             static_cast<double>(in.duration_ns) / 1e9, seconds, in.threads, in.cpu_ns / 1000,
             JsonText(in.end), JsonText(in.reason), in.passed, JsonText(in.verdict),
             List(in.thresholds, threshold), checks) +
         fmt::format(
             "\"requests\":{},\"requests_per_second\":{:.3f},\"failed\":{},\"iterations\":{},"
             "\"iterations_failed\":{},\"iterations_interrupted\":{},\"dropped\":{},"
             "\"warm_up_requests\":{},\"users_max\":{},\"connections_opened\":{},\"bytes_in\":{},"
             "\"bytes_out\":{},\"latency_ms\":{},\"service_ms\":{},\"lateness_ms\":{},"
             "\"steps\":[{}],\"failures\":{},\"guards\":{},\"warnings\":{},\"seconds\":{}}}\n",
             totals.all.requests,
             seconds > 0 ? static_cast<double>(totals.all.requests) / seconds : 0.0,
             totals.all.failed, totals.Iterations(), totals.IterationsFailed(),
             totals.IterationsInterrupted(), totals.Dropped(), load.WarmUpRequests(),
             load.MostUsers(), load.CurrentGauges().connections_opened, totals.all.bytes_in,
             totals.all.bytes_out, Quantiles(totals.all.Latency()), Quantiles(totals.all.service),
             Quantiles(totals.Lateness()), steps, failures, List(in.guard_events, guard),
             List(in.warnings, [](const std::string& w) { return JsonText(w); }),
             List(load.rows(), Row));
}

}  // namespace ronda::engine::report
