#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/core/clock.h"
#include "base/core/status.h"
#include "base/log.h"
#include "series/source.h"
#include "series/store.h"
#include "trace/ingest/delivery.h"
#include "trace/ingest/digests.h"
#include "trace/ingest/ledger.h"
#include "trace/ingest/metric_meter.h"
#include "trace/ingest/places.h"
#include "trace/ingest/red.h"
#include "trace/segment/source.h"
#include "trace/segment/store.h"

namespace ronda::trace::ingest {

struct LaneOptions {
  segment::StoreOptions store;
  std::uint64_t retain_ns = 0;  // partitions that ended longer ago are dropped; 0: kept
  std::uint64_t retain_bytes = 0;  // oldest partitions are dropped past this; 0: kept
  std::size_t metric_bytes =
      16u << 20;  // of data points that are in no file; past it they become one
  std::uint64_t upkeep_ns = 5'000'000'000;  // how often merge and retention look around
};

// Where the accepted spans are: accepted - deduplicated = stored + expired + lost + sampled out +
// deleted, in sum (`spans`) and for each receiver and service (`places`).
struct Standing {
  Ledger ledger;
  Places places;
  segment::StoreCounts spans;
  std::uint64_t segments = 0;
  std::uint64_t segment_bytes = 0;
};

// One of a lane's segments.
struct SegmentState {
  std::uint64_t id = 0;
  std::uint64_t partition_ns = 0;  // no span of it came before
  std::uint64_t received_ns = 0;  // nor after
  bool sampled = false;
  std::shared_ptr<const segment::SegmentReader> reader = {};
};

// What a deletion has come to.
struct Deleted {
  std::uint64_t spans = 0;
  bool done = true;  // false: there may be more
};

// A store and the thread that writes to it. Deliveries wait in a queue; the thread takes all there are,
// appends them, syncs once and then tells each that it is durable. A second thread merges and drops.
class Lane {
 public:
  using Recycle = std::function<void(std::unique_ptr<Delivery>)>;

  // Opens the store: what its log has is there again, with its part of the ledger and the digests of the
  // last ten minutes. Deliveries that are done with go to `recycle`. `clock` and `log` outlive the lane.
  [[nodiscard]] static base::Result<std::unique_ptr<Lane>> Open(segment::FileSystem& files,
                                                                const LaneOptions& options,
                                                                const Masker& masker,
                                                                const base::Clock& clock,
                                                                base::Log& log, Recycle recycle);
  ~Lane();
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  // Any thread; never waits.
  void Submit(std::unique_ptr<Delivery> delivery);
  // Counts what never came to Submit. Any thread; durable about a second later.
  void Count(const Ledger& counts);

  // Stores what was submitted, seals and ends the threads. Idempotent; later deliveries are refused.
  void Stop();

  // As segment::Source says. Any thread.
  [[nodiscard]] segment::Source::Segments Snapshot(const segment::Source::ReadBlock& read) const;
  // As series::Source says: the RED of every span that is durable, or every data point, each once.
  [[nodiscard]] series::Source::Files SeriesSnapshot(const series::Source::ReadOpen& read) const;
  [[nodiscard]] Standing standing() const;
  // Any thread, as all that follows.
  [[nodiscard]] std::vector<SegmentState> Segments() const;
  // Takes spans out of a segment; waits for a merge that is going on. Ok when there is no such segment
  // (any more), too.
  [[nodiscard]] base::Status Remove(std::uint64_t segment, const segment::Removal& removal);
  // Removes what a service has sent up to now; merges wait. Stops at `deadline_ns` (monotonic): what
  // was removed by then stays removed.
  [[nodiscard]] base::Result<Deleted> DeleteService(const std::string& service,
                                                    std::uint64_t deadline_ns);
  // Makes an empty folder a copy of the lane at this moment.
  [[nodiscard]] base::Status BackUp(segment::FileSystem& to);
  // A segment that is damaged.
  [[nodiscard]] base::Status SetAside(std::uint64_t segment, const base::Status& why);
  // Merges until nothing is left to join, and drops what is over; what the second thread does.
  void Upkeep();

 private:
  // What was appended and not yet committed.
  struct Pending {
    std::uint64_t sequence = 0;
    std::uint64_t received_ns = 0;
    Ledger counts = {};
    bool has_digest = false;
    Digest digest = {};
    bool measured = false;  // its spans are in red_, its points in metrics_
    Delivery* delivery = nullptr;
  };

