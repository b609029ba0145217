#pragma once

#include <algorithm>
#include <cstdint>

namespace ronda::trace::query {

// The time that figures are asked for, made whole steps. Seconds since 1970.
struct Steps {
  std::uint64_t from_s = 0, to_s = 0;
  std::uint64_t count = 1;  // of steps; 1 where the whole time is one
};

// `step_s` 0: the whole time in one, of whole 10 s, the finest that is kept.
[[nodiscard]] constexpr Steps StepsOf(std::uint64_t from_s, std::uint64_t to_s,
                                      std::uint64_t step_s) {
  constexpr std::uint64_t kFinestS = 10;
  const std::uint64_t width_s = std::max(step_s, kFinestS);
  Steps steps{from_s - from_s % width_s, to_s + (width_s - to_s % width_s) % width_s};
  if (step_s != 0) steps.count = (steps.to_s - steps.from_s) / width_s;
  return steps;
}

}  // namespace ronda::trace::query
