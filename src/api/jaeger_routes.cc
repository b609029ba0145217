// The query API of Jaeger (jaegertracing.io, "APIs", cmd/query/app/http_handler.go): what its UI and
// Grafana's Jaeger source call.
#include <simdjson.h>

#include <charconv>
#include <limits>
#include <set>

#include "api/jaeger.h"
#include "api/trace_json.h"
#include "api/trace_routes.h"
#include "base/units.h"
#include "trace/query/search.h"
#include "trace/query/trace_reader.h"

namespace ronda::api {

http::Response JaegerAnswer(base::JsonWriter data, std::size_t total) {
  base::JsonWriter json;
  json.out = "{\"data\":" + data.out;
  json.out += ",\"total\":" + std::to_string(total) + ",\"limit\":0,\"offset\":0,\"errors\":null}";
  return {.body = std::move(json.out)};
}

http::Response JaegerError(int status, std::string_view message, std::string_view trace) {
  base::JsonWriter json;
  json.Object().Key("data").Null().Field("total", 0u).Field("limit", 0u).Field("offset", 0u);
  json.Key("errors").List().Object().Field("code", static_cast<unsigned>(status));
  json.Field("msg", message);
  if (!trace.empty()) json.Field("traceID", trace);
  json.EndObject().EndList().EndObject();
  return {.status = status, .body = std::move(json.out)};
}

http::Response JaegerError(const base::Status& status) {
  return JaegerError(base::HttpStatusOf(status.code()), status.message());
}

namespace {

namespace otlp = wire::otlp;
namespace query = trace::query;
using base::JsonWriter;
using query::Compare;
using query::Condition;
using query::Field;

constexpr std::size_t kMostTags = 64;

Condition Equal(Field field, query::Literal literal, std::string key = "") {
  return query::Is({.field = field,
                    .key = std::move(key),
                    .compare = Compare::kEqual,
                    .literal = std::move(literal)});
}

// A tag is a text, whatever type the attribute has: any value that reads so.
Condition TagCondition(const std::string& key, const std::string& text) {
  if (key == "error") {
    Condition error = Equal(Field::kStatus, std::int64_t{otlp::kStatusError});
    if (text == "true") return error;
    if (text == "false") return query::Not(std::move(error));
  }
  if (key == "otel.status_code" && (text == "ERROR" || text == "OK")) {
    return Equal(Field::kStatus, std::int64_t{text == "OK" ? otlp::kStatusOk : otlp::kStatusError});
  }
  if (key == "span.kind") {
    for (std::int32_t kind = 0; kind < 6; ++kind) {
      if (KindName(kind) == text) return Equal(Field::kKind, std::int64_t{kind});
    }
  }
  std::vector<Condition> any{Equal(Field::kAttribute, text, key)};
  if (text == "true" || text == "false") {
    any.push_back(Equal(Field::kAttribute, text == "true", key));
  }
  std::int64_t whole = 0;
  double real = 0;
  const char* end = text.data() + text.size();
  if (std::from_chars(text.data(), end, whole).ptr == end && !text.empty()) {
    any.push_back(Equal(Field::kAttribute, whole, key));
  } else if (std::from_chars(text.data(), end, real).ptr == end && !text.empty()) {
    any.push_back(Equal(Field::kAttribute, real, key));
  }
  return query::Any(std::move(any));
}

// `tags={"a":"1"}` and any number of `tag=a:1`.
base::Status AddTags(const Call& call, std::vector<Condition>& all) {
  const auto add = [&](std::string_view key, std::string_view value) {
    all.push_back(TagCondition(std::string(key), std::string(value)));
    return all.size() <= kMostTags;
  };
  const base::Status too_many = base::InvalidArgument("too many tags");
  for (auto [at, end] = call.query.equal_range("tag"); at != end; ++at) {
    const std::size_t colon = at->second.find(':');
    if (colon == std::string::npos) {
      return base::InvalidArgument("malformed 'tag' parameter, expecting key:value: " + at->second);
    }
    if (!add(at->second.substr(0, colon), at->second.substr(colon + 1))) return too_many;
  }
  const auto tags = call.Query("tags");
  if (!tags) return base::Ok();
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(*tags).get_object().get(object) != simdjson::SUCCESS) {
    return base::InvalidArgument("malformed 'tags' parameter: an object of texts is expected");
  }
  for (const auto& [key, value] : object) {
    std::string_view text;
    if (value.get_string().get(text) != simdjson::SUCCESS) {
      return base::InvalidArgument("malformed 'tags' parameter: the value of \"" +
                                   std::string(key) + "\" is no text");
    }
    if (!add(key, text)) return too_many;
  }
  return base::Ok();
}

// Go's durations are ours, but for the micro sign.
base::Status AddDuration(const Call& call, std::string_view name, Compare compare,
                         std::vector<Condition>& all) {
  auto text = call.Query(name);
  if (!text) return base::Ok();
  for (const std::string_view micro : {"\xc2\xb5", "\xce\xbc"}) {
    if (const std::size_t at = text->find(micro); at != std::string::npos) {
      text->replace(at, micro.size(), "u");
    }
  }
  const auto duration = base::ParseDuration(*text);
  if (!duration.ok()) {
    return base::InvalidArgument("could not parse " + std::string(name) + ": " +
                                 duration.status().message());
  }
  all.push_back(query::Is({.field = Field::kDuration, .compare = compare, .literal = *duration}));
  return base::Ok();
}

base::Status ReadTimes(const Call& call, const base::Clock& clock, query::SearchRequest& request) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max() / 1000;
  ASSIGN_OR_RETURN(const std::uint64_t start, NumberIn(call, "start", 0));
  ASSIGN_OR_RETURN(const std::uint64_t end, NumberIn(call, "end", kMost));
  request.from_ns = std::min(start, kMost) * 1000;
  if (call.Query("end")) request.to_ns = std::min(end, kMost - 1) * 1000 + 1000;
  const auto lookback = call.Query("lookback");
  if (call.Query("start") || !lookback || *lookback == "custom") return base::Ok();
  const auto back = base::ParseDuration(*lookback);
  if (!back.ok()) return base::InvalidArgument("could not parse lookback: " + *lookback);
  const std::uint64_t until = call.Query("end") ? request.to_ns : clock.WallNs();
  request.from_ns = until - std::min(until, static_cast<std::uint64_t>(*back));
  return base::Ok();
}