  Lane(const LaneOptions& options, const Masker& masker, const base::Clock& clock, base::Log& log);
  base::Status OpenStore(segment::FileSystem& files);
  base::Status Replay(const segment::WalRecord& record, wire::otlp::SpanBatch& batch);
  bool ReadNote(std::string_view note);  // of the manifest
  base::Status OpenRed(segment::FileSystem& files);
  // Of the records up to this number, which are being sealed; their RED is in a file then.
  [[nodiscard]] base::Result<std::string> SealThrough(std::uint64_t sequence);
  [[nodiscard]] std::string NoteThrough(std::uint64_t sequence) const;
  void Measure(Pending& pending);
  void Measure(const wire::otlp::SpanBatch& batch, const wire::otlp::MetricBatch& metrics,
               std::uint64_t received_ns);
  // What was measured and is in no file.
  [[nodiscard]] const series::OpenPoints& open_points() const;
  [[nodiscard]] bool has_metrics() const {
    return options_.store.signal == segment::Signal::kMetrics;
  }

  void Write();  // the thread
  void Work(std::vector<std::unique_ptr<Delivery>>& deliveries);
  void Append(Delivery& delivery, std::uint64_t now_ns);
  void AppendCounts(std::uint64_t now_ns);
  bool AppendRecord(segment::WalRecord record, const wire::otlp::SpanBatch& batch, Pending pending);
  base::Result<std::uint64_t> AppendToStore(const segment::WalRecord& record,
                                            const wire::otlp::SpanBatch& batch);
  void Settle(const base::Status& committed);
  void KeepUp();  // the other thread
  void Retain();
  [[nodiscard]] bool TrustsClock(std::uint64_t now_ns);
  bool MergeOnce(std::size_t least);
  // The segments that may have spans of a service, after what is in the block has become one.
  base::Result<std::vector<std::uint64_t>> SegmentsOf(const std::string& service);
  base::Status RemoveNow(std::uint64_t segment, const segment::Removal& removal);
  [[nodiscard]] std::uint64_t deleted() const;
  // Runs a plan and puts its outcome in place. The caller of these two holds merge_mutex_.
  base::Status Carry(const segment::MergePlan& plan);
  bool UpkeepRedOnce(std::size_t least);
  void Warn(const base::Status& status);

  const LaneOptions options_;
  const base::Clock& clock_;
  base::Log& log_;
  segment::FileSystem* files_ = nullptr;
  DeliveryReader reader_;  // for the log's replay
  Recycle recycle_;

  std::mutex merge_mutex_;  // of a plan, from its making to its end; taken before store_mutex_
  // The store has one user at a time; who only reads shares it.
  mutable std::shared_mutex store_mutex_;
  std::unique_ptr<segment::Store> store_;  // and all below: guarded by store_mutex_
  std::unique_ptr<series::Store> red_files_;  // null in a lane of log records
  RedMeter red_;  // of what is durable and not sealed
  MetricMeter metrics_;  // the same, in a lane of metrics, which has no spans
  std::uint64_t metrics_partition_ = 0;  // when metrics were sealed last
  std::uint64_t red_now_s_ = 0;  // as retention found it; 0: the clock is not to be trusted
  RecentDigests digests_;
  Ledger ledger_;  // of what is durable
  Ledger replayed_counts_;  // of the log, while it is read
  std::vector<Pending> pending_;
  std::vector<std::pair<Delivery*, base::Status>> settled_;
  std::string replayed_;  // request
  std::uint64_t sealed_segments_ = 0;
  base::Status refused_;  // by the store, and until when (monotonic) it is not asked again
  std::uint64_t refused_until_ns_ = 0;
  // The clocks as retention saw them last, and until when (monotonic) it waits after a jump.
  std::uint64_t seen_wall_ns_ = 0, seen_monotonic_ns_ = 0, wait_until_ns_ = 0;

  mutable std::mutex counts_mutex_;
  Ledger uncounted_;  // guarded by counts_mutex_: not in the log yet

  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::unique_ptr<Delivery>> queue_;  // guarded by mutex_
  bool stopping_ = false;  // guarded by mutex_
  std::string last_warning_;  // guarded by mutex_
  std::condition_variable upkeep_wake_;
  std::thread writer_, keeper_;
};

}  // namespace ronda::trace::ingest
