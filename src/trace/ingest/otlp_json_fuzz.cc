#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/core/check.h"
#include "trace/ingest/json.h"
#include "wire/otlp/decode.h"
#include "wire/otlp/json_encode.h"

// Whatever is read as OTLP/JSON is a request that decodes; written as JSON and read again it gives the
// same spans.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ronda;
  static trace::ingest::JsonReader reader;
  std::string request;
  if (!reader.ReadTraces({reinterpret_cast<const char*>(data), size}, request).ok()) return 0;
  wire::otlp::Decoder decoder{wire::otlp::Limits()};
  wire::otlp::SpanBatch batch;
  CHECK(decoder.DecodeTraces(request, batch).ok());
  std::string once, again, twice;
  EncodeTracesJson(batch, once);
  CHECK(reader.ReadTraces(once, again).ok());
  wire::otlp::SpanBatch other;
  CHECK(decoder.DecodeTraces(again, other).ok());
  CHECK(decoder.report().clean());
  EncodeTracesJson(other, twice);
  CHECK(once == twice);
  return 0;
}
