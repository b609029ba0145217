#include "api/trace_json.h"

#include "wire/otlp/json_encode.h"

namespace ronda::api {
namespace {

namespace otlp = wire::otlp;
namespace query = trace::query;
using base::JsonWriter;
using otlp::Value;
using otlp::ValueType;

std::string Base64(std::string_view bytes) {
  static constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      bits = bits << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0u);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      out += i + k <= bytes.size() ? kDigits[bits >> (18 - 6 * k) & 63] : '=';
    }
  }
  return out;
}

std::string_view TypeName(ValueType type) {
  static constexpr std::string_view kNames[] = {"empty",  "text",  "bool", "int",
                                                "double", "array", "list", "bytes"};
  return kNames[static_cast<std::size_t>(type)];
}

void PutValue(const Value& value, int depth, JsonWriter& json) {
  switch (value.type()) {
    case ValueType::kEmpty: json.Null(); return;
    case ValueType::kString: json.Text(value.bytes()); return;
    case ValueType::kBool: json.Bool(value.boolean()); return;
    case ValueType::kInt: json.Number(value.integer()); return;
    case ValueType::kDouble: json.Number(value.number()); return;
    case ValueType::kBytes: json.Text(Base64(value.bytes())); return;
    default: break;
  }
  const bool array = value.type() == ValueType::kArray;
  std::vector<otlp::Attribute> elements;
  const bool readable = depth > 0 && otlp::ReadElements(value.type(), value.bytes(), elements);
  if (!readable) elements.clear();
  array ? json.List() : json.Object();
  for (const otlp::Attribute& element : elements) {
    if (!array) json.Key(element.key());
    PutValue(element.value(), depth - 1, json);
  }
  array ? json.EndList() : json.EndObject();
}

constexpr int kDepth = 64;

void PutAttributes(std::string_view key, std::span<const otlp::Attribute> attributes,
                   JsonWriter& json) {
  json.Key(key).List();
  for (const otlp::Attribute& attribute : attributes) {
    json.Object().Field("key", attribute.key()).Field("type", TypeName(attribute.value().type()));
    json.Key("value");
    PutValue(attribute.value(), kDepth, json);
    json.EndObject();
  }
  json.EndList();
}

std::string StatusName(std::int32_t status) {
  switch (status) {
    case otlp::kStatusUnset: return "unset";
    case otlp::kStatusOk: return "ok";
    case otlp::kStatusError: return "error";
    default: return std::to_string(status);
  }
}

std::string_view LinkName(query::Link link) {
  switch (link) {
    case query::Link::kRoot: return "root";
    case query::Link::kMissing: return "missing";
    case query::Link::kCycle: return "cycle";
    default: return "child";
  }
}

void PutSpan(const query::StoredTrace& stored, const query::TraceView& view, std::uint32_t i,
             JsonWriter& json) {
  const otlp::Span& span = stored.batch.spans[i];
  const query::SpanView& seen = view.spans[i];
  json.Object().Field("span_id", SpanIdText(span.span));
  if (span.parent != 0) json.Field("parent_id", SpanIdText(span.parent));
  json.Field("path", query::PathOf(view, i)).Field("depth", seen.depth);
  json.Field("link", LinkName(seen.link));
  if (seen.half != query::Half::kWhole) {
    json.Field("half", seen.half == query::Half::kCaller ? "caller" : "callee");
  }
  if (seen.half == query::Half::kCaller) {
    json.Field("request_gap_ns", seen.request_gap_ns);
    json.Field("response_gap_ns", seen.response_gap_ns);
  }
  json.Field("process", seen.process);
  json.Field("service", view.processes[seen.process].service).Field("name", span.name);
  json.Field("kind", KindName(span.kind)).Field("status", StatusName(span.status));
  if (!span.status_message.empty()) json.Field("status_message", span.status_message);
  json.Field("start_unix_ns", std::to_string(span.start_ns));
  json.Field("offset_ns", seen.start_ns - view.start_ns);
  json.Field("duration_ns", seen.end_ns - seen.start_ns);
  json.Field("self_ns", seen.self_ns).Field("critical_ns", seen.critical_ns);
  if (seen.shift_ns != 0) json.Field("shift_ns", seen.shift_ns);
  PutAttributes("attributes", stored.batch.At(span.attributes), json);
  json.Key("events").List();
  for (const otlp::Event& event : stored.batch.EventsOf(span)) {
    json.Object().Field("name", event.name);
    json.Field("offset_ns",
               static_cast<std::int64_t>(event.time_ns) - static_cast<std::int64_t>(span.start_ns));
    PutAttributes("attributes", stored.batch.At(event.attributes), json);
    json.EndObject();
  }
  json.EndList().Key("links").List();
  for (const otlp::Link& link : stored.batch.LinksOf(span)) {
    json.Object().Field("trace_id", base::ToHex(link.trace));
    json.Field("span_id", SpanIdText(link.span));
    PutAttributes("attributes", stored.batch.At(link.attributes), json);
    json.EndObject();
  }
  json.EndList().EndObject();
}

