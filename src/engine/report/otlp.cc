#include "engine/report/otlp.h"

#include <array>
#include <protozero/pbf_writer.hpp>
#include <utility>

namespace ronda::engine::report {
namespace {

using protozero::pbf_writer;

// Field numbers of opentelemetry/proto/{collector/trace,trace,common,resource}/v1.
enum RequestField { kResourceSpans = 1 };
enum ResourceSpansField { kResource = 1, kScopeSpans = 2 };
enum ScopeSpansField { kScope = 1, kSpans = 2 };
enum SpanField {
  kTraceId = 1,
  kSpanId = 2,
  kParentSpanId = 4,
  kName = 5,
  kKind = 6,
  kStart = 7,
  kEnd = 8,
  kAttributes = 9,
  kStatus = 15,
};
enum StatusField { kMessage = 2, kCode = 3 };

std::array<char, 8> BigEndian(std::uint64_t v) {
  std::array<char, 8> bytes{};
  for (std::size_t i = 0; i < 8; ++i) bytes[i] = static_cast<char>(v >> (56 - 8 * i));
  return bytes;
}

void PutText(pbf_writer& into, protozero::pbf_tag_type field, std::string_view key,
             std::string_view value) {
  if (value.empty()) return;
  pbf_writer attribute(into, field);
  attribute.add_string(1, key.data(), key.size());
  pbf_writer any(attribute, 2);
  any.add_string(1, value.data(), value.size());
}

void PutInt(pbf_writer& into, std::string_view key, std::int64_t value) {
  if (value == 0) return;
  pbf_writer attribute(into, kAttributes);
  attribute.add_string(1, key.data(), key.size());
  pbf_writer any(attribute, 2);
  any.add_int64(3, value);
}

void PutSpan(pbf_writer& scope_spans, const SpanView& s) {
  pbf_writer span(scope_spans, kSpans);
  const auto high = BigEndian(s.trace.high), low = BigEndian(s.trace.low), id = BigEndian(s.span);
  std::array<char, 16> trace{};
  std::copy(high.begin(), high.end(), trace.begin());
  std::copy(low.begin(), low.end(), trace.begin() + 8);
  span.add_bytes(kTraceId, trace.data(), trace.size());
  span.add_bytes(kSpanId, id.data(), id.size());
  if (s.parent != 0) {
    const auto parent = BigEndian(s.parent);
    span.add_bytes(kParentSpanId, parent.data(), parent.size());
  }
  span.add_string(kName, s.name.data(), s.name.size());
  span.add_enum(kKind, static_cast<std::int32_t>(s.kind));
  span.add_fixed64(kStart, s.start_wall_ns);
  span.add_fixed64(kEnd, s.end_wall_ns);
  PutText(span, kAttributes, "http.request.method", s.method);
  PutText(span, kAttributes, "url.full", s.url);
  PutInt(span, "http.response.status_code", s.status);
  PutText(span, kAttributes, "ronda.step", s.step);
  PutText(span, kAttributes, "ronda.user", s.user);
  if (s.result == SpanView::Result::kError) {
    PutText(span, kAttributes, "error.type", s.error);
    pbf_writer status(span, kStatus);
    status.add_string(kMessage, s.error.data(), s.error.size());
    status.add_enum(kCode, static_cast<std::int32_t>(s.result));
  }
}

}  // namespace

SpanBatcher::SpanBatcher(PushQueue& queue, const SpanResource& resource) : queue_(queue) {
  pbf_writer writer(resource_);
  PutText(writer, 1, "service.name", resource.service);
  PutText(writer, 1, "service.version", resource.version);
  PutText(writer, 1, "ronda.run", resource.run_id);
  PutText(writer, 1, "ronda.run_name", resource.run_name);
  pbf_writer scope(scope_);
  scope.add_string(1, "ronda.engine");
  scope.add_string(2, resource.version);
  spans_.reserve(kMostBytes + 4096);
}

void SpanBatcher::Add(const SpanView& span) {
  pbf_writer writer(spans_);
  PutSpan(writer, span);
  if (++count_ >= kMostSpans || spans_.size() >= kMostBytes) Flush();
}

void SpanBatcher::Flush() {
  if (count_ == 0) return;
  PostRequest request;
  request.headers = {{"Content-Type", "application/x-protobuf"}};
  {
    pbf_writer message(request.body);
    pbf_writer resource_spans(message, kResourceSpans);
    resource_spans.add_message(kResource, resource_);
    std::string scope_spans;
    scope_spans.reserve(spans_.size() + scope_.size() + 8);
    pbf_writer inner(scope_spans);
    inner.add_message(kScope, scope_);
    scope_spans += spans_;
    resource_spans.add_message(kScopeSpans, scope_spans);
  }
  queue_.Offer(std::move(request), std::exchange(count_, 0));
  spans_.clear();
}

}  // namespace ronda::engine::report
