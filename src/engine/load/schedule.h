#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

namespace ronda::engine {

inline constexpr std::uint64_t kNever = ~std::uint64_t{0};

// A ramp from the value before it (or the start value) to `target`, linear over `duration_ns`. A
// duration of 0 is a jump.
struct Stage {
  double target = 0;
  std::uint64_t duration_ns = 0;
};

// When the arrivals of an open load are due: the rate is a piecewise linear function of time, arrival
// k (from 0) is due when k arrivals have been due before it, i.e. at the time t with N(t) = k where N
// is the integral of the rate. So every thread and every process computes the same instants from the
// same definition and takes its share (k modulo their number) without talking to the others.
//
// Times are monotonic nanoseconds. A plain value; copies behave alike under the same calls.
class ArrivalSchedule {
 public:
  // Rates in arrivals per second. The schedule ends after the last stage.
  ArrivalSchedule(std::uint64_t start_ns, double start_rate, const std::vector<Stage>& stages);

  // When arrival `k` is due, or kNever if the schedule ends before.
  // Calls with growing k are O(1).
  [[nodiscard]] std::uint64_t TimeOf(std::uint64_t k);

  // From `at_ns` on the rate is what the definition says times `factor` (0 stops, 1 is as defined).
  void Scale(std::uint64_t at_ns, double factor);
  // From `at_ns` on the rate is never above this; infinity: as defined.
  void Limit(std::uint64_t at_ns, double most);
  // From `at_ns` to the end of the schedule the definition is this rate; factor and limit stay.
  void SetRate(std::uint64_t at_ns, double rate);
  // The definition stands still from `at_ns` until Resume: what was planned after it comes later.
  void Pause(std::uint64_t at_ns);
  void Resume(std::uint64_t at_ns);
  // No arrival is due at or after `at_ns`.
  void End(std::uint64_t at_ns);

  [[nodiscard]] double RateAt(std::uint64_t ns) const;
  [[nodiscard]] std::uint64_t end_ns() const;
  [[nodiscard]] bool paused() const { return paused_; }
  // Arrivals of the whole schedule as it stands.
  [[nodiscard]] double Total() const;

 private:
  static constexpr double kNoLimit = std::numeric_limits<double>::infinity();
  struct Segment {
    std::uint64_t from_ns = 0;
    std::uint64_t to_ns = 0;
    double from_rate = 0;  // as defined, before factor and limit
    double to_rate = 0;
    double factor = 1;
    double most = kNoLimit;  // its rates are all above or all below: see Reshape
    double before = 0;  // arrivals due before from_ns
    bool hole = false;  // a pause

    [[nodiscard]] double From() const { return std::min(from_rate * factor, most); }
    [[nodiscard]] double To() const { return std::min(to_rate * factor, most); }
  };

  [[nodiscard]] static double CountIn(const Segment& s);
  // Applies factor_ and most_ from `at_ns` on, cutting segments where they cross the limit.
  void Reshape(std::uint64_t at_ns);
  // Cuts the segments at `at_ns`; returns the index of the one that begins there (size() at the end).
  std::size_t SplitAt(std::uint64_t at_ns);
  void Renumber(std::size_t from);

  std::vector<Segment> segments_;
  std::size_t cursor_ = 0;  // the segment of the last TimeOf
  double factor_ = 1;
  double most_ = kNoLimit;
  bool paused_ = false;
};

// How many users should be active at a time: the closed-model ramp. Values between are rounded to the
// nearest whole user.
class UserRamp {
 public:
  UserRamp(std::uint64_t start_ns, double start, const std::vector<Stage>& stages);

  [[nodiscard]] std::uint32_t UsersAt(std::uint64_t ns) const;
  // The next time after `ns` at which UsersAt changes, or kNever.
  [[nodiscard]] std::uint64_t NextChange(std::uint64_t ns) const;
  [[nodiscard]] std::uint64_t end_ns() const { return points_.back().ns; }
  [[nodiscard]] std::uint32_t Max() const;

 private:
  struct Point {
    std::uint64_t ns;
    double users;
  };
  std::vector<Point> points_;
};

}  // namespace ronda::engine
