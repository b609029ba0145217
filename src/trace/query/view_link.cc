#include <algorithm>
#include <limits>
#include <map>
#include <tuple>
#include <unordered_map>

#include "trace/query/view_steps.h"
#include "wire/otlp/encode.h"

namespace ronda::trace::query {
namespace {

// A quarter of the range, so that sums and differences of shifted times stay in it.
constexpr std::uint64_t kLatest = std::uint64_t{1} << 62;

void NumberProcesses(const otlp::SpanBatch& batch, TraceView& view) {
  std::map<std::string, std::uint32_t> numbers;
  std::vector<std::uint32_t> of_resource;
  std::string bytes;
  for (std::uint32_t i = 0; i < batch.resources.size(); ++i) {
    bytes.clear();
    EncodeResource(batch, batch.resources[i], bytes);
    const auto [at, made] =
        numbers.try_emplace(bytes, static_cast<std::uint32_t>(view.processes.size()));
    if (made) view.processes.push_back({i, ServiceOf(batch, batch.resources[i])});
    of_resource.push_back(at->second);
  }
  for (std::size_t i = 0; i < batch.spans.size(); ++i) {
    view.spans[i].process = of_resource[batch.scopes[batch.spans[i].scope].resource];
  }
}

// Spans of each id, as runs of a list.
class Ids {
 public:
  Ids(const otlp::SpanBatch& batch, const TraceView& view) : batch_(batch), view_(view) {
    for (std::uint32_t i = 0; i < batch.spans.size(); ++i) sorted_.push_back(i);
    std::ranges::sort(sorted_, [&](std::uint32_t a, std::uint32_t b) { return Key(a) < Key(b); });
    for (std::uint32_t k = 0; k < sorted_.size(); ++k) {
      runs_.try_emplace(batch.spans[sorted_[k]].span, k);
    }
  }

  // The same span as the one before it in the order of ids.
  void MarkDuplicates(TraceView& view) const {
    for (std::size_t k = 1; k < sorted_.size(); ++k) {
      if (Key(sorted_[k]).first != Key(sorted_[k - 1]).first) continue;
      view.spans[sorted_[k]].link = Link::kDuplicate;
      ++view.duplicates;
    }
  }

  // The parent that a span names, or kNone. Where several spans have that id: a callee's caller, or
  // one of its own process, or the first.
  [[nodiscard]] std::uint32_t ParentOf(std::uint32_t child) const {
    const otlp::Span& span = batch_.spans[child];
    // Both sides of a call may share one id (Zipkin): the caller is the callee's parent.
    if (const std::uint32_t caller =
            Among(span.span,
                  [&](std::uint32_t i) { return i != child && IsCalleeOf(batch_.spans[i], span); });
        caller != kNone && span.span != 0) {
      return caller;
    }
    if (span.parent == 0) return kNone;
    std::uint32_t found =
        Among(span.parent, [&](std::uint32_t i) { return IsCalleeOf(batch_.spans[i], span); });
    if (found == kNone) {
      found = Among(span.parent, [&](std::uint32_t i) {
        return view_.spans[i].process == view_.spans[child].process;
      });
    }
    return found == kNone ? Among(span.parent, [](std::uint32_t) { return true; }) : found;
  }

 private:
  // What makes two spans the same one; then their places, so that the first stays.
  using Same = std::tuple<std::uint64_t, std::int32_t, std::uint32_t, std::uint64_t, std::uint64_t,
                          std::uint64_t, std::string_view>;
  [[nodiscard]] std::pair<Same, std::uint32_t> Key(std::uint32_t i) const {
    const otlp::Span& s = batch_.spans[i];
    return {{s.span, s.kind, view_.spans[i].process, s.start_ns, s.end_ns, s.parent, s.name}, i};
  }

  template <typename Wanted>
  std::uint32_t Among(std::uint64_t id, const Wanted& wanted) const {
    const auto run = runs_.find(id);
    if (run == runs_.end()) return kNone;
    // Ids that are shared are shared by two or three; one that thousands claim names the first.
    constexpr std::size_t kMost = 16;
    const std::size_t end = std::min(sorted_.size(), run->second + kMost);
    for (std::size_t k = run->second; k < end && batch_.spans[sorted_[k]].span == id; ++k) {
      if (view_.spans[sorted_[k]].link != Link::kDuplicate && wanted(sorted_[k])) return sorted_[k];
    }
    return kNone;
  }

