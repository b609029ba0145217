#include <algorithm>
#include <limits>
#include <utility>

#include "trace/query/view_steps.h"

namespace ronda::trace::query {
namespace {

// Far beyond any clock that is merely wrong; keeps sums in range.
constexpr std::int64_t kMostShift = std::int64_t{1} << 61;

// Which shifts of a callee's clock put it inside its caller.
struct Allowed {
  std::int64_t least = std::numeric_limits<std::int64_t>::min();
  std::int64_t most = std::numeric_limits<std::int64_t>::max();
  bool known = false;  // a call between the two was seen
};

// Narrows by one call, times as they stand. A call that does not fit with those before it is passed
// over: clocks that drift while a trace lasts cannot be made right by one shift.
void Narrow(const SpanView& caller, const SpanView& callee, Allowed& allowed) {
  std::int64_t least = caller.start_ns - callee.start_ns;
  std::int64_t most = caller.end_ns - callee.end_ns;
  if (least > most) {  // it took longer than its caller, which may have given up
    if (callee.start_ns >= caller.start_ns && callee.start_ns <= caller.end_ns) return;
    most = least;
  }
  least = std::max(least, allowed.least);
  most = std::min(most, allowed.most);
  if (least <= most) allowed = {least, most, true};
}

std::int64_t ShiftOf(const Allowed& allowed) {
  if (!allowed.known || (allowed.least <= 0 && allowed.most >= 0)) return 0;
  return allowed.least + (allowed.most - allowed.least) / 2;
}

// Calls from one process to another, in the order of processes reached from a root.
class Clocks {
 public:
  Clocks(const otlp::SpanBatch& batch, TraceView& view) : view_(view) {
    for (std::uint32_t i = 0; i < view.spans.size(); ++i) {
      const std::uint32_t parent = view.spans[i].parent;
      if (parent == kNone || view.spans[i].process == view.spans[parent].process) continue;
      if (batch.spans[i].kind == otlp::kKindServer && batch.spans[parent].kind == otlp::kKindClient)
        calls_.push_back(i);
    }
    std::ranges::sort(calls_, {}, [&](std::uint32_t i) { return std::pair(Pair(i), i); });
  }

  // The shift of each process; breadth first from those of the roots, the main root's first.
  std::vector<std::int64_t> Shifts() {
    shifts_.assign(view_.processes.size(), 0);
    reached_.assign(view_.processes.size(), false);
    Spread(MainRootOf(view_));
    for (const std::uint32_t root : view_.roots) Spread(root);
    return shifts_;
  }

 private:
  [[nodiscard]] std::pair<std::uint32_t, std::uint32_t> Pair(std::uint32_t callee) const {
    const SpanView& span = view_.spans[callee];
    return {view_.spans[span.parent].process, span.process};
  }

  void Spread(std::uint32_t root) {
    if (root == kNone || reached_[view_.spans[root].process]) return;
    std::vector<std::uint32_t> waiting{view_.spans[root].process};
    reached_[waiting[0]] = true;
    for (std::size_t k = 0; k < waiting.size(); ++k) Follow(waiting[k], waiting);
  }

  void Follow(std::uint32_t caller, std::vector<std::uint32_t>& waiting) {
    auto call = std::ranges::lower_bound(calls_, std::pair(caller, std::uint32_t{0}), {},
                                         [&](std::uint32_t i) { return Pair(i); });
    while (call != calls_.end() && Pair(*call).first == caller) {
      const std::uint32_t callee = Pair(*call).second;
      Allowed allowed;
      for (; call != calls_.end() && Pair(*call) == std::pair(caller, callee); ++call) {
        const SpanView& span = view_.spans[*call];
        Narrow(view_.spans[span.parent], span, allowed);
      }
      if (reached_[callee]) continue;
      reached_[callee] = true;
      // Found with the caller's clock as it was, so both move by what the caller moves.
      shifts_[callee] = std::clamp(shifts_[caller] + ShiftOf(allowed), -kMostShift, kMostShift);
      waiting.push_back(callee);
    }
  }

  TraceView& view_;
  std::vector<std::uint32_t> calls_;  // callees, by caller's and own process
  std::vector<std::int64_t> shifts_;
  std::vector<bool> reached_;
};

}  // namespace

void CorrectClocks(const otlp::SpanBatch& batch, TraceView& view) {
  const std::vector<std::int64_t> shifts = Clocks(batch, view).Shifts();
  std::vector<std::uint32_t> counts(shifts.size());
  for (SpanView& span : view.spans) {
    span.shift_ns = shifts[span.process];
    span.start_ns += span.shift_ns;
    span.end_ns += span.shift_ns;
    if (span.link != Link::kDuplicate) ++counts[span.process];
  }
  for (std::uint32_t process = 0; process < shifts.size(); ++process) {
    if (shifts[process] != 0) view.skews.push_back({process, shifts[process], counts[process]});
  }
}

}  // namespace ronda::trace::query
