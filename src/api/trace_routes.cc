#include "api/trace_routes.h"

#include <charconv>
#include <limits>

#include "api/trace_json.h"
#include "base/units.h"
#include "trace/query/export.h"
#include "trace/query/query_text.h"
#include "trace/query/search.h"
#include "trace/query/trace_reader.h"
#include "wire/otlp/json_encode.h"

namespace ronda::api {

namespace query = trace::query;

namespace {

Schema NaturalNumber() { return schema::Within(schema::Integer(), 0, {}); }
Schema UpTo(std::int64_t most) { return schema::Within(schema::Integer(), 1, most); }

constexpr std::uint64_t kMostExported = 100'000;
constexpr std::uint64_t kLongestNs = 30'000'000'000;  // a search

}  // namespace

base::Result<std::uint64_t> NumberIn(const Call& call, std::string_view name,
                                     std::uint64_t otherwise) {
  const auto text = call.Query(name);
  if (!text) return otherwise;
  std::uint64_t number = 0;
  const char* end = text->data() + text->size();
  const auto [at, error] = std::from_chars(text->data(), end, number);
  if (error != std::errc() || at != end) {
    return base::InvalidArgument(std::string(name) + " is a whole number, not \"" + *text + "\"");
  }
  return number;
}

base::Result<std::uint64_t> LimitIn(const Call& call) {
  ASSIGN_OR_RETURN(const std::uint64_t limit, NumberIn(call, "limit", 100));
  if (limit >= 1 && limit <= 1000) return limit;
  return base::InvalidArgument("limit is 1 to 1000");
}

base::Result<std::vector<std::pair<std::string, std::string>>> WhereIn(const Call& call) {
  std::vector<std::pair<std::string, std::string>> filters;
  const auto [begin, end] = call.query.equal_range("where");
  for (auto at = begin; at != end; ++at) {
    const std::size_t equals = at->second.find('=');
    if (equals == std::string::npos || equals == 0) {
      return base::InvalidArgument("where is ATTRIBUTE=VALUE, not \"" + at->second + "\"");
    }
    filters.emplace_back(at->second.substr(0, equals), at->second.substr(equals + 1));
  }
  return filters;
}

base::Result<std::uint64_t> StepIn(const Call& call) {
  constexpr std::int64_t kStepNs = 10'000'000'000;
  const auto step = call.Query("step");
  if (!step) return std::uint64_t{0};
  const auto ns = base::ParseDuration(*step);
  if (ns.ok() && *ns >= kStepNs && *ns % kStepNs == 0) {
    return static_cast<std::uint64_t>(*ns) / 1'000'000'000;
  }
  return base::InvalidArgument("step is a duration of whole 10s, such as 10s, 1m or 1h, not \"" +
                               *step + "\"");
}

std::uint64_t TraceRoutes::Deadline() const { return clock_.MonotonicNs() + kLongestNs; }

void TraceRoutes::AddTo(Router& router) {
  router.Add({.pattern = "/api/v1/traces",
              .summary = "Traces that a query finds, newest first",
              .parameters = {{"q", "The query language of traces; without it, every trace"},
                             {"limit", "How many, 1 to 1000; 20", UpTo(1000)},
                             {"cursor", "Where the page before ended"},
                             {"start", "Matching spans begin at or after it: ns since 1970",
                              NaturalNumber()},
                             {"end", "and before it: ns since 1970", NaturalNumber()}},
              .access = {.area = Area::kTraces},
              .answer = [this](const Call& call) { return Search(call); }});
  router.Add({.pattern = "/api/v1/traces/{id}",
              .summary = "A trace as it is drawn: tree, clocks, critical path",
              .parameters = {},
              .access = {.area = Area::kTraces},
              .answer = [this](const Call& call) { return Trace(call); }});
  router.Add(
      {.pattern = "/api/v1/export",
       .summary = "Spans of a range of time: a line about the page, a line of OTLP/JSON",
       .parameters = {{"start", "Spans that begin at or after it: ns since 1970", NaturalNumber()},
                      {"end", "and before it: ns since 1970", NaturalNumber()},
                      {"limit", "About how many, 1 to 100000; 10000", UpTo(kMostExported)}},
       .access = {.area = Area::kTraces},
       .answer = [this](const Call& call) { return Export(call); }});
  router.Add({.pattern = "/api/v1/services",
              .summary = "The services that sent spans",
              .parameters = {},
              .access = {.area = Area::kTraces},
              .answer = [this](const Call& call) { return Services(call); }});
  router.Add({.pattern = "/api/v1/services/{service}/operations",
              .summary = "The operations of a service",
              .parameters = {},
              .access = {.area = Area::kTraces},
              .answer = [this](const Call& call) { return Operations(call); }});
  router.Add(
      {.pattern = "/api/v1/services/{service}/link",
       .summary = "What the requests of an entry do, all together",
       .parameters = {{"operation", "The entry: the name of a span of the service"},
                      {"traces", "Of how many traces, the newest: 1 to 1000; 200", UpTo(1000)},
                      {"start", "The entry begins at or after it: ns since 1970", NaturalNumber()},
                      {"end", "and before it: ns since 1970", NaturalNumber()}},
       .access = {.area = Area::kTraces},
       .answer = [this](const Call& call) { return Link(call); }});
  AddJaegerTo(router);
}

base::Result<http::Response> TraceRoutes::Trace(const Call& call) {
  const auto id = base::ParseTraceId(call.path.at("id"));
  if (!id) {
    return base::InvalidArgument("a trace id is 32 hex digits, not all zero");
  }
  const auto stored = query::ReadTrace(source_, *id);
  if (!stored.ok()) return stored.status();
  if (stored->batch.spans.empty()) {
    return base::NotFound("no trace " + base::ToHex(*id));
  }
  return http::Response{.body = TraceJson(*id, *stored)};
}

base::Result<http::Response> TraceRoutes::Search(const Call& call) {
  const std::string text = call.Query("q").value_or("");
  auto parsed = query::ParseQuery(text);
  if (const auto* error = std::get_if<query::QueryError>(&parsed)) {
    return ErrorResponse(call.request, base::InvalidArgument(Render(*error, text)),
                         {.hint = error->hint, .column = error->column});
  }
  query::SearchRequest request{.where = std::get<query::Condition>(std::move(parsed)),
                               .deadline_ns = Deadline()};
  const auto limit = NumberIn(call, "limit", 20);
  const auto start = NumberIn(call, "start", 0);
  const auto end = NumberIn(call, "end", std::numeric_limits<std::uint64_t>::max());
  for (const auto* number : {&limit, &start, &end}) {
    if (!number->ok()) return number->status();
  }
  request.limit = static_cast<std::uint32_t>(std::min<std::uint64_t>(*limit, ~0u));
  request.from_ns = *start;
  request.to_ns = *end;
  if (const auto cursor = call.Query("cursor")) {
    request.after = query::ParseCursor(*cursor);
    if (!request.after) {
      return base::InvalidArgument("the cursor is none that was given out");
    }
  }
  const auto found = query::Search(source_, clock_, request);
  if (!found.ok()) return found.status();
  base::JsonWriter json;
  json.Object().Key("traces").List();
  for (const query::TraceSummary& trace : found->traces) PutSummary(trace, json);
  json.EndList();
  if (found->next) json.Field("next", query::ToText(*found->next));
  PutNotices(found->notices, json);
  json.EndObject();
  return http::Response{.body = std::move(json.out)};
}

base::Result<http::Response> TraceRoutes::Export(const Call& call) {
  const auto start = NumberIn(call, "start", 0);
  const auto end = NumberIn(call, "end", std::numeric_limits<std::uint64_t>::max());
  const auto limit = NumberIn(call, "limit", 10'000);
  for (const auto* number : {&start, &end, &limit}) {
    if (!number->ok()) return number->status();
  }
  if (*limit < 1 || *limit > kMostExported) {
    return base::InvalidArgument("limit is between 1 and 100000");
  }
  const auto page = query::ReadExportPage(source_, *start, *end, *limit);
  if (!page.ok()) return page.status();
  base::JsonWriter json;
  json.Object().Field("spans", page->batch.spans.size());
  if (page->next_ns) json.Field("next", std::to_string(*page->next_ns));
  PutNotices(page->notices, json);
  json.EndObject();
  http::Response response{.content_type = "application/x-ndjson", .body = std::move(json.out)};
  response.body += '\n';
  if (page->batch.spans.empty()) return response;
  EncodeTracesJson(page->batch, response.body);
  response.body += '\n';
  return response;
}

base::Result<http::Response> TraceRoutes::Services(const Call&) {
  const auto services = catalog_.Read(source_);
  if (!services.ok()) return services.status();
  base::JsonWriter json;
  json.Object().Key("services").List();
  for (const auto& [service, operations] : *services) json.Text(service);
  json.EndList().EndObject();
  return http::Response{.body = std::move(json.out)};
}

base::Result<http::Response> TraceRoutes::Operations(const Call& call) {
  const auto services = catalog_.Read(source_);
  if (!services.ok()) return services.status();
  const std::string& name = call.path.at("service");
  const auto found = services->find(name);
  if (found == services->end()) return base::NotFound("no service \"" + name + "\"");
  base::JsonWriter json;
  json.Object().Key("operations").List();
  for (const auto& [operation, kind] : found->second) {
    json.Object().Field("name", operation).Field("kind", KindName(kind)).EndObject();
  }
  json.EndList().EndObject();
  return http::Response{.body = std::move(json.out)};
}

base::Result<http::Response> TraceRoutes::Link(const Call& call) {
  const auto operation = call.Query("operation");
  if (!operation || operation->empty()) {
    return base::InvalidArgument(
        "operation is missing; /api/v1/services/{service}/operations lists those there are");
  }
  const auto traces = NumberIn(call, "traces", 200);
  const auto start = NumberIn(call, "start", 0);
  const auto end = NumberIn(call, "end", std::numeric_limits<std::uint64_t>::max());
  for (const auto* number : {&traces, &start, &end}) {
    if (!number->ok()) return number->status();
  }
  const auto link =
      query::LinkOf(source_, clock_,
                    {.service = call.path.at("service"),
                     .operation = *operation,
                     .from_ns = *start,
                     .to_ns = *end,
                     .traces = static_cast<std::uint32_t>(std::min<std::uint64_t>(*traces, ~0u)),
                     .deadline_ns = Deadline()});
  if (!link.ok()) return link.status();
  return http::Response{.body = LinkJson(*link)};
}

}  // namespace ronda::api
