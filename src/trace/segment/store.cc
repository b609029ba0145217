#include "trace/segment/store.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "base/core/check.h"
#include "trace/segment/store_files.h"

namespace ronda::trace::segment {
namespace {

constexpr std::string_view kAside = "damaged-";
constexpr std::string_view kSegmentPrefix = "segment-";
constexpr std::string_view kWalPrefix = "wal-";

}  // namespace

base::Result<std::unique_ptr<Store>> Store::Open(FileSystem& files, const StoreOptions& options,
                                                 const Replay& replay) {
  CHECK(options.merged_rows <= Block::kMostRows && options.block_rows <= options.merged_rows);
  std::unique_ptr<Store> store(new Store(files, options));
  RETURN_IF_ERROR(store->Recover(replay));
  return store;
}

base::Status Store::Recover(const Replay& replay) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, files_.List());
  RETURN_IF_ERROR(RecoverManifest(names));
  RETURN_IF_ERROR(OpenSegments());
  RETURN_IF_ERROR(ReplayLogs(names, replay));
  // Only now is it certain that nothing of this is needed.
  std::set<std::string> known;
  for (const Manifest::Entry& entry : manifest_.segments) known.insert(SegmentName(entry.id));
  for (const std::string& name : names) {
    const bool leftover =
        name.ends_with(kUnfinished) || (name.starts_with(kSegmentPrefix) && !known.contains(name));
    if (leftover) RemoveLater(name);
  }
  RETURN_IF_ERROR(OpenWal());
  // Records without rows (metrics, counts) are in no segment either.
  if (committed_through_ == manifest_.sealed_through) RemoveSealedLogs();
  return base::Ok();
}

base::Status Store::RecoverManifest(const std::vector<std::string>& names) {
  if (std::ranges::find(names, kManifestName) == names.end()) {
    return RebuildManifest(names);
  }
  ASSIGN_OR_RETURN(const std::string bytes, ReadWhole(files_, std::string(kManifestName)));
  auto manifest = DecodeManifest(bytes);
  if (manifest.ok()) {
    manifest_ = *std::move(manifest);
    return base::Ok();
  }
  if (manifest.status().code() != base::Code::kDataLoss) return manifest.status();
  const std::string aside = std::string(kAside) + std::string(kManifestName);
  RETURN_IF_ERROR(files_.Rename(std::string(kManifestName), aside));
  notices_.push_back(manifest.status().message() + "; it is kept as " + aside +
                     " and made again from the segments: counts of expired and lost spans begin "
                     "at 0, and spans of an interrupted merge may be there twice");
  return RebuildManifest(names);
}

base::Status Store::RebuildManifest(const std::vector<std::string>& names) {
  manifest_ = {};
  for (const std::string& name : names) {
    if (!name.starts_with(kSegmentPrefix) || name.ends_with(kUnfinished)) continue;
    std::uint64_t id = 0;
    for (const char c : name.substr(kSegmentPrefix.size())) {
      id = id * 10 + static_cast<std::uint64_t>(c - '0');
    }
    if (SegmentName(id) != name) continue;
    manifest_.next_id = std::max(manifest_.next_id, id + 1);
    const auto segment = OpenSegment(id);
    if (!segment.ok()) {
      if (segment.status().code() != base::Code::kDataLoss) return segment.status();
      manifest_.segments.push_back({.id = id});  // OpenSegments sets it aside
      continue;
    }
    const SegmentInfo& info = (*segment)->info();
    manifest_.segments.push_back({.id = id,
                                  .rows = info.rows,
                                  .bytes = (*segment)->file_bytes(),
                                  .partition_ns = info.partition_ns,
                                  .merged = info.merged});
    manifest_.sealed_through = std::max(manifest_.sealed_through, info.last_sequence);
  }
  return WriteManifest(manifest_);
}

base::Result<std::shared_ptr<const SegmentReader>> Store::OpenSegment(std::uint64_t id) {
  ASSIGN_OR_RETURN(auto file, files_.Open(SegmentName(id)));
  return SegmentReader::Open(std::move(file));
}

base::Status Store::OpenEntry(Manifest::Entry& entry) {
  ASSIGN_OR_RETURN(auto segment, OpenSegment(entry.id));
  if (!entry.census) {
    ASSIGN_OR_RETURN(Census census, CensusOf(*ColumnsOf(*segment)));
    entry.census = std::make_shared<const Census>(std::move(census));
  }
  open_[entry.id] = std::move(segment);
  return base::Ok();
}

