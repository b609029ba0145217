#include "wire/otlp/json_encode.h"

#include <charconv>
#include <cmath>

#include "base/core/ids.h"
#include "wire/otlp/grouping.h"

namespace ronda::wire::otlp {
namespace {

constexpr std::uint32_t kDepth = 64;  // of values: what a decoder with any limits lets through

// The length of the UTF-8 character that `text` begins with (RFC 3629), or 0 when it is none.
std::size_t CharacterAt(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < size) return 0;
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  if ((lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xed && byte(1) > 0x9f) ||
      (lead == 0xf0 && byte(1) < 0x90) || (lead == 0xf4 && byte(1) > 0x8f)) {
    return 0;
  }
  return size;
}

// Writes one JSON document; fields whose value is the default are left out.
class Json {
 public:
  explicit Json(std::string& out) : out_(out) {}

  void Open(char bracket) {
    Comma();
    out_ += bracket;
    fresh_ = true;
  }
  void Close(char bracket) {
    out_ += bracket;
    fresh_ = false;
  }
  void Key(std::string_view key) {
    Comma();
    Quoted(key);
    out_ += ':';
    fresh_ = true;
  }
  void Text(std::string_view text) {
    Comma();
    Quoted(text);
  }
  void Raw(std::string_view token) {
    Comma();
    out_ += token;
  }
  template <typename T>
  void Number(T value) {
    char digits[32];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    Raw({digits, static_cast<std::size_t>(end - digits)});
  }
  // A 64-bit integer, which JSON readers would round: a text.
  template <typename T>
  void Wide(T value) {
    Comma();
    out_ += '"';
    fresh_ = true;
    Number(value);
    out_ += '"';
  }
  void Base64(std::string_view bytes);

  void TextField(std::string_view key, std::string_view text) {
    if (text.empty()) return;
    Key(key);
    Text(text);
  }
  template <typename T>
  void NumberField(std::string_view key, T value) {
    if (value == 0) return;
    Key(key);
    Number(value);
  }
  void TimeField(std::string_view key, std::uint64_t ns) {
    if (ns == 0) return;
    Key(key);
    Wide(ns);
  }
  void SpanIdField(std::string_view key, std::uint64_t id) {
    if (id == 0) return;
    char hex[16];
    base::WriteHex(id, 16, hex);
    TextField(key, {hex, sizeof hex});
  }
  void TraceIdField(std::string_view key, base::TraceId id) {
    if (id.valid()) TextField(key, base::ToHex(id));
  }

 private:
  void Comma() {
    if (!fresh_) out_ += ',';
    fresh_ = false;
  }
  void Quoted(std::string_view text);

  std::string& out_;
  bool fresh_ = true;  // nothing stands before in this object, list or after this key
};

void Json::Quoted(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  out_ += '"';
  while (!text.empty()) {
    const char c = text.front();
    const std::size_t size = CharacterAt(text);
    if (size == 0) {
      out_ += "\xef\xbf\xbd";
      text.remove_prefix(1);
      continue;
    }
    if (c == '"' || c == '\\') {
      out_ += '\\';
      out_ += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out_ += "\\u00";
      out_ += kHex[static_cast<unsigned char>(c) >> 4];
      out_ += kHex[c & 0xf];
    } else {
      out_.append(text.substr(0, size));
    }
    text.remove_prefix(size);
  }
  out_ += '"';
}

// RFC 4648, with padding.
void Json::Base64(std::string_view bytes) {
  static constexpr char kDigits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  Comma();
  out_ += '"';
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      group = group << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0u);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      out_ += i + k <= bytes.size() ? kDigits[group >> (18 - 6 * k) & 63] : '=';
    }
  }
  out_ += '"';
}

void PutValue(Json& json, const Value& value, std::uint32_t depth);

void PutElements(Json& json, const Value& value, std::uint32_t depth) {
  std::vector<Attribute> elements;
  // What a decoder accepted is well-formed.
  if (depth == 0 || !ReadElements(value.type(), value.bytes(), elements)) elements.clear();
  json.Open('{');
  if (!elements.empty()) {
    json.Key("values");
    json.Open('[');
    for (const Attribute& element : elements) {
      if (value.type() == ValueType::kArray) {
        PutValue(json, element.value(), depth - 1);
        continue;
      }
      json.Open('{');
      json.TextField("key", element.key());
      json.Key("value");
      PutValue(json, element.value(), depth - 1);
      json.Close('}');
    }
    json.Close(']');
  }
  json.Close('}');
}

