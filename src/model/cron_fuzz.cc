#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/core/check.h"
#include "model/cron.h"

using namespace ronda::model;

// Eight bytes of a moment, then a schedule: parsing ends and points into the text; what parses is due
// at moments that grow.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::int64_t after = 0;
  if (size < sizeof after || size > 300) return 0;
  std::memcpy(&after, data, sizeof after);
  const std::string_view text(reinterpret_cast<const char*>(data) + sizeof after,
                              size - sizeof after);
  LoadError error;
  const auto cron = Cron::Parse(text, error);
  if (!cron.has_value()) {
    CHECK(error.offset <= text.size() && !error.message.empty());
    return 0;
  }
  static const TimeZone zones[] = {TimeZone::Utc(), *TimeZone::Load("America/New_York"),
                                   *TimeZone::Load("Pacific/Apia")};
  const TimeZone& zone = zones[static_cast<std::uint64_t>(after) % 3];
  for (int i = 0; i < 5; ++i) {
    const auto next = cron->Next(after, zone);
    if (!next.has_value()) break;
    CHECK(*next > after && *next % 1'000'000'000 == 0);
    after = *next;
  }
  return 0;
}
