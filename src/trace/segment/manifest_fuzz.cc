#include <cstddef>
#include <cstdint>
#include <string>

#include "base/core/check.h"
#include "trace/segment/compression.h"
#include "trace/segment/manifest.h"

// A manifest of any bytes, its checksum made right: it is refused, or what it says can be written and
// says the same again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ronda::trace::segment;
  std::string bytes(reinterpret_cast<const char*>(data), size);
  PutFixed64(Hash(bytes), bytes);
  const auto manifest = DecodeManifest(bytes);
  if (!manifest.ok()) return 0;
  const std::string written = EncodeManifest(*manifest);
  const auto again = DecodeManifest(written);
  CHECK(again.ok());
  CHECK(EncodeManifest(*again) == written);
  return 0;
}
