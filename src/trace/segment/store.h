#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/core/status.h"
#include "trace/segment/block.h"
#include "trace/segment/census.h"
#include "trace/segment/file_system.h"
#include "trace/segment/manifest.h"
#include "trace/segment/segment_reader.h"
#include "trace/segment/segment_writer.h"
#include "trace/segment/wal.h"
#include "wire/otlp/model.h"

namespace ronda::trace::segment {

struct StoreOptions {
  Signal signal = Signal::kTraces;  // what it keeps; a log with others is not opened
  std::uint64_t partition_ns = 3'600'000'000'000;  // an hour: what expires together
  std::uint32_t block_rows = 64u << 10;  // a block is sealed when it has this many
  std::size_t block_bytes = 256u << 20;  // or takes this much memory
  std::uint32_t merged_rows = 256u << 10;  // segments are merged up to this size
  int seal_level = 1;  // zstd's
  int merge_level = 9;
};

// Where the store's spans are. Each span that was committed is in exactly one place.
struct StoreCounts {
  std::uint64_t in_block = 0;
  std::uint64_t in_segments = 0;
  // As Gone says.
  std::uint64_t expired = 0;
  std::uint64_t lost = 0;
  std::uint64_t sampled_out = 0;
  std::uint64_t deleted = 0;
  std::uint64_t lost_records = 0;  // of the log, damaged before they were in segments
  void Add(const StoreCounts& other);
  [[nodiscard]] std::uint64_t total() const {
    return in_block + in_segments + expired + lost + sampled_out + deleted;
  }
};

// The same by origin.
struct StoreCensus {
  Census stored;  // in block and segments
  std::array<Census, kGone> gone;
};

// Spans that are to leave a segment, and why.
struct Removal {
  Gone why = Gone::kDeleted;
  std::function<bool(const otlp::SpanBatch& batch, const otlp::Span& span)> takes = nullptr;
};

// Segments of a partition that become one: neighbours to be joined, as Store::PlanMerge says, or one
// that spans leave, as Store::PlanRemoval says.
struct MergePlan {
  std::uint64_t id = 0;  // of the segment that they become
  std::uint64_t partition_ns = 0;
  std::vector<std::uint64_t> ids = {};
  std::vector<std::shared_ptr<const SegmentReader>> segments = {};
  Removal removal = {};
};

// What RunMerge made of a plan: a segment that is written, or the finding that one is damaged.
struct MergeOutcome {
  Manifest::Entry entry = {};  // without rows: nothing stays, and nothing was written
  bool unchanged = false;  // no span had to leave, and nothing was written
  std::uint64_t damaged = 0;  // its id; 0: none
  base::Status why = {};  // of the damage
};

// Writes the segment of a plan, from any thread. After a failure the plan is void.
[[nodiscard]] base::Result<MergeOutcome> RunMerge(FileSystem& files, const StoreOptions& options,
                                                  const MergePlan& plan);

// Spans on disk: log, open block and segments in one folder.
//
// Append and Commit are apart so that many requests share one sync: a request is acknowledged after
// the Commit that follows its Append. From Append on it can be read. Whatever fails, and at whatever
// moment the process dies, what was committed is there after Open, once; what was not may be there.
//
// Owned by one thread; segments() may be handed to others.
class Store {
 public:
  // Decodes a record of the log as it was decoded when it came, with whatever was done to it then.
  using Replay = std::function<base::Status(const WalRecord& record, otlp::SpanBatch& batch)>;

  // What Manifest::note is to be when the records up to `through`, which are durable, are sealed. Called
  // before anything of the seal is written, and again if that fails; its own failure is the seal's.
  using Note = std::function<base::Result<std::string>(std::uint64_t through)>;

  // Opens what is in the folder: reads the log back, sets damaged segments aside, removes what an
  // interrupted seal or merge left. `notices()` says what was found.
  [[nodiscard]] static base::Result<std::unique_ptr<Store>> Open(FileSystem& files,
                                                                 const StoreOptions& options,
                                                                 const Replay& replay);

  // Asked at every seal; without one the manifest keeps its note.
  void set_note(Note note) { note_ = std::move(note); }

