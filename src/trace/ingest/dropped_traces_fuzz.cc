#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/core/check.h"
#include "trace/ingest/dropped_traces.h"
#include "trace/segment/compression.h"

// A file of any bytes, its checksum made right: it is refused, or says the same when written again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ronda::trace::ingest;
  std::string bytes(reinterpret_cast<const char*>(data), size);
  ronda::trace::segment::PutFixed64(ronda::trace::segment::Hash(bytes), bytes);
  const auto file = DecodeDropped(bytes);
  if (file.ok()) CHECK(EncodeDropped(*file).substr(16) == std::string_view(bytes).substr(16));
  return 0;
}