base::Result<query::SearchRequest> RequestOf(const Call& call, const base::Clock& clock) {
  std::vector<Condition> all;
  if (const auto service = call.Query("service")) all.push_back(Equal(Field::kService, *service));
  const auto operation = call.Query("operation");
  if (operation && *operation != "all") all.push_back(Equal(Field::kName, *operation));
  RETURN_IF_ERROR(AddTags(call, all));
  RETURN_IF_ERROR(AddDuration(call, "minDuration", Compare::kGreaterOrEqual, all));
  RETURN_IF_ERROR(AddDuration(call, "maxDuration", Compare::kLessOrEqual, all));
  query::SearchRequest request{.where = query::All(std::move(all))};
  RETURN_IF_ERROR(ReadTimes(call, clock, request));
  ASSIGN_OR_RETURN(const std::uint64_t limit, NumberIn(call, "limit", 20));
  request.limit = static_cast<std::uint32_t>(
      std::clamp<std::uint64_t>(limit == 0 ? 20 : limit, 1, query::kMostResults));
  return request;
}

}  // namespace

void TraceRoutes::AddJaegerTo(Router& router) {
  const auto add = [&](std::string_view pattern, std::string_view summary,
                       std::vector<Parameter> parameters,
                       http::Response (TraceRoutes::*answer)(const Call&)) {
    router.Add({.pattern = pattern,
                .summary = summary,
                .parameters = std::move(parameters),
                .access = {.area = Area::kTraces},
                .unknown_parameters = UnknownParameters::kIgnored,
                .answer = [this, answer](const Call& call) { return (this->*answer)(call); }});
  };
  add("/api/services", "Jaeger: services", {}, &TraceRoutes::JaegerServices);
  add("/api/services/{service}/operations", "Jaeger: names of operations", {},
      &TraceRoutes::JaegerOperationNames);
  add("/api/operations", "Jaeger: operations with their kinds",
      {{"service", "Of which service"}, {"spanKind", "Only of this kind"}},
      &TraceRoutes::JaegerOperations);
  add("/api/traces", "Jaeger: search",
      {{"service", "May be missing here"},
       {"operation", "Name of a span"},
       {"tags", "An object of texts, as JSON"},
       {"tag", "key:value; may be repeated"},
       {"start", "us since 1970"},
       {"end", "us since 1970"},
       {"lookback", "A duration, where there is no start"},
       {"minDuration", "A duration"},
       {"maxDuration", "A duration"},
       {"limit", "How many traces; 20"},
       {"traceID", "These traces and no search; may be repeated"}},
      &TraceRoutes::JaegerTraces);
  add("/api/traces/{id}", "Jaeger: a trace", {}, &TraceRoutes::JaegerTrace);
}

