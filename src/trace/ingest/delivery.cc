#include "trace/ingest/delivery.h"

#include <array>
#include <utility>

#include "base/core/varint.h"
#include "trace/segment/census.h"
#include "trace/segment/log_rows.h"
#include "wire/otlp/encode.h"

namespace ronda::trace::ingest {
namespace {

namespace otlp = wire::otlp;

// Of wire/otlp's refusals, in their order.
constexpr std::array<Rejection, otlp::kRefusals> kRejectionOf = {
    Rejection::kTraceId, Rejection::kSpanId, Rejection::kParentId, Rejection::kTooLarge,
    Rejection::kPoint};

constexpr std::uint64_t kNoteVersion = 1;
constexpr std::size_t kDigestBytes = 16;
// The log's compression of what did not come compressed: fast before small, it lives minutes.
constexpr int kLogLevel = -5;
// Bodies past this many bytes are not kept for the next request.
constexpr std::size_t kKept = 2u << 20;

std::size_t MemoryOf(const otlp::SpanBatch& batch) {
  return batch.spans.size() * sizeof(otlp::Span) +
         batch.attributes.size() * sizeof(otlp::Attribute) +
         batch.events.size() * sizeof(otlp::Event) + batch.links.size() * sizeof(otlp::Link);
}

std::size_t MemoryOf(const otlp::MetricBatch& batch) {
  return batch.metrics.size() * sizeof(otlp::Metric) +
         batch.points.size() * sizeof(otlp::MetricPoint) +
         batch.attributes.size() * sizeof(otlp::Attribute) + batch.numbers.size() * sizeof(double) +
         batch.counts.size() * sizeof(std::uint64_t);
}

// service.name of each resource.
std::vector<std::string_view> ServicesOf(const otlp::BatchParts& batch) {
  std::vector<std::string_view> services;
  for (const otlp::Resource& resource : batch.resources) {
    services.push_back(segment::ServiceOf(batch, resource));
  }
  return services;
}

void SetReceiver(std::string_view receiver, otlp::BatchParts& batch) {
  const std::string_view name = batch.arena.Copy(receiver);
  for (otlp::Resource& resource : batch.resources) resource.receiver = name;
}

segment::BodyEncoding EncodingOf(Coding coding) {
  switch (coding) {
    case Coding::kIdentity: return segment::BodyEncoding::kIdentity;
    case Coding::kGzip: return segment::BodyEncoding::kGzip;
    case Coding::kZstd: return segment::BodyEncoding::kZstd;
  }
  return segment::BodyEncoding::kIdentity;
}

Coding CodingOf(segment::BodyEncoding encoding) {
  switch (encoding) {
    case segment::BodyEncoding::kIdentity: return Coding::kIdentity;
    case segment::BodyEncoding::kGzip: return Coding::kGzip;
    case segment::BodyEncoding::kZstd: return Coding::kZstd;
  }
  return Coding::kIdentity;
}

// The request as it is now.
void Encode(const Delivery& delivery, std::string& out) {
  if (delivery.signal == segment::Signal::kTraces) return EncodeTraces(delivery.batch, out);
  if (delivery.signal == segment::Signal::kMetrics) return EncodeMetrics(delivery.metrics, out);
  otlp::LogBatch logs;
  segment::LogsOfRows(delivery.batch, logs);
  EncodeLogs(logs, out);
}

// Calls `visit(scope, count)` for what the request has.
template <typename Visit>
void EachItem(const Delivery& delivery, const Visit& visit) {
  for (const otlp::Span& span : delivery.batch.spans) visit(span.scope, 1);
  for (const otlp::Metric& metric : delivery.metrics.metrics) {
    visit(metric.scope, metric.points.count);
  }
}

void CountItems(std::string_view receiver, std::uint64_t masked, Delivery& delivery) {
  const otlp::BatchParts& batch = delivery.signal == segment::Signal::kMetrics
                                      ? static_cast<const otlp::BatchParts&>(delivery.metrics)
                                      : delivery.batch;
  const std::vector<std::string_view> services = ServicesOf(batch);
  bool one = !services.empty();
  for (const std::string_view service : services) one = one && service == services.front();
  if (one) {
    Tally& tally = delivery.counts.At(receiver, services.front());
    tally.accepted += delivery.report.accepted;
    tally.received += delivery.report.accepted;
  } else {
    EachItem(delivery, [&](std::uint32_t scope, std::uint64_t count) {
      Tally& tally = delivery.counts.At(receiver, services[batch.scopes[scope].resource]);
      tally.accepted += count;
      tally.received += count;
    });
  }
  if (delivery.report.total_refused() + masked == 0) return;
  // What was refused is gone: whose it was is known when all are of one service.
  Tally& tally = delivery.counts.At(receiver, one ? services.front() : "");
  tally.masked_values += masked;
  tally.received += delivery.report.total_refused();
  for (std::size_t i = 0; i < otlp::kRefusals; ++i) {
    tally.rejected[static_cast<std::size_t>(kRejectionOf[i])] += delivery.report.refused[i];
  }
}

}  // namespace

void Delivery::Clear() {
  if (request.capacity() > kKept) request = {};
  if (log_body.capacity() > kKept) log_body = {};
  if (MemoryOf(batch) > kKept) {
    batch = {};
    logs = {};
  }
  if (MemoryOf(metrics) > kKept) metrics = {};
  request.clear();
  log_body.clear();
  batch.Clear();
  logs.Clear();
  metrics.Clear();
  counts.Clear();
  memory = {};
  done = nullptr;
}

DeliveryReader::DeliveryReader(const otlp::Limits& limits, const Masker& masker)
    : decoder_(limits), masker_(masker) {}

base::Status DeliveryReader::Read(const Arrival& arrival, std::string body,
                                  base::ByteReservation memory, Delivery& delivery) {
  delivery.Clear();
  delivery.memory = std::move(memory);
  delivery.signal = arrival.signal;
  RETURN_IF_ERROR(ReadRequest(arrival, body, delivery));
  RETURN_IF_ERROR(
      Decode(arrival.signal, delivery.request, delivery.logs, delivery.batch, delivery.metrics));
  delivery.report = decoder_.report();
  const std::uint64_t masked = Mask(arrival.receiver, delivery.batch, delivery.metrics);
  CountItems(arrival.receiver, masked, delivery);
  if (!delivery.memory.Grow(MemoryOf(delivery.batch) + MemoryOf(delivery.metrics))) {
    return base::Unavailable("too much is being worked on: send it again a little later");
  }
  // The log has the body as it came; what was masked or was JSON it has in its present form.
  if (masked == 0 && arrival.format == Format::kProtobuf && arrival.coding != Coding::kIdentity) {
    delivery.encoding = EncodingOf(arrival.coding);
    delivery.raw_size = delivery.request.size();
    delivery.log_body = std::move(body);
    return base::Ok();
  }
  std::string present;
  if (masked > 0) Encode(delivery, present);
  const std::string& plain = masked > 0 ? present : delivery.request;
  delivery.encoding = segment::BodyEncoding::kZstd;
  delivery.raw_size = plain.size();
  compressor_.Compress(plain, kLogLevel, delivery.log_body);
  return base::Ok();
}

base::Status DeliveryReader::Decode(segment::Signal signal, std::string_view request,
                                    otlp::LogBatch& logs, otlp::SpanBatch& batch,
                                    otlp::MetricBatch& metrics) {
  if (signal == segment::Signal::kTraces) return decoder_.DecodeTraces(request, batch);
  if (signal == segment::Signal::kMetrics) return decoder_.DecodeMetrics(request, metrics);
  RETURN_IF_ERROR(decoder_.DecodeLogs(request, logs));
  segment::RowsOfLogs(logs, batch);
  return base::Ok();
}

std::uint64_t DeliveryReader::Mask(std::string_view receiver, otlp::SpanBatch& batch,
                                   otlp::MetricBatch& metrics) const {
  SetReceiver(receiver, batch);
  SetReceiver(receiver, metrics);
  return masker_.Apply(batch) + masker_.Apply(metrics);
}

base::Status DeliveryReader::ReadRequest(const Arrival& arrival, std::string& body,
                                         Delivery& delivery) {
  const std::size_t most = decoder_.limits().request_bytes;
  std::string& sent = arrival.format == Format::kJson ? json_text_ : delivery.request;
  if (arrival.coding == Coding::kIdentity) {
    sent = std::move(body);
    if (sent.size() > most) return decoder_.DecodeTraces(sent, delivery.batch);  // says so
  } else {
    RETURN_IF_ERROR(decompressor_.Read(arrival.coding, body, most, delivery.memory, sent));
  }
  delivery.digest = DigestOf(sent);
  if (arrival.format == Format::kProtobuf) return base::Ok();
  // The parser's memory, about.
  if (!delivery.memory.Grow(2 * sent.size())) {
    return base::Unavailable("too much is being worked on: send it again a little later");
  }
  base::Status status = ReadJson(arrival.signal, sent, delivery.request);
  if (json_text_.capacity() > kKept) json_text_ = {};
  return status;
}

base::Status DeliveryReader::ReadJson(segment::Signal signal, std::string_view json,
                                      std::string& request) {
  switch (signal) {
    case segment::Signal::kTraces: return json_.ReadTraces(json, request);
    case segment::Signal::kLogs: return json_.ReadLogs(json, request);
    case segment::Signal::kMetrics: return json_.ReadMetrics(json, request);
  }
  return base::Internal("a signal that is none");
}

base::Status DeliveryReader::Replay(const segment::WalRecord& record, std::string_view receiver,
                                    std::string& request, otlp::SpanBatch& batch) {
  base::ByteReservation uncounted;
  RETURN_IF_ERROR(decompressor_.Read(CodingOf(record.encoding), record.body,
                                     decoder_.limits().request_bytes, uncounted, request));
  batch.Clear();
  replayed_metrics_.Clear();
  RETURN_IF_ERROR(Decode(record.signal, request, replayed_logs_, batch, replayed_metrics_));
  Mask(receiver, batch, replayed_metrics_);
  return base::Ok();
}

std::string EncodeNote(const Note& note) {
  std::string out;
  base::PutVarint(kNoteVersion, out);
  std::string digest;
  if (note.has_digest) {
    segment::PutFixed64(note.digest.high, digest);
    segment::PutFixed64(note.digest.low, digest);
  }
  base::PutBytes(digest, out);
  EncodeLedger(note.counts, out);
  return out;
}

std::string_view ReceiverOf(const Note& note) {
  for (const auto& [key, tally] : note.counts.tallies()) {
    if (tally.accepted > tally.deduplicated) return key.first;
  }
  return {};
}

bool DecodeNote(std::string_view bytes, Note& note) {
  base::VarintReader reader(bytes);
  std::uint64_t version = 0;
  std::string_view digest;
  if (!reader.Next(version) || version != kNoteVersion || !reader.NextBytes(digest)) return false;
  if (!digest.empty() && digest.size() != kDigestBytes) return false;
  note.has_digest = !digest.empty();
  if (note.has_digest) {
    note.digest = {.high = segment::Fixed64At(digest.data()),
                   .low = segment::Fixed64At(digest.data() + 8)};
  }
  return DecodeLedger(bytes.substr(bytes.size() - reader.left()), note.counts);
}

}  // namespace ronda::trace::ingest
