#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/core/check.h"
#include "stats/aggregator.h"
#include "stats/interval_codec.h"
#include "stats/stats_test_util.h"

// Foreign bytes: whatever decodes can be merged, and encodes to something that decodes again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ronda::stats;
  static const Shape shape = TestShape();
  auto interval = DecodeInterval({reinterpret_cast<const char*>(data), size}, shape);
  if (!interval.ok()) return 0;
  std::string bytes;
  EncodeInterval(**interval, bytes);
  const auto again = DecodeInterval(bytes, shape);
  CHECK(again.ok());
  std::string same;
  EncodeInterval(**again, same);
  CHECK(same == bytes);
  if ((*interval)->second > 10'000) return 0;  // rows for every second before it
  Aggregator aggregator(shape, {.start_ns = kStart});
  const std::size_t remote = aggregator.AddRemote();
  aggregator.Add(remote, **interval);
  aggregator.Finish(kStart + kSecond);
  return 0;
}