base::Status Store::OpenSegments() {
  std::vector<std::pair<std::uint64_t, base::Status>> damaged;
  for (Manifest::Entry& entry : manifest_.segments) {
    const base::Status status = OpenEntry(entry);
    if (status.code() == base::Code::kDataLoss || status.code() == base::Code::kNotFound) {
      damaged.emplace_back(entry.id, status);
    } else {
      RETURN_IF_ERROR(status);  // newer, or the disk does not answer: nothing is thrown away
    }
  }
  for (const auto& [id, why] : damaged) RETURN_IF_ERROR(SetAside(id, why));
  return base::Ok();
}

base::Status Store::SetAside(std::uint64_t id, const base::Status& why) {
  const auto entry = std::ranges::find(manifest_.segments, id, &Manifest::Entry::id);
  CHECK(entry != manifest_.segments.end());
  const std::string name = SegmentName(id), aside = std::string(kAside) + name;
  Manifest next = manifest_;
  std::erase_if(next.segments, [&](const Manifest::Entry& e) { return e.id == id; });
  next.Of(Gone::kLost).Add(CensusOf(*entry));
  const std::uint64_t rows = entry->rows;
  RETURN_IF_ERROR(WriteManifest(std::move(next)));
  open_.erase(id);
  const base::Status kept = files_.Rename(name, aside);
  notices_.push_back(name + ": " + why.message() + "; " + std::to_string(rows) +
                     " spans are lost, everything else stays readable" +
                     (kept.ok() ? "; the file is kept as " + aside : ""));
  return base::Ok();
}

base::Status Store::ReplayLogs(const std::vector<std::string>& names, const Replay& replay) {
  struct Log {
    std::string name, bytes;
    std::optional<std::uint64_t> first;
  };
  std::vector<Log> logs;
  for (const std::string& name : names) {
    if (!name.starts_with(kWalPrefix)) continue;
    ASSIGN_OR_RETURN(std::string bytes, ReadWhole(files_, name));
    const auto first = FirstOfWal(bytes);
    if (!first.ok() && first.status().code() != base::Code::kDataLoss) return first.status();
    old_logs_.push_back(name);
    logs.push_back({name, std::move(bytes), first.ok() ? std::optional(*first) : std::nullopt});
  }
  committed_through_ = manifest_.sealed_through;
  otlp::SpanBatch batch;
  for (std::size_t i = 0; i < logs.size(); ++i) {
    // A later file begins where the commits to this one ended: what this has beyond was never
    // acknowledged.
    std::uint64_t end = ~std::uint64_t{0};
    for (std::size_t k = i + 1; k < logs.size(); ++k) {
      if (logs[k].first) end = std::min(end, *logs[k].first);
    }
    WalDamage damage;
    RETURN_IF_ERROR(
        ReadWal(logs[i].bytes, damage, [&](std::uint64_t sequence, const WalRecord& record) {
          if (sequence <= committed_through_ || sequence >= end) return base::Ok();
          if (record.signal != options_.signal) {
            return base::FailedPrecondition(logs[i].name +
                                            " has records of another kind than this store keeps: "
                                            "it belongs to another folder");
          }
          batch.Clear();
          committed_through_ = sequence;
          const base::Status decoded = replay(record, batch);
          if (!decoded.ok()) {
            ++lost_records_;
            notices_.push_back(logs[i].name + ": request " + std::to_string(sequence) +
                               " cannot be read and is lost: " + decoded.message());
            return base::Ok();
          }
          if (block_.rows() == 0) {
            block_partition_ns_ = record.received_ns - record.received_ns % options_.partition_ns;
          }
          block_received_ns_ = std::max(block_received_ns_, record.received_ns);
          block_.Append(batch);
          return base::Ok();
        }));
    if (damage.damaged_bytes > 0 || damage.lost_records > 0) {
      lost_records_ += damage.lost_records;
      notices_.push_back(logs[i].name + ": " + std::to_string(damage.damaged_bytes) +
                         " damaged bytes, " + std::to_string(damage.lost_records) +
                         " requests are lost; the others were read");
    }
  }
  committed_rows_ = block_.rows();
  return base::Ok();
}

base::Status Store::OpenWal() {
  std::uint64_t first = committed_through_ + 1;
  const std::string name = WalName(first);
  // A file of this name holds nothing that was committed, or Open would have gone past it.
  std::erase(old_logs_, name);
  ASSIGN_OR_RETURN(wal_, WalWriter::Create(files_, name, first));
  // Its header on disk tells Open where the file before ends.
  base::Status status = wal_->Commit();
  if (!status.ok()) wal_.reset();
  return status;
}

