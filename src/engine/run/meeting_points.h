#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <vector>

#include "engine/program/program.h"
#include "stats/meet_result.h"

namespace ronda::engine {

// The rendezvous of a run, over all its threads: users wait in front of a step until enough are there,
// then all go on at one instant. Never hangs: every wait ends at a known time.
//
// Without `at` a meeting is held again and again: as soon as `users` wait they go; a round that is not
// full `timeout` after its first user came ends there. With `at` it is held once: users that come from
// `at - timeout` on wait; they go at `at` or as soon after it as `users` wait, at `at + timeout` at the
// latest; before and after nobody waits. Thread-safe.
class MeetingPoints {
 public:
  // Tells every thread that round `round` of meeting `meet` goes at `at_ns`. Called without locks held.
  using ReleaseFn =
      std::function<void(std::uint32_t meet, std::uint64_t round, std::uint64_t at_ns)>;
  // A round was not full in time and `onTimeout` says abort.
  using AbortFn = std::function<void(const MeetPlan& plan, std::uint32_t waiting)>;

  MeetingPoints(const std::vector<MeetPlan>& plans, ReleaseFn release, AbortFn abort);

  // The run's time begins; nobody waits before.
  void Start(std::uint64_t start_ns);

  struct Wait {
    std::uint64_t round = 0;
    std::uint64_t wake_ns = 0;  // call OnWake then, unless the round went before
  };
  // A user is there. Nothing: it goes on at once.
  [[nodiscard]] std::optional<Wait> Arrive(std::uint32_t meet, std::uint64_t now_ns);
  // The time of a waiting user's round is up. When to call again, or nothing: the round goes.
  [[nodiscard]] std::optional<std::uint64_t> OnWake(std::uint32_t meet, std::uint64_t round,
                                                    std::uint64_t now_ns);
  // A waiting user was interrupted.
  void Leave(std::uint32_t meet, std::uint64_t round);
  // Nobody waits any more, now or later: the load is ending.
  void ReleaseAll(std::uint64_t now_ns);
  // So many users of that round went on one thread, the first and the last at these times.
  void NoteGone(std::uint32_t meet, std::uint64_t round, std::uint32_t users,
                std::uint64_t first_ns, std::uint64_t last_ns);

  // How the rounds of each meeting went: those in which somebody waited.
  [[nodiscard]] std::vector<stats::MeetResult> Results() const;

 private:
  struct Point {
    const MeetPlan* plan = nullptr;
    std::uint64_t round = 0;
    std::uint32_t waiting = 0;
    std::uint64_t deadline_ns = 0;  // of the round at hand
    bool over = false;
    std::uint64_t timeouts = 0;
    // Of the rounds that went; at most kMostRounds are kept, older ones are in `past`.
    struct Gone {
      std::uint64_t round = 0;
      std::uint32_t users = 0;
      std::uint64_t first_ns = 0, last_ns = 0;
    };
    std::deque<Gone> gone;
    stats::MeetResult past;
  };
  static void Fold(const Point::Gone& gone, stats::MeetResult& result);
  void Go(std::uint32_t meet, std::uint64_t at_ns, std::unique_lock<std::mutex>& lock);

  mutable std::mutex mutex_;
  std::vector<Point> points_;  // guarded by mutex_
  std::uint64_t start_ns_ = 0;
  bool started_ = false;
  const ReleaseFn release_;
  const AbortFn abort_;
};

}  // namespace ronda::engine
