#include "wire/otlp/decode.h"

#include "base/core/check.h"
#include "wire/otlp/reader.h"

namespace ronda::wire::otlp {
namespace {

std::uint64_t BigEndian64(const char* at) {
  std::uint64_t value;
  __builtin_memcpy(&value, at, sizeof value);
  return __builtin_bswap64(value);
}

base::TraceId TraceIdOf(std::string_view bytes) {
  if (bytes.size() != 16) return {};
  return {.high = BigEndian64(bytes.data()), .low = BigEndian64(bytes.data() + 8)};
}

// 0 unless the id is good.
std::uint64_t SpanIdOf(std::string_view bytes) {
  return bytes.size() == 8 ? BigEndian64(bytes.data()) : 0;
}

Value ReadValue(std::string_view any_value) {
  Value value;
  pbf_reader reader = MessageOf(any_value);
  while (reader.next()) {
    switch (KeyOf(reader)) {
      case Sized(field::kValueString): value = Value::String(ViewOf(reader)); break;
      case Varint(field::kValueBool): value = Value::Bool(reader.get_bool()); break;
      case Varint(field::kValueInt): value = Value::Int(reader.get_int64()); break;
      case Fixed64(field::kValueDouble): value = Value::Double(reader.get_double()); break;
      case Sized(field::kValueArray): value = Value::Array(ViewOf(reader)); break;
      case Sized(field::kValueKvlist): value = Value::Kvlist(ViewOf(reader)); break;
      case Sized(field::kValueBytes): value = Value::Bytes(ViewOf(reader)); break;
      default: reader.skip();
    }
  }
  return value;
}

// Bytes that are read by hand where every span has many of a kind. All say false when they are not as
// expected: then protozero reads them, and judges.
class Plain {
 public:
  explicit Plain(std::string_view bytes) : at_(bytes.data()), end_(at_ + bytes.size()) {}

  [[nodiscard]] bool Key(std::uint32_t key) {
    return at_ != end_ && static_cast<unsigned char>(*at_++) == key;
  }
  // A size of at most two bytes, and so many bytes behind it.
  [[nodiscard]] bool Sized(std::string_view& bytes) {
    std::size_t size = 0;
    if (!Byte(size)) return false;
    if (size >= 0x80) {
      std::size_t high = 0;
      if (!Byte(high) || high >= 0x80) return false;
      size = (size & 0x7f) | high << 7;
    }
    if (size > Left()) return false;
    bytes = {at_, size};
    at_ += size;
    return true;
  }
  [[nodiscard]] bool Varint(std::uint64_t& value) {
    value = 0;
    std::size_t byte = 0x80;
    for (unsigned shift = 0; byte >= 0x80; shift += 7) {
      if (shift > 63 || !Byte(byte)) return false;
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    }
    return true;
  }
  [[nodiscard]] std::size_t Left() const { return static_cast<std::size_t>(end_ - at_); }

 private:
  [[nodiscard]] bool Byte(std::size_t& byte) {
    if (at_ == end_) return false;
    byte = static_cast<unsigned char>(*at_++);
    return true;
  }

