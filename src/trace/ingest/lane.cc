#include "trace/ingest/lane.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/core/varint.h"

namespace ronda::trace::ingest {
namespace {

namespace otlp = wire::otlp;

// While spans come, this many segments are joined at once: fewer would be written again and again.
constexpr std::size_t kBusyMerge = 4;
constexpr std::size_t kIdleMerge = 2;
constexpr std::uint64_t kRefusedNs = 200'000'000;
constexpr std::uint64_t kJumpNs =
    600'000'000'000;  // what the clocks may differ by between two looks
constexpr std::uint64_t kPatienceNs = 3'600'000'000'000;
constexpr std::uint64_t kNoteVersion = 3;  // of the manifest's note
constexpr std::uint64_t kNoteWithPlaces = 2;  // the first one
// Counts that go with no request wait this long for one.
constexpr auto kTick = std::chrono::seconds(1);

}  // namespace

Lane::Lane(const LaneOptions& options, const Masker& masker, const base::Clock& clock,
           base::Log& log)
    : options_(options), clock_(clock), log_(log), reader_(otlp::Limits(), masker) {}

base::Result<std::unique_ptr<Lane>> Lane::Open(segment::FileSystem& files,
                                               const LaneOptions& options, const Masker& masker,
                                               const base::Clock& clock, base::Log& log,
                                               Recycle recycle) {
  std::unique_ptr<Lane> lane(new Lane(options, masker, clock, log));
  lane->recycle_ = std::move(recycle);
  RETURN_IF_ERROR(lane->OpenStore(files));
  lane->writer_ = std::thread([&lane = *lane] { lane.Write(); });
  lane->keeper_ = std::thread([&lane = *lane] { lane.KeepUp(); });
  return lane;
}

Lane::~Lane() { Stop(); }

base::Status Lane::OpenStore(segment::FileSystem& files) {
  files_ = &files;
  RETURN_IF_ERROR(OpenRed(files));
  ASSIGN_OR_RETURN(
      store_, segment::Store::Open(files, options_.store, [this](const auto& record, auto& batch) {
        return Replay(record, batch);
      }));
  if (!ReadNote(store_->manifest().note)) {
    log_.Warning("the manifest's ledger cannot be read: counts begin anew");
  }
  ledger_.Add(replayed_counts_);
  replayed_counts_.Clear();
  replayed_ = {};
  store_->set_note([this](std::uint64_t through) { return SealThrough(through); });
  // Only of a log that was damaged: its numbers are given again.
  if (red_files_) RETURN_IF_ERROR(red_files_->Rewind(store_->durable_through()));
  for (const std::string& notice : store_->notices()) log_.Warning(notice);
  // What the ledger does not know of (it went with a damaged manifest) counts from here on.
  ledger_.Add(Unaccounted(PlacesOf(store_->census(), ledger_), ledger_));
  return base::Ok();
}

base::Status Lane::OpenRed(segment::FileSystem& files) {
  if (options_.store.signal == segment::Signal::kLogs) return base::Ok();
  ASSIGN_OR_RETURN(red_files_, series::Store::Open(files));
  for (const std::string& notice : red_files_->notices()) log_.Warning(notice);
  return base::Ok();
}

base::Status Lane::Replay(const segment::WalRecord& record, otlp::SpanBatch& batch) {
  Note note;
  if (!record.note.empty() && !DecodeNote(record.note, note)) {
    log_.Warning("a request's note in the log cannot be read: its counts are missing");
  }
  // The batch's texts are views of it until the store has copied them.
  RETURN_IF_ERROR(reader_.Replay(record, ReceiverOf(note), replayed_, batch));
  replayed_counts_.Add(note.counts);
  if (red_files_ && record.sequence > red_files_->through()) {
    Measure(batch, reader_.metrics(), record.received_ns);
  }
  if (note.has_digest) digests_.Add(note.digest, record.received_ns);
  return base::Ok();
}

bool Lane::ReadNote(std::string_view note) {
  if (note.empty()) return true;
  base::VarintReader reader(note);
  std::uint64_t version = 0;
  std::string_view ledger, places;
  if (!reader.Next(version) || version < kNoteWithPlaces || version > kNoteVersion ||
      !reader.NextBytes(ledger)) {
    return false;
  }
  // Where spans are is what the store says; once it could not.
  if (version == kNoteWithPlaces && !reader.NextBytes(places)) return false;
  return reader.at_end() && DecodeLedger(ledger, ledger_);
}

void Lane::Measure(Pending& pending) {
  if (pending.measured || !pending.has_digest || !red_files_) return;
  Measure(pending.delivery->batch, pending.delivery->metrics, pending.received_ns);
  pending.measured = true;
}

void Lane::Measure(const otlp::SpanBatch& batch, const otlp::MetricBatch& metrics,
                   std::uint64_t received_ns) {
  if (has_metrics()) {
    metrics_.Measure(metrics, received_ns);
  } else {
    red_.Measure(batch, received_ns);
  }
}

const series::OpenPoints& Lane::open_points() const {
  return has_metrics() ? metrics_.open() : red_.open();
}

base::Result<std::string> Lane::SealThrough(std::uint64_t sequence) {
  if (red_files_) {
    for (Pending& pending : pending_) {
      if (pending.sequence <= sequence) Measure(pending);
    }
    RETURN_IF_ERROR(red_files_->Add(open_points(), sequence));
    red_.Clear();
    metrics_.Clear();
  }
  return NoteThrough(sequence);
}

std::string Lane::NoteThrough(std::uint64_t sequence) const {
  Ledger ledger = ledger_;
  for (const Pending& pending : pending_) {
    if (pending.sequence <= sequence) ledger.Add(pending.counts);
  }
  std::string note, part;
  base::PutVarint(kNoteVersion, note);
  EncodeLedger(ledger, part);
  base::PutBytes(part, note);
  return note;
}

void Lane::Submit(std::unique_ptr<Delivery> delivery) {
  {
    const std::lock_guard lock(mutex_);
    if (!stopping_) {
      queue_.push_back(std::move(delivery));
      wake_.notify_one();
      return;
    }
  }
  Count(AsRejected(delivery->counts, Rejection::kStorage));
  delivery->done(base::FailedPrecondition("the server stops"));
}

void Lane::Count(const Ledger& counts) {
  const std::lock_guard lock(counts_mutex_);
  uncounted_.Add(counts);
}

void Lane::Write() {
  std::vector<std::unique_ptr<Delivery>> deliveries;
  bool stopping = false;
  while (!stopping) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, kTick, [&] { return stopping_ || !queue_.empty(); });
      deliveries.swap(queue_);
      stopping = stopping_ && deliveries.empty();
    }
    Work(deliveries);
    deliveries.clear();
  }
}

