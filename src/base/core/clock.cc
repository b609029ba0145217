#include "base/core/clock.h"

namespace ronda::base {

std::uint64_t RealClock::WallNs() const {
  timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(t.tv_nsec);
}

}  // namespace ronda::base
