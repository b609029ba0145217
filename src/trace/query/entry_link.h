#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/core/clock.h"
#include "base/core/histogram.h"
#include "base/core/status.h"
#include "trace/query/trace_view.h"
#include "trace/segment/source.h"

namespace ronda::trace::query {

// One step below an entry, in all requests together. A call that both sides recorded is one step: the
// callee's service and name, the caller's time.
struct LinkNode {
  std::uint32_t parent = kNone;  // in EntryLink::nodes; kNone for the entry
  std::uint32_t depth = 0;
  std::string service;
  std::string name;
  std::int32_t kind = 0;  // the callee's
  std::uint64_t requests = 0;  // in how many it happened at all
  std::uint64_t calls = 0;  // how often
  std::uint64_t errors = 0;  // of the calls; of either half
  std::uint64_t self_ns = 0;  // of all calls: in none of their own steps
  base::Histogram durations;  // of a call
};

// The link of an entry: the union of what many of its requests did, which no single trace shows.
struct EntryLink {
  std::uint64_t requests = 0;
  std::uint64_t traces = 0;  // that they were found in
  std::uint64_t first_ns = 0;  // the entries' earliest start, and the latest
  std::uint64_t last_ns = 0;
  std::vector<LinkNode> nodes;  // depth first, frequent branches first; the entry is the first
  std::uint64_t joined = 0;  // calls under "(other)": beyond kMostBranches of one step
  std::vector<std::string> notices;
};

// Distinct steps directly under one; names with ids in them would be without end.
inline constexpr std::size_t kMostBranches = 200;
inline constexpr std::uint32_t kMostLinkTraces = 1000;

// Adds traces up, one at a time. Owned by one thread.
class LinkBuilder {
 public:
  // Which spans are the entry; of nested ones the outermost.
  LinkBuilder(std::string_view service, std::string_view operation)
      : service_(service), operation_(operation) {}

  void Add(const otlp::SpanBatch& trace);
  [[nodiscard]] EntryLink Finish();

 private:
  struct Step {
    std::uint32_t span = 0;  // of the view
    std::uint32_t node = 0;
  };
  using Key = std::tuple<std::uint32_t, std::string, std::string, std::int32_t>;

  [[nodiscard]] std::vector<std::uint32_t> EntriesOf(const otlp::SpanBatch& trace,
                                                     const TraceView& view) const;
  void AddRequest(const otlp::SpanBatch& trace, const TraceView& view, std::uint32_t entry);
  std::uint32_t Record(const otlp::SpanBatch& trace, const TraceView& view, std::uint32_t span,
                       std::uint32_t parent);

  const std::string service_, operation_;
  EntryLink link_;
  std::map<Key, std::uint32_t> numbers_;
  std::vector<std::size_t> branches_;  // of each node
  std::vector<std::uint64_t> seen_;  // the request that each node was last met in
};

struct LinkRequest {
  std::string service;
  std::string operation;  // a span's name
  std::uint64_t from_ns = 0;  // the entry starts in [from_ns, to_ns)
  std::uint64_t to_ns = ~std::uint64_t{0};
  std::uint32_t traces = 200;  // the newest; 1 to kMostLinkTraces
  std::uint64_t deadline_ns = 0;  // of the clock, monotonic; 0: none
};

// NotFound when no span is such an entry; DeadlineExceeded when it takes longer than allowed. Any thread.
[[nodiscard]] base::Result<EntryLink> LinkOf(segment::Source& source, const base::Clock& clock,
                                             const LinkRequest& request);

}  // namespace ronda::trace::query
