#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "engine/load/executor.h"

namespace ronda::engine {

// The open model: iterations begin when the schedule says, whatever the target does. An arrival that
// finds no idle user makes one (up to the share of max_users), else waits in the backlog, else is
// dropped and counted.
class ArrivalExecutor : public Executor {
 public:
  ArrivalExecutor(const LoadPlan& plan, Share share, UserHost& host);

  void Start(std::uint64_t now_ns) override;
  void Advance(std::uint64_t now_ns) override;
  [[nodiscard]] std::uint64_t next_ns() const override;
  void OnIterationEnd(std::uint32_t user, std::uint64_t now_ns) override;
  void StopStarting(std::uint64_t now_ns) override;
  void Pause(std::uint64_t at_ns) override;
  void Resume(std::uint64_t at_ns) override;
  void Scale(std::uint64_t at_ns, double factor) override;
  void Limit(std::uint64_t at_ns, double per_second) override;
  bool SetRate(std::uint64_t at_ns, double per_second) override;
  bool SetUsers(std::uint64_t, std::uint32_t) override { return false; }
  [[nodiscard]] bool finished() const override;
  [[nodiscard]] std::uint32_t busy_users() const override { return busy_; }
  [[nodiscard]] std::uint32_t active_users() const override { return busy_; }

 private:
  void Begin(std::uint32_t user, std::uint64_t intended_ns);
  // The number of an idle user, made if need be.
  [[nodiscard]] std::optional<std::uint32_t> TakeIdle();
  // Gives waiting arrivals to idle users.
  void TakeFromBacklog();
  // Fetches the time of arrival number arrival_.
  void FindNext();
  // No arrival begins any more; those that were due by `now_ns` are dropped.
  void Close(std::uint64_t now_ns);
  [[nodiscard]] bool paused() const { return schedule_ && schedule_->paused(); }

  const LoadPlan plan_;
  const Share share_;
  UserHost& host_;
  const std::uint32_t max_users_;
  const std::uint64_t max_backlog_;
  std::optional<ArrivalSchedule> schedule_;  // from Start on
  std::uint64_t arrival_;  // the number of the next one of this share
  std::uint64_t due_ = kNever;  // when that is
  std::uint64_t cut_ns_ = kNever;  // the end of gracefulStop after the plan's own end
  std::uint64_t paused_since_ns_ = 0;
  std::uint64_t backlog_from_ns_ = 0;  // not before: the end of a pause
  bool stopped_ = false;
  std::uint32_t created_ = 0;
  std::uint32_t busy_ = 0;
  std::vector<std::uint32_t> idle_;  // taken from the back: the warmest connection first
  std::deque<std::uint64_t> backlog_;  // intended times
};

}  // namespace ronda::engine