  // Takes a request: `record` for the log, `batch` for the block. Seals first when the block is full
  // or belongs to an older partition; a failure of that is returned and the request is not taken.
  // Returns the request's number in the log.
  [[nodiscard]] base::Result<std::uint64_t> Append(const WalRecord& record,
                                                   const otlp::SpanBatch& batch);
  // Makes everything appended durable. After a failure requests past durable_through() are no longer
  // in the store, and the log goes on in a new file, with their numbers.
  [[nodiscard]] base::Status Commit();
  // The last request that is durable: of a Commit, or of an Append or Seal that sealed.
  [[nodiscard]] std::uint64_t durable_through() const { return committed_through_; }
  // Turns the block into a segment; commits first. After a failure the block is as it was.
  [[nodiscard]] base::Status Seal();
  // The first neighbours of a partition, `least` of them or more, that fit together into one segment;
  // nothing when there are none; what was sampled and what was not stay apart. One plan at a time:
  // RunMerge it, on another thread if need be, then finish or forget it.
  [[nodiscard]] std::optional<MergePlan> PlanMerge(std::size_t least = 2);
  // For one segment that `removal` takes spans of; nothing when there is no such segment any more.
  // Removed as sampled out, what stays is called sampled.
  [[nodiscard]] std::optional<MergePlan> PlanRemoval(std::uint64_t segment, Removal removal);
  // Puts the segment in the place of those it was made of, unless they are gone meanwhile. What left
  // is counted with the same step.
  [[nodiscard]] base::Status FinishMerge(const MergePlan& plan, const MergeOutcome& outcome);
  // All three in one go. False when there is nothing to join.
  [[nodiscard]] base::Result<bool> Merge();
  // Drops the partitions that end at or before `time_ns`; the open block is sealed only by Append.
  [[nodiscard]] base::Status DropBefore(std::uint64_t time_ns);
  // Drops oldest partitions until the segments take at most `bytes`; the newest one stays.
  [[nodiscard]] base::Status DropOver(std::uint64_t bytes);

  // Makes `to`, an empty folder, a store of all that is committed at this moment: seals, links the
  // segments, which do not change, and writes the manifest last. Whoever opens `to` later does not
  // disturb this one, nor the other way round.
  [[nodiscard]] base::Status BackUp(FileSystem& to);

  // Appends a trace's spans to `out`, from all places. A segment that turns out to be damaged is set
  // aside and the rest is read.
  [[nodiscard]] base::Status ReadTrace(base::TraceId trace, otlp::SpanBatch& out);

  [[nodiscard]] const Block& block() const { return block_; }
  [[nodiscard]] std::vector<std::shared_ptr<const SegmentReader>> segments() const;
  // One that the manifest names.
  [[nodiscard]] std::shared_ptr<const SegmentReader> segment(std::uint64_t id) const {
    return open_.at(id);
  }
  // Begin of the partition that the block belongs to, when it has rows.
  [[nodiscard]] std::uint64_t block_partition_ns() const { return block_partition_ns_; }
  [[nodiscard]] const Manifest& manifest() const { return manifest_; }
  [[nodiscard]] StoreCounts counts() const;
  [[nodiscard]] StoreCensus census() const;
  // Bytes of the segments' files.
  [[nodiscard]] std::uint64_t segment_bytes() const;
  // What somebody should know, oldest first: damage found, what was done about it.
  [[nodiscard]] const std::vector<std::string>& notices() const { return notices_; }

 private:
  Store(FileSystem& files, const StoreOptions& options) : files_(files), options_(options) {}

  base::Status Recover(const Replay& replay);
  base::Status RecoverManifest(const std::vector<std::string>& names);
  base::Status RebuildManifest(const std::vector<std::string>& names);
  base::Status OpenSegments();
  // Opens it, and counts its rows by origin where the manifest does not say.
  base::Status OpenEntry(Manifest::Entry& entry);
  base::Status ReplayLogs(const std::vector<std::string>& names, const Replay& replay);
  base::Status OpenWal();
  base::Status CommitLog();
  // Takes back what was not committed, and the log's file, whose end nobody knows.
  void GiveUpLog();
  base::Status WriteManifest(Manifest manifest);
  base::Result<std::shared_ptr<const SegmentReader>> OpenSegment(std::uint64_t id);
  // Makes the block a segment, and `next` with it the manifest.
  base::Status SealBlock(Manifest next);
  // Makes `next` the manifest, in which the segment `made` is new (0: none is); files no longer named
  // go.
  base::Status Replace(Manifest next, std::uint64_t made);
  base::Status Drop(const std::function<bool(const Manifest::Entry&)>& gone);
  base::Status SetAside(std::uint64_t id, const base::Status& why);
  // A file that is not needed any more; Open removes what stays.
  void RemoveLater(const std::string& name);
  void RemoveSealedLogs();
  MergePlan PlanOf(std::size_t begin, std::size_t end);

  FileSystem& files_;
  StoreOptions options_;
  Manifest manifest_;
  std::map<std::uint64_t, std::shared_ptr<const SegmentReader>> open_;  // by id
  std::unique_ptr<WalWriter> wal_;
  std::vector<std::string> old_logs_;  // whose records are in the block or sealed
  base::Status failure_;  // of a commit that Commit has not returned yet
  std::uint64_t committed_through_ = 0;
  std::uint32_t committed_rows_ = 0;  // of the block
  std::uint64_t block_partition_ns_ = 0;
  std::uint64_t block_received_ns_ = 0;  // the last of its spans
  std::uint64_t lost_records_ = 0;  // past sealed_through
  Block block_;
  SegmentWriter writer_;
  Note note_;
  std::vector<std::string> notices_;
};

}  // namespace ronda::trace::segment
