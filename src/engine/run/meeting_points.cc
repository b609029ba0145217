#include "engine/run/meeting_points.h"

#include <algorithm>

namespace ronda::engine {
namespace {

// Until every thread has heard of the release and armed its timer.
constexpr std::uint64_t kNoticeNs = 10'000'000;
// Rounds that may still be told of by a slow thread.
constexpr std::size_t kMostRounds = 64;

}  // namespace

MeetingPoints::MeetingPoints(const std::vector<MeetPlan>& plans, ReleaseFn release, AbortFn abort)
    : release_(std::move(release)), abort_(std::move(abort)) {
  for (const MeetPlan& plan : plans) {
    Point& point = points_.emplace_back();
    point.plan = &plan;
    point.past.name = plan.name;
    point.past.planned = plan.users;
  }
}

void MeetingPoints::Start(std::uint64_t start_ns) {
  const std::lock_guard lock(mutex_);
  start_ns_ = start_ns;
  started_ = true;
}

void MeetingPoints::Go(std::uint32_t meet, std::uint64_t at_ns,
                       std::unique_lock<std::mutex>& lock) {
  Point& point = points_[meet];
  const std::uint64_t round = point.round++;
  point.waiting = 0;
  if (point.plan->at_ns) point.over = true;
  lock.unlock();
  release_(meet, round, at_ns);
}

std::optional<MeetingPoints::Wait> MeetingPoints::Arrive(std::uint32_t meet, std::uint64_t now_ns) {
  std::unique_lock lock(mutex_);
  Point& point = points_[meet];
  const MeetPlan& plan = *point.plan;
  if (!started_ || point.over) return std::nullopt;
  const std::uint64_t at = plan.at_ns ? start_ns_ + *plan.at_ns : 0;
  if (plan.at_ns) {
    if (now_ns + plan.timeout_ns < at) return std::nullopt;
    point.deadline_ns = at + plan.timeout_ns;
    if (now_ns >= point.deadline_ns) return std::nullopt;
  } else if (point.waiting == 0) {
    point.deadline_ns = now_ns + plan.timeout_ns;
  }
  ++point.waiting;
  const Wait wait{point.round, now_ns < at ? at : point.deadline_ns};
  if (point.waiting >= plan.users && now_ns >= at) {
    Go(meet, now_ns + kNoticeNs, lock);
  }
  return wait;
}

std::optional<std::uint64_t> MeetingPoints::OnWake(std::uint32_t meet, std::uint64_t round,
                                                   std::uint64_t now_ns) {
  std::unique_lock lock(mutex_);
  Point& point = points_[meet];
  if (point.round != round) return std::nullopt;
  const MeetPlan& plan = *point.plan;
  const bool full = point.waiting >= plan.users;
  if (!full && now_ns < point.deadline_ns) return point.deadline_ns;
  const std::uint32_t waiting = point.waiting;
  // All that waited may have been interrupted: nobody missed anybody then.
  const bool missed = !full && waiting > 0;
  if (missed) ++point.timeouts;
  Go(meet, now_ns + kNoticeNs, lock);
  if (missed && plan.abort_on_timeout) abort_(plan, waiting);
  return std::nullopt;
}

void MeetingPoints::Leave(std::uint32_t meet, std::uint64_t round) {
  const std::lock_guard lock(mutex_);
  Point& point = points_[meet];
  if (point.round == round && point.waiting > 0) --point.waiting;
}

void MeetingPoints::ReleaseAll(std::uint64_t now_ns) {
  for (std::uint32_t meet = 0; meet < points_.size(); ++meet) {
    std::unique_lock lock(mutex_);
    points_[meet].over = true;
    Go(meet, now_ns, lock);
  }
}

void MeetingPoints::NoteGone(std::uint32_t meet, std::uint64_t round, std::uint32_t users,
                             std::uint64_t first_ns, std::uint64_t last_ns) {
  const std::lock_guard lock(mutex_);
  Point& point = points_[meet];
  const auto found = std::ranges::find(point.gone, round, &Point::Gone::round);
  if (found != point.gone.end()) {
    found->users += users;
    found->first_ns = std::min(found->first_ns, first_ns);
    found->last_ns = std::max(found->last_ns, last_ns);
    return;
  }
  point.gone.push_back({round, users, first_ns, last_ns});
  if (point.gone.size() <= kMostRounds) return;
  Fold(point.gone.front(), point.past);
  point.gone.pop_front();
}

void MeetingPoints::Fold(const Point::Gone& gone, stats::MeetResult& result) {
  ++result.rounds;
  result.users += gone.users;
  result.last_skew_ns = gone.last_ns - gone.first_ns;
  result.max_skew_ns = std::max(result.max_skew_ns, result.last_skew_ns);
}

std::vector<stats::MeetResult> MeetingPoints::Results() const {
  const std::lock_guard lock(mutex_);
  std::vector<stats::MeetResult> results;
  for (const Point& point : points_) {
    stats::MeetResult& result = results.emplace_back(point.past);
    result.timeouts = point.timeouts;
    for (const Point::Gone& gone : point.gone) Fold(gone, result);
  }
  return results;
}

}  // namespace ronda::engine
