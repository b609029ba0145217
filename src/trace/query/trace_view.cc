#include "trace/query/trace_view.h"

#include "trace/query/view_steps.h"

namespace ronda::trace::query {

TraceView MakeView(const otlp::SpanBatch& batch) {
  TraceView view;
  LinkSpans(batch, view);
  CorrectClocks(batch, view);
  ArrangeTree(batch, view);
  MeasureTime(batch, view);
  return view;
}

}  // namespace ronda::trace::query
