#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "wire/otlp/model.h"

namespace ronda::trace::query {

// Builds batches by hand. Times are milliseconds after 2026-01-01T00:00:00Z.
class TraceBuilder {
 public:
  static constexpr std::uint64_t kEpochNs = 1'767'225'600'000'000'000;
  static constexpr std::uint64_t kMs = 1'000'000;

  // The spans that follow are this service's; the same name is the same process.
  TraceBuilder& Service(std::string_view name) {
    for (std::uint32_t i = 0; i < batch.scopes.size(); ++i) {
      const auto attributes = batch.At(batch.resources[batch.scopes[i].resource].attributes);
      if (attributes[0].value().bytes() == name) {
        scope_ = i;
        return *this;
      }
    }
    wire::otlp::Resource resource;
    resource.attributes = {static_cast<std::uint32_t>(batch.attributes.size()), 1};
    batch.attributes.emplace_back("service.name",
                                  wire::otlp::Value::String(batch.arena.Copy(name)));
    scope_ = static_cast<std::uint32_t>(batch.scopes.size());
    wire::otlp::Scope scope;
    scope.resource = static_cast<std::uint32_t>(batch.resources.size());
    batch.resources.push_back(resource);
    batch.scopes.push_back(scope);
    return *this;
  }
  // Of the trace that the spans after it belong to.
  TraceBuilder& Trace(std::uint64_t low) {
    trace_ = {.high = 1, .low = low};
    return *this;
  }
  TraceBuilder& Span(std::uint64_t id, std::uint64_t parent, std::uint64_t from_ms,
                     std::uint64_t to_ms, wire::otlp::SpanKind kind = wire::otlp::kKindInternal) {
    wire::otlp::Span span;
    span.trace = trace_;
    span.span = id;
    span.parent = parent;
    span.start_ns = kEpochNs + from_ms * kMs;
    span.end_ns = kEpochNs + to_ms * kMs;
    span.kind = kind;
    span.name = batch.arena.Copy("op" + std::to_string(id));
    span.scope = scope_;
    span.attributes.begin = static_cast<std::uint32_t>(batch.attributes.size());
    batch.spans.push_back(span);
    return *this;
  }
  // Of the last span.
  TraceBuilder& Name(std::string_view name) {
    batch.spans.back().name = batch.arena.Copy(name);
    return *this;
  }
  TraceBuilder& Error() {
    batch.spans.back().status = wire::otlp::kStatusError;
    return *this;
  }
  TraceBuilder& With(std::string_view key, const wire::otlp::Value& value) {
    batch.attributes.emplace_back(batch.arena.Copy(key), value);
    ++batch.spans.back().attributes.count;
    return *this;
  }

  wire::otlp::SpanBatch batch;

 private:
  base::TraceId trace_{.high = 1, .low = 1};
  std::uint32_t scope_ = 0;
};

}  // namespace ronda::trace::query
