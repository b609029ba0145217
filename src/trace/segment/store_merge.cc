#include <algorithm>
#include <utility>

#include "base/core/check.h"
#include "trace/segment/store.h"
#include "trace/segment/store_files.h"

namespace ronda::trace::segment {
namespace {

// Reads the plan's segments into the block, but for what the removal takes. False: it takes nothing.
// A failure that is DataLoss is of the segment `outcome.damaged`.
base::Result<bool> Gather(const MergePlan& plan, Block& block, SegmentInfo& info,
                          MergeOutcome& outcome) {
  otlp::SpanBatch batch;
  bool removed = false;
  for (std::size_t i = 0; i < plan.segments.size(); ++i) {
    const SegmentReader& segment = *plan.segments[i];
    batch.Clear();
    const base::Status status =
        segment.Read({0, static_cast<std::uint32_t>(segment.info().rows)}, batch);
    if (status.code() == base::Code::kDataLoss) outcome.damaged = plan.ids[i];
    RETURN_IF_ERROR(status);
    if (plan.removal.takes) {
      removed |= std::erase_if(batch.spans, [&](const otlp::Span& span) {
                   return plan.removal.takes(batch, span);
                 }) > 0;
    }
    block.Append(batch);
    info.first_sequence = std::min(info.first_sequence, segment.info().first_sequence);
    info.last_sequence = std::max(info.last_sequence, segment.info().last_sequence);
    info.merged = std::max(info.merged, segment.info().merged + 1);
  }
  return removed;
}

}  // namespace

base::Result<Manifest::Entry> WriteSegment(FileSystem& files, SegmentWriter& writer,
                                           const Block& block, std::uint64_t id, SegmentInfo info,
                                           int level) {
  const std::string bytes = writer.Write(block, info, level);
  RETURN_IF_ERROR(WriteWhole(files, SegmentName(id), bytes));
  return Manifest::Entry{.id = id,
                         .rows = block.rows(),
                         .bytes = bytes.size(),
                         .partition_ns = info.partition_ns,
                         .merged = info.merged,
                         .census = std::make_shared<const Census>(CensusOf(block))};
}

Census CensusOf(const Manifest::Entry& entry) {
  if (entry.census) return *entry.census;
  Census unknown;
  unknown.Add({}, entry.rows);
  return unknown;
}

Census CensusOf(const Block& block) {
  auto census = CensusOf(*ColumnsOf(block));
  CHECK(census.ok());  // a block is what this process made
  return *std::move(census);
}

MergePlan Store::PlanOf(std::size_t begin, std::size_t end) {
  const auto& segments = manifest_.segments;
  MergePlan plan{.id = manifest_.next_id++, .partition_ns = segments[begin].partition_ns};
  for (std::size_t i = begin; i < end; ++i) {
    plan.ids.push_back(segments[i].id);
    plan.segments.push_back(open_.at(segments[i].id));
  }
  return plan;
}

std::optional<MergePlan> Store::PlanMerge(std::size_t least) {
  // The first run of neighbours of one partition that are not full.
  const auto& segments = manifest_.segments;
  std::size_t begin = 0, end = 0;
  for (; begin < segments.size(); begin = std::max(end, begin + 1)) {
    std::uint64_t rows = 0;
    for (end = begin; end < segments.size(); ++end) {
      rows += segments[end].rows;
      if (segments[end].partition_ns != segments[begin].partition_ns ||
          segments[end].sampled != segments[begin].sampled || rows > options_.merged_rows) {
        break;
      }
    }
    if (end - begin >= least) break;
  }
  if (begin >= segments.size()) return std::nullopt;
  return PlanOf(begin, end);
}

std::optional<MergePlan> Store::PlanRemoval(std::uint64_t segment, Removal removal) {
  const auto at = std::ranges::find(manifest_.segments, segment, &Manifest::Entry::id);
  if (at == manifest_.segments.end()) return std::nullopt;
  const auto index = static_cast<std::size_t>(at - manifest_.segments.begin());
  MergePlan plan = PlanOf(index, index + 1);
  plan.removal = std::move(removal);
  return plan;
}

base::Result<MergeOutcome> RunMerge(FileSystem& files, const StoreOptions& options,
                                    const MergePlan& plan) {
  Block block;
  SegmentInfo info{.partition_ns = plan.partition_ns, .first_sequence = ~0ull};
  MergeOutcome outcome;
  const auto removed = Gather(plan, block, info, outcome);
  if (!removed.ok()) {
    if (outcome.damaged == 0) return removed.status();
    outcome.why = removed.status();
    return outcome;
  }
  outcome.unchanged = plan.removal.takes && !*removed;
  if (outcome.unchanged || block.rows() == 0) return outcome;
  SegmentWriter writer;
  ASSIGN_OR_RETURN(outcome.entry,
                   WriteSegment(files, writer, block, plan.id, info, options.merge_level));
  return outcome;
}

base::Status Store::FinishMerge(const MergePlan& plan, const MergeOutcome& outcome) {
  if (outcome.damaged != 0) {
    return open_.contains(outcome.damaged) ? SetAside(outcome.damaged, outcome.why) : base::Ok();
  }
  const auto stands = [&](std::uint64_t id) { return open_.contains(id); };
  if (!std::ranges::all_of(plan.ids, stands)) {
    RemoveLater(SegmentName(plan.id));  // some expired: the rest is planned anew
    return base::Ok();
  }
  Manifest next = manifest_;
  const auto at = std::ranges::find(next.segments, plan.ids.front(), &Manifest::Entry::id);
  const bool sampled = at->sampled || plan.removal.why == Gone::kSampledOut;
  if (outcome.unchanged) {
    if (at->sampled == sampled) return base::Ok();
    at->sampled = true;
    return WriteManifest(std::move(next));
  }
  Census left;
  Manifest::Entry made = outcome.entry;
  made.sampled = sampled;
  for (const Manifest::Entry& entry : next.segments) {
    if (std::ranges::find(plan.ids, entry.id) == plan.ids.end()) continue;
    left.Add(CensusOf(entry));
    made.received_ns = std::max(made.received_ns, entry.received_ns);
  }
  if (made.census) left.Subtract(*made.census);
  next.Of(plan.removal.why).Add(left);
  *at = std::move(made);
  std::erase_if(next.segments, [&](const Manifest::Entry& entry) {
    return entry.rows == 0 || std::ranges::find(plan.ids, entry.id) != plan.ids.end();
  });
  return Replace(std::move(next), outcome.entry.id);
}

base::Result<bool> Store::Merge() {
  const std::optional<MergePlan> plan = PlanMerge();
  if (!plan) return false;
  ASSIGN_OR_RETURN(const MergeOutcome outcome, RunMerge(files_, options_, *plan));
  RETURN_IF_ERROR(FinishMerge(*plan, outcome));
  return true;
}

}  // namespace ronda::trace::segment