void PutTag(std::string_view key, std::string_view type, JsonWriter& json) {
  json.Object().Field("key", key).Field("type", type).Key("value");
}

void PutTag(const otlp::Attribute& attribute, JsonWriter& json) {
  const Value& value = attribute.value();
  switch (value.type()) {
    case ValueType::kBool: PutTag(attribute.key(), "bool", json); break;
    case ValueType::kInt: PutTag(attribute.key(), "int64", json); break;
    case ValueType::kDouble: PutTag(attribute.key(), "float64", json); break;
    case ValueType::kBytes: PutTag(attribute.key(), "binary", json); break;
    default: {
      PutTag(attribute.key(), "string", json);
      JsonWriter nested;
      if (value.type() == ValueType::kArray || value.type() == ValueType::kKvlist) {
        PutValue(value, kDepth, nested);
      }
      json.Text(value.type() == ValueType::kString ? value.bytes() : nested.out).EndObject();
      return;
    }
  }
  PutValue(value, kDepth, json);
  json.EndObject();
}

void PutTextTag(std::string_view key, std::string_view text, JsonWriter& json) {
  PutTag(key, "string", json);
  json.Text(text).EndObject();
}

// What Jaeger makes of OTLP's own fields.
void PutSpanTags(const query::StoredTrace& stored, const otlp::Span& span, JsonWriter& json) {
  json.Key("tags").List();
  for (const otlp::Attribute& attribute : stored.batch.At(span.attributes)) PutTag(attribute, json);
  if (span.kind != otlp::kKindUnspecified) PutTextTag("span.kind", KindName(span.kind), json);
  const otlp::Scope& scope = stored.batch.scopes[span.scope];
  if (!scope.name.empty()) PutTextTag("otel.scope.name", scope.name, json);
  if (!scope.version.empty()) PutTextTag("otel.scope.version", scope.version, json);
  if (span.status == otlp::kStatusError) {
    PutTag("error", "bool", json);
    json.Bool(true).EndObject();
  }
  if (span.status != otlp::kStatusUnset) {
    PutTextTag("otel.status_code", span.status == otlp::kStatusError ? "ERROR" : "OK", json);
  }
  if (!span.status_message.empty()) {
    PutTextTag("otel.status_description", span.status_message, json);
  }
  if (!span.trace_state.empty()) PutTextTag("w3c.tracestate", span.trace_state, json);
  json.EndList();
}

void PutReference(std::string_view type, base::TraceId trace, std::uint64_t span,
                  JsonWriter& json) {
  json.Object().Field("refType", type).Field("traceID", base::ToHex(trace));
  json.Field("spanID", SpanIdText(span)).EndObject();
}

}  // namespace

std::string SpanIdText(std::uint64_t id) {
  std::string text(16, '0');
  base::WriteHex(id, 16, text.data());
  return text;
}

std::string KindName(std::int32_t kind) {
  static constexpr std::string_view kNames[] = {"unspecified", "internal", "server",
                                                "client",      "producer", "consumer"};
  return kind >= 0 && kind < 6 ? std::string(kNames[kind]) : std::to_string(kind);
}

void PutNotices(const std::vector<std::string>& notices, JsonWriter& json) {
  json.Key("notices").List();
  for (const std::string& notice : notices) json.Text(notice);
  json.EndList();
}

void PutSummary(const query::TraceSummary& trace, JsonWriter& json) {
  json.Object().Field("trace_id", base::ToHex(trace.trace));
  json.Field("root_service", trace.root_service).Field("root_name", trace.root_name);
  json.Field("has_root", trace.has_root);
  json.Field("start_unix_ns", std::to_string(trace.start_ns));
  json.Field("duration_ns", trace.duration_ns).Field("spans", trace.spans);
  json.Field("errors", trace.errors).Key("services").List();
  for (const query::ServiceShare& share : trace.services) {
    json.Object().Field("service", share.service).Field("spans", share.spans);
    json.Field("errors", share.errors).EndObject();
  }
  json.EndList().EndObject();
}

