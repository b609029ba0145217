#include "engine/vu/pause.h"

#include <algorithm>
#include <cmath>

namespace ronda::engine {
namespace {

constexpr double kLongestNs = 366.0 * 86'400 * 1e9;
// z of the 95th percentile of the standard normal distribution.
constexpr double kZ95 = 1.6448536269514722;

}  // namespace

std::uint64_t DrawPause(const model::Wait& wait, base::Random& random) {
  const auto a = static_cast<double>(wait.a.ns);
  const auto b = static_cast<double>(wait.b.ns);
  switch (wait.kind) {
    case model::Wait::Kind::kFixed: return static_cast<std::uint64_t>(wait.a.ns);
    case model::Wait::Kind::kUniform:
      return static_cast<std::uint64_t>(a + (b - a) * random.Unit());
    case model::Wait::Kind::kLogNormal: {
      if (a <= 0) return 0;
      const double sigma = std::log(b / a) / kZ95;
      return static_cast<std::uint64_t>(
          std::min(a * std::exp(sigma * random.Normal()), kLongestNs));
    }
  }
  return 0;
}

}  // namespace ronda::engine
