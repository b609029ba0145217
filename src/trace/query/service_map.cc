#include "trace/query/service_map.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

#include "base/core/check.h"
#include "series/red.h"
#include "trace/query/search.h"
#include "trace/query/trace_reader.h"
#include "trace/query/trace_view.h"
#include "wire/otlp/semantics.h"

namespace ronda::trace::query {
namespace {

namespace red = series::red;

constexpr std::uint32_t kTraces = 200;
constexpr std::uint64_t kNs = 1'000'000'000;

// Services seen behind what a caller calls its peer.
using Behind = std::map<std::pair<std::string, std::string>, std::set<std::string>>;

void Learn(const StoredTrace& stored, Behind& behind) {
  const otlp::SpanBatch& batch = stored.batch;
  const TraceView view = MakeView(batch);
  for (const std::uint32_t i : view.order) {
    const SpanView& caller = view.spans[i];
    if (caller.half != Half::kCaller || caller.other_half == kNone) continue;
    const otlp::Span& span = batch.spans[i];
    const std::string peer = TextOf(otlp::Semantics(batch.At(span.attributes)).PeerOf(span.kind));
    const auto callee = view.processes[view.spans[caller.other_half].process].service;
    behind[{std::string(view.processes[caller.process].service), peer}].emplace(callee);
  }
}

base::Result<Behind> LearnPeers(segment::Source& traces, const base::Clock& clock,
                                std::uint64_t deadline_ns, ServiceMap& map) {
  ASSIGN_OR_RETURN(const SearchResult found, Search(traces, clock,
                                                    {.where = All({}),
                                                     .from_ns = map.from_s * kNs,
                                                     .to_ns = map.to_s * kNs,
                                                     .limit = kTraces,
                                                     .deadline_ns = deadline_ns}));
  Behind behind;
  RETURN_IF_ERROR(ReadFound(traces, clock, found, deadline_ns,
                            "the map took too long: a shorter time is faster", map.notices,
                            [&](const StoredTrace& stored) {
                              Learn(stored, behind);
                              ++map.traces;
                            }));
  return behind;
}

void Add(const RedCell& cell, RedCell& to) {
  to.spans += cell.spans;
  to.errors += cell.errors;
  CHECK(to.durations.Merge(cell.durations).ok());
}

RedCell NoSpans() { return {.durations = base::Histogram(series::kLayout)}; }

// Puts the map together from RED by service, kind, peer and technology.
class Drawing {
 public:
  Drawing(const RedAnswer& answer, const Behind& behind) : behind_(behind) {
    for (const RedGroup& group : answer.groups) services_.insert(group.values[0]);
    for (const RedGroup& group : answer.groups) Add(group);
  }

  void Finish(ServiceMap& map) {
    for (const std::string& service : services_) {
      const auto served = served_.find(service);
      map.nodes.push_back({.name = service,
                           .kind = MapNode::Kind::kService,
                           .technology = {},
                           .served = served == served_.end() ? NoSpans() : served->second});
    }
    for (const auto& [peer, technology] : peers_) {
      map.nodes.push_back({.name = peer,
                           .kind = MapNode::Kind::kPeer,
                           .technology = technology,
                           .served = NoSpans()});
    }
    for (auto& [names, calls] : edges_) {
      map.edges.push_back({.from = std::get<0>(names),
                           .to = std::get<1>(names),
                           .technology = std::get<2>(names),
                           .calls = std::move(calls)});
    }
    std::ranges::sort(map.edges, [](const MapEdge& a, const MapEdge& b) {
      return std::tie(b.calls.spans, a.from, a.to, a.technology) <
             std::tie(a.calls.spans, b.from, b.to, b.technology);
    });
  }

 private:
  void Add(const RedGroup& group) {
    const std::string &service = group.values[0], &kind = group.values[1], &peer = group.values[2],
                      &technology = group.values[3];
    const bool consumer = kind == "consumer";
    if (kind == "server" || consumer) query::Add(group.total, At(served_, service));
    if (consumer && !peer.empty()) {
      if (!services_.contains(peer)) peers_[peer] = technology;
      query::Add(group.total, At(edges_, {peer, service, technology}));
    }
    if (kind == "client" || kind == "producer") {
      // What a producer calls is its queue, whoever takes the message.
      const std::string to =
          kind == "client" ? CalleeOf(service, peer, technology) : PeerName(peer, technology);
      if (!services_.contains(to)) peers_[to] = technology;
      query::Add(group.total, At(edges_, {service, to, technology}));
    }
  }

  [[nodiscard]] std::string CalleeOf(const std::string& service, const std::string& peer,
                                     const std::string& technology) const {
    const auto found = behind_.find({service, peer});
    if (found != behind_.end() && found->second.size() == 1) return *found->second.begin();
    return PeerName(peer, technology);
  }
  [[nodiscard]] static std::string PeerName(const std::string& peer,
                                            const std::string& technology) {
    if (!peer.empty()) return peer;
    return technology.empty() ? "(unknown)" : technology;
  }
  template <typename Map>
  static RedCell& At(Map& map, const typename Map::key_type& key) {
    return map.try_emplace(key, NoSpans()).first->second;
  }

  const Behind& behind_;
  std::set<std::string> services_;
  std::map<std::string, std::string> peers_;  // technology by name
  std::map<std::string, RedCell> served_;
  std::map<std::tuple<std::string, std::string, std::string>, RedCell> edges_;
};

}  // namespace

base::Result<ServiceMap> ReadMap(series::Source& red, segment::Source& traces,
                                 const base::Clock& clock, const RedRequest& request,
                                 std::uint64_t deadline_ns) {
  RedRequest all = request;
  all.step_s = 0;
  all.by = {std::string(red::kService), std::string(red::kKind), std::string(red::kPeer),
            std::string(red::kTechnology)};
  ASSIGN_OR_RETURN(RedAnswer answer, ReadRed(red, all));
  ServiceMap map;
  map.from_s = answer.from_s;
  map.to_s = answer.to_s;
  map.notices = std::move(answer.notices);
  ASSIGN_OR_RETURN(const Behind behind, LearnPeers(traces, clock, deadline_ns, map));
  Drawing(answer, behind).Finish(map);
  return map;
}

}  // namespace ronda::trace::query
