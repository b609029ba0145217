#pragma once

#include <time.h>

#include <cstdint>

namespace ronda::base {

// Nanoseconds of CLOCK_MONOTONIC, straight from the vDSO: for the hot path, which measures real time
// whatever a test's clock says.
[[nodiscard]] inline std::uint64_t MonotonicNanos() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(t.tv_nsec);
}

// Time as something that is handed in, so that tests own it. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  // Never goes back; its zero means nothing.
  [[nodiscard]] virtual std::uint64_t MonotonicNs() const = 0;
  // Since 1970-01-01T00:00:00Z.
  [[nodiscard]] virtual std::uint64_t WallNs() const = 0;
};

// The machine's clocks.
class RealClock : public Clock {
 public:
  [[nodiscard]] std::uint64_t MonotonicNs() const override { return MonotonicNanos(); }
  [[nodiscard]] std::uint64_t WallNs() const override;
};

// A clock that a test moves by hand. One thread.
class FakeClock : public Clock {
 public:
  explicit FakeClock(std::uint64_t wall_ns = 1'700'000'000'000'000'000) : wall_ns_(wall_ns) {}
  [[nodiscard]] std::uint64_t MonotonicNs() const override { return monotonic_ns_; }
  [[nodiscard]] std::uint64_t WallNs() const override { return wall_ns_; }
  void Advance(std::uint64_t ns) {
    monotonic_ns_ += ns;
    wall_ns_ += ns;
  }

 private:
  std::uint64_t monotonic_ns_ = 1'000'000'000;
  std::uint64_t wall_ns_;
};

}  // namespace ronda::base
