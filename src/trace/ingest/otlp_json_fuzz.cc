#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/core/check.h"
#include "trace/ingest/json.h"
#include "wire/otlp/decode.h"
#include "wire/otlp/json_encode.h"

namespace {

using namespace ronda;

// Whatever is read as OTLP/JSON is a request that decodes; written as JSON and read again it gives the
// same.
template <typename Batch, typename Read, typename Decode, typename Encode>
void RoundTrip(std::string_view json, const Read& read, const Decode& decode,
               const Encode& encode) {
  std::string request, once, again, twice;
  if (!read(json, request).ok()) return;
  wire::otlp::Decoder decoder{wire::otlp::Limits()};
  Batch first, second;
  CHECK(decode(decoder, request, first).ok());
  encode(first, once);
  CHECK(read(once, again).ok());
  CHECK(decode(decoder, again, second).ok());
  CHECK(decoder.report().clean());
  encode(second, twice);
  CHECK(once == twice);
}

}  // namespace

// Read as traces and as logs.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using wire::otlp::Decoder, wire::otlp::LogBatch, wire::otlp::SpanBatch;
  static trace::ingest::JsonReader reader;
  const std::string_view json(reinterpret_cast<const char*>(data), size);
  RoundTrip<SpanBatch>(
      json, [](std::string_view in, std::string& out) { return reader.ReadTraces(in, out); },
      [](Decoder& decoder, std::string_view in, SpanBatch& out) {
        return decoder.DecodeTraces(in, out);
      },
      wire::otlp::EncodeTracesJson);
  RoundTrip<LogBatch>(
      json, [](std::string_view in, std::string& out) { return reader.ReadLogs(in, out); },
      [](Decoder& decoder, std::string_view in, LogBatch& out) {
        return decoder.DecodeLogs(in, out);
      },
      wire::otlp::EncodeLogsJson);
  return 0;
}