base::Result<std::uint64_t> Store::Append(const WalRecord& record, const otlp::SpanBatch& batch) {
  const std::uint64_t partition = record.received_ns - record.received_ns % options_.partition_ns;
  // A clock that goes back does not open an older partition again.
  const bool next_partition = block_.rows() > 0 && partition > block_partition_ns_;
  if (next_partition || block_.rows() >= options_.block_rows ||
      block_.bytes() >= options_.block_bytes) {
    RETURN_IF_ERROR(Seal());
  }
  if (block_.rows() + batch.spans.size() > Block::kMostRows) {
    return base::ResourceExhausted("a request of " + std::to_string(batch.spans.size()) +
                                   " spans: send smaller batches");
  }
  if (!wal_) RETURN_IF_ERROR(OpenWal());
  if (block_.rows() == 0) block_partition_ns_ = std::max(block_partition_ns_, partition);
  block_received_ns_ = std::max(block_received_ns_, record.received_ns);
  block_.Append(batch);
  return wal_->Append(record);
}

base::Status Store::Commit() {
  if (failure_.ok()) return CommitLog();
  // A seal between the Appends and this has failed to commit them: this is where they hear of it,
  // and what came after them goes the same way.
  GiveUpLog();
  return std::exchange(failure_, base::Ok());
}

base::Status Store::CommitLog() {
  if (!wal_) return base::Ok();  // Append makes one before it takes anything
  base::Status status = wal_->Commit();
  if (status.ok()) {
    committed_through_ = wal_->next() - 1;
    committed_rows_ = block_.rows();
  } else {
    GiveUpLog();
  }
  return status;
}

void Store::GiveUpLog() {
  block_.Truncate(committed_rows_);
  if (!wal_) return;
  old_logs_.push_back(WalName(wal_->first()));
  wal_.reset();
}

base::Status Store::WriteManifest(Manifest manifest) {
  RETURN_IF_ERROR(WriteWhole(files_, std::string(kManifestName), EncodeManifest(manifest)));
  manifest_ = std::move(manifest);
  return base::Ok();
}

base::Status Store::Replace(Manifest next, std::uint64_t made) {
  std::shared_ptr<const SegmentReader> segment;
  if (made != 0) {
    ASSIGN_OR_RETURN(segment, OpenSegment(made));
  }
  std::vector<std::uint64_t> gone;
  for (const Manifest::Entry& entry : manifest_.segments) {
    if (std::ranges::find(next.segments, entry.id, &Manifest::Entry::id) == next.segments.end()) {
      gone.push_back(entry.id);
    }
  }
  RETURN_IF_ERROR(WriteManifest(std::move(next)));
  if (segment) open_[made] = std::move(segment);
  for (const std::uint64_t id : gone) {
    open_.erase(id);
    RemoveLater(SegmentName(id));
  }
  return base::Ok();
}

base::Status Store::Seal() {
  RETURN_IF_ERROR(failure_);
  if (const base::Status status = CommitLog(); !status.ok()) return failure_ = status;
  if (committed_through_ == manifest_.sealed_through) return base::Ok();
  Manifest next = manifest_;
  next.sealed_through = committed_through_;
  next.lost_records += lost_records_;
  if (note_) {
    ASSIGN_OR_RETURN(next.note, note_(committed_through_));
  }
  // Records without spans need no segment.
  RETURN_IF_ERROR(block_.rows() > 0 ? SealBlock(std::move(next)) : WriteManifest(std::move(next)));
  lost_records_ = 0;
  // The spans are safe; a log that cannot be begun now is tried again by Append.
  if (wal_) old_logs_.push_back(WalName(wal_->first()));
  wal_.reset();
  if (OpenWal().ok()) RemoveSealedLogs();
  return base::Ok();
}

base::Status Store::SealBlock(Manifest next) {
  const SegmentInfo info{.partition_ns = block_partition_ns_,
                         .first_sequence = manifest_.sealed_through + 1,
                         .last_sequence = committed_through_};
  // An id is used once: after a failure nobody knows whether the manifest on disk has it.
  const std::uint64_t id = manifest_.next_id++;
  next.next_id = manifest_.next_id;
  ASSIGN_OR_RETURN(Manifest::Entry entry,
                   WriteSegment(files_, writer_, block_, id, info, options_.seal_level));
  entry.received_ns = block_received_ns_;
  next.segments.push_back(std::move(entry));
  RETURN_IF_ERROR(Replace(std::move(next), id));
  block_.Clear();
  block_received_ns_ = 0;
  committed_rows_ = 0;
  return base::Ok();
}

