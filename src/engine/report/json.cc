#include <cstddef>

#include "base/json_writer.h"
#include "engine/report/report.h"
#include "engine/report/text.h"

namespace ronda::engine::report {
namespace {

using base::JsonWriter;

double Ms(std::uint64_t ns) { return static_cast<double>(ns) / 1e6; }

void Durations(JsonWriter& json, std::string_view key, const base::Histogram& h) {
  static constexpr double kQ[] = {0.5, 0.9, 0.95, 0.99, 0.999};
  static constexpr std::string_view kNames[] = {"p50", "p90", "p95", "p99", "p999"};
  std::uint64_t values[5];
  h.Quantiles(kQ, values);
  json.Key(key).Object().Field("count", h.count()).Field("min", Ms(h.MinNs()));
  json.Field("mean", h.MeanNs() / 1e6);
  for (std::size_t i = 0; i < 5; ++i) json.Field(kNames[i], Ms(values[i]));
  json.Field("max", Ms(h.MaxNs())).EndObject();
}

void Encoded(JsonWriter& json, std::string_view key, const base::Histogram& h) {
  std::string bytes;
  h.Encode(bytes);
  json.Field(key, Base64(bytes));
}

void Counters(JsonWriter& json, const stats::StepCounters& s, const stats::Shape& shape,
              double seconds) {
  const std::uint64_t runs = s.service.count();
  json.Field("requests", runs)
      .Field("requests_per_second", seconds > 0 ? static_cast<double>(runs) / seconds : 0.0);
  json.Field("failed", s.failed);
  json.Field("error_ratio",
             runs > 0 ? static_cast<double>(s.failed) / static_cast<double>(runs) : 0.0);
  json.Field("bytes_in", s.bytes_in).Field("bytes_out", s.bytes_out);
  Durations(json, "latency_ms", s.Latency());
  Durations(json, "service_ms", s.service);
  json.Key("phases_ms").Object();
  for (std::size_t i = 0; s.phases && i < stats::kPhases; ++i) {
    if ((*s.phases)[i].count() == 0) continue;
    Durations(json, stats::NameOf(static_cast<stats::Phase>(i)), (*s.phases)[i]);
  }
  json.EndObject();
  json.Key("statuses").Object();
  for (const auto& [status, count] : s.statuses) json.Field(std::to_string(status), count);
  json.EndObject();
  json.Key("errors").Object();
  for (const auto& [error, count] : s.errors) {
    json.Field(error < shape.errors.size() ? shape.errors[error] : std::to_string(error), count);
  }
  json.EndObject();
  json.Key("histograms").Object();
  Encoded(json, "latency", s.Latency());
  Encoded(json, "service", s.service);
  json.EndObject();
}

void Conditions(JsonWriter& json, const ReportInput& in) {
  json.Key("thresholds").List();
  for (const stats::ThresholdResult& t : in.thresholds) {
    json.Object().Field("text", t.text);
    json.Field("passed", t.verdict == stats::ThresholdResult::Verdict::kPassed);
    json.Key("actual").List();
    for (const auto& m : t.actual)
      json.Object().Field("name", m.name).Field("value", m.value).EndObject();
    json.EndList().Field("reason", t.reason).EndObject();
  }
  json.EndList().Key("guards").List();
  for (const stats::GuardEvent& e : in.guard_events) {
    json.Object().Field("text", e.text).Field("second", e.second);
    json.Field("event", e.kind == stats::GuardEvent::Kind::kFired ? "fired" : "released");
    json.Field("reason", e.reason).EndObject();
  }
  json.EndList().Key("meets").List();
  for (const stats::MeetResult& m : in.meets) {
    json.Object().Field("name", m.name).Field("planned", m.planned).Field("rounds", m.rounds);
    json.Field("users", m.users).Field("timeouts", m.timeouts);
    json.Field("last_skew_ms", Ms(m.last_skew_ns)).Field("max_skew_ms", Ms(m.max_skew_ns));
    json.EndObject();
  }
  json.EndList();
}

void Failures(JsonWriter& json, const stats::Aggregator& load, std::string_view part) {
  for (const stats::FailureGroup* g : load.Failures()) {
    json.Object().Field("part", part).Field("step", load.shape().steps[g->step].id);
    json.Field("message", g->message).Field("count", g->count);
    json.Field("first_second", g->first_second).Field("last_second", g->last_second).Key("example");
    if (g->example == nullptr) {
      json.Null().EndObject();
      continue;
    }
    const stats::Example& e = *g->example;
    json.Object().Field("trace_id", e.trace_id).Field("user", e.user).Field("detail", e.detail);
    json.Field("time", e.wall_ns == 0 ? std::string() : UtcTime(e.wall_ns));
    json.Field("duration_ms", Ms(e.duration_ns)).Field("request", e.request_line);
    json.Field("request_head", e.request_head).Field("request_body", e.request_body);
    json.Field("response", e.response_line).Field("response_head", e.response_head);
    json.Field("response_body", e.response_body).EndObject().EndObject();
  }
}

template <typename Rows>
void Series(JsonWriter& json, const Rows& rows) {
  json.Field("width", rows.empty() ? 1u : rows.front().width);
  json.Column("requests", rows, [](const auto& r) { return r.requests; });
  json.Column("failed", rows, [](const auto& r) { return r.failed; });
  json.Column("p50_ms", rows, [](const auto& r) { return Ms(r.latency.p50); });
  json.Column("p95_ms", rows, [](const auto& r) { return Ms(r.latency.p95); });
  json.Column("p99_ms", rows, [](const auto& r) { return Ms(r.latency.p99); });
  json.Column("max_ms", rows, [](const auto& r) { return Ms(r.latency.max); });
}

void AllSeries(JsonWriter& json, const stats::Aggregator& load) {
  const auto& rows = load.rows();
  using Row = stats::Row;
  json.Key("series").Object();
  Series(json, rows);
  json.Column("service_p50_ms", rows, [](const Row& r) { return Ms(r.service.p50); });
  json.Column("service_p95_ms", rows, [](const Row& r) { return Ms(r.service.p95); });
  json.Column("service_p99_ms", rows, [](const Row& r) { return Ms(r.service.p99); });
  json.Column("lateness_p99_ms", rows, [](const Row& r) { return Ms(r.lateness_p99); });
  json.Column("lateness_max_ms", rows, [](const Row& r) { return Ms(r.lateness_max); });
  json.Column("users", rows, [](const Row& r) { return r.users; });
  json.Column("connections", rows, [](const Row& r) { return r.connections; });
  json.Column("iterations", rows, [](const Row& r) { return r.iterations; });
  json.Column("dropped", rows, [](const Row& r) { return r.dropped; });
  json.Column("checks_failed", rows, [](const Row& r) { return r.checks_failed; });
  json.Column("bytes_in", rows, [](const Row& r) { return r.bytes_in; });
  json.Column("bytes_out", rows, [](const Row& r) { return r.bytes_out; });
  json.EndObject();
}

void Steps(JsonWriter& json, const stats::Aggregator& load, double seconds) {
  const stats::Shape& shape = load.shape();
  json.Key("steps").List();
  for (std::size_t i = 0; i < shape.steps.size(); ++i) {
    const stats::StepCounters* step = load.totals().steps[i].get();
    if (step == nullptr || step->service.count() == 0) continue;
    json.Object().Field("id", shape.steps[i].id).Field("action", shape.steps[i].action);
    json.Field("scenario",
               shape.scenarios.empty() ? "" : shape.scenarios[shape.steps[i].scenario].name);
    json.Field("network", shape.steps[i].kind == stats::StepKind::kExchange);
    Counters(json, *step, shape, seconds);
    json.Key("series").Object();
    Series(json, load.StepRows(static_cast<stats::StepId>(i)));
    json.EndObject().EndObject();
  }
  json.EndList();
}

void Totals(JsonWriter& json, const stats::Aggregator& load, double seconds) {
  const stats::Totals& totals = load.totals();
  const stats::Gauges gauges = load.CurrentGauges();
  const base::Histogram lateness = totals.Lateness();
  const base::Histogram iteration = totals.IterationDuration();
  json.Key("totals").Object();
  Counters(json, totals.all, load.shape(), seconds);
  json.Field("iterations", totals.Iterations())
      .Field("iterations_failed", totals.IterationsFailed());
  json.Field("iterations_interrupted", totals.IterationsInterrupted());
  json.Field("dropped", totals.Dropped()).Field("warm_up_requests", load.WarmUpRequests());
  json.Field("checks_passed", totals.AllChecks().passed)
      .Field("checks_failed", totals.AllChecks().failed);
  json.Field("failures_without_group", load.FailuresWithoutGroup());
  json.Field("users_max", load.MostUsers()).Field("connections_opened", gauges.connections_opened);
  json.Field("tls_handshakes", gauges.tls_handshakes).Field("tls_resumed", gauges.tls_resumed);
  Durations(json, "lateness_ms", lateness);
  Durations(json, "iteration_ms", iteration);
  json.EndObject();
}

void RunFacts(JsonWriter& json, const ReportInput& in, double seconds) {
  json.Key("run").Object().Field("name", in.name).Field("kind", in.kind).Field("digest", in.digest);
  json.Field("environment", in.environment).Field("id", in.run_id).Field("ronda", in.version);
  json.Field("start", UtcTime(in.start_wall_ns))
      .Field("start_unix_ms", in.start_wall_ns / 1'000'000);
  json.Field("duration_s", static_cast<double>(in.duration_ns) / 1e9).Field("seconds", seconds);
  json.Field("warm_up_s", (in.load->options().warm_up_ns + 999'999'999) / 1'000'000'000);
  json.Field("threads", static_cast<unsigned>(in.threads)).Field("cpu_us", in.cpu_ns / 1000);
  json.Field("single_iteration", in.single_iteration)
      .Field("end", in.end)
      .Field("reason", in.reason);
  json.EndObject();
}

}  // namespace

std::string ReportJson(const ReportInput& in) {
  const stats::Aggregator& load = *in.load;
  const stats::Shape& shape = load.shape();
  const double seconds = load.MeasuredSeconds();
  JsonWriter json;
  json.Object().Field("format", "ronda-report").Field("format_version", 1u);
  json.Field("passed", in.passed).Field("verdict", in.verdict);
  RunFacts(json, in, seconds);
  Conditions(json, in);
  json.Key("checks").List();
  for (std::size_t i = 0; i < shape.checks.size(); ++i) {
    const stats::CheckCounters& c = load.totals().checks[i];
    json.Object()
        .Field("step", shape.steps[shape.checks[i].step].id)
        .Field("name", shape.checks[i].name);
    json.Field("passed", c.passed).Field("failed", c.failed).EndObject();
  }
  json.EndList();
  Totals(json, load, seconds);
  json.Key("scenarios").List();
  for (std::size_t i = 0; i < shape.scenarios.size(); ++i) {
    const stats::ScenarioCounters& s = load.totals().scenarios[i];
    json.Object()
        .Field("name", shape.scenarios[i].name)
        .Field("executor", shape.scenarios[i].executor);
    json.Field("iterations", s.iterations()).Field("iterations_failed", s.failed);
    json.Field("iterations_interrupted", s.interrupted).Field("dropped", s.dropped);
    Durations(json, "iteration_ms", s.duration);
    Durations(json, "lateness_ms", s.lateness);
    json.EndObject();
  }
  json.EndList();
  Steps(json, load, seconds);
  json.Key("failures").List();
  if (in.outer != nullptr) Failures(json, *in.outer, "setup and finally");
  Failures(json, load, "load");
  json.EndList().Key("warnings").List();
  for (const std::string& warning : in.warnings) json.Text(warning);
  json.EndList();
  AllSeries(json, load);
  json.EndObject();
  json.out += '\n';
  return std::move(json.out);
}

}  // namespace ronda::engine::report
