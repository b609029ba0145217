#pragma once

#include <cstdint>

#include "base/core/random.h"
#include "model/definitions.h"

namespace ronda::engine {

// Draws a think time or pace, ns: fixed, uniform in [a, b), or log-normal with the median a and the 95th
// percentile b. Never longer than a year, whatever the tail says.
[[nodiscard]] std::uint64_t DrawPause(const model::Wait& wait, base::Random& random);

}  // namespace ronda::engine
