#include "trace/ingest/tail_sampler.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "trace/segment/columns.h"
#include "trace/segment/layout.h"

namespace ronda::trace::ingest {
namespace {

constexpr std::uint64_t kHourNs = 3'600'000'000'000;
// A segment that has more of the traces that are asked for is read as a whole.
constexpr std::size_t kFew = 4;

}  // namespace

namespace otlp = wire::otlp;

base::Result<std::unique_ptr<TailSampler>> TailSampler::Open(segment::FileSystem& files,
                                                             const SamplingRules& rules,
                                                             const base::Clock& clock,
                                                             base::Log& log) {
  ASSIGN_OR_RETURN(DroppedTraces dropped, DroppedTraces::Open(files, rules.remember_ns));
  for (const std::string& notice : dropped.notices()) log.Warning(notice);
  return std::unique_ptr<TailSampler>(new TailSampler(std::move(dropped), rules, clock));
}

base::Result<bool> TailSampler::Round(std::span<const std::unique_ptr<Lane>> lanes) {
  const std::uint64_t now_ns = clock_.WallNs();
  std::optional<Target> target;
  for (const auto& lane : lanes) {
    for (SegmentState& segment : lane->Segments()) {
      if (segment.sampled || segment.received_ns + rules_.after_ns > now_ns) continue;
      if (target && target->segment.received_ns <= segment.received_ns) continue;
      target = {lane.get(), std::move(segment)};
    }
  }
  if (!target) return false;
  const auto judged = Judge(*target, lanes);
  if (judged.status().code() == base::Code::kDataLoss) {
    RETURN_IF_ERROR(target->lane->SetAside(target->segment.id, judged.status()));
    return true;
  }
  RETURN_IF_ERROR(judged.status());
  // Before the first of their spans goes.
  RETURN_IF_ERROR(dropped_.Add(*judged, now_ns));
  const segment::Removal removal{.why = segment::Gone::kSampledOut,
                                 .takes = [&](const otlp::SpanBatch&, const otlp::Span& span) {
                                   return std::ranges::binary_search(*judged,
                                                                     segment::HashOf(span.trace));
                                 }};
  RETURN_IF_ERROR(target->lane->Remove(target->segment.id, removal));
  return true;
}

TailSampler::Traces TailSampler::Unjudged(std::vector<std::uint64_t>& go) const {
  Traces traces;
  for (const otlp::Span& span : batch_.spans) {
    traces.try_emplace(span.trace, Trace{.hash = segment::HashOf(span.trace), .verdict = {}});
  }
  std::vector<std::uint64_t> hashes;
  for (const auto& [id, trace] : traces) hashes.push_back(trace.hash);
  std::ranges::sort(hashes);
  go = dropped_.Known(hashes);
  std::erase_if(traces,
                [&](const auto& each) { return std::ranges::binary_search(go, each.second.hash); });
  return traces;
}

base::Result<std::vector<std::uint64_t>> TailSampler::Judge(
    const Target& target, std::span<const std::unique_ptr<Lane>> lanes) {
  const segment::SegmentReader& segment = *target.segment.reader;
  batch_.Clear();
  RETURN_IF_ERROR(segment.Read({0, static_cast<std::uint32_t>(segment.info().rows)}, batch_));
  Learn(target);
  std::vector<std::uint64_t> go;
  Traces traces = Unjudged(go);
  Hear(batch_, traces);
  // Blocks before segments: what is sealed in between is heard twice, and not missed.
  for (const auto& lane : lanes) {
    (void)lane->Snapshot([&](const segment::Block& block) { Hear(block, traces); });
  }
  for (const auto& lane : lanes) {
    for (const SegmentState& other : lane->Segments()) {
      if (lane.get() == target.lane && other.id == target.segment.id) continue;
      if (other.sampled) {
        const bool near = other.received_ns + rules_.remember_ns >= target.segment.partition_ns;
        if (near) LeaveKept(other, traces);
      } else if (other.partition_ns <= target.segment.received_ns + rules_.remember_ns) {
        Hear(other, traces);
      }
    }
  }
  for (const auto& [id, trace] : traces) {
    if (!trace.verdict.Keeps(trace.hash)) go.push_back(trace.hash);
  }
  std::ranges::sort(go);
  return go;
}

void TailSampler::Learn(const Target& target) {
  const std::uint64_t hour = target.segment.received_ns / kHourNs;
  for (const otlp::Span& span : batch_.spans) {
    const otlp::Resource& resource = batch_.resources[batch_.scopes[span.scope].resource];
    statistics_.Add(hour, segment::ServiceOf(batch_, resource), span);
  }
}

void TailSampler::LeaveKept(const SegmentState& sampled, Traces& traces) {
  const auto columns = segment::ColumnsOf(*sampled.reader);
  std::erase_if(traces, [&](const auto& each) {
    // What is damaged says nothing here; whoever reads it next sets it aside.
    const auto rows = columns->RowsOfTrace(each.first);
    return rows.ok() && !rows->empty();
  });
}

void TailSampler::Hear(const SegmentState& other, Traces& traces) {
  const auto columns = segment::ColumnsOf(*other.reader);
  std::vector<segment::RowRange> ranges;
  for (const auto& [id, trace] : traces) {
    const auto rows = columns->RowsOfTrace(id);
    if (!rows.ok()) return;
    if (!rows->empty()) ranges.push_back({rows->front(), static_cast<std::uint32_t>(rows->size())});
  }
  if (ranges.size() > kFew) {
    ranges = {{0, static_cast<std::uint32_t>(other.reader->info().rows)}};
  }
  for (const segment::RowRange& range : ranges) {
    more_.Clear();
    if (!other.reader->Read(range, more_).ok()) return;
    Hear(more_, traces);
  }
}

void TailSampler::Hear(const segment::Block& block, Traces& traces) {
  const auto columns = segment::ColumnsOf(block);
  std::vector<std::uint32_t> rows;
  for (std::uint32_t row = 0; row < block.rows(); ++row) {
    const auto trace = columns->TraceOf(row);
    if (trace.ok() && traces.contains(*trace)) rows.push_back(row);
  }
  more_.Clear();
  block.Read(rows, more_);
  Hear(more_, traces);
}

void TailSampler::Hear(const otlp::SpanBatch& batch, Traces& traces) {
  for (const otlp::Span& span : batch.spans) {
    const auto found = traces.find(span.trace);
    if (found != traces.end()) found->second.verdict.Add(rules_, statistics_, batch, span);
  }
}

}  // namespace ronda::trace::ingest