std::string TraceJson(base::TraceId trace, const query::StoredTrace& stored) {
  const query::TraceView view = query::MakeView(stored.batch);
  JsonWriter json;
  json.Object().Field("trace_id", base::ToHex(trace));
  json.Field("start_unix_ns", std::to_string(view.start_ns));
  json.Field("duration_ns", view.end_ns - view.start_ns).Field("errors", view.errors);
  json.Field("duplicates", view.duplicates).Field("missing_parents", view.missing_parents);
  json.Field("cycles", view.cycles);
  PutNotices(stored.notices, json);
  json.Key("processes").List();
  for (const query::Process& process : view.processes) {
    json.Object().Field("service", process.service);
    PutAttributes("attributes",
                  stored.batch.At(stored.batch.resources[process.resource].attributes), json);
    json.EndObject();
  }
  json.EndList().Key("skews").List();
  for (const query::Skew& skew : view.skews) {
    json.Object().Field("process", skew.process);
    json.Field("service", view.processes[skew.process].service);
    json.Field("shift_ns", skew.shift_ns).Field("spans", skew.spans).EndObject();
  }
  json.EndList().Key("critical_path").List();
  for (const query::CriticalPiece& piece : view.critical_path) {
    json.Object().Field("span_id", SpanIdText(stored.batch.spans[piece.span].span));
    json.Field("from_ns", piece.from_ns - view.start_ns);
    json.Field("to_ns", piece.to_ns - view.start_ns).EndObject();
  }
  json.EndList().Key("spans").List();
  for (const std::uint32_t i : view.order) PutSpan(stored, view, i, json);
  json.EndList().EndObject();
  return std::move(json.out);
}

std::string LinkJson(const query::EntryLink& link) {
  JsonWriter json;
  json.Object().Field("requests", link.requests).Field("traces", link.traces);
  json.Field("first_unix_ns", std::to_string(link.first_ns));
  json.Field("last_unix_ns", std::to_string(link.last_ns));
  json.Field("joined_calls", link.joined).Key("steps").List();
  for (const query::LinkNode& node : link.nodes) {
    json.Object().Field("depth", node.depth);
    if (node.parent != query::kNone) json.Field("parent", node.parent);
    json.Field("service", node.service).Field("name", node.name);
    json.Field("kind", KindName(node.kind));
    json.Field("requests", node.requests);
    json.Field("probability",
               static_cast<double>(node.requests) / static_cast<double>(link.requests));
    json.Field("calls", node.calls).Field("errors", node.errors);
    json.Field("p50_ns", node.durations.Quantile(0.5));
    json.Field("p95_ns", node.durations.Quantile(0.95));
    json.Field("p99_ns", node.durations.Quantile(0.99));
    json.Field("max_ns", node.durations.MaxNs());
    json.Field("self_ns", node.self_ns / node.calls).EndObject();
  }
  json.EndList();
  PutNotices(link.notices, json);
  json.EndObject();
  return std::move(json.out);
}

void PutJaegerTrace(base::TraceId trace, const query::StoredTrace& stored, JsonWriter& json) {
  const query::TraceView view = query::MakeView(stored.batch);
  json.Object().Field("traceID", base::ToHex(trace)).Key("spans").List();
  for (const std::uint32_t i : view.order) {
    const otlp::Span& span = stored.batch.spans[i];
    json.Object().Field("traceID", base::ToHex(trace)).Field("spanID", SpanIdText(span.span));
    json.Field("operationName", span.name).Key("references").List();
    if (span.parent != 0) PutReference("CHILD_OF", trace, span.parent, json);
    for (const otlp::Link& link : stored.batch.LinksOf(span)) {
      PutReference("FOLLOWS_FROM", link.trace, link.span, json);
    }
    json.EndList().Field("startTime", span.start_ns / 1000);
    json.Field("duration", span.end_ns < span.start_ns ? 0 : (span.end_ns - span.start_ns) / 1000);
    PutSpanTags(stored, span, json);
    json.Key("logs").List();
    for (const otlp::Event& event : stored.batch.EventsOf(span)) {
      json.Object().Field("timestamp", event.time_ns / 1000).Key("fields").List();
      if (!event.name.empty()) PutTextTag("event", event.name, json);
      for (const otlp::Attribute& each : stored.batch.At(event.attributes)) PutTag(each, json);
      json.EndList().EndObject();
    }
    json.EndList().Field("processID", "p" + std::to_string(view.spans[i].process + 1));
    json.Key("warnings").Null().EndObject();
  }
  json.EndList().Key("processes").Object();
  for (std::size_t p = 0; p < view.processes.size(); ++p) {
    json.Key("p" + std::to_string(p + 1)).Object();
    json.Field("serviceName", view.processes[p].service).Key("tags").List();
    const otlp::Resource& resource = stored.batch.resources[view.processes[p].resource];
    for (const otlp::Attribute& each : stored.batch.At(resource.attributes)) {
      if (each.key() != "service.name") PutTag(each, json);
    }
    json.EndList().EndObject();
  }
  json.EndObject().Key("warnings");
  if (stored.notices.empty()) {
    json.Null().EndObject();
    return;
  }
  json.List();
  for (const std::string& notice : stored.notices) json.Text(notice);
  json.EndList().EndObject();
}

}  // namespace ronda::api