void PutDouble(Json& json, double number) {
  if (std::isnan(number)) return json.Text("NaN");
  if (std::isinf(number)) return json.Text(number > 0 ? "Infinity" : "-Infinity");
  json.Number(number);
}

void PutValue(Json& json, const Value& value, std::uint32_t depth) {
  json.Open('{');
  switch (value.type()) {
    case ValueType::kEmpty: break;
    case ValueType::kString:
      json.Key("stringValue");
      json.Text(value.bytes());
      break;
    case ValueType::kBool:
      json.Key("boolValue");
      json.Raw(value.boolean() ? "true" : "false");
      break;
    case ValueType::kInt:
      json.Key("intValue");
      json.Wide(value.integer());
      break;
    case ValueType::kDouble:
      json.Key("doubleValue");
      PutDouble(json, value.number());
      break;
    case ValueType::kArray:
      json.Key("arrayValue");
      PutElements(json, value, depth);
      break;
    case ValueType::kKvlist:
      json.Key("kvlistValue");
      PutElements(json, value, depth);
      break;
    case ValueType::kBytes:
      json.Key("bytesValue");
      json.Base64(value.bytes());
      break;
  }
  json.Close('}');
}

void PutAttributes(Json& json, const BatchParts& batch, Range range) {
  if (range.count == 0) return;
  json.Key("attributes");
  json.Open('[');
  for (const Attribute& attribute : batch.At(range)) {
    json.Open('{');
    json.TextField("key", attribute.key());
    json.Key("value");
    PutValue(json, attribute.value(), kDepth);
    json.Close('}');
  }
  json.Close(']');
}

void PutResource(Json& json, const BatchParts& batch, const Resource& resource) {
  json.Key("resource");
  json.Open('{');
  PutAttributes(json, batch, resource.attributes);
  json.NumberField("droppedAttributesCount", resource.dropped_attributes);
  if (resource.entity_refs.count > 0) {
    json.Key("entityRefs");
    json.Open('[');
    for (std::uint32_t i = 0; i < resource.entity_refs.count; ++i) {
      const EntityRef entity = ReadEntityRef(batch.entity_refs[resource.entity_refs.begin + i]);
      json.Open('{');
      json.TextField("schemaUrl", entity.schema_url);
      json.TextField("type", entity.type);
      const auto keys = [&](std::string_view name, const std::vector<std::string_view>& list) {
        if (list.empty()) return;
        json.Key(name);
        json.Open('[');
        for (const std::string_view key : list) json.Text(key);
        json.Close(']');
      };
      keys("idKeys", entity.id_keys);
      keys("descriptionKeys", entity.description_keys);
      json.Close('}');
    }
    json.Close(']');
  }
  json.Close('}');
}

void PutScope(Json& json, const BatchParts& batch, const Scope& scope) {
  json.Key("scope");
  json.Open('{');
  json.TextField("name", scope.name);
  json.TextField("version", scope.version);
  PutAttributes(json, batch, scope.attributes);
  json.NumberField("droppedAttributesCount", scope.dropped_attributes);
  json.Close('}');
}

void PutEvent(Json& json, const SpanBatch& batch, const Event& event) {
  json.Open('{');
  json.TimeField("timeUnixNano", event.time_ns);
  json.TextField("name", event.name);
  PutAttributes(json, batch, event.attributes);
  json.NumberField("droppedAttributesCount", event.dropped_attributes);
  json.Close('}');
}

void PutLink(Json& json, const SpanBatch& batch, const Link& link) {
  json.Open('{');
  json.TraceIdField("traceId", link.trace);
  json.SpanIdField("spanId", link.span);
  json.TextField("traceState", link.trace_state);
  PutAttributes(json, batch, link.attributes);
  json.NumberField("droppedAttributesCount", link.dropped_attributes);
  json.NumberField("flags", link.flags);
  json.Close('}');
}

