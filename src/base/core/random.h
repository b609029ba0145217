#pragma once

#include <bit>
#include <cstdint>

namespace ronda::base {

// xoshiro256** 1.0 (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2021),
// seeded by splitmix64: fast and repeatable, not for secrets. Owned by one thread. Satisfies
// UniformRandomBitGenerator.
class Random {
 public:
  using result_type = std::uint64_t;

  explicit Random(std::uint64_t seed);
  // A generator seeded from the kernel.
  [[nodiscard]] static Random FromEntropy();

  [[nodiscard]] std::uint64_t operator()() {
    const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const std::uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }

  // Uniform in [0, bound), bound > 0, without modulo bias (Lemire 2019).
  [[nodiscard]] std::uint64_t Below(std::uint64_t bound);
  // Uniform in [0, 1), 53 bits.
  [[nodiscard]] double Unit() { return static_cast<double>((*this)() >> 11) * 0x1.0p-53; }
  // Standard normal (Marsaglia's polar method).
  [[nodiscard]] double Normal();

  static constexpr std::uint64_t min() { return 0; }
  static constexpr std::uint64_t max() { return ~std::uint64_t{0}; }

 private:
  std::uint64_t state_[4];
};

// Fills `size` bytes from the kernel's generator: for secrets and ids.
void FillEntropy(void* data, unsigned long size);

}  // namespace ronda::base
