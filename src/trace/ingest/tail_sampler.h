#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/core/clock.h"
#include "base/core/ids.h"
#include "base/core/status.h"
#include "base/log.h"
#include "trace/ingest/dropped_traces.h"
#include "trace/ingest/lane.h"
#include "trace/ingest/sampling.h"
#include "trace/segment/layout.h"

namespace ronda::trace::ingest {

// Decides which traces stay, over all lanes of a folder, and has their spans removed from the lanes'
// segments: one segment a round, the one that was received longest ago.
//
// A trace is judged once, when the first segment that has spans of it is old enough, by all of its
// spans that are anywhere then: in other segments of any lane, in open blocks. What it was found to be
// holds for its other spans when their segments' turn comes, and for what comes later: a trace that has
// spans in a segment that was sampled is kept; one that was dropped is remembered on disk, before any
// span of it goes. So a process killed at any moment takes up where it was, with the same verdicts, and
// what is removed is counted with the step that removes it.
//
// Owned by one thread; the lanes go on meanwhile.
class TailSampler {
 public:
  // `files` is a folder of its own; all references outlive it.
  [[nodiscard]] static base::Result<std::unique_ptr<TailSampler>> Open(segment::FileSystem& files,
                                                                       const SamplingRules& rules,
                                                                       const base::Clock& clock,
                                                                       base::Log& log);

  // Samples one segment; false when none is due. After a failure the same round is tried again.
  [[nodiscard]] base::Result<bool> Round(std::span<const std::unique_ptr<Lane>> lanes);

 private:
  struct Target {
    Lane* lane = nullptr;
    SegmentState segment;
  };
  struct Trace {
    std::uint64_t hash = 0;
    Verdict verdict;
  };
  struct IdHash {
    std::size_t operator()(base::TraceId id) const { return segment::HashOf(id); }
  };
  using Traces = std::unordered_map<base::TraceId, Trace, IdHash>;

  TailSampler(DroppedTraces dropped, const SamplingRules& rules, const base::Clock& clock)
      : dropped_(std::move(dropped)), rules_(rules), clock_(clock) {}

  // The traces of the target that are to go, by their hashes; DataLoss when it is damaged.
  base::Result<std::vector<std::uint64_t>> Judge(const Target& target,
                                                 std::span<const std::unique_ptr<Lane>> lanes);
  // Of the traces of `batch_`, those that no verdict stands for; the others that are to go: in `go`.
  Traces Unjudged(std::vector<std::uint64_t>& go) const;
  void Learn(const Target& target);
  // Takes those out of `traces` that are known to be kept.
  void LeaveKept(const SegmentState& sampled, Traces& traces);
  void Hear(const SegmentState& other, Traces& traces);
  void Hear(const segment::Block& block, Traces& traces);
  void Hear(const wire::otlp::SpanBatch& batch, Traces& traces);

  DroppedTraces dropped_;
  const SamplingRules rules_;
  const base::Clock& clock_;
  OperationStatistics statistics_;
  wire::otlp::SpanBatch batch_;  // the target's spans
  wire::otlp::SpanBatch more_;
};

}  // namespace ronda::trace::ingest
