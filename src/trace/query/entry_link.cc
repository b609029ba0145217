#include "trace/query/entry_link.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "trace/query/search.h"
#include "trace/query/trace_reader.h"
#include "trace/query/view_steps.h"

namespace ronda::trace::query {
namespace {

// The span that a step is named after: the callee, where both sides are known.
std::uint32_t NamedBy(const TraceView& view, std::uint32_t span) {
  return view.spans[span].half == Half::kCaller ? view.spans[span].other_half : span;
}

std::uint64_t TimeOf(std::int64_t ns) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(ns, 0));
}

}  // namespace

std::vector<std::uint32_t> LinkBuilder::EntriesOf(const otlp::SpanBatch& trace,
                                                  const TraceView& view) const {
  std::vector<std::uint32_t> entries;
  std::vector<std::uint8_t> inside(view.spans.size(), 0);  // of an entry
  // In the order of drawing a parent comes before its children.
  for (const std::uint32_t i : view.order) {
    const std::uint32_t parent = view.spans[i].parent;
    inside[i] = parent != kNone && inside[parent] != 0;
    if (inside[i] != 0 || trace.spans[i].name != operation_ ||
        view.processes[view.spans[i].process].service != service_) {
      continue;
    }
    inside[i] = 1;
    entries.push_back(i);
  }
  return entries;
}

std::uint32_t LinkBuilder::Record(const otlp::SpanBatch& trace, const TraceView& view,
                                  std::uint32_t span, std::uint32_t parent) {
  const SpanView& seen = view.spans[span];
  const std::uint32_t named = parent == kNone ? span : NamedBy(view, span);
  Key key{parent, view.processes[view.spans[named].process].service, trace.spans[named].name,
          trace.spans[named].kind};
  auto found = numbers_.find(key);
  if (found == numbers_.end() && parent != kNone && branches_[parent] >= kMostBranches) {
    key = {parent, "", "(other)", 0};
    found = numbers_.find(key);
  }
  if (found == numbers_.end()) {
    found = numbers_.emplace(key, static_cast<std::uint32_t>(link_.nodes.size())).first;
    LinkNode node;
    node.parent = parent;
    node.depth = parent == kNone ? 0 : link_.nodes[parent].depth + 1;
    std::tie(std::ignore, node.service, node.name, node.kind) = key;
    link_.nodes.push_back(std::move(node));
    branches_.push_back(0);
    seen_.push_back(0);
    if (parent != kNone) ++branches_[parent];
  }
  const std::uint32_t number = found->second;
  LinkNode& node = link_.nodes[number];
  ++node.calls;
  node.errors += trace.spans[span].status == otlp::kStatusError ||
                 trace.spans[named].status == otlp::kStatusError;
  node.self_ns += TimeOf(view.spans[named].self_ns);
  node.durations.Record(TimeOf(DurationOf(seen)));
  if (std::exchange(seen_[number], link_.requests) != link_.requests) ++node.requests;
  if (std::get<1>(key).empty() && std::get<2>(key) == "(other)") ++link_.joined;
  return number;
}

void LinkBuilder::AddRequest(const otlp::SpanBatch& trace, const TraceView& view,
                             std::uint32_t entry) {
  ++link_.requests;
  const std::uint64_t start = trace.spans[entry].start_ns;
  link_.first_ns = link_.requests == 1 ? start : std::min(link_.first_ns, start);
  link_.last_ns = std::max(link_.last_ns, start);
  // The entry is its own side alone, whoever called it, and whomever it calls.
  std::vector<Step> open;
  const std::uint32_t root = Record(trace, view, entry, kNone);
  for (const std::uint32_t child : ChildrenOf(view, entry)) {
    open.push_back({child, Record(trace, view, child, root)});
  }
  while (!open.empty()) {
    const Step step = open.back();
    open.pop_back();
    for (const std::uint32_t child : NodeChildren(view, step.span)) {
      open.push_back({child, Record(trace, view, child, step.node)});
    }
  }
}

void LinkBuilder::Add(const otlp::SpanBatch& trace) {
  const TraceView view = MakeView(trace);
  const auto entries = EntriesOf(trace, view);
  link_.traces += !entries.empty();
  for (const std::uint32_t entry : entries) AddRequest(trace, view, entry);
}

EntryLink LinkBuilder::Finish() {
  // Depth first, frequent branches first: by number while they are counted, by place from here on.
  std::vector<std::vector<std::uint32_t>> below(link_.nodes.size() + 1);
  for (std::uint32_t i = 0; i < link_.nodes.size(); ++i) {
    const std::uint32_t parent = link_.nodes[i].parent;
    below[parent == kNone ? link_.nodes.size() : parent].push_back(i);
  }
  for (auto& list : below) {
    std::ranges::sort(list, [&](std::uint32_t a, std::uint32_t b) {
      const LinkNode &x = link_.nodes[a], &y = link_.nodes[b];
      return std::tuple(y.requests, y.calls, x.service, x.name, x.kind) <
             std::tuple(x.requests, x.calls, y.service, y.name, y.kind);
    });
  }
  std::vector<LinkNode> nodes;
  std::vector<std::uint32_t> place(link_.nodes.size());
  std::vector<std::uint32_t> open(below.back().rbegin(), below.back().rend());
  while (!open.empty()) {
    const std::uint32_t number = open.back();
    open.pop_back();
    place[number] = static_cast<std::uint32_t>(nodes.size());
    LinkNode& node = nodes.emplace_back(std::move(link_.nodes[number]));
    if (node.parent != kNone) node.parent = place[node.parent];
    open.insert(open.end(), below[number].rbegin(), below[number].rend());
  }
  link_.nodes = std::move(nodes);
  return std::move(link_);
}

base::Result<EntryLink> LinkOf(segment::Source& source, const base::Clock& clock,
                               const LinkRequest& request) {
  if (request.traces == 0 || request.traces > kMostLinkTraces) {
    return base::InvalidArgument("traces is from 1 to " + std::to_string(kMostLinkTraces));
  }
  const auto is = [](Field field, const std::string& text) {
    return Is({.field = field,
               .key = "",
               .compare = Compare::kEqual,
               .literal = text,
               .pattern = nullptr});
  };
  ASSIGN_OR_RETURN(const SearchResult found,
                   Search(source, clock,
                          {.where = All({is(Field::kService, request.service),
                                         is(Field::kName, request.operation)}),
                           .from_ns = request.from_ns,
                           .to_ns = request.to_ns,
                           .limit = request.traces,
                           .deadline_ns = request.deadline_ns}));
  LinkBuilder builder(request.service, request.operation);
  std::vector<std::string> notices;
  RETURN_IF_ERROR(ReadFound(source, clock, found, request.deadline_ns,
                            "the link took too long: ask for fewer traces", notices,
                            [&](const StoredTrace& stored) { builder.Add(stored.batch); }));
  EntryLink link = builder.Finish();
  if (link.requests == 0) {
    return base::NotFound("no span \"" + request.operation + "\" of service \"" + request.service +
                          "\" at that time");
  }
  link.notices = std::move(notices);
  return link;
}

}  // namespace ronda::trace::query
