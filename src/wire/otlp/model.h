#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/core/ids.h"
#include "wire/otlp/arena.h"

// The span and log model of OTLP (opentelemetry-proto, trace/v1 and logs/v1), flat: a batch holds
// vectors, and one thing refers to its parts by range. Texts are views, borrowed from the request's
// bytes or from the batch's arena. Values: copy and move freely within that borrowing.
namespace ronda::wire::otlp {

// Which alternative of AnyValue is set.
enum class ValueType : std::uint8_t {
  kEmpty = 0,  // none is
  kString,
  kBool,
  kInt,
  kDouble,
  kArray,
  kKvlist,
  kBytes,
};

// An AnyValue in 16 bytes.
class Value {
 public:
  Value() = default;
  [[nodiscard]] static Value String(std::string_view text) { return {ValueType::kString, text}; }
  [[nodiscard]] static Value Bytes(std::string_view bytes) { return {ValueType::kBytes, bytes}; }
  // The body of an ArrayValue or KeyValueList message, as it stands on the wire.
  [[nodiscard]] static Value Array(std::string_view message) {
    return {ValueType::kArray, message};
  }
  [[nodiscard]] static Value Kvlist(std::string_view message) {
    return {ValueType::kKvlist, message};
  }
  [[nodiscard]] static Value Bool(bool value) { return {ValueType::kBool, value ? 1 : 0}; }
  [[nodiscard]] static Value Int(std::int64_t value) { return {ValueType::kInt, value}; }
  [[nodiscard]] static Value Double(double value) {
    return {ValueType::kDouble, std::bit_cast<std::int64_t>(value)};
  }
  // Of a type that is a number, from bits().
  [[nodiscard]] static Value OfBits(ValueType type, std::int64_t bits) { return {type, bits}; }
  // Of a type that is a text, from bytes().
  [[nodiscard]] static Value OfBytes(ValueType type, std::string_view bytes) {
    return {type, bytes};
  }

  [[nodiscard]] ValueType type() const { return type_; }
  // True for the types that carry bytes(); the others carry bits().
  [[nodiscard]] static constexpr bool IsBytes(ValueType type) {
    return type == ValueType::kString || type >= ValueType::kArray;
  }
  [[nodiscard]] std::string_view bytes() const {
    return IsBytes(type_) ? std::string_view(data_, size_) : std::string_view();
  }
  [[nodiscard]] std::int64_t bits() const { return IsBytes(type_) ? 0 : bits_; }
  [[nodiscard]] bool boolean() const { return bits() != 0; }
  [[nodiscard]] std::int64_t integer() const { return bits(); }
  [[nodiscard]] double number() const { return std::bit_cast<double>(bits()); }

  // The same type and the same bytes; a NaN equals itself.
  bool operator==(const Value& other) const {
    return type_ == other.type_ && bits() == other.bits() && bytes() == other.bytes();
  }

 private:
  Value(ValueType type, std::string_view bytes)
      : data_(bytes.data()), size_(static_cast<std::uint32_t>(bytes.size())), type_(type) {}
  Value(ValueType type, std::int64_t bits) : bits_(bits), type_(type) {}

  union {
    const char* data_;
    std::int64_t bits_ = 0;
  };
  std::uint32_t size_ = 0;
  ValueType type_ = ValueType::kEmpty;
};

// A KeyValue in 32 bytes.
class Attribute {
 public:
  Attribute() = default;
  Attribute(std::string_view key, Value value)
      : key_(key.data()), key_size_(static_cast<std::uint32_t>(key.size())), value_(value) {}

  [[nodiscard]] std::string_view key() const { return {key_, key_size_}; }
  [[nodiscard]] const Value& value() const { return value_; }
  void set_key(std::string_view key) { *this = Attribute(key, value_); }
  void set_value(const Value& value) { value_ = value; }
  bool operator==(const Attribute& other) const {
    return key() == other.key() && value_ == other.value_;
  }

