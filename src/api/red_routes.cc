#include "api/red_routes.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "api/jaeger.h"
#include "api/trace_json.h"
#include "api/trace_routes.h"
#include "base/json_writer.h"
#include "base/units.h"
#include "series/red.h"
#include "trace/query/service_map.h"
#include "trace/query/slow.h"

namespace ronda::api {
namespace {

namespace query = trace::query;
namespace red = series::red;
using base::JsonWriter;

constexpr std::uint64_t kNs = 1'000'000'000;
constexpr std::uint64_t kLongestNs = 30 * kNs;
constexpr std::uint64_t kHourNs = 3600 * kNs;
constexpr std::array kLabels = {red::kService, red::kOperation,   red::kKind, red::kTechnology,
                                red::kPeer,    red::kEnvironment, red::kRun};

std::string UnixNs(std::uint64_t time_s) { return std::to_string(time_s * kNs); }

// Spans, errors and quantiles of a cell, as members.
void PutCell(const query::RedCell& cell, std::uint64_t seconds, JsonWriter& json) {
  static constexpr std::array kQuantiles = {0.5, 0.9, 0.95, 0.99};
  std::array<std::uint64_t, kQuantiles.size()> ns{};
  cell.durations.Quantiles(kQuantiles, ns);
  json.Field("spans", cell.spans).Field("errors", cell.errors);
  json.Field("rate", static_cast<double>(cell.spans) /
                         static_cast<double>(std::max<std::uint64_t>(seconds, 1)));
  json.Field("mean_ns", static_cast<std::uint64_t>(cell.durations.MeanNs()));
  json.Field("p50_ns", ns[0]).Field("p90_ns", ns[1]).Field("p95_ns", ns[2]).Field("p99_ns", ns[3]);
  json.Field("max_ns", cell.durations.MaxNs());
}

// "entry" and "exit" are the kinds at a service's edge.
std::vector<std::string> KindsOf(const std::string& text) {
  if (text == "entry") return {"server", "consumer"};
  if (text == "exit") return {"client", "producer"};
  return {text};
}

base::Result<std::vector<std::string>> LabelsIn(const Call& call) {
  std::vector<std::string> labels;
  std::string_view rest;
  const std::string text = call.Query("by").value_or(std::string(red::kService));
  for (rest = text; !rest.empty();) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    const std::string_view label = rest.substr(0, comma);
    if (std::ranges::find(kLabels, label) == kLabels.end()) {
      return base::InvalidArgument("by: \"" + std::string(label) +
                                   "\" is none of service, operation, kind, technology, peer, "
                                   "environment, run");
    }
    labels.emplace_back(label);
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return labels;
}

std::vector<Parameter> WithCommon(std::vector<Parameter> own) {
  for (const Parameter& parameter : std::initializer_list<Parameter>{
           {"start", "ns since 1970; an hour before the end",
            schema::Within(schema::Integer(), 0, {})},
           {"end", "ns since 1970; now", schema::Within(schema::Integer(), 0, {})},
           {"service", "Only of this one"},
           {"environment", "Only of this one"},
           {"run", "Only of this drill run"}}) {
    own.push_back(parameter);
  }
  return own;
}

}  // namespace

void RedRoutes::AddTo(Router& router) {
  router.Add({.pattern = "/api/v1/red",
              .summary = "Rate, errors and durations of spans, as measured on arrival",
              .parameters = WithCommon(
                  {{"by",
                    "Labels to tell apart, with commas: service (alone by default), "
                    "operation, kind, technology, peer, environment, run"},
                   {"step", "A duration of whole 10s: figures for each; without it, of all"},
                   {"operation", "Only of this one"},
                   {"kind",
                    "Only of this one; entry: server and consumer, exit: client and "
                    "producer"},
                   {"technology", "Only of this one"},
                   {"peer", "Only with this one"},
                   {"limit", "Groups with most spans, 1 to 1000; 100",
                    schema::Within(schema::Integer(), 1, 1000)}}),
              .access = {.area = Area::kTraces},
              .answer = [this](const Call& call) { return Red(call); }});
  router.Add({.pattern = "/api/v1/map",
              .summary = "Who calls whom, how often, with how many errors, how fast",
              .parameters = WithCommon({}),
              .access = {.area = Area::kTraces},
              .answer = [this](const Call& call) { return Map(call); }});
  router.Add({.pattern = "/api/v1/exceptions",
              .summary = "Exceptions by type and place",
              .parameters = WithCommon({{"limit", "The most frequent, 1 to 1000; 100",
                                         schema::Within(schema::Integer(), 1, 1000)}}),
              .access = {.area = Area::kTraces},
              .answer = [this](const Call& call) { return Exceptions(call); }});
  router.Add(
      {.pattern = "/api/v1/slow",
       .summary = "The slowest calls or statements that are kept",
       .parameters = {{"what", "calls (by default) or sql"},
                      {"threshold", "A duration: how long at least; 100ms"},
                      {"service", "Only of this one"},
                      {"start", "ns since 1970; an hour before the end",
                       schema::Within(schema::Integer(), 0, {})},
                      {"end", "ns since 1970; now", schema::Within(schema::Integer(), 0, {})},
                      {"limit", "1 to 1000; 100", schema::Within(schema::Integer(), 1, 1000)}},
       .access = {.area = Area::kTraces},
       .answer = [this](const Call& call) { return Slow(call); }});
  router.Add({.pattern = "/api/dependencies",
              .summary = "Jaeger: who calls whom; the calls of the service map",
              .parameters = {{"endTs", "ms since 1970"}, {"lookback", "ms"}},
              .access = {.area = Area::kTraces},
              .unknown_parameters = UnknownParameters::kIgnored,
              .answer = [this](const Call& call) { return JaegerDependencies(call); }});
}

base::Result<query::RedRequest> RedRoutes::RequestOf(const Call& call) const {
  ASSIGN_OR_RETURN(const std::uint64_t end, NumberIn(call, "end", clock_.WallNs()));
  ASSIGN_OR_RETURN(const std::uint64_t start,
                   NumberIn(call, "start", end - std::min(end, kHourNs)));
  if (start >= end)
    return base::InvalidArgument("the time asked for is empty: start is not before end");
  query::RedRequest request{.from_s = start / kNs, .to_s = end / kNs + (end % kNs > 0 ? 1 : 0)};
  for (const std::string_view label : kLabels) {
    const auto value = call.Query(label);
    if (!value) continue;
    request.where.push_back({std::string(label), label == red::kKind
                                                     ? KindsOf(*value)
                                                     : std::vector<std::string>{*value}});
  }
  return request;
}

base::Result<http::Response> RedRoutes::Red(const Call& call) {
  auto request = RequestOf(call);
  if (!request.ok()) return request.status();
  auto labels = LabelsIn(call);
  if (!labels.ok()) return labels.status();
  request->by = *labels;
  const auto limit = LimitIn(call);
  if (!limit.ok()) return limit.status();
  const auto step = StepIn(call);
  if (!step.ok()) return step.status();
  request->step_s = *step;
  const auto answer = query::ReadRed(red_, *request);
  if (!answer.ok()) return answer.status();
  JsonWriter json;
  json.Object().Field("start_unix_ns", UnixNs(answer->from_s));
  json.Field("end_unix_ns", UnixNs(answer->to_s)).Field("step_ns", answer->step_s * kNs);
  json.Field("total_groups", std::uint64_t{answer->groups.size()}).Key("groups").List();
  for (std::size_t g = 0; g < std::min<std::size_t>(*limit, answer->groups.size()); ++g) {
    const query::RedGroup& group = answer->groups[g];
    json.Object();
    for (std::size_t i = 0; i < labels->size(); ++i) json.Field((*labels)[i], group.values[i]);
    PutCell(group.total, answer->to_s - answer->from_s, json);
    if (answer->step_s > 0) {
      json.Key("steps").List();
      for (const query::RedCell& cell : group.steps) {
        json.Object();
        PutCell(cell, answer->step_s, json);
        json.EndObject();
      }
      json.EndList();
    }
    json.EndObject();
  }
  json.EndList();
  PutNotices(answer->notices, json);
  json.EndObject();
  return http::Response{.body = std::move(json.out)};
}

base::Result<http::Response> RedRoutes::Map(const Call& call) {
  const auto request = RequestOf(call);
  if (!request.ok()) return request.status();
  const auto map =
      query::ReadMap(red_, traces_, clock_, *request, clock_.MonotonicNs() + kLongestNs);
  if (!map.ok()) return map.status();
  const std::uint64_t seconds = map->to_s - map->from_s;
  JsonWriter json;
  json.Object().Field("start_unix_ns", UnixNs(map->from_s));
  json.Field("end_unix_ns", UnixNs(map->to_s)).Field("traces", map->traces).Key("nodes").List();
  for (const query::MapNode& node : map->nodes) {
    const bool service = node.kind == query::MapNode::Kind::kService;
    json.Object().Field("name", node.name).Field("kind", service ? "service" : "peer");
    if (service) {
      PutCell(node.served, seconds, json);
    } else {
      json.Field("technology", node.technology);
    }
    json.EndObject();
  }
  json.EndList().Key("edges").List();
  for (const query::MapEdge& edge : map->edges) {
    json.Object().Field("from", edge.from).Field("to", edge.to);
    json.Field("technology", edge.technology);
    PutCell(edge.calls, seconds, json);
    json.EndObject();
  }
  json.EndList();
  PutNotices(map->notices, json);
  json.EndObject();
  return http::Response{.body = std::move(json.out)};
}

base::Result<http::Response> RedRoutes::Exceptions(const Call& call) {
  const auto request = RequestOf(call);
  if (!request.ok()) return request.status();
  const auto limit = LimitIn(call);
  if (!limit.ok()) return limit.status();
  std::vector<std::string> notices;
  const auto groups = query::ReadExceptions(red_, *request, notices);
  if (!groups.ok()) return groups.status();
  const auto put_all = [](std::string_view key, const std::vector<std::string>& texts,
                          JsonWriter& json) {
    json.Key(key).List();
    for (const std::string& text : texts) json.Text(text);
    json.EndList();
  };
  JsonWriter json;
  json.Object().Key("exceptions").List();
  for (std::size_t i = 0; i < std::min<std::size_t>(*limit, groups->size()); ++i) {
    const query::ExceptionGroup& group = (*groups)[i];
    json.Object().Field("type", group.type).Field("fingerprint", group.fingerprint);
    json.Field("frame", group.frame).Field("count", group.count);
    json.Field("first_unix_ns", UnixNs(group.first_s)).Field("last_unix_ns", UnixNs(group.last_s));
    put_all("services", group.services, json);
    put_all("operations", group.operations, json);
    json.EndObject();
  }
  json.EndList();
  PutNotices(notices, json);
  json.EndObject();
  return http::Response{.body = std::move(json.out)};
}

base::Result<http::Response> RedRoutes::Slow(const Call& call) {
  query::SlowRequest request{.deadline_ns = clock_.MonotonicNs() + kLongestNs};
  const std::string what = call.Query("what").value_or("calls");
  if (what != "calls" && what != "sql") {
    return base::InvalidArgument("what is calls or sql, not \"" + what + "\"");
  }
  if (what == "sql") request.what = query::SlowRequest::What::kSql;
  request.service = call.Query("service").value_or("");
  const auto threshold = base::ParseDuration(call.Query("threshold").value_or("100ms"));
  if (!threshold.ok()) {
    return base::InvalidArgument("threshold: " + threshold.status().message());
  }
  request.least_ns = static_cast<std::uint64_t>(*threshold);
  const auto end = NumberIn(call, "end", clock_.WallNs());
  if (!end.ok()) return end.status();
  const auto start = NumberIn(call, "start", *end - std::min(*end, kHourNs));
  const auto limit = LimitIn(call);
  for (const auto* number : {&start, &limit}) {
    if (!number->ok()) return number->status();
  }
  request.from_ns = *start;
  request.to_ns = *end;
  request.limit = static_cast<std::uint32_t>(*limit);
  const auto answer = query::FindSlow(traces_, clock_, request);
  if (!answer.ok()) return answer.status();
  JsonWriter json;
  json.Object().Key("spans").List();
  for (const query::SlowSpan& span : answer->spans) {
    json.Object()
        .Field("trace_id", base::ToHex(span.trace))
        .Field("span_id", SpanIdText(span.span));
    json.Field("start_unix_ns", std::to_string(span.start_ns));
    json.Field("duration_ns", span.duration_ns).Field("service", span.service);
    json.Field("operation", span.operation).Field("technology", span.technology);
    json.Field("peer", span.peer).Field("statement", span.statement).Field("error", span.error);
    json.EndObject();
  }
  json.EndList().Field("all", answer->all);
  PutNotices(answer->notices, json);
  json.EndObject();
  return http::Response{.body = std::move(json.out)};
}

http::Response RedRoutes::JaegerDependencies(const Call& call) {
  const auto end = NumberIn(call, "endTs", clock_.WallNs() / 1'000'000);
  const auto lookback = NumberIn(call, "lookback", 86'400'000);
  if (!end.ok()) return JaegerError(end.status());
  if (!lookback.ok()) return JaegerError(lookback.status());
  // Seconds of any year fit.
  const std::uint64_t to_s = *end / 1000 + 1;
  query::RedRequest request{.from_s = to_s - std::min(to_s, *lookback / 1000 + 1), .to_s = to_s};
  request.to_s = std::min(request.to_s, std::numeric_limits<std::uint64_t>::max() / kNs);
  const auto map =
      query::ReadMap(red_, traces_, clock_, request, clock_.MonotonicNs() + kLongestNs);
  if (!map.ok()) return JaegerError(map.status());
  JsonWriter data;
  data.List();
  for (const query::MapEdge& edge : map->edges) {
    data.Object().Field("parent", edge.from).Field("child", edge.to);
    data.Field("callCount", edge.calls.spans).EndObject();
  }
  data.EndList();
  return JaegerAnswer(std::move(data), map->edges.size());
}

}  // namespace ronda::api
