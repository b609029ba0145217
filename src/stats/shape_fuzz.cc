#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/core/check.h"
#include "stats/shape_codec.h"

// Whatever is read as a shape is written again as the same bytes, if they are the shortest.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto shape = ronda::stats::DecodeShape(bytes);
  if (!shape.ok()) return 0;
  std::string written;
  ronda::stats::EncodeShape(*shape, written);
  CHECK(written.size() <= bytes.size());
  const auto again = ronda::stats::DecodeShape(written);
  CHECK(again.ok() && again->steps.size() == shape->steps.size());
  return 0;
}