void PutItem(Json& json, const SpanBatch& batch, const Span& span) {
  json.Open('{');
  json.TraceIdField("traceId", span.trace);
  json.SpanIdField("spanId", span.span);
  json.TextField("traceState", span.trace_state);
  json.SpanIdField("parentSpanId", span.parent);
  json.NumberField("flags", span.flags);
  json.TextField("name", span.name);
  json.NumberField("kind", span.kind);
  json.TimeField("startTimeUnixNano", span.start_ns);
  json.TimeField("endTimeUnixNano", span.end_ns);
  PutAttributes(json, batch, span.attributes);
  json.NumberField("droppedAttributesCount", span.dropped_attributes);
  if (span.events.count > 0) {
    json.Key("events");
    json.Open('[');
    for (const Event& event : batch.EventsOf(span)) PutEvent(json, batch, event);
    json.Close(']');
  }
  json.NumberField("droppedEventsCount", span.dropped_events);
  if (span.links.count > 0) {
    json.Key("links");
    json.Open('[');
    for (const Link& link : batch.LinksOf(span)) PutLink(json, batch, link);
    json.Close(']');
  }
  json.NumberField("droppedLinksCount", span.dropped_links);
  if (span.status != kStatusUnset || !span.status_message.empty()) {
    json.Key("status");
    json.Open('{');
    json.TextField("message", span.status_message);
    json.NumberField("code", span.status);
    json.Close('}');
  }
  json.Close('}');
}

void PutItem(Json& json, const LogBatch& batch, const LogRecord& record) {
  json.Open('{');
  json.TimeField("timeUnixNano", record.time_ns);
  json.TimeField("observedTimeUnixNano", record.observed_ns);
  json.NumberField("severityNumber", record.severity);
  json.TextField("severityText", record.severity_text);
  if (record.body.type() != ValueType::kEmpty) {
    json.Key("body");
    PutValue(json, record.body, kDepth);
  }
  PutAttributes(json, batch, record.attributes);
  json.NumberField("droppedAttributesCount", record.dropped_attributes);
  json.NumberField("flags", record.flags);
  json.TraceIdField("traceId", record.trace);
  json.SpanIdField("spanId", record.span);
  json.TextField("eventName", record.event_name);
  json.Close('}');
}

struct Names {
  std::string_view resources, scopes, items;
};

template <typename Batch, typename Items>
void PutRequest(const Batch& batch, const Items& items, const Names& names, std::string& out) {
  const Grouping grouping(batch, items);
  Json json(out);
  json.Open('{');
  json.Key(names.resources);
  json.Open('[');
  for (std::size_t r = 0; r < batch.resources.size(); ++r) {
    json.Open('{');
    PutResource(json, batch, batch.resources[r]);
    json.TextField("schemaUrl", batch.resources[r].schema_url);
    json.Key(names.scopes);
    json.Open('[');
    for (const std::uint32_t scope : grouping.ScopesOf(r)) {
      json.Open('{');
      PutScope(json, batch, batch.scopes[scope]);
      json.TextField("schemaUrl", batch.scopes[scope].schema_url);
      json.Key(names.items);
      json.Open('[');
      for (const std::uint32_t item : grouping.ItemsOf(scope)) PutItem(json, batch, items[item]);
      json.Close(']');
      json.Close('}');
    }
    json.Close(']');
    json.Close('}');
  }
  json.Close(']');
  json.Close('}');
}

}  // namespace

void EncodeTracesJson(const SpanBatch& batch, std::string& out) {
  PutRequest(batch, batch.spans, {"resourceSpans", "scopeSpans", "spans"}, out);
}

void EncodeLogsJson(const LogBatch& batch, std::string& out) {
  PutRequest(batch, batch.records, {"resourceLogs", "scopeLogs", "logRecords"}, out);
}

void EncodeResponseJson(const PartialSuccess& partial, std::string_view rejected_name,
                        std::string& out) {
  Json json(out);
  json.Open('{');
  if (partial.rejected != 0 || !partial.message.empty()) {
    json.Key("partialSuccess");
    json.Open('{');
    if (partial.rejected != 0) {
      json.Key(rejected_name);
      json.Wide(partial.rejected);
    }
    json.TextField("errorMessage", partial.message);
    json.Close('}');
  }
  json.Close('}');
}

}  // namespace ronda::wire::otlp