  const char* at_;
  const char* end_;
};

// As every SDK writes it: a key, then a value that is one text or one integer, and nothing else.
bool ReadPlainKeyValue(std::string_view key_value, Attribute& attribute) {
  Plain reader(key_value);
  std::string_view key, any_value;
  if (!reader.Key(Sized(field::kKey)) || !reader.Sized(key)) return false;
  if (!reader.Key(Sized(field::kValue)) || !reader.Sized(any_value) || reader.Left() > 0)
    return false;
  Plain value(any_value);
  if (any_value.starts_with(static_cast<char>(Sized(field::kValueString)))) {
    std::string_view text;
    if (!value.Key(Sized(field::kValueString)) || !value.Sized(text)) return false;
    attribute = {key, Value::String(text)};
  } else {
    std::uint64_t number = 0;
    if (!value.Key(Varint(field::kValueInt)) || !value.Varint(number)) return false;
    attribute = {key, Value::Int(static_cast<std::int64_t>(number))};
  }
  return value.Left() == 0;
}

Attribute ReadKeyValue(std::string_view key_value) {
  Attribute plain;
  if (ReadPlainKeyValue(key_value, plain)) [[likely]]
    return plain;
  std::string_view key;
  Value value;
  pbf_reader reader = MessageOf(key_value);
  while (reader.next()) {
    switch (KeyOf(reader)) {
      case Sized(field::kKey): key = ViewOf(reader); break;
      case Sized(field::kValue): value = ReadValue(ViewOf(reader)); break;
      default: reader.skip();
    }
  }
  return {key, value};
}

// False when it is nested deeper than `depth`; throws when it is malformed.
bool FitsDepth(const Value& value, std::uint32_t depth) {
  if (value.type() != ValueType::kArray && value.type() != ValueType::kKvlist) return true;
  if (depth == 0) return false;
  bool fits = true;
  pbf_reader reader = MessageOf(value.bytes());
  while (reader.next()) {
    if (KeyOf(reader) != Sized(field::kElements)) {
      reader.skip();
      continue;
    }
    const std::string_view element = ViewOf(reader);
    const Value inner =
        value.type() == ValueType::kArray ? ReadValue(element) : ReadKeyValue(element).value();
    fits = FitsDepth(inner, depth - 1) && fits;
  }
  return fits;
}

}  // namespace

// Brings a value within the limits. False when it has to be left out.
bool Decoder::Reader::Bounded(Value& value) {
  const ValueType type = value.type();
  if (!Value::IsBytes(type)) return true;
  const bool nested = type == ValueType::kArray || type == ValueType::kKvlist;
  if (nested && !FitsDepth(value, limits_.depth)) return false;
  if (value.bytes().size() <= limits_.value_bytes) return true;
  if (nested) return false;
  ++report_.values_cut;
  value = type == ValueType::kString ? Value::String(CutText(value.bytes(), limits_.value_bytes))
                                     : Value::Bytes(value.bytes().substr(0, limits_.value_bytes));
  return true;
}

void Decoder::Reader::AddAttribute(std::string_view bytes, Range& range, std::uint32_t& dropped) {
  const Attribute attribute = ReadKeyValue(bytes);
  Value value = attribute.value();
  if (range.count >= limits_.attributes || attribute.key().size() > limits_.key_bytes ||
      !Bounded(value)) [[unlikely]] {
    ++dropped;
    ++report_.attributes_cut;
    return;
  }
  batch_.attributes.emplace_back(attribute.key(), value);
  ++range.count;
}

void Decoder::Reader::ResourceBody(std::string_view bytes, Resource& resource) {
  std::uint32_t cut = 0, said = 0;
  pbf_reader reader = MessageOf(bytes);
  while (reader.next()) {
    switch (KeyOf(reader)) {
      case Sized(field::kResourceAttributes):
        AddAttribute(ViewOf(reader), resource.attributes, cut);
        break;
      case Varint(field::kResourceDropped): said = reader.get_uint32(); break;
      case Sized(field::kResourceEntityRefs): {
        const std::string_view entity = ViewOf(reader);
        for (pbf_reader inner = MessageOf(entity); inner.next();) inner.skip();
        if (resource.entity_refs.count < limits_.attributes) {
          batch_.entity_refs.push_back(entity);
          ++resource.entity_refs.count;
        } else {
          ++report_.attributes_cut;
        }
        break;
      }
      default: reader.skip();
    }
  }
  resource.dropped_attributes += said + cut;
}

void Decoder::Reader::OneResource(std::string_view bytes) {
  Resource resource;
  resource.attributes.begin = Here();
  resource.entity_refs.begin = static_cast<std::uint32_t>(batch_.entity_refs.size());
  pbf_reader reader = MessageOf(bytes);
  while (reader.next()) {
    switch (KeyOf(reader)) {
      case Sized(field::kResource): ResourceBody(ViewOf(reader), resource); break;
      case Sized(field::kResourceSchemaUrl): resource.schema_url = ViewOf(reader); break;
      default: reader.skip();
    }
  }
  batch_.resources.push_back(resource);
}

void Decoder::Reader::ScopeBody(std::string_view bytes, Scope& scope) {
  std::uint32_t cut = 0, said = 0;
  pbf_reader reader = MessageOf(bytes);
  while (reader.next()) {
    switch (KeyOf(reader)) {
      case Sized(field::kScopeName): scope.name = ViewOf(reader); break;
      case Sized(field::kScopeVersion): scope.version = ViewOf(reader); break;
      case Sized(field::kScopeAttributes):
        AddAttribute(ViewOf(reader), scope.attributes, cut);
        break;
      case Varint(field::kScopeDropped): said = reader.get_uint32(); break;
      default: reader.skip();
    }
  }
  scope.dropped_attributes += said + cut;
}

void Decoder::Reader::OneScope(std::string_view bytes) {
  Scope scope;
  scope.resource = static_cast<std::uint32_t>(batch_.resources.size()) - 1;
  scope.attributes.begin = Here();
  pbf_reader reader = MessageOf(bytes);
  while (reader.next()) {
    switch (KeyOf(reader)) {
      case Sized(field::kScope): ScopeBody(ViewOf(reader), scope); break;
      case Sized(field::kScopeSchemaUrl): scope.schema_url = ViewOf(reader); break;
      default: reader.skip();
    }
  }
  batch_.scopes.push_back(scope);
}

void Decoder::Reader::EventBody(std::string_view bytes, SpanBatch& batch) {
  Event event;
  event.attributes.begin = Here();
  std::uint32_t cut = 0;
  pbf_reader reader = MessageOf(bytes);
  while (reader.next()) {
    switch (KeyOf(reader)) {
      case Fixed64(field::kEventTime): event.time_ns = reader.get_fixed64(); break;
      case Sized(field::kEventName): event.name = ViewOf(reader); break;
      case Sized(field::kEventAttributes):
        AddAttribute(ViewOf(reader), event.attributes, cut);
        break;
      case Varint(field::kEventDropped): event.dropped_attributes = reader.get_uint32(); break;
      default: reader.skip();
    }
  }
  event.dropped_attributes += cut;
  batch.events.push_back(event);
}

// False when its ids are bad: it is left out.
bool Decoder::Reader::LinkBody(std::string_view bytes, SpanBatch& batch) {
  Link link;
  link.attributes.begin = Here();
  std::uint32_t cut = 0;
  pbf_reader reader = MessageOf(bytes);
  while (reader.next()) {
    switch (KeyOf(reader)) {
      case Sized(field::kLinkTraceId): link.trace = TraceIdOf(ViewOf(reader)); break;
      case Sized(field::kLinkSpanId): link.span = SpanIdOf(ViewOf(reader)); break;
      case Sized(field::kLinkTraceState): link.trace_state = ViewOf(reader); break;
      case Sized(field::kLinkAttributes): AddAttribute(ViewOf(reader), link.attributes, cut); break;
      case Varint(field::kLinkDropped): link.dropped_attributes = reader.get_uint32(); break;
      case Fixed32(field::kLinkFlags): link.flags = reader.get_fixed32(); break;
      default: reader.skip();
    }
  }
  link.dropped_attributes += cut;
  if (!link.trace.valid() || link.span == 0) {
    batch_.attributes.resize(link.attributes.begin);
    return false;
  }
  batch.links.push_back(link);
  return true;
}

void Decoder::Reader::OneSpan(std::string_view bytes, SpanBatch& batch) {
  if (bytes.size() > limits_.item_bytes) {
    Refuse(Refusal::kTooLarge);
    return;
  }
  Span& span = batch.spans.emplace_back();
  span.scope = static_cast<std::uint32_t>(batch.scopes.size()) - 1;
  span.attributes.begin = Here();
  std::uint32_t cut = 0, events_cut = 0, links_cut = 0;
  std::size_t parent_size = 0;
  // Events and links wait, so that the span's own attributes are neighbours in the batch.
  auto& events = decoder_.event_bytes_;
  auto& links = decoder_.link_bytes_;
  events.clear();
  links.clear();

  pbf_reader reader = MessageOf(bytes);
  while (reader.next()) {
    switch (KeyOf(reader)) {
      case Sized(field::kSpanTraceId): span.trace = TraceIdOf(ViewOf(reader)); break;
      case Sized(field::kSpanId): span.span = SpanIdOf(ViewOf(reader)); break;
      case Sized(field::kSpanTraceState): span.trace_state = ViewOf(reader); break;
      case Sized(field::kSpanParentId): {
        const std::string_view id = ViewOf(reader);
        parent_size = id.size();
        span.parent = SpanIdOf(id);
        break;
      }
      case Sized(field::kSpanName): span.name = ViewOf(reader); break;
      case Varint(field::kSpanKind): span.kind = reader.get_enum(); break;
      case Fixed64(field::kSpanStart): span.start_ns = reader.get_fixed64(); break;
      case Fixed64(field::kSpanEnd): span.end_ns = reader.get_fixed64(); break;
      case Sized(field::kSpanAttributes): AddAttribute(ViewOf(reader), span.attributes, cut); break;
      case Varint(field::kSpanDroppedAttributes):
        span.dropped_attributes = reader.get_uint32();
        break;
      case Sized(field::kSpanEvents):
        if (events.size() < limits_.events) {
          events.push_back(ViewOf(reader));
        } else {
          reader.skip();
          ++events_cut;
        }
        break;
      case Varint(field::kSpanDroppedEvents): span.dropped_events = reader.get_uint32(); break;
      case Sized(field::kSpanLinks):
        if (links.size() < limits_.links) {
          links.push_back(ViewOf(reader));
        } else {
          reader.skip();
          ++links_cut;
        }
        break;
      case Varint(field::kSpanDroppedLinks): span.dropped_links = reader.get_uint32(); break;
      case Sized(field::kSpanStatus): {
        pbf_reader status = reader.get_message();
        while (status.next()) {
          switch (KeyOf(status)) {
            case Sized(field::kStatusMessage): span.status_message = ViewOf(status); break;
            case Varint(field::kStatusCode): span.status = status.get_enum(); break;
            default: status.skip();
          }
        }
        break;
      }
      case Fixed32(field::kSpanFlags): span.flags = reader.get_fixed32(); break;
      default: reader.skip();
    }
  }
  const bool trace_good = span.trace.valid();
  if (!trace_good || span.span == 0 || (parent_size != 0 && parent_size != 8)) [[unlikely]] {
    Refuse(!trace_good      ? Refusal::kTraceId
           : span.span == 0 ? Refusal::kSpanId
                            : Refusal::kParentId);
    batch_.attributes.resize(span.attributes.begin);
    batch.spans.pop_back();
    return;
  }
  span.events.begin = static_cast<std::uint32_t>(batch.events.size());
  for (const std::string_view event : events) EventBody(event, batch);
  span.events.count = static_cast<std::uint32_t>(events.size());
  span.links.begin = static_cast<std::uint32_t>(batch.links.size());
  for (const std::string_view link : links) {
    if (!LinkBody(link, batch)) ++links_cut;
  }
  span.links.count = static_cast<std::uint32_t>(batch.links.size()) - span.links.begin;
  span.dropped_attributes += cut;
  span.dropped_events += events_cut;
  span.dropped_links += links_cut;
  report_.events_cut += events_cut;
  report_.links_cut += links_cut;
  ++report_.accepted;
}

void Decoder::Reader::OneRecord(std::string_view bytes, LogBatch& batch) {
  if (bytes.size() > limits_.item_bytes) {
    Refuse(Refusal::kTooLarge);
    return;
  }
  LogRecord& record = batch.records.emplace_back();
  record.scope = static_cast<std::uint32_t>(batch.scopes.size()) - 1;
  record.attributes.begin = Here();
  std::uint32_t cut = 0;
  std::size_t trace_size = 0, span_size = 0;
  pbf_reader reader = MessageOf(bytes);
  while (reader.next()) {
    switch (KeyOf(reader)) {
      case Fixed64(field::kLogTime): record.time_ns = reader.get_fixed64(); break;
      case Varint(field::kLogSeverity): record.severity = reader.get_enum(); break;
      case Sized(field::kLogSeverityText): record.severity_text = ViewOf(reader); break;
      case Sized(field::kLogBody): record.body = ReadValue(ViewOf(reader)); break;
      case Sized(field::kLogAttributes):
        AddAttribute(ViewOf(reader), record.attributes, cut);
        break;
      case Varint(field::kLogDropped): record.dropped_attributes = reader.get_uint32(); break;
      case Fixed32(field::kLogFlags): record.flags = reader.get_fixed32(); break;
      case Sized(field::kLogTraceId): {
        const std::string_view id = ViewOf(reader);
        trace_size = id.size();
        record.trace = TraceIdOf(id);
        break;
      }
      case Sized(field::kLogSpanId): {
        const std::string_view id = ViewOf(reader);
        span_size = id.size();
        record.span = SpanIdOf(id);
        break;
      }
      case Fixed64(field::kLogObserved): record.observed_ns = reader.get_fixed64(); break;
      case Sized(field::kLogEventName): record.event_name = ViewOf(reader); break;
      default: reader.skip();
    }
  }
  // A record without ids is no part of a trace; one with ids of a wrong size is broken.
  const bool trace_good = trace_size == 0 || trace_size == 16;
  if (!trace_good || (span_size != 0 && span_size != 8)) [[unlikely]] {
    Refuse(trace_good ? Refusal::kSpanId : Refusal::kTraceId);
    batch_.attributes.resize(record.attributes.begin);
    batch.records.pop_back();
    return;
  }
  if (!Bounded(record.body)) {
    record.body = {};
    ++report_.values_cut;
  }
  record.dropped_attributes += cut;
  ++report_.accepted;
}

Decoder::Decoder(const Limits& limits) : limits_(limits) {
  CHECK(limits.request_bytes <= 1u << 30);
  CHECK(limits.depth <= 64);
}

base::Status Decoder::DecodeTraces(std::string_view request, SpanBatch& batch) {
  batch.Clear();
  base::Status status = Guarded("ExportTraceServiceRequest", request, [&] {
    Reader reader(*this, batch);
    reader.Request(request, [&](std::string_view span) { reader.OneSpan(span, batch); });
  });
  if (!status.ok()) batch.Clear();
  return status;
}

base::Status Decoder::DecodeLogs(std::string_view request, LogBatch& batch) {
  batch.Clear();
  base::Status status = Guarded("ExportLogsServiceRequest", request, [&] {
    Reader reader(*this, batch);
    reader.Request(request, [&](std::string_view record) { reader.OneRecord(record, batch); });
  });
  if (!status.ok()) batch.Clear();
  return status;
}

base::Status Decoder::DecodeResource(std::string_view bytes, BatchParts& batch) {
  return Guarded("resource", bytes, [&] { Reader(*this, batch).OneResource(bytes); });
}

base::Status Decoder::DecodeScope(std::string_view bytes, BatchParts& batch) {
  if (batch.resources.empty()) return base::InvalidArgument("a scope without a resource");
  return Guarded("scope", bytes, [&] { Reader(*this, batch).OneScope(bytes); });
}

bool IsWellFormed(ValueType type, std::string_view message, std::uint32_t depth) {
  bool fits = false;
  return Catching([&] { fits = FitsDepth(Value::OfBytes(type, message), depth); }) && fits;
}

bool ReadElements(ValueType type, std::string_view message, std::vector<Attribute>& elements) {
  return Catching([&] {
    pbf_reader reader = MessageOf(message);
    while (reader.next()) {
      if (KeyOf(reader) != Sized(field::kElements)) {
        reader.skip();
      } else if (type == ValueType::kArray) {
        elements.emplace_back(std::string_view(), ReadValue(ViewOf(reader)));
      } else {
        elements.push_back(ReadKeyValue(ViewOf(reader)));
      }
    }
  });
}

EntityRef ReadEntityRef(std::string_view message) {
  EntityRef entity;
  (void)Catching([&] {
    pbf_reader reader = MessageOf(message);
    while (reader.next()) {
      switch (KeyOf(reader)) {
        case Sized(field::kEntitySchemaUrl): entity.schema_url = ViewOf(reader); break;
        case Sized(field::kEntityType): entity.type = ViewOf(reader); break;
        case Sized(field::kEntityIdKeys): entity.id_keys.push_back(ViewOf(reader)); break;
        case Sized(field::kEntityDescriptionKeys):
          entity.description_keys.push_back(ViewOf(reader));
          break;
        default: reader.skip();
      }
    }
  });
  return entity;
}

base::Result<PartialSuccess> DecodeResponse(std::string_view response) {
  PartialSuccess partial;
  const bool good = Catching([&] {
    pbf_reader reader = MessageOf(response);
    while (reader.next()) {
      if (KeyOf(reader) != Sized(field::kPartialSuccess)) {
        reader.skip();
        continue;
      }
      pbf_reader inner = reader.get_message();
      while (inner.next()) {
        switch (KeyOf(inner)) {
          case Varint(field::kRejected): partial.rejected = inner.get_int64(); break;
          case Sized(field::kErrorMessage): partial.message = ViewOf(inner); break;
          default: inner.skip();
        }
      }
    }
  });
  if (!good) return base::InvalidArgument("the body is no OTLP response: malformed protobuf");
  return partial;
}

}  // namespace ronda::wire::otlp