 private:
  const char* key_ = nullptr;
  std::uint32_t key_size_ = 0;
  Value value_;
};

// A run of one of the batch's vectors.
struct Range {
  std::uint32_t begin = 0;
  std::uint32_t count = 0;
  bool operator==(const Range&) const = default;
};

struct Resource {
  Range attributes;
  Range entity_refs;  // EntityRef messages as they stand on the wire
  std::uint32_t dropped_attributes = 0;
  std::string_view schema_url;
  std::string_view receiver = {};  // who took it in, when that is known; ours, in no request
};

struct Scope {
  std::uint32_t resource = 0;  // index
  std::string_view name;
  std::string_view version;
  Range attributes;
  std::uint32_t dropped_attributes = 0;
  std::string_view schema_url;
};

// Span.SpanKind. What the wire carries may be any number.
enum SpanKind : std::int32_t {
  kKindUnspecified = 0,
  kKindInternal = 1,
  kKindServer = 2,
  kKindClient = 3,
  kKindProducer = 4,
  kKindConsumer = 5,
};

// Status.StatusCode, the same.
enum StatusCode : std::int32_t { kStatusUnset = 0, kStatusOk = 1, kStatusError = 2 };

struct Event {
  std::uint64_t time_ns = 0;  // since 1970, as every time here
  std::string_view name;
  Range attributes;
  std::uint32_t dropped_attributes = 0;
};

struct Link {
  base::TraceId trace;
  std::uint64_t span = 0;
  std::string_view trace_state;
  Range attributes;
  std::uint32_t dropped_attributes = 0;
  std::uint32_t flags = 0;
};

struct Span {
  base::TraceId trace;
  std::uint64_t span = 0;
  std::uint64_t parent = 0;  // 0: a root
  std::uint64_t start_ns = 0;
  std::uint64_t end_ns = 0;
  std::string_view name;
  std::string_view trace_state;
  std::string_view status_message;
  Range attributes;
  Range events;
  Range links;
  std::uint32_t dropped_attributes = 0;
  std::uint32_t dropped_events = 0;
  std::uint32_t dropped_links = 0;
  std::uint32_t scope = 0;  // index
  std::uint32_t flags = 0;
  std::int32_t kind = kKindUnspecified;
  std::int32_t status = kStatusUnset;
};

struct LogRecord {
  std::uint64_t time_ns = 0;
  std::uint64_t observed_ns = 0;
  base::TraceId trace;  // not valid(): not part of a trace
  std::uint64_t span = 0;
  std::string_view severity_text;
  std::string_view event_name;
  Value body;
  Range attributes;
  std::uint32_t dropped_attributes = 0;
  std::uint32_t scope = 0;  // index
  std::uint32_t flags = 0;
  std::int32_t severity = 0;
};

// What both kinds of batch share: who sent, and the parts that ranges point into.
struct BatchParts {
  std::vector<Resource> resources;
  std::vector<Scope> scopes;
  std::vector<Attribute> attributes;
  std::vector<std::string_view> entity_refs;
  Arena arena;  // texts that are not in the request's bytes

  [[nodiscard]] std::span<const Attribute> At(Range range) const {
    return {attributes.data() + range.begin, range.count};
  }
  void Clear() {
    resources.clear();
    scopes.clear();
    attributes.clear();
    entity_refs.clear();
    arena.Clear();
  }
};

// Spans that came or go together. A scope's spans need not be neighbours. Reuse one batch: a batch
// that is warm allocates nothing. Owned by one thread.
struct SpanBatch : BatchParts {
  std::vector<Span> spans;
  std::vector<Event> events;
  std::vector<Link> links;

  [[nodiscard]] std::span<const Event> EventsOf(const Span& span) const {
    return {events.data() + span.events.begin, span.events.count};
  }
  [[nodiscard]] std::span<const Link> LinksOf(const Span& span) const {
    return {links.data() + span.links.begin, span.links.count};
  }
  void Clear() {
    BatchParts::Clear();
    spans.clear();
    events.clear();
    links.clear();
  }
};

// The same for log records.
struct LogBatch : BatchParts {
  std::vector<LogRecord> records;

  void Clear() {
    BatchParts::Clear();
    records.clear();
  }
};

}  // namespace ronda::wire::otlp
