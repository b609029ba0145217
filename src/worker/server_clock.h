#pragma once

#include <cstdint>

namespace ronda::worker {

// What the server's wall clock says, as well as the worker can know it: the server told its time between
// a message's sending and its answer's arrival, so it is wrong by half of that at most. The best of the
// recent answers counts; older ones lose worth, as clocks drift. One thread.
class ServerClock {
 public:
  // The server said `server_wall_ns` to what was sent and answered at these times (monotonic).
  void Learn(std::uint64_t sent_ns, std::uint64_t answered_ns, std::uint64_t server_wall_ns) {
    const std::uint64_t doubt = (answered_ns - sent_ns) / 2;
    const std::uint64_t aged = doubt_ns_ + (answered_ns - learnt_ns_) / kDriftPart;
    if (known_ && doubt > aged) return;
    known_ = true;
    learnt_ns_ = answered_ns;
    doubt_ns_ = doubt;
    offset_ns_ = static_cast<std::int64_t>(server_wall_ns - (sent_ns + doubt));
  }
  [[nodiscard]] bool known() const { return known_; }
  [[nodiscard]] std::uint64_t doubt_ns() const { return doubt_ns_; }
  // Between the server's wall clock and the monotonic clock here.
  [[nodiscard]] std::uint64_t WallOf(std::uint64_t monotonic_ns) const {
    return monotonic_ns + static_cast<std::uint64_t>(offset_ns_);
  }
  [[nodiscard]] std::uint64_t MonotonicOf(std::uint64_t wall_ns) const {
    return wall_ns - static_cast<std::uint64_t>(offset_ns_);
  }

 private:
  static constexpr std::uint64_t kDriftPart = 20'000;  // 50 ppm

  bool known_ = false;
  std::int64_t offset_ns_ = 0;
  std::uint64_t doubt_ns_ = 0;
  std::uint64_t learnt_ns_ = 0;
};

}  // namespace ronda::worker