void Lane::Work(std::vector<std::unique_ptr<Delivery>>& deliveries) {
  {
    const std::lock_guard lock(store_mutex_);
    const std::uint64_t now_ns = clock_.WallNs();
    for (const auto& delivery : deliveries) Append(*delivery, now_ns);
    if (deliveries.empty()) AppendCounts(now_ns);
    if (!pending_.empty()) Settle(store_->Commit());
    // Metrics have no rows, which would make the store seal.
    if (metrics_.open().value_bytes() > options_.metric_bytes) Warn(store_->Seal());
  }
  for (auto& [delivery, status] : settled_) delivery->done(status);
  settled_.clear();
  for (auto& delivery : deliveries) {
    delivery->Clear();
    if (recycle_) recycle_(std::move(delivery));
  }
}

void Lane::Append(Delivery& delivery, std::uint64_t now_ns) {
  Pending pending{.delivery = &delivery};
  if (digests_.Contains(delivery.digest, now_ns)) {
    pending.counts = AsDuplicate(delivery.counts);
    static const otlp::SpanBatch kNoSpans;
    AppendRecord({.received_ns = now_ns, .body = {}}, kNoSpans, std::move(pending));
    return;
  }
  pending.counts = delivery.counts;
  pending.has_digest = true;
  pending.digest = delivery.digest;
  const bool taken = AppendRecord({.received_ns = now_ns,
                                   .encoding = delivery.encoding,
                                   .raw_size = delivery.raw_size,
                                   .body = delivery.log_body},
                                  delivery.batch, std::move(pending));
  if (taken) digests_.Add(delivery.digest, now_ns);
}

