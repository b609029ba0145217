#include <algorithm>
#include <utility>

#include "trace/query/view_steps.h"

namespace ronda::trace::query {
namespace {

// How much of the span is in none of its children; those are sorted by start.
std::int64_t SelfTime(const TraceView& view, std::uint32_t i) {
  const SpanView& span = view.spans[i];
  std::int64_t covered = 0, until = span.start_ns;
  for (const std::uint32_t child : ChildrenOf(view, i)) {
    const std::int64_t from = std::max(view.spans[child].start_ns, until);
    const std::int64_t to = std::min(view.spans[child].end_ns, span.end_ns);
    if (to <= from) continue;
    covered += to - from;
    until = to;
  }
  return DurationOf(span) - covered;
}

// Walks back from a root's end: at any moment the path is in the child that ended last before it, or
// in the span itself. A child that ends after its parent is taken to end with it, unless it is a
// consumer, which nobody waits for.
class CriticalPath {
 public:
  CriticalPath(const otlp::SpanBatch& batch, TraceView& view) : batch_(batch), view_(view) {}

  void Walk(std::uint32_t root) {
    Enter(root, view_.spans[root].end_ns);
    while (!open_.empty()) Step();
    std::ranges::reverse(view_.critical_path);
  }

 private:
  struct Open {
    std::uint32_t span;
    std::int64_t begin;  // not before its parent began
    std::int64_t now;  // the path after this is known
    std::vector<std::uint32_t> children;  // by end; the last one is looked at next
  };

  void Enter(std::uint32_t i, std::int64_t end) {
    const SpanView& span = view_.spans[i];
    std::vector<std::uint32_t> children;
    for (const std::uint32_t child : ChildrenOf(view_, i)) {
      if (batch_.spans[child].kind != otlp::kKindConsumer) children.push_back(child);
    }
    std::ranges::sort(children, {}, [&](std::uint32_t c) {
      return std::pair(std::min(view_.spans[c].end_ns, span.end_ns), c);
    });
    const std::int64_t begin =
        open_.empty() ? span.start_ns : std::max(span.start_ns, open_.back().begin);
    open_.push_back({i, begin, std::min(end, span.end_ns), std::move(children)});
  }

  void Step() {
    Open& at = open_.back();
    while (!at.children.empty()) {
      const std::uint32_t child = at.children.back();
      at.children.pop_back();
      const SpanView& span = view_.spans[child];
      const std::int64_t end = std::min(span.end_ns, view_.spans[at.span].end_ns);
      const std::int64_t begin = std::max(span.start_ns, at.begin);
      if (end > at.now || end <= begin) continue;  // beside the path, or outside of its parent
      Take(at.span, end, at.now);
      at.now = begin;
      Enter(child, end);
      return;
    }
    Take(at.span, at.begin, at.now);
    open_.pop_back();
  }

  void Take(std::uint32_t span, std::int64_t from, std::int64_t to) {
    if (to <= from) return;
    view_.spans[span].critical_ns += to - from;
    view_.critical_path.push_back({span, from, to});
  }

  const otlp::SpanBatch& batch_;
  TraceView& view_;
  std::vector<Open> open_;
};

}  // namespace

void MeasureTime(const otlp::SpanBatch& batch, TraceView& view) {
  for (const std::uint32_t i : view.order) view.spans[i].self_ns = SelfTime(view, i);
  view.main_root = MainRootOf(view);
  if (view.main_root == kNone) return;
  CriticalPath(batch, view).Walk(view.main_root);
  view.start_ns = view.spans[view.main_root].start_ns;
  view.end_ns = view.spans[view.main_root].end_ns;
  for (const std::uint32_t i : view.order) {
    view.start_ns = std::min(view.start_ns, view.spans[i].start_ns);
    view.end_ns = std::max(view.end_ns, view.spans[i].end_ns);
  }
}

}  // namespace ronda::trace::query
