#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/core/check.h"
#include "wire/otlp/decode.h"
#include "wire/otlp/encode.h"
#include "wire/otlp/json_encode.h"

namespace {

using namespace ronda::wire::otlp;

// Whatever decodes encodes to bytes that decode cleanly to the same, under the same limits.
template <typename Batch, typename Decode, typename Encode, typename Json>
void RoundTrip(Decoder& decoder, std::string_view bytes, Batch& batch, const Decode& decode,
               const Encode& encode, const Json& json) {
  if (!decode(bytes, batch).ok()) return;
  const std::uint64_t accepted = decoder.report().accepted;
  std::string once, twice, text;
  encode(batch, once);
  json(batch, text);
  Batch again;
  CHECK(decode(once, again).ok());
  CHECK(decoder.report().clean());
  CHECK(decoder.report().accepted == accepted);
  encode(again, twice);
  CHECK(once == twice);
}

}  // namespace

// The first byte: traces, logs, metrics or a response, and small or usual limits.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  Limits limits;
  if ((data[0] & 1) != 0) {
    limits = {.request_bytes = 1 << 20,
              .item_bytes = 1000,
              .attributes = 3,
              .events = 2,
              .links = 2,
              .points = 5,
              .buckets = 4,
              .key_bytes = 8,
              .value_bytes = 8,
              .depth = 2};
  }
  Decoder decoder(limits);
  switch (data[0] >> 1 & 3) {
    case 0: {
      SpanBatch batch;
      RoundTrip(
          decoder, bytes, batch,
          [&](std::string_view in, SpanBatch& to) { return decoder.DecodeTraces(in, to); },
          EncodeTraces, EncodeTracesJson);
      break;
    }
    case 1: {
      MetricBatch batch;
      RoundTrip(
          decoder, bytes, batch,
          [&](std::string_view in, MetricBatch& to) { return decoder.DecodeMetrics(in, to); },
          EncodeMetrics, [](const MetricBatch&, std::string&) {});
      break;
    }
    case 2: {
      LogBatch batch;
      RoundTrip(
          decoder, bytes, batch,
          [&](std::string_view in, LogBatch& to) { return decoder.DecodeLogs(in, to); }, EncodeLogs,
          EncodeLogsJson);
      break;
    }
    default: {
      const auto partial = DecodeResponse(bytes);
      if (!partial.ok()) break;
      std::string once;
      EncodeResponse(*partial, once);
      const auto again = DecodeResponse(once);
      CHECK(again.ok() && *again == *partial);
    }
  }
  return 0;
}