void Lane::AppendCounts(std::uint64_t now_ns) {
  {
    const std::lock_guard lock(counts_mutex_);
    if (uncounted_.empty()) return;
  }
  static const otlp::SpanBatch kNoSpans;
  AppendRecord({.received_ns = now_ns, .body = {}}, kNoSpans, {});
}

// Every record takes along what was counted meanwhile.
bool Lane::AppendRecord(segment::WalRecord record, const otlp::SpanBatch& batch, Pending pending) {
  const Ledger own = pending.counts;
  Ledger along;
  {
    const std::lock_guard lock(counts_mutex_);
    std::swap(along, uncounted_);
  }
  pending.counts.Add(along);
  const std::string note = EncodeNote(
      {.has_digest = pending.has_digest, .digest = pending.digest, .counts = pending.counts});
  record.note = note;
  record.signal = options_.store.signal;
  const auto sequence = AppendToStore(record, batch);
  if (sequence.ok()) {
    pending.sequence = *sequence;
    pending.received_ns = record.received_ns;
    pending_.push_back(std::move(pending));
    return true;
  }
  Warn(sequence.status());
  Count(along);
  Count(AsRejected(own, Rejection::kStorage));
  if (pending.delivery != nullptr) {
    settled_.emplace_back(pending.delivery, base::FailedPrecondition(sequence.status().message()));
  }
  return false;
}

// A block that cannot be sealed is costly to try: not for every request.
base::Result<std::uint64_t> Lane::AppendToStore(const segment::WalRecord& record,
                                                const otlp::SpanBatch& batch) {
  const std::uint64_t now_ns = clock_.MonotonicNs();
  if (now_ns < refused_until_ns_) return refused_;
  auto sequence = store_->Append(record, batch);
  if (!sequence.ok()) {
    refused_ = sequence.status();
    refused_until_ns_ = now_ns + kRefusedNs;
  }
  return sequence;
}

void Lane::Settle(const base::Status& committed) {
  if (!committed.ok()) Warn(committed);
  for (Pending& pending : pending_) {
    const bool durable = pending.sequence <= store_->durable_through();
    if (durable) {
      Measure(pending);
      ledger_.Add(pending.counts);
    } else {
      Count(AsRejected(pending.counts, Rejection::kStorage));
      if (pending.has_digest) digests_.Remove(pending.digest);
    }
    if (pending.delivery == nullptr) continue;
    settled_.emplace_back(pending.delivery,
                          durable ? base::Ok() : base::FailedPrecondition(committed.message()));
  }
  pending_.clear();
}

void Lane::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
    upkeep_wake_.notify_all();
  }
  if (!writer_.joinable()) return;
  writer_.join();
  keeper_.join();
  const std::lock_guard lock(store_mutex_);
  AppendCounts(clock_.WallNs());
  if (!pending_.empty()) Settle(store_->Commit());
  Warn(store_->Seal());
}

segment::Source::Segments Lane::Snapshot(const segment::Source::ReadBlock& read) const {
  const std::shared_lock lock(store_mutex_);
  read(store_->block());
  return store_->segments();
}

series::Source::Files Lane::SeriesSnapshot(const series::Source::ReadOpen& read) const {
  const std::shared_lock lock(store_mutex_);
  if (!red_files_) return {};
  read(open_points());
  return red_files_->files();
}

