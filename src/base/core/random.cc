#include "base/core/random.h"

#include <sys/random.h>

#include <cmath>

#include "base/core/check.h"

namespace ronda::base {

Random::Random(std::uint64_t seed) {
  for (std::uint64_t& word : state_) {
    seed += 0x9e3779b97f4a7c15;
    std::uint64_t z = seed;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    word = z ^ (z >> 31);
  }
}

Random Random::FromEntropy() {
  std::uint64_t seed;
  FillEntropy(&seed, sizeof seed);
  return Random(seed);
}

std::uint64_t Random::Below(std::uint64_t bound) {
  __extension__ using Wide = unsigned __int128;
  Wide product = static_cast<Wide>((*this)()) * bound;
  auto low = static_cast<std::uint64_t>(product);
  if (low < bound) {
    const std::uint64_t threshold = (0 - bound) % bound;
    while (low < threshold) {
      product = static_cast<Wide>((*this)()) * bound;
      low = static_cast<std::uint64_t>(product);
    }
  }
  return static_cast<std::uint64_t>(product >> 64);
}

double Random::Normal() {
  for (;;) {
    const double u = 2 * Unit() - 1;
    const double v = 2 * Unit() - 1;
    const double s = u * u + v * v;
    if (s > 0 && s < 1) return u * std::sqrt(-2 * std::log(s) / s);
  }
}

void FillEntropy(void* data, unsigned long size) {
  auto* bytes = static_cast<char*>(data);
  while (size > 0) {
    const ssize_t n = getrandom(bytes, size, 0);
    if (n < 0) continue;  // EINTR
    bytes += n;
    size -= static_cast<unsigned long>(n);
  }
}

}  // namespace ronda::base
