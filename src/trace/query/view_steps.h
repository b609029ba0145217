#pragma once

#include "trace/query/trace_view.h"

// The steps of MakeView, in their order.
namespace ronda::trace::query {

// Processes, times as the spans say, duplicates, parents, cycles cut, and children of each span.
void LinkSpans(const otlp::SpanBatch& batch, TraceView& view);
// Shifts, and with them start_ns and end_ns.
void CorrectClocks(const otlp::SpanBatch& batch, TraceView& view);
// Halves merged and their gaps; roots and children by start; depth, ordinal, order.
void ArrangeTree(const otlp::SpanBatch& batch, TraceView& view);
// self_ns, critical_ns, critical_path.
void MeasureTime(const otlp::SpanBatch& batch, TraceView& view);

// The first span that names no parent, or else the first root; kNone for no spans.
[[nodiscard]] std::uint32_t MainRootOf(const TraceView& view);

[[nodiscard]] inline std::int64_t DurationOf(const SpanView& span) {
  return span.end_ns - span.start_ns;
}
[[nodiscard]] inline std::span<const std::uint32_t> ChildrenOf(const TraceView& view,
                                                               std::uint32_t span) {
  return {view.children.data() + view.spans[span].children_begin, view.spans[span].children_count};
}
// Those of both halves of a call, by start; of a callee, its own.
[[nodiscard]] std::vector<std::uint32_t> NodeChildren(const TraceView& view, std::uint32_t span);
[[nodiscard]] inline bool IsCaller(const otlp::Span& span) {
  return span.kind == otlp::kKindClient || span.kind == otlp::kKindProducer;
}
// Whether `callee` is the other side of `caller`.
[[nodiscard]] inline bool IsCalleeOf(const otlp::Span& caller, const otlp::Span& callee) {
  return (caller.kind == otlp::kKindClient && callee.kind == otlp::kKindServer) ||
         (caller.kind == otlp::kKindProducer && callee.kind == otlp::kKindConsumer);
}

}  // namespace ronda::trace::query