http::Response TraceRoutes::JaegerServices(const Call&) {
  const auto services = catalog_.Read(source_);
  if (!services.ok()) return JaegerError(services.status());
  JsonWriter data;
  data.List();
  for (const auto& [service, operations] : *services) data.Text(service);
  data.EndList();
  return JaegerAnswer(std::move(data), services->size());
}

http::Response TraceRoutes::JaegerOperationNames(const Call& call) {
  const auto services = catalog_.Read(source_);
  if (!services.ok()) return JaegerError(services.status());
  std::set<std::string_view> names;
  if (const auto found = services->find(call.path.at("service")); found != services->end()) {
    for (const auto& [name, kind] : found->second) names.insert(name);
  }
  JsonWriter data;
  data.List();
  for (const std::string_view name : names) data.Text(name);
  data.EndList();
  return JaegerAnswer(std::move(data), names.size());
}

http::Response TraceRoutes::JaegerOperations(const Call& call) {
  const auto service = call.Query("service");
  if (!service) return JaegerError(400, "parameter 'service' is required");
  const auto services = catalog_.Read(source_);
  if (!services.ok()) return JaegerError(services.status());
  const auto wanted = call.Query("spanKind");
  JsonWriter data;
  std::size_t count = 0;
  data.List();
  if (const auto found = services->find(*service); found != services->end()) {
    for (const auto& [name, kind] : found->second) {
      const std::string kind_name = kind == otlp::kKindUnspecified ? "" : KindName(kind);
      if (wanted && *wanted != kind_name) continue;
      data.Object().Field("name", name).Field("spanKind", kind_name).EndObject();
      ++count;
    }
  }
  data.EndList();
  return JaegerAnswer(std::move(data), count);
}

http::Response TraceRoutes::JaegerTrace(const Call& call) {
  // Jaeger takes ids without their leading zeros.
  std::string text = call.path.at("id");
  if (text.size() < 32) text.insert(0, 32 - text.size(), '0');
  const auto id = base::ParseTraceId(text);
  if (!id) return JaegerError(400, "the trace id is no hex number of at most 32 digits");
  const auto stored = query::ReadTrace(source_, *id);
  if (!stored.ok()) return JaegerError(stored.status());
  if (stored->batch.spans.empty()) return JaegerError(404, "trace not found", base::ToHex(*id));
  JsonWriter data;
  data.List();
  PutJaegerTrace(*id, *stored, data);
  data.EndList();
  return JaegerAnswer(std::move(data), 0);
}

http::Response TraceRoutes::JaegerTraces(const Call& call) {
  std::vector<base::TraceId> ids;
  for (auto [at, end] = call.query.equal_range("traceID"); at != end; ++at) {
    std::string text = at->second;
    if (text.size() < 32) text.insert(0, 32 - text.size(), '0');
    const auto id = base::ParseTraceId(text);
    if (!id) return JaegerError(400, "traceID is no hex number of at most 32 digits: " + text);
    if (ids.size() < query::kMostResults) ids.push_back(*id);
  }
  if (ids.empty()) {
    auto request = RequestOf(call, clock_);
    if (!request.ok()) return JaegerError(request.status());
    request->deadline_ns = Deadline();
    const auto found = query::Search(source_, clock_, *request);
    if (!found.ok()) return JaegerError(found.status());
    for (const query::TraceSummary& trace : found->traces) ids.push_back(trace.trace);
  }
  JsonWriter data;
  std::size_t count = 0;
  data.List();
  for (const base::TraceId id : ids) {
    const auto stored = query::ReadTrace(source_, id);
    if (!stored.ok()) return JaegerError(stored.status());
    if (stored->batch.spans.empty()) continue;
    PutJaegerTrace(id, *stored, data);
    ++count;
  }
  data.EndList();
  return JaegerAnswer(std::move(data), count);
}

}  // namespace ronda::api
