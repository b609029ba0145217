#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/random.h"
#include "wire/otlp/encode.h"
#include "wire/otlp/model.h"

// Batches for the tests of this room and of those above it.
namespace ronda::wire::otlp {

// Each span as one request of its own, sorted: two batches hold the same spans, field for field, when
// these are equal, in whatever order and grouping they hold them. With `trace`: of that trace only.
inline std::vector<std::string> CanonicalSpans(const SpanBatch& batch,
                                               std::optional<base::TraceId> trace = {}) {
  SpanBatch one;
  one.attributes = batch.attributes;
  one.entity_refs = batch.entity_refs;
  one.events = batch.events;
  one.links = batch.links;
  std::vector<std::string> spans;
  for (const Span& span : batch.spans) {
    if (trace && span.trace != *trace) continue;
    Scope scope = batch.scopes[span.scope];
    one.resources = {batch.resources[scope.resource]};
    scope.resource = 0;
    one.scopes = {scope};
    one.spans = {span};
    one.spans[0].scope = 0;
    EncodeTraces(one, spans.emplace_back());
  }
  std::ranges::sort(spans);
  return spans;
}

// Makes batches in which every field is sometimes set, small ids meet again and keys repeat; the same
// ones for the same seed.
class BatchMaker {
 public:
  explicit BatchMaker(std::uint64_t seed) : random_(seed) {}

  void Make(std::size_t spans, SpanBatch& batch) {
    batch.Clear();
    for (int r = 0; r < 2; ++r) {
      Resource resource;
      resource.attributes = Attributes(batch, 5);
      if (Sometimes()) resource.schema_url = "https://example.org/schemas/1.27";
      if (Sometimes()) resource.dropped_attributes = 7;
      if (Sometimes()) {
        resource.entity_refs = {static_cast<std::uint32_t>(batch.entity_refs.size()), 1};
        batch.entity_refs.push_back(std::string_view("\x12\x07service\x1a\x04name", 15));
      }
      batch.resources.push_back(resource);
      for (std::uint32_t s = 0; s < 2; ++s) {
        Scope scope;
        scope.resource = static_cast<std::uint32_t>(r);
        scope.name = s == 0 ? "io.example.http" : "";
        if (Sometimes()) scope.version = "2.1";
        scope.attributes = Attributes(batch, 2);
        if (Sometimes()) scope.dropped_attributes = 1;
        if (Sometimes()) scope.schema_url = "https://example.org/schemas/1.26";
        batch.scopes.push_back(scope);
      }
    }
    for (std::size_t i = 0; i < spans; ++i) AddSpan(batch);
  }

  // Of one of the traces that Make uses.
  [[nodiscard]] base::TraceId Trace(std::uint64_t number) const {
    return {.high = 0x4bf92f3577b34da6 + number % kTraces,
            .low = 0xa3ce929d0e0e4736 * (number + 1)};
  }
  static constexpr std::uint64_t kTraces = 40;

 private:
  bool Sometimes() { return random_.Below(3) == 0; }

  std::string_view Word(SpanBatch& batch) {
    static constexpr std::string_view kWords[] = {"GET /cart",   "SELECT 1",  "order-api", "",
                                                  "k\xc3\xb6ln", "a\"b\\c\n", "prod"};
    if (random_.Below(4) == 0) return batch.arena.Copy(std::to_string(random_()));
    return kWords[random_.Below(std::size(kWords))];
  }

  Value AnyValue(SpanBatch& batch, int depth) {
    switch (random_.Below(depth > 0 ? 8 : 6)) {
      case 0: return {};
      case 1: return Value::Bool(random_.Below(2) == 0);
      case 2: return Value::Int(static_cast<std::int64_t>(random_() >> random_.Below(64)));
      case 3: return Value::Double(random_.Normal());
      case 4:
        return Value::Bytes(std::string_view("\0\x01\xff\xfe", 4).substr(0, random_.Below(5)));
      case 5: return Value::String(Word(batch));
      default: break;
    }
    const ValueType type = random_.Below(2) == 0 ? ValueType::kArray : ValueType::kKvlist;
    std::vector<Attribute> elements;
    for (std::uint64_t i = random_.Below(4); i > 0; --i) {
      elements.emplace_back(type == ValueType::kArray ? "" : Word(batch),
                            AnyValue(batch, depth - 1));
    }
    std::string bytes;
    EncodeElements(type, elements, bytes);
    return Value::OfBytes(type, batch.arena.Copy(bytes));
  }

  Range Attributes(SpanBatch& batch, std::uint64_t most) {
    static constexpr std::string_view kKeys[] = {"http.route", "thread.id",   "db.query.text", "x",
                                                 "enduser.id", "retry.count", "service.name"};
    Range range{static_cast<std::uint32_t>(batch.attributes.size()), 0};
    for (std::uint64_t i = random_.Below(most + 1); i > 0; --i) {
      batch.attributes.emplace_back(kKeys[random_.Below(std::size(kKeys))], AnyValue(batch, 2));
      ++range.count;
    }
    return range;
  }

  void AddSpan(SpanBatch& batch) {
    Span span;
    span.trace = Trace(random_.Below(kTraces));
    span.span = 1 + random_.Below(200);
    if (random_.Below(5) != 0) span.parent = 1 + random_.Below(200);
    span.start_ns = 1'787'000'000'000'000'000 + random_.Below(60'000'000'000);
    span.end_ns = span.start_ns + random_.Below(10'000'000);
    if (random_.Below(50) == 0) span.end_ns = random_();  // a clock gone wrong
    if (random_.Below(50) == 0) span.start_ns = random_.Below(2) * random_();
    span.name = Word(batch);
    if (Sometimes()) span.trace_state = "vendor=1";
    span.kind = static_cast<std::int32_t>(random_.Below(6));
    if (random_.Below(50) == 0) span.kind = -3;
    span.status = static_cast<std::int32_t>(random_.Below(3));
    if (random_.Below(50) == 0) span.status = 17;
    if (Sometimes()) span.status_message = Word(batch);
    if (Sometimes()) span.flags = 0x101;
    if (Sometimes()) span.dropped_attributes = static_cast<std::uint32_t>(random_.Below(9));
    if (Sometimes()) span.dropped_events = 3;
    if (Sometimes()) span.dropped_links = static_cast<std::uint32_t>(random_());
    span.scope = static_cast<std::uint32_t>(random_.Below(batch.scopes.size()));
    span.attributes = Attributes(batch, 12);
    span.events.begin = static_cast<std::uint32_t>(batch.events.size());
    for (std::uint64_t i = Sometimes() ? random_.Below(4) : 0; i > 0; --i) {
      Event event;
      if (random_.Below(8) != 0) {
        event.time_ns = span.start_ns + random_.Below(1000);
        event.name = Word(batch);
        event.attributes = Attributes(batch, 3);
        if (Sometimes()) event.dropped_attributes = 2;
      }
      batch.events.push_back(event);
      ++span.events.count;
    }
    span.links.begin = static_cast<std::uint32_t>(batch.links.size());
    for (std::uint64_t i = Sometimes() ? random_.Below(3) : 0; i > 0; --i) {
      Link link;
      link.trace = Trace(random_.Below(kTraces));
      link.span = 1 + random_.Below(200);
      if (Sometimes()) link.trace_state = "v=2";
      link.attributes = Attributes(batch, 2);
      if (Sometimes()) link.dropped_attributes = 2;
      if (Sometimes()) link.flags = 0x301;
      batch.links.push_back(link);
      ++span.links.count;
    }
    batch.spans.push_back(span);
  }

  base::Random random_;
};

}  // namespace ronda::wire::otlp
