#include "engine/load/schedule.h"

#include <algorithm>
#include <cmath>

#include "base/core/check.h"

namespace ronda::engine {
namespace {

constexpr double kSecond = 1e9;

double Interpolate(double from, double to, std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return to;
  return from + (to - from) * static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

ArrivalSchedule::ArrivalSchedule(std::uint64_t start_ns, double start_rate,
                                 const std::vector<Stage>& stages) {
  double rate = start_rate;
  std::uint64_t at = start_ns;
  for (const Stage& stage : stages) {
    if (stage.duration_ns > 0) {
      segments_.push_back({.from_ns = at,
                           .to_ns = at + stage.duration_ns,
                           .from_rate = rate,
                           .to_rate = stage.target});
      at += stage.duration_ns;
    }
    rate = stage.target;
  }
  if (segments_.empty()) {
    segments_.push_back(
        {.from_ns = start_ns, .to_ns = start_ns, .from_rate = rate, .to_rate = rate});
  }
  Renumber(0);
}

double ArrivalSchedule::CountIn(const Segment& s) {
  const double seconds = static_cast<double>(s.to_ns - s.from_ns) / kSecond;
  return (s.From() + s.To()) / 2 * seconds;
}

void ArrivalSchedule::Renumber(std::size_t from) {
  for (std::size_t i = std::max<std::size_t>(from, 1); i < segments_.size(); ++i) {
    segments_[i].before = segments_[i - 1].before + CountIn(segments_[i - 1]);
  }
}

std::uint64_t ArrivalSchedule::TimeOf(std::uint64_t k) {
  const auto target = static_cast<double>(k);
  while (cursor_ > 0 && segments_[cursor_].before > target) --cursor_;
  for (; cursor_ < segments_.size(); ++cursor_) {
    const Segment& s = segments_[cursor_];
    const double wanted = target - s.before;
    const double in_segment = CountIn(s);
    // An arrival on the border belongs to the later segment; the last one ends the schedule.
    if (wanted >= in_segment) continue;
    const double rate = s.From();
    const double seconds = static_cast<double>(s.to_ns - s.from_ns) / kSecond;
    const double slope = (s.To() - rate) / seconds;
    // rate * t + slope / 2 * t^2 = wanted, in the form that is stable for small slopes.
    const double root = std::sqrt(std::max(0.0, rate * rate + 2 * slope * wanted));
    const double t = wanted <= 0 ? 0 : 2 * wanted / (rate + root);
    const auto ns = s.from_ns + static_cast<std::uint64_t>(std::llround(t * kSecond));
    // 25/s for 0.28 s are 7.000000000000001 arrivals: the eighth would be due at the border.
    if (ns >= s.to_ns) continue;
    return ns;
  }
  cursor_ = segments_.size() - 1;
  return kNever;
}

std::size_t ArrivalSchedule::SplitAt(std::uint64_t at_ns) {
  for (std::size_t i = 0; i < segments_.size(); ++i) {
    Segment& s = segments_[i];
    if (at_ns <= s.from_ns) return i;
    if (at_ns >= s.to_ns) continue;
    const double middle =
        Interpolate(s.from_rate, s.to_rate, at_ns - s.from_ns, s.to_ns - s.from_ns);
    Segment later = s;
    later.from_ns = at_ns;
    later.from_rate = middle;
    s.to_ns = at_ns;
    s.to_rate = middle;
    segments_.insert(segments_.begin() + static_cast<std::ptrdiff_t>(i) + 1, later);
    Renumber(i + 1);
    return i + 1;
  }
  return segments_.size();
}

void ArrivalSchedule::Reshape(std::uint64_t at_ns) {
  const std::size_t first = SplitAt(at_ns);
  for (std::size_t i = first; i < segments_.size(); ++i) {
    segments_[i].factor = factor_;
    segments_[i].most = most_;
    const Segment& s = segments_[i];
    const double from = s.from_rate * factor_;
    const double to = s.to_rate * factor_;
    if ((from < most_) == (to < most_) || from == most_ || to == most_) continue;
    const double part = (most_ - from) / (to - from);
    const auto cross =
        s.from_ns + static_cast<std::uint64_t>(part * static_cast<double>(s.to_ns - s.from_ns));
    if (cross > s.from_ns && cross < s.to_ns) i = SplitAt(cross);
  }
  Renumber(first);
  cursor_ = 0;
}

void ArrivalSchedule::Scale(std::uint64_t at_ns, double factor) {
  factor_ = factor;
  Reshape(at_ns);
}

void ArrivalSchedule::Limit(std::uint64_t at_ns, double most) {
  most_ = most;
  Reshape(at_ns);
}

void ArrivalSchedule::SetRate(std::uint64_t at_ns, double rate) {
  for (std::size_t i = SplitAt(at_ns); i < segments_.size(); ++i) {
    if (!segments_[i].hole) segments_[i].from_rate = segments_[i].to_rate = rate;
  }
  Reshape(at_ns);
}

void ArrivalSchedule::Pause(std::uint64_t at_ns) {
  if (paused_ || at_ns >= end_ns()) return;
  paused_ = true;
  const std::size_t i = SplitAt(at_ns);
  // The pause has no end yet: everything after it waits at the end of time, see Resume.
  const std::uint64_t shift = kNever / 4;
  segments_.insert(segments_.begin() + static_cast<std::ptrdiff_t>(i),
                   Segment{.from_ns = at_ns, .to_ns = at_ns + shift, .hole = true});
  for (std::size_t j = i + 1; j < segments_.size(); ++j) {
    segments_[j].from_ns += shift;
    segments_[j].to_ns += shift;
  }
  Renumber(i);
  cursor_ = 0;
}

void ArrivalSchedule::Resume(std::uint64_t at_ns) {
  if (!paused_) return;
  paused_ = false;
  const auto is_hole = [](const Segment& s) { return s.hole; };
  const auto first = std::find_if(segments_.begin(), segments_.end(), is_hole);
  CHECK(first != segments_.end());
  auto after = std::find_if_not(first, segments_.end(), is_hole);
  const std::uint64_t end = std::max(at_ns, first->from_ns);
  const std::uint64_t shift = (after - 1)->to_ns - end;
  first->to_ns = end;
  first->hole = false;
  after = segments_.erase(first + 1, after);
  for (; after != segments_.end(); ++after) {
    after->from_ns -= shift;
    after->to_ns -= shift;
  }
  cursor_ = 0;
}

void ArrivalSchedule::End(std::uint64_t at_ns) {
  const std::size_t i = SplitAt(at_ns);
  segments_.resize(std::max<std::size_t>(i, 1));
  if (i == 0) segments_[0].to_ns = segments_[0].from_ns;
  paused_ = false;
  cursor_ = 0;
}

double ArrivalSchedule::RateAt(std::uint64_t ns) const {
  for (const Segment& s : segments_) {
    if (ns < s.from_ns || ns >= s.to_ns) continue;
    return Interpolate(s.From(), s.To(), ns - s.from_ns, s.to_ns - s.from_ns);
  }
  return 0;
}

std::uint64_t ArrivalSchedule::end_ns() const { return segments_.back().to_ns; }

double ArrivalSchedule::Total() const {
  return segments_.back().before + CountIn(segments_.back());
}

UserRamp::UserRamp(std::uint64_t start_ns, double start, const std::vector<Stage>& stages) {
  points_.push_back({start_ns, start});
  for (const Stage& stage : stages) {
    points_.push_back({points_.back().ns + stage.duration_ns, stage.target});
  }
}

std::uint32_t UserRamp::UsersAt(std::uint64_t ns) const {
  double users = points_.front().users;
  for (std::size_t i = 1; i < points_.size() && points_[i - 1].ns <= ns; ++i) {
    const Point& a = points_[i - 1];
    const Point& b = points_[i];
    users = ns >= b.ns ? b.users : Interpolate(a.users, b.users, ns - a.ns, b.ns - a.ns);
  }
  return static_cast<std::uint32_t>(std::max(0L, std::lround(users)));
}

std::uint64_t UserRamp::NextChange(std::uint64_t ns) const {
  const std::uint32_t now = UsersAt(ns);
  for (std::size_t i = 1; i < points_.size(); ++i) {
    const Point& b = points_[i];
    if (b.ns <= ns) continue;
    // Up to the stage's last instant the count is monotonic: bisect for the first that differs. At its
    // end a stage of no duration may take it anywhere, also back to what it is now.
    std::uint64_t low = std::max(ns, points_[i - 1].ns);
    if (UsersAt(low) != now) return low;
    std::uint64_t high = b.ns - 1;
    if (high <= low || UsersAt(high) == now) {
      if (UsersAt(b.ns) != now) return b.ns;
      continue;
    }
    while (high - low > 1) {
      const std::uint64_t middle = low + (high - low) / 2;
      (UsersAt(middle) == now ? low : high) = middle;
    }
    return high;
  }
  return kNever;
}

std::uint32_t UserRamp::Max() const {
  double most = 0;
  for (const Point& p : points_) most = std::max(most, p.users);
  return static_cast<std::uint32_t>(std::lround(most));
}

}  // namespace ronda::engine
