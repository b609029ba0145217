#include <algorithm>
#include <iterator>
#include <tuple>

#include "trace/query/view_steps.h"

namespace ronda::trace::query {
namespace {

// A caller's only callee: two would be two answers to one call, which are shown apart.
std::uint32_t CalleeOf(const otlp::SpanBatch& batch, const TraceView& view, std::uint32_t caller) {
  std::uint32_t found = kNone;
  for (const std::uint32_t child : ChildrenOf(view, caller)) {
    if (!IsCalleeOf(batch.spans[caller], batch.spans[child])) continue;
    if (found != kNone) return kNone;
    found = child;
  }
  return found;
}

void MergeHalves(const otlp::SpanBatch& batch, TraceView& view) {
  for (std::uint32_t i = 0; i < view.spans.size(); ++i) {
    if (!IsCaller(batch.spans[i])) continue;
    const std::uint32_t other = CalleeOf(batch, view, i);
    if (other == kNone) continue;
    SpanView& caller = view.spans[i];
    SpanView& callee = view.spans[other];
    caller.half = Half::kCaller;
    caller.other_half = other;
    callee.half = Half::kCallee;
    callee.other_half = i;
    caller.request_gap_ns = callee.start_ns - caller.start_ns;
    caller.response_gap_ns = caller.end_ns - callee.end_ns;
  }
}

void Visit(TraceView& view) {
  struct Open {
    std::vector<std::uint32_t> nodes;
    std::size_t next = 0;
  };
  std::vector<Open> open{{view.roots, 0}};
  while (!open.empty()) {
    Open& level = open.back();
    if (level.next == level.nodes.size()) {
      open.pop_back();
      continue;
    }
    const std::uint32_t node = level.nodes[level.next++];
    const auto depth = static_cast<std::uint32_t>(open.size() - 1);
    const auto ordinal = static_cast<std::uint32_t>(level.next);
    const auto place = [&](std::uint32_t span) {
      view.spans[span].depth = depth;
      view.spans[span].ordinal = ordinal;
      view.order.push_back(span);
    };
    place(node);
    // A callee of a caller that is itself a callee's child stands with its caller, never alone.
    if (view.spans[node].half == Half::kCaller) place(view.spans[node].other_half);
    open.push_back({NodeChildren(view, node), 0});
  }
}

}  // namespace

std::vector<std::uint32_t> NodeChildren(const TraceView& view, std::uint32_t node) {
  std::vector<std::uint32_t> nodes;
  const SpanView& span = view.spans[node];
  for (const std::uint32_t child : ChildrenOf(view, node)) {
    if (span.half != Half::kCaller || child != span.other_half) nodes.push_back(child);
  }
  if (span.half == Half::kCaller) {
    std::vector<std::uint32_t> merged;
    std::ranges::merge(
        nodes, ChildrenOf(view, span.other_half), std::back_inserter(merged), {},
        [&](std::uint32_t n) { return view.spans[n].start_ns; },
        [&](std::uint32_t n) { return view.spans[n].start_ns; });
    return merged;
  }
  return nodes;
}

std::uint32_t MainRootOf(const TraceView& view) {
  std::uint32_t best = kNone;
  const auto key = [&](std::uint32_t i) {
    return std::tuple(view.spans[i].link != Link::kRoot, view.spans[i].start_ns, i);
  };
  for (const std::uint32_t root : view.roots) {
    if (best == kNone || key(root) < key(best)) best = root;
  }
  return best;
}

void ArrangeTree(const otlp::SpanBatch& batch, TraceView& view) {
  // By start; of two that start together the longer one first, then the order of the batch.
  const auto earlier = [&](std::uint32_t a, std::uint32_t b) {
    const auto key = [&](std::uint32_t i) {
      return std::tuple(view.spans[i].start_ns, -view.spans[i].end_ns, i);
    };
    return key(a) < key(b);
  };
  for (const SpanView& span : view.spans) {
    const auto begin = view.children.begin() + span.children_begin;
    std::sort(begin, begin + span.children_count, earlier);
  }
  std::ranges::sort(view.roots, earlier);
  MergeHalves(batch, view);
  Visit(view);
}

std::string PathOf(const TraceView& view, std::uint32_t span) {
  std::vector<std::uint32_t> levels;
  while (span != kNone && levels.size() < kPathLevels) {
    const SpanView* at = &view.spans[span];
    if (at->half == Half::kCallee) at = &view.spans[at->other_half];
    levels.push_back(at->ordinal);
    span = at->parent;
  }
  std::string path = span == kNone ? "" : "~";
  for (auto level = levels.rbegin(); level != levels.rend(); ++level) {
    if (!path.empty()) path += '.';
    path += std::to_string(*level);
  }
  return path;
}

}  // namespace ronda::trace::query
