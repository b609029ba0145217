#include "trace/ingest/delivery.h"

#include <utility>

#include "base/core/varint.h"
#include "trace/segment/census.h"
#include "trace/segment/log_rows.h"
#include "wire/otlp/encode.h"

namespace ronda::trace::ingest {
namespace {

namespace otlp = wire::otlp;

static_assert(static_cast<std::size_t>(Rejection::kOverload) == otlp::kRefusals);

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

// service.name of each resource.
std::vector<std::string_view> ServicesOf(const otlp::SpanBatch& batch) {
  std::vector<std::string_view> services;
  for (const otlp::Resource& resource : batch.resources) {
    services.push_back(segment::ServiceOf(batch, resource));
  }
  return services;
}

void SetReceiver(std::string_view receiver, otlp::SpanBatch& batch) {
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
  otlp::LogBatch logs;
  segment::LogsOfRows(delivery.batch, logs);
  EncodeLogs(logs, out);
}

}  // namespace

void Delivery::Clear() {
  if (request.capacity() > kKept) request = {};
  if (log_body.capacity() > kKept) log_body = {};
  if (MemoryOf(batch) > kKept) {
    batch = {};
    logs = {};
  }
  request.clear();
  log_body.clear();
  batch.Clear();
  logs.Clear();
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
  RETURN_IF_ERROR(Decode(arrival.signal, delivery.request, delivery.logs, delivery.batch));
  delivery.report = decoder_.report();
  const std::uint64_t masked = masker_.Apply(delivery.batch);
  SetReceiver(arrival.receiver, delivery.batch);
  CountSpans(arrival, masked, delivery);
  if (!delivery.memory.Grow(MemoryOf(delivery.batch))) {
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
                                    otlp::LogBatch& logs, otlp::SpanBatch& batch) {
  if (signal == segment::Signal::kTraces) return decoder_.DecodeTraces(request, batch);
  RETURN_IF_ERROR(decoder_.DecodeLogs(request, logs));
  segment::RowsOfLogs(logs, batch);
  return base::Ok();
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
  base::Status status = arrival.signal == segment::Signal::kTraces
                            ? json_.ReadTraces(sent, delivery.request)
                            : json_.ReadLogs(sent, delivery.request);
  if (json_text_.capacity() > kKept) json_text_ = {};
  return status;
}

void DeliveryReader::CountSpans(const Arrival& arrival, std::uint64_t masked,
                                Delivery& delivery) const {
  const otlp::SpanBatch& batch = delivery.batch;
  const std::vector<std::string_view> services = ServicesOf(batch);
  bool one = !services.empty();
  for (const std::string_view service : services) one = one && service == services.front();
  if (one) {
    Tally& tally = delivery.counts.At(arrival.receiver, services.front());
    tally.accepted += batch.spans.size();
    tally.received += batch.spans.size();
  } else {
    for (const otlp::Span& span : batch.spans) {
      Tally& tally =
          delivery.counts.At(arrival.receiver, services[batch.scopes[span.scope].resource]);
      ++tally.accepted;
      ++tally.received;
    }
  }
  if (delivery.report.total_refused() + masked == 0) return;
  // A refused span is gone: whose it was is known when all are of one service.
  Tally& tally = delivery.counts.At(arrival.receiver, one ? services.front() : "");
  tally.masked_values += masked;
  tally.received += delivery.report.total_refused();
  for (std::size_t i = 0; i < otlp::kRefusals; ++i) tally.rejected[i] += delivery.report.refused[i];
}

base::Status DeliveryReader::Replay(const segment::WalRecord& record, std::string_view receiver,
                                    std::string& request, otlp::SpanBatch& batch) {
  base::ByteReservation uncounted;
  RETURN_IF_ERROR(decompressor_.Read(CodingOf(record.encoding), record.body,
                                     decoder_.limits().request_bytes, uncounted, request));
  RETURN_IF_ERROR(Decode(record.signal, request, replayed_logs_, batch));
  masker_.Apply(batch);
  SetReceiver(receiver, batch);
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