Standing Lane::standing() const {
  const std::shared_lock lock(store_mutex_);
  Standing standing{.ledger = ledger_,
                    .places = {},
                    .spans = store_->counts(),
                    .segments = store_->manifest().segments.size(),
                    .segment_bytes = store_->segment_bytes()};
  standing.places =
      has_metrics() ? AllStored(standing.ledger) : PlacesOf(store_->census(), standing.ledger);
  const std::lock_guard counts_lock(counts_mutex_);
  standing.ledger.Add(uncounted_);
  return standing;
}

void Lane::KeepUp() {
  while (true) {
    {
      std::unique_lock lock(mutex_);
      const auto pause = std::chrono::nanoseconds(options_.upkeep_ns);
      if (upkeep_wake_.wait_for(lock, pause, [&] { return stopping_; })) return;
    }
    Upkeep();
  }
}

void Lane::Upkeep() {
  Retain();
  std::uint64_t segments = 0;
  {
    const std::shared_lock lock(store_mutex_);
    segments = store_->manifest().next_id;
  }
  // New segments since last time: more will come.
  const std::size_t least = segments == sealed_segments_ ? kIdleMerge : kBusyMerge;
  while (UpkeepRedOnce(least) || MergeOnce(least)) {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
  }
  const std::shared_lock lock(store_mutex_);
  sealed_segments_ = store_->manifest().next_id;
}

void Lane::Retain() {
  const std::uint64_t now_ns = clock_.WallNs();
  const std::lock_guard lock(store_mutex_);
  const std::uint64_t partition_ns = options_.store.partition_ns;
  if (store_->block().rows() > 0 && now_ns > store_->block_partition_ns() &&
      now_ns - store_->block_partition_ns() > partition_ns) {
    Warn(store_->Seal());
  }
  if (!metrics_.open().empty() && now_ns / partition_ns != metrics_partition_) {
    metrics_partition_ = now_ns / partition_ns;
    Warn(store_->Seal());
  }
  const bool trusted = TrustsClock(now_ns);
  red_now_s_ = trusted ? now_ns / 1'000'000'000 : 0;
  if (red_files_ && trusted) Warn(red_files_->Drop(red_now_s_));
  if (options_.retain_ns > 0 && now_ns > options_.retain_ns && trusted) {
    Warn(store_->DropBefore(now_ns - options_.retain_ns));
  }
  if (options_.retain_bytes > 0) Warn(store_->DropOver(options_.retain_bytes));
}

// A wall clock that jumps ahead (set wrong, or a machine that slept) expires nothing for an hour: time to
// set it right.
bool Lane::TrustsClock(std::uint64_t now_ns) {
  const std::uint64_t monotonic_ns = clock_.MonotonicNs();
  const bool jumped = seen_wall_ns_ > 0 && now_ns > seen_wall_ns_ &&
                      now_ns - seen_wall_ns_ > monotonic_ns - seen_monotonic_ns_ + kJumpNs;
  seen_wall_ns_ = now_ns;
  seen_monotonic_ns_ = monotonic_ns;
  if (jumped) {
    wait_until_ns_ = monotonic_ns + kPatienceNs;
    log_.Warning("traces: the clock has jumped ahead: nothing expires for an hour");
  }
  return monotonic_ns >= wait_until_ns_;
}

bool Lane::MergeOnce(std::size_t least) {
  const std::lock_guard merging(merge_mutex_);
  std::optional<segment::MergePlan> plan;
  {
    const std::lock_guard lock(store_mutex_);
    plan = store_->PlanMerge(least);
  }
  if (!plan) return false;
  const base::Status carried = Carry(*plan);
  Warn(carried);
  return carried.ok();
}

base::Status Lane::Carry(const segment::MergePlan& plan) {
  ASSIGN_OR_RETURN(const auto outcome, segment::RunMerge(*files_, options_.store, plan));
  const std::lock_guard lock(store_mutex_);
  return store_->FinishMerge(plan, outcome);
}

