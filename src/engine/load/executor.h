#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/load/schedule.h"

namespace ronda::engine {

// Which part of a load this thread of this process makes: part `index` of `count`. Arrivals and users
// are dealt out one by one, so the parts add up exactly to the whole.
struct Share {
  std::uint32_t index = 0;
  std::uint32_t count = 1;

  // How many of `whole` fall to this share.
  [[nodiscard]] std::uint64_t Of(std::uint64_t whole) const {
    return whole / count + (index < whole % count ? 1 : 0);
  }
};

enum class ExecutorKind : std::uint8_t {
  kSharedIterations,
  kPerVuIterations,
  kConstantVus,
  kRampingVus,
  kConstantArrivalRate,
  kRampingArrivalRate,
  kExternallyControlled,
};
[[nodiscard]] const char* NameOf(ExecutorKind kind);  // k6's: "constant-vus", ...

// A load as it is executed: durations in ns, rates per second, all of the whole run (Share cuts it).
struct LoadPlan {
  ExecutorKind kind = ExecutorKind::kPerVuIterations;
  std::uint32_t users = 1;  // closed models; externally-controlled without a rate
  std::uint64_t iterations = 1;  // shared: in all; per-vu: each
  std::uint64_t duration_ns = 0;  // constant-*, externally-controlled; 0: until stopped
  std::uint64_t max_duration_ns = 600'000'000'000;  // shared- and per-vu-iterations
  double start_value = 0;  // ramping-*: users or arrivals/s
  std::vector<Stage> stages;  // ramping-*: users or arrivals/s
  std::uint64_t ramp_down_ns = 30'000'000'000;  // ramping-vus: a user over the ramp may finish
  double rate = 0;  // arrivals/s: constant-arrival-rate, externally-controlled
  std::uint32_t preallocated_users = 1;
  std::uint32_t max_users = 1;  // open models
  std::uint64_t max_backlog = 0;  // arrivals waiting for a user, of the whole run
  std::uint64_t start_after_ns = 0;  // startTime
  std::uint64_t graceful_stop_ns = 30'000'000'000;  // an iteration may go on so long after the end
  bool by_rate = false;  // externally-controlled: by its rate, which may be 0 at first

  [[nodiscard]] bool open_model() const {
    return kind == ExecutorKind::kConstantArrivalRate ||
           kind == ExecutorKind::kRampingArrivalRate ||
           (kind == ExecutorKind::kExternallyControlled && by_rate);
  }
  // From its start until no iteration starts any more; 0 when only a stop ends it.
  [[nodiscard]] std::uint64_t planned_ns() const;
  // The most users it will ever have.
  [[nodiscard]] std::uint32_t MostUsers() const;
};

// The virtual users of one thread, as an executor sees them. Implemented by the thread.
class UserHost {
 public:
  virtual ~UserHost() = default;
  // Makes one more user; returns its number, dense from 0.
  virtual std::uint32_t CreateUser() = 0;
  // Begins an iteration of an idle user; Executor::OnIterationEnd follows, never from inside.
  // `intended_ns`: when it should have begun (open models), else now.
  virtual void StartIteration(std::uint32_t user, std::uint64_t intended_ns) = 0;
  // Ends the iteration of a busy user now; OnIterationEnd follows, never from inside.
  virtual void InterruptIteration(std::uint32_t user) = 0;
  // So many arrivals found no user and no room to wait, or were due and did not begin before the end.
  virtual void CountDropped(std::uint64_t count) = 0;
  // One iteration off the counter that all threads of the run share (shared-iterations): false when
  // none is left.
  virtual bool TakeSharedIteration() = 0;
};

// Decides when the users of one thread begin their iterations. Pure logic: no clock, no timer; the
// thread calls Advance at next_ns() or later. One thread.
class Executor {
 public:
  [[nodiscard]] static std::unique_ptr<Executor> Create(const LoadPlan& plan, Share share,
                                                        UserHost& host);
  virtual ~Executor() = default;

  // Once. Iterations may begin from inside it and from every call below that takes the time.
  virtual void Start(std::uint64_t now_ns) = 0;
  virtual void Advance(std::uint64_t now_ns) = 0;
  // When Advance has something to do, or kNever.
  [[nodiscard]] virtual std::uint64_t next_ns() const = 0;
  virtual void OnIterationEnd(std::uint32_t user, std::uint64_t now_ns) = 0;

  // No iteration begins from now on; running ones go on.
  virtual void StopStarting(std::uint64_t now_ns) = 0;
  // No iteration begins until Resume; the time between does not count.
  virtual void Pause(std::uint64_t at_ns) = 0;
  virtual void Resume(std::uint64_t at_ns) = 0;
  // Throttle: the load is what the plan says times `factor` (closed models: that part of the users).
  virtual void Scale(std::uint64_t at_ns, double factor) = 0;
  // Throttle: at most so many arrivals/s of the whole run; infinity lifts it. Nothing to closed models.
  virtual void Limit(std::uint64_t at_ns, double per_second) = 0;
  // Arrivals/s of the whole run, or users of the whole run for closed models, from now to the end.
  // False when this kind has no such thing to set.
  virtual bool SetRate(std::uint64_t at_ns, double per_second) = 0;
  virtual bool SetUsers(std::uint64_t at_ns, std::uint32_t users) = 0;

  // True when the time of the plan is over or its iterations are used up, and none runs here.
  [[nodiscard]] virtual bool finished() const = 0;
  [[nodiscard]] virtual std::uint32_t busy_users() const = 0;
  // Users that take part now, busy or waiting for their next iteration.
  [[nodiscard]] virtual std::uint32_t active_users() const = 0;
};

}  // namespace ronda::engine
