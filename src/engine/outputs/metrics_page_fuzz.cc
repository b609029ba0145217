#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/outputs/metrics_page.h"

// What anybody may send to the page's port: read or refused, never more than the head.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  (void)ronda::engine::ReadScrape({reinterpret_cast<const char*>(data), size});
  return 0;
}