std::vector<SegmentState> Lane::Segments() const {
  const std::shared_lock lock(store_mutex_);
  std::vector<SegmentState> states;
  for (const segment::Manifest::Entry& entry : store_->manifest().segments) {
    // Older formats do not say when their spans came: at the end of the partition at the latest.
    const std::uint64_t received = entry.received_ns > 0
                                       ? entry.received_ns
                                       : entry.partition_ns + options_.store.partition_ns;
    states.push_back({.id = entry.id,
                      .partition_ns = entry.partition_ns,
                      .received_ns = received,
                      .sampled = entry.sampled,
                      .reader = store_->segment(entry.id)});
  }
  return states;
}

base::Status Lane::Remove(std::uint64_t segment, const segment::Removal& removal) {
  const std::lock_guard merging(merge_mutex_);
  return RemoveNow(segment, removal);
}

base::Status Lane::RemoveNow(std::uint64_t segment, const segment::Removal& removal) {
  std::optional<segment::MergePlan> plan;
  {
    const std::lock_guard lock(store_mutex_);
    plan = store_->PlanRemoval(segment, removal);
  }
  return plan ? Carry(*plan) : base::Ok();
}

base::Result<std::vector<std::uint64_t>> Lane::SegmentsOf(const std::string& service) {
  const std::lock_guard lock(store_mutex_);
  RETURN_IF_ERROR(store_->Seal());
  std::vector<std::uint64_t> ids;
  for (const segment::Manifest::Entry& entry : store_->manifest().segments) {
    if (entry.census->Has(service) || entry.census->Has(segment::Census::kOther)) {
      ids.push_back(entry.id);
    }
  }
  return ids;
}

std::uint64_t Lane::deleted() const {
  const std::shared_lock lock(store_mutex_);
  return store_->counts().deleted;
}

base::Result<Deleted> Lane::DeleteService(const std::string& service, std::uint64_t deadline_ns) {
  const segment::Removal removal{
      .why = segment::Gone::kDeleted,
      .takes = [&](const otlp::SpanBatch& batch, const otlp::Span& span) {
        return segment::ServiceOf(batch, batch.resources[batch.scopes[span.scope].resource]) ==
               service;
      }};
  // No merge may carry spans from a segment to come into one that is done.
  const std::lock_guard merging(merge_mutex_);
  const std::uint64_t before = deleted();
  Deleted result;
  ASSIGN_OR_RETURN(const std::vector<std::uint64_t> ids, SegmentsOf(service));
  for (const std::uint64_t id : ids) {
    result.done = clock_.MonotonicNs() < deadline_ns;
    if (!result.done) break;
    RETURN_IF_ERROR(RemoveNow(id, removal));
  }
  result.spans = deleted() - before;
  return result;
}

base::Status Lane::BackUp(segment::FileSystem& to) {
  const std::lock_guard lock(store_mutex_);
  RETURN_IF_ERROR(store_->BackUp(to));
  // What was measured of these spans is in files since the seal that this was.
  return red_files_ ? red_files_->BackUp(to) : base::Ok();
}

base::Status Lane::SetAside(std::uint64_t segment, const base::Status& why) {
  const std::lock_guard lock(store_mutex_);
  return store_->FinishMerge({}, {.damaged = segment, .why = why});
}

bool Lane::UpkeepRedOnce(std::size_t least) {
  std::optional<series::UpkeepPlan> plan;
  {
    const std::lock_guard lock(store_mutex_);
    if (red_files_ && red_now_s_ > 0) plan = red_files_->PlanUpkeep(red_now_s_, least);
  }
  if (!plan) return false;
  const auto outcome = series::RunUpkeep(*files_, *plan);
  if (!outcome.ok()) {
    Warn(outcome.status());
    return false;
  }
  const std::lock_guard lock(store_mutex_);
  const base::Status finished = red_files_->FinishUpkeep(*plan, *outcome);
  Warn(finished);
  return finished.ok();
}

// A disk that stays full is said once.
void Lane::Warn(const base::Status& status) {
  if (status.ok()) return;
  const std::lock_guard lock(mutex_);
  if (status.message() == last_warning_) return;
  last_warning_ = status.message();
  log_.Warning("traces: " + status.message());
}

}  // namespace ronda::trace::ingest