void Store::RemoveSealedLogs() {
  for (const std::string& name : old_logs_) RemoveLater(name);
  old_logs_.clear();
}

void Store::RemoveLater(const std::string& name) { (void)files_.Remove(name); }

base::Status Store::Drop(const std::function<bool(const Manifest::Entry&)>& gone) {
  Manifest next = manifest_;
  std::erase_if(next.segments, gone);
  if (next.segments.size() == manifest_.segments.size()) return base::Ok();
  std::vector<std::uint64_t> ids;
  for (const Manifest::Entry& entry : manifest_.segments) {
    if (!gone(entry)) continue;
    next.Of(Gone::kExpired).Add(CensusOf(entry));
    ids.push_back(entry.id);
  }
  RETURN_IF_ERROR(WriteManifest(std::move(next)));
  for (const std::uint64_t id : ids) {
    open_.erase(id);
    RemoveLater(SegmentName(id));
  }
  return base::Ok();
}

base::Status Store::DropBefore(std::uint64_t time_ns) {
  return Drop([&](const Manifest::Entry& entry) {
    return entry.partition_ns <= time_ns && time_ns - entry.partition_ns >= options_.partition_ns;
  });
}

base::Status Store::DropOver(std::uint64_t bytes) {
  std::uint64_t total = segment_bytes();
  std::map<std::uint64_t, std::uint64_t> partitions;
  for (const Manifest::Entry& entry : manifest_.segments) {
    partitions[entry.partition_ns] += entry.bytes;
  }
  std::set<std::uint64_t> gone;
  for (const auto& [partition, size] : partitions) {
    if (total <= bytes || gone.size() + 1 == partitions.size()) break;
    gone.insert(partition);
    total -= size;
  }
  return Drop([&](const Manifest::Entry& entry) { return gone.contains(entry.partition_ns); });
}

base::Status Store::BackUp(FileSystem& to) {
  RETURN_IF_ERROR(Seal());
  for (const Manifest::Entry& entry : manifest_.segments) {
    RETURN_IF_ERROR(files_.LinkInto(to, SegmentName(entry.id)));
  }
  RETURN_IF_ERROR(to.SyncFolder());
  return WriteWhole(to, std::string(kManifestName), EncodeManifest(manifest_));
}

base::Status Store::ReadTrace(base::TraceId trace, otlp::SpanBatch& out) {
  std::vector<std::pair<std::uint64_t, base::Status>> damaged;
  otlp::SpanBatch part;
  for (const auto& [id, segment] : open_) {
    // Tried apart first, so that a damaged segment leaves nothing in `out`.
    part.Clear();
    base::Status status = segment->ReadTrace(trace, part);
    if (status.ok()) status = segment->ReadTrace(trace, out);
    if (status.code() == base::Code::kDataLoss) {
      damaged.emplace_back(id, status);
    } else {
      RETURN_IF_ERROR(status);
    }
  }
  for (const auto& [id, why] : damaged) RETURN_IF_ERROR(SetAside(id, why));
  block_.Read(block_.RowsOf(trace), out);
  return base::Ok();
}

std::vector<std::shared_ptr<const SegmentReader>> Store::segments() const {
  std::vector<std::shared_ptr<const SegmentReader>> segments;
  for (const auto& [id, segment] : open_) segments.push_back(segment);
  return segments;
}

StoreCounts Store::counts() const {
  StoreCounts counts{.in_block = block_.rows(),
                     .expired = manifest_.Of(Gone::kExpired).total(),
                     .lost = manifest_.Of(Gone::kLost).total(),
                     .sampled_out = manifest_.Of(Gone::kSampledOut).total(),
                     .deleted = manifest_.Of(Gone::kDeleted).total(),
                     .lost_records = manifest_.lost_records + lost_records_};
  for (const Manifest::Entry& entry : manifest_.segments) counts.in_segments += entry.rows;
  return counts;
}

void StoreCounts::Add(const StoreCounts& other) {
  in_block += other.in_block;
  in_segments += other.in_segments;
  expired += other.expired;
  lost += other.lost;
  sampled_out += other.sampled_out;
  deleted += other.deleted;
  lost_records += other.lost_records;
}

StoreCensus Store::census() const {
  StoreCensus census{.stored = CensusOf(block_), .gone = manifest_.gone};
  for (const Manifest::Entry& entry : manifest_.segments) census.stored.Add(CensusOf(entry));
  return census;
}

std::uint64_t Store::segment_bytes() const {
  std::uint64_t bytes = 0;
  for (const Manifest::Entry& entry : manifest_.segments) bytes += entry.bytes;
  return bytes;
}

}  // namespace ronda::trace::segment
