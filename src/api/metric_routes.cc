#include "api/metric_routes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "api/trace_json.h"
#include "api/trace_routes.h"
#include "base/json_writer.h"
#include "series/metrics.h"

namespace ronda::api {
namespace {

namespace query = trace::query;
using base::JsonWriter;

constexpr std::uint64_t kNs = 1'000'000'000;
constexpr std::uint64_t kHourNs = 3600 * kNs;

std::string UnixNs(std::uint64_t time_s) { return std::to_string(time_s * kNs); }

void PutTexts(std::string_view key, const std::vector<std::string>& texts, JsonWriter& json) {
  json.Key(key).List();
  for (const std::string& text : texts) json.Text(text);
  json.EndList();
}

// With as many digits as it takes to read it back, where the writer's six after the point are too few:
// metrics are of any size. Null where it is no number.
void PutNumber(std::string_view key, double value, JsonWriter& json) {
  json.Key(key).Null();
  if (!std::isfinite(value)) return;
  json.out.resize(json.out.size() - std::string_view("null").size());
  json.out += fmt::format("{}", value);
}

// The same of what there is only where something came.
void PutOptional(std::string_view key, bool has, double value, JsonWriter& json) {
  PutNumber(key, has ? value : std::numeric_limits<double>::quiet_NaN(), json);
}

void PutSpread(const series::Distribution& spread, double seconds, JsonWriter& json) {
  static constexpr std::array<std::pair<std::string_view, double>, 4> kQuantiles = {
      {{"p50", 0.5}, {"p90", 0.9}, {"p95", 0.95}, {"p99", 0.99}}};
  const auto count = static_cast<double>(spread.count());
  json.Field("count", spread.count());
  PutNumber("rate", count / seconds, json);
  PutNumber("sum", spread.sum(), json);
  PutOptional("mean", spread.count() > 0, spread.sum() / std::max(count, 1.0), json);
  for (const auto& [name, share] : kQuantiles) PutNumber(name, spread.Quantile(share), json);
  PutNumber("min", spread.min(), json);
  PutNumber("max", spread.max(), json);
}

// What a cell says, as members.
void PutCell(query::MetricType type, const query::MetricCell& cell, std::uint64_t step_s,
             JsonWriter& json) {
  const auto seconds = static_cast<double>(std::max<std::uint64_t>(step_s, 1));
  json.Field("samples", cell.samples).Field("series", cell.series);
  switch (type) {
    case query::MetricType::kGauge:
      for (const auto& [name, value] : {std::pair("mean", cell.mean), std::pair("min", cell.least),
                                        std::pair("max", cell.most), std::pair("sum", cell.sum)}) {
        PutOptional(name, cell.samples > 0, value, json);
      }
      break;
    case query::MetricType::kSum:
      PutNumber("increase", cell.growth, json);
      PutNumber("rate", cell.growth / seconds, json);
      break;
    case query::MetricType::kHistogram: PutSpread(cell.spread, seconds, json); break;
  }
}

void PutGroup(const query::MetricGroup& group, const std::vector<std::string>& by,
              const query::MetricAnswer& answer, JsonWriter& json) {
  json.Object().Key("by").Object();
  for (std::size_t i = 0; i < by.size(); ++i) json.Field(by[i], group.values[i]);
  json.EndObject().Field("type", query::NameOf(group.type));
  PutCell(group.type, group.total, answer.to_s - answer.from_s, json);
  if (answer.step_s > 0) {
    json.Key("steps").List();
    for (const query::MetricCell& cell : group.steps) {
      json.Object();
      PutCell(group.type, cell, answer.step_s, json);
      json.EndObject();
    }
    json.EndList();
  }
  json.EndObject();
}

std::vector<std::string> SplitAtCommas(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    if (comma > 0) parts.emplace_back(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return parts;
}

std::vector<Parameter> WithWindow(std::vector<Parameter> own) {
  own.push_back({"service", "Only of this one"});
  const Schema time = schema::Within(schema::Integer(), 0, {});
  own.push_back({"start", "ns since 1970; an hour before the end", time});
  own.push_back({"end", "ns since 1970; now", time});
  return own;
}

}  // namespace

void MetricRoutes::AddTo(Router& router) {
  router.Add({.pattern = "/api/v1/metrics",
              .summary = "Which metrics there are: name, type, unit, services, attributes",
              .parameters = WithWindow({}),
              .access = {.area = Area::kTraces},
              .answer = [this](const Call& call) { return List(call); }});
  router.Add(
      {.pattern = "/api/v1/metrics/{name}",
       .summary = "A metric's figures: gauges, rates of sums, percentiles of histograms",
       .parameters = WithWindow(
           {{"by", "Attributes to tell apart, with commas; none by default"},
            {"where", "ATTRIBUTE=VALUE, which has to hold; several, then all of them",
             schema::ListOf(schema::Text())},
            {"step", "A duration of whole 10s: figures for each; without it, of all"},
            {"limit", "Groups, 1 to 1000; 100", schema::Within(schema::Integer(), 1, 1000)}}),
       .access = {.area = Area::kTraces},
       .answer = [this](const Call& call) { return Figures(call); }});
  router.Add({.pattern = "/api/v1/metrics/{name}/attributes",
              .summary = "The attributes of a metric's series, and their values",
              .parameters = WithWindow({}),
              .access = {.area = Area::kTraces},
              .answer = [this](const Call& call) { return Attributes(call); }});
}

base::Result<MetricRoutes::Window> MetricRoutes::WindowOf(const Call& call) const {
  ASSIGN_OR_RETURN(const std::uint64_t end, NumberIn(call, "end", clock_.WallNs()));
  ASSIGN_OR_RETURN(const std::uint64_t start,
                   NumberIn(call, "start", end - std::min(end, kHourNs)));
  if (start < end) return Window{start / kNs, end / kNs + (end % kNs > 0 ? 1 : 0)};
  return base::InvalidArgument("the time asked for is empty: start is not before end");
}

base::Result<query::MetricRequest> MetricRoutes::RequestOf(const Call& call) const {
  ASSIGN_OR_RETURN(const Window window, WindowOf(call));
  query::MetricRequest request{.metric = call.path.at("name"),
                               .from_s = window.from_s,
                               .to_s = window.to_s,
                               .now_s = clock_.WallNs() / kNs};
  ASSIGN_OR_RETURN(request.step_s, StepIn(call));
  request.by = SplitAtCommas(call.Query("by").value_or(""));
  if (const auto service = call.Query("service")) {
    request.where.push_back({std::string(series::metrics::kService), *service});
  }
  ASSIGN_OR_RETURN(const auto filters, WhereIn(call));
  for (const auto& [attribute, value] : filters) request.where.push_back({attribute, value});
  return request;
}

base::Result<http::Response> MetricRoutes::List(const Call& call) {
  const auto window = WindowOf(call);
  if (!window.ok()) return window.status();
  const auto notices = query::NotKept(metrics_, window->from_s, window->to_s);
  if (!notices.ok()) return notices.status();
  JsonWriter json;
  json.Object().Key("metrics").List();
  for (const query::MetricInfo& metric : query::ListMetrics(metrics_, window->from_s, window->to_s,
                                                            call.Query("service").value_or(""))) {
    json.Object().Field("name", metric.name).Field("type", query::NameOf(metric.type));
    json.Field("series", metric.series);
    PutTexts("units", metric.units, json);
    PutTexts("services", metric.services, json);
    PutTexts("attributes", metric.attributes, json);
    json.EndObject();
  }
  json.EndList();
  PutNotices(*notices, json);
  json.EndObject();
  return http::Response{.body = std::move(json.out)};
}

base::Result<http::Response> MetricRoutes::Attributes(const Call& call) {
  const auto window = WindowOf(call);
  if (!window.ok()) return window.status();
  JsonWriter json;
  json.Object().Key("attributes").List();
  for (const query::AttributeValues& attribute :
       query::AttributesOf(metrics_, call.path.at("name"), window->from_s, window->to_s,
                           call.Query("service").value_or(""))) {
    json.Object().Field("name", attribute.name).Field("total_values", attribute.total);
    PutTexts("values", attribute.values, json);
    json.EndObject();
  }
  json.EndList().EndObject();
  return http::Response{.body = std::move(json.out)};
}

base::Result<http::Response> MetricRoutes::Figures(const Call& call) {
  const auto request = RequestOf(call);
  if (!request.ok()) return request.status();
  const auto limit = LimitIn(call);
  if (!limit.ok()) return limit.status();
  auto answer = query::ReadMetric(metrics_, *request);
  if (!answer.ok()) return answer.status();
  const auto not_kept = query::NotKept(metrics_, request->from_s, request->to_s);
  if (!not_kept.ok()) return not_kept.status();
  answer->notices.insert(answer->notices.end(), not_kept->begin(), not_kept->end());
  JsonWriter json;
  json.Object().Field("metric", request->metric).Field("start_unix_ns", UnixNs(answer->from_s));
  json.Field("end_unix_ns", UnixNs(answer->to_s)).Field("step_ns", answer->step_s * kNs);
  json.Field("total_groups", std::uint64_t{answer->groups.size()}).Key("groups").List();
  for (std::size_t g = 0; g < std::min<std::size_t>(*limit, answer->groups.size()); ++g) {
    PutGroup(answer->groups[g], request->by, *answer, json);
  }
  json.EndList();
  PutNotices(answer->notices, json);
  json.EndObject();
  return http::Response{.body = std::move(json.out)};
}

}  // namespace ronda::api
