#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/core/clock.h"
#include "base/core/status.h"
#include "series/source.h"
#include "trace/query/red.h"
#include "trace/segment/source.h"

namespace ronda::trace::query {

struct MapNode {
  enum class Kind : std::uint8_t {
    kService,  // it sends spans
    kPeer,  // only called: a database, a queue, a service without tracing
  };
  std::string name;
  Kind kind = Kind::kService;
  std::string technology;  // of a peer: as its callers say
  RedCell served;  // a service's server and consumer spans
};

struct MapEdge {
  std::string from, to;  // names of nodes; a message goes from its queue to the consumer
  std::string technology;
  RedCell calls;  // as the caller measured them; the consumer, where it is `to`
};

struct ServiceMap {
  std::uint64_t from_s = 0, to_s = 0;
  std::vector<MapNode> nodes;  // services first, each kind by name
  std::vector<MapEdge> edges;  // most calls first
  std::uint32_t traces = 0;  // in which it was learned who is behind a peer's address
  std::vector<std::string> notices;
};

// Who called whom in a time. Numbers are RED of client, producer and consumer spans, so that they are
// exact whatever is sampled. A span says the address of its peer, not which service that is: this is
// learned from the newest 200 traces of the time, where both halves of a call were recorded. A peer of
// which nobody's half was seen, or of more services than one (a proxy), is a node of its own; calls that
// no client span tells of are not there. Takes from, to and where of `request`. Any thread.
[[nodiscard]] base::Result<ServiceMap> ReadMap(series::Source& red, segment::Source& traces,
                                               const base::Clock& clock, const RedRequest& request,
                                               std::uint64_t deadline_ns);

}  // namespace ronda::trace::query
