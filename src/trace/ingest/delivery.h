#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/byte_budget.h"
#include "base/core/status.h"
#include "trace/ingest/body.h"
#include "trace/ingest/digests.h"
#include "trace/ingest/json.h"
#include "trace/ingest/ledger.h"
#include "trace/ingest/mask.h"
#include "trace/segment/compression.h"
#include "trace/segment/wal.h"
#include "wire/otlp/decode.h"
#include "wire/otlp/limits.h"
#include "wire/otlp/metric_model.h"
#include "wire/otlp/model.h"

namespace ronda::trace::ingest {

enum class Format : std::uint8_t { kProtobuf, kJson };

// How a request came.
struct Arrival {
  std::string_view receiver;  // "otlp-http"
  Format format = Format::kProtobuf;
  Coding coding = Coding::kIdentity;
  segment::Signal signal = segment::Signal::kTraces;
};

// One request on its way from a receiver to the store. Stays where it is (its parts are views of each
// other); owned by one thread at a time.
struct Delivery {
  std::string request;  // protobuf, decompressed: what the batch's texts are views of
  segment::Signal signal = segment::Signal::kTraces;
  wire::otlp::LogBatch
      logs;  // of a request of logs; the batch has them as rows (segment/log_rows.h)
  wire::otlp::SpanBatch batch;
  wire::otlp::MetricBatch metrics;  // of a request of metrics, which has no rows
  wire::otlp::DecodeReport report;
  Digest digest;
  Ledger counts;  // of this request
  // What goes into the log.
  segment::BodyEncoding encoding = segment::BodyEncoding::kIdentity;
  std::uint64_t raw_size = 0;
  std::string log_body;
  base::ByteReservation memory;
  // Called once, by the lane's thread: Ok when it is durable, FailedPrecondition when it could not be
  // stored and may be sent again.
  std::function<void(const base::Status&)> done;

  void Clear();
};

// Reads requests: decompress, decode, mask, count. Owned by one thread at a time; keep one.
class DeliveryReader {
 public:
  DeliveryReader(const wire::otlp::Limits& limits, const Masker& masker);

  // Fills `delivery` but for `done`; `memory` is what is taken for `body` already.
  // InvalidArgument: no such request. ResourceExhausted: too large. Unavailable: no memory now; then
  // delivery.counts has its spans as rejected, if they could be counted.
  [[nodiscard]] base::Status Read(const Arrival& arrival, std::string body,
                                  base::ByteReservation memory, Delivery& delivery);
  // Reads a record of the log as it was when it came; replaces `batch`, and metrics(), whose texts are
  // views of `request`.
  [[nodiscard]] base::Status Replay(const segment::WalRecord& record, std::string_view receiver,
                                    std::string& request, wire::otlp::SpanBatch& batch);
  // Of the last record that was replayed, when it has metrics.
  [[nodiscard]] const wire::otlp::MetricBatch& metrics() const { return replayed_metrics_; }

 private:
  base::Status ReadRequest(const Arrival& arrival, std::string& body, Delivery& delivery);
  base::Status Decode(segment::Signal signal, std::string_view request, wire::otlp::LogBatch& logs,
                      wire::otlp::SpanBatch& batch, wire::otlp::MetricBatch& metrics);
  base::Status ReadJson(segment::Signal signal, std::string_view json, std::string& request);
  // Of a batch, and says who took it in. How many values were changed.
  std::uint64_t Mask(std::string_view receiver, wire::otlp::SpanBatch& batch,
                     wire::otlp::MetricBatch& metrics) const;

  wire::otlp::Decoder decoder_;
  const Masker& masker_;
  Decompressor decompressor_;
  JsonReader json_;
  segment::Compressor compressor_;
  std::string json_text_;
  wire::otlp::LogBatch replayed_logs_;
  wire::otlp::MetricBatch replayed_metrics_;
};

// A request's part of the ledger and its digest, as the log keeps them (docs/formats/trace-wal.md,
// "Notes"). Without a digest the record only counts.
struct Note {
  bool has_digest = false;
  Digest digest;
  Ledger counts;
};
[[nodiscard]] std::string EncodeNote(const Note& note);
// False when malformed; `note` may have a part of it.
[[nodiscard]] bool DecodeNote(std::string_view bytes, Note& note);

// Who took the request of this note in; "" when it stored no spans. Of all that a note counts, only
// the request's own spans were accepted and are no duplicates. Borrowed from the note.
[[nodiscard]] std::string_view ReceiverOf(const Note& note);

// Things that are costly to make, kept for the next user. Any thread.
template <typename T>
class Pool {
 public:
  explicit Pool(std::size_t most) : most_(most) {}
  // One that was given back, or null.
  [[nodiscard]] std::unique_ptr<T> Take() {
    const std::lock_guard lock(mutex_);
    if (kept_.empty()) return nullptr;
    auto taken = std::move(kept_.back());
    kept_.pop_back();
    return taken;
  }
  void Give(std::unique_ptr<T> thing) {
    const std::lock_guard lock(mutex_);
    if (kept_.size() < most_) kept_.push_back(std::move(thing));
  }

 private:
  const std::size_t most_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<T>> kept_;  // guarded by mutex_
};

}  // namespace ronda::trace::ingest
