#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/core/byte_budget.h"
#include "base/core/clock.h"
#include "base/core/status.h"
#include "base/log.h"
#include "trace/ingest/delivery.h"
#include "trace/ingest/lane.h"
#include "trace/ingest/mask.h"
#include "trace/ingest/sampling.h"
#include "trace/ingest/tail_sampler.h"
#include "trace/segment/file_system.h"
#include "trace/segment/source.h"

namespace ronda::trace::ingest {

struct LanesOptions {
  LaneOptions lane = {};  // retain_bytes is of all lanes together
  std::size_t lanes = 1;  // a folder that has more opens them all
  std::size_t memory_bytes = 256u << 20;  // of requests under way; past it they are sent away
  MaskRules mask = {};
  SamplingRules sampling = {};
};

// All that is kept in one folder: one lane of spans or several, each with a folder of its own (lane-00,
// ...), a lane of log records (logs-00), one of metrics (metrics-00), and the way in for receivers. As a source: the spans. Any
// thread, but for Open and Stop.
class Lanes : public segment::Source {
 public:
  // Unavailable when another process has the folder. Makes the folder, and those above it.
  [[nodiscard]] static base::Result<std::unique_ptr<Lanes>> Open(const std::string& folder,
                                                                 const LanesOptions& options,
                                                                 const base::Clock& clock,
                                                                 base::Log& log);
  ~Lanes() override;
  Lanes(const Lanes&) = delete;
  Lanes& operator=(const Lanes&) = delete;

  // Told once, by any thread: Ok when the spans are durable; what was refused and cut is in `report`.
  // InvalidArgument: no such request. ResourceExhausted: too large. Unavailable: no memory now.
  // FailedPrecondition: the disk does not take it now.
  using Done = std::function<void(const base::Status&, const wire::otlp::DecodeReport& report)>;
  // Reads a request in the caller's thread and has it stored. `memory` is what is taken for `body`.
  void Take(const Arrival& arrival, std::string body, base::ByteReservation memory, Done done);
  // Counts a request that was refused before it came to Take.
  void CountRefused(std::string_view receiver, segment::Signal signal = segment::Signal::kTraces);

  // What requests under way may take.
  [[nodiscard]] base::ByteBudget& memory() { return memory_; }
  [[nodiscard]] Segments Snapshot(const ReadBlock& read) override;
  // The log records, as rows (segment/log_rows.h).
  [[nodiscard]] segment::Source& logs() { return log_source_; }
  // Rate, errors and durations of the spans, and exceptions (series/red.h).
  [[nodiscard]] series::Source& red() { return red_source_; }
  // The metrics that others send (series/metrics.h).
  [[nodiscard]] series::Source& metrics() { return metric_source_; }
  // Of all lanes of spans; of the log records; of the data points.
  [[nodiscard]] Standing standing() const;
  [[nodiscard]] Standing log_standing() const { return logs_->standing(); }
  [[nodiscard]] Standing metric_standing() const { return metrics_->standing(); }

  // Removes what a service has sent up to now, spans and log records. Stops at `deadline_ns`
  // (monotonic); asked again, it goes on.
  [[nodiscard]] base::Result<Deleted> DeleteService(const std::string& service,
                                                    std::uint64_t deadline_ns);
  // Makes backups/`name` in the folder a folder of its own, with all that was acknowledged before the
  // call. InvalidArgument for a name that is none (letters, digits, '.', '_', '-'; no '.' in front);
  // AlreadyExists. One at a time. Returns the folder's path.
  [[nodiscard]] base::Result<std::string> BackUp(const std::string& name);

  // Stores what was taken and ends the threads. Idempotent.
  void Stop();

 private:
  explicit Lanes(const LanesOptions& options);
  base::Status OpenSampler(const std::string& folder, const base::Clock& clock, base::Log& log);
  void KeepSampling(base::Log& log);  // the thread
  base::Result<bool> SampleOnce();
  base::Status BackUpInto(const std::string& folder);
  base::Status OpenLanes(const std::string& folder, const base::Clock& clock, base::Log& log);
  base::Result<std::unique_ptr<Lane>> OpenLane(const std::string& folder,
                                               const LaneOptions& options, const base::Clock& clock,
                                               base::Log& log);
  [[nodiscard]] Lane& LaneOf(segment::Signal signal, const Digest& digest);

  class LogSource : public segment::Source {
   public:
    explicit LogSource(Lanes& lanes) : lanes_(lanes) {}
    [[nodiscard]] Segments Snapshot(const ReadBlock& read) override {
      return lanes_.logs_->Snapshot(read);
    }

   private:
    Lanes& lanes_;
  };

  class RedSource : public series::Source {
   public:
    explicit RedSource(Lanes& lanes) : lanes_(lanes) {}
    [[nodiscard]] Files Snapshot(const ReadOpen& read) override;

   private:
    Lanes& lanes_;
  };

  class MetricSource : public series::Source {
   public:
    explicit MetricSource(Lanes& lanes) : lanes_(lanes) {}
    [[nodiscard]] Files Snapshot(const ReadOpen& read) override {
      return lanes_.metrics_->SeriesSnapshot(read);
    }

   private:
    Lanes& lanes_;
  };

  const LanesOptions options_;
  const Masker masker_;
  base::ByteBudget memory_;
  int lock_ = -1;  // the folder's, held open
  Pool<DeliveryReader> readers_{8};
  Pool<Delivery> deliveries_{16};
  std::vector<std::unique_ptr<segment::FileSystem>> files_;
  std::vector<std::unique_ptr<Lane>> lanes_;  // goes before what they use
  std::unique_ptr<Lane> logs_;
  std::unique_ptr<Lane> metrics_;
  LogSource log_source_{*this};
  RedSource red_source_{*this};
  MetricSource metric_source_{*this};
  std::string folder_;
  std::mutex backup_mutex_;
  std::mutex round_mutex_;  // of the sampler; a backup is of one moment between two rounds
  std::unique_ptr<TailSampler> sampler_;  // null: everything is kept
  std::mutex sampling_mutex_;
  std::condition_variable sampling_wake_;
  bool stopping_ = false;  // guarded by sampling_mutex_
  std::thread sampling_;
};

// {"received":...,"accepted":...,"rejected":{...},...,"receivers":[{"receiver":...,"service":...}]}: the
// ledger as the API shows it; log records and data points, counted the same way, are under "logs" and
// "metrics". One line.
[[nodiscard]] std::string LedgerJson(const Standing& spans, const Standing& logs,
                                     const Standing& metrics);

}  // namespace ronda::trace::ingest