  const otlp::SpanBatch& batch_;
  const TraceView& view_;
  std::vector<std::uint32_t> sorted_;
  std::unordered_map<std::uint64_t, std::uint32_t> runs_;
};

// Makes the first span of every cycle a root.
void CutCycles(TraceView& view) {
  enum : std::uint8_t { kNew, kWalked, kDone };
  std::vector<std::uint8_t> state(view.spans.size(), kNew);
  std::vector<std::uint32_t> walk;
  for (std::uint32_t i = 0; i < view.spans.size(); ++i) {
    walk.clear();
    std::uint32_t at = i;
    for (; at != kNone && state[at] == kNew; at = view.spans[at].parent) {
      state[at] = kWalked;
      walk.push_back(at);
    }
    if (at != kNone && state[at] == kWalked) {
      // `at` lies on a cycle, which is the end of the walk.
      const auto begin = std::ranges::find(walk, at);
      const auto first = std::min_element(begin, walk.end(), [&](std::uint32_t a, std::uint32_t b) {
        return std::pair(view.spans[a].start_ns, a) < std::pair(view.spans[b].start_ns, b);
      });
      view.spans[*first].parent = kNone;
      view.spans[*first].link = Link::kCycle;
      ++view.cycles;
    }
    for (const std::uint32_t span : walk) state[span] = kDone;
  }
}

// Children of each span, in the order of the batch, and the roots.
void ListChildren(TraceView& view) {
  for (const SpanView& span : view.spans) {
    if (span.parent != kNone) ++view.spans[span.parent].children_count;
  }
  std::uint32_t begin = 0;
  for (SpanView& span : view.spans) {
    span.children_begin = begin;
    begin += span.children_count;
    span.children_count = 0;
  }
  view.children.resize(begin);
  for (std::uint32_t i = 0; i < view.spans.size(); ++i) {
    const SpanView& span = view.spans[i];
    if (span.parent != kNone) {
      SpanView& parent = view.spans[span.parent];
      view.children[parent.children_begin + parent.children_count++] = i;
    } else if (span.link != Link::kDuplicate) {
      view.roots.push_back(i);
    }
  }
}

}  // namespace

const otlp::Value* Find(const otlp::BatchParts& batch, otlp::Range attributes,
                        std::string_view key) {
  for (const otlp::Attribute& attribute : batch.At(attributes)) {
    if (attribute.key() == key) return &attribute.value();
  }
  return nullptr;
}

std::string_view ServiceOf(const otlp::BatchParts& batch, const otlp::Resource& resource) {
  const otlp::Value* value = Find(batch, resource.attributes, "service.name");
  return value != nullptr && value->type() == otlp::ValueType::kString ? value->bytes()
                                                                       : std::string_view();
}

void LinkSpans(const otlp::SpanBatch& batch, TraceView& view) {
  view.spans.resize(batch.spans.size());
  NumberProcesses(batch, view);
  for (std::size_t i = 0; i < batch.spans.size(); ++i) {
    const std::uint64_t start = std::min(batch.spans[i].start_ns, kLatest);
    view.spans[i].start_ns = static_cast<std::int64_t>(start);
    view.spans[i].end_ns =
        static_cast<std::int64_t>(std::clamp(batch.spans[i].end_ns, start, kLatest));
  }
  const Ids ids(batch, view);
  ids.MarkDuplicates(view);
  for (std::uint32_t i = 0; i < batch.spans.size(); ++i) {
    SpanView& span = view.spans[i];
    if (span.link == Link::kDuplicate) continue;
    if (batch.spans[i].status == otlp::kStatusError) ++view.errors;
    span.parent = ids.ParentOf(i);
    if (span.parent != kNone) {
      span.link = Link::kChild;
    } else if (batch.spans[i].parent != 0) {
      span.link = Link::kMissing;
      ++view.missing_parents;
    }
  }
  CutCycles(view);
  ListChildren(view);
}

}  // namespace ronda::trace::query
