#pragma once

#include <optional>
#include <vector>

#include "engine/load/executor.h"

namespace ronda::engine {

// The closed model: a number of users, fixed or by a ramp, each beginning its next iteration when the
// last one ended. Covers shared-iterations, per-vu-iterations, constant-vus, ramping-vus and
// externally-controlled by users.
class UserExecutor : public Executor {
 public:
  UserExecutor(const LoadPlan& plan, Share share, UserHost& host);

  void Start(std::uint64_t now_ns) override;
  void Advance(std::uint64_t now_ns) override;
  [[nodiscard]] std::uint64_t next_ns() const override { return next_; }
  void OnIterationEnd(std::uint32_t user, std::uint64_t now_ns) override;
  void StopStarting(std::uint64_t now_ns) override;
  void Pause(std::uint64_t at_ns) override;
  void Resume(std::uint64_t at_ns) override;
  void Scale(std::uint64_t at_ns, double factor) override;
  void Limit(std::uint64_t, double) override {}
  bool SetRate(std::uint64_t, double) override { return false; }
  bool SetUsers(std::uint64_t at_ns, std::uint32_t users) override;
  [[nodiscard]] bool finished() const override;
  [[nodiscard]] std::uint32_t busy_users() const override { return busy_; }
  [[nodiscard]] std::uint32_t active_users() const override;

 private:
  struct User {
    bool busy = false;
    std::uint64_t done = 0;  // iterations that ended
    std::uint64_t interrupt_ns = kNever;  // over the ramp, or after the end: has until then
  };

  // How many users of this share should be active at plan time `now_ns`.
  [[nodiscard]] std::uint32_t Wanted(std::uint64_t now_ns) const;
  // Begins iterations of idle users and marks those over the wanted number.
  void Adjust(std::uint64_t now_ns);
  [[nodiscard]] bool MayBegin(std::uint32_t user);
  void InterruptAt(User& user, std::uint64_t ns);
  void Schedule(std::uint64_t now_ns);

  const LoadPlan plan_;
  const Share share_;
  UserHost& host_;
  std::optional<UserRamp> ramp_;
  std::optional<std::uint32_t> set_users_;  // by SetUsers; of the whole run
  double factor_ = 1;
  std::uint64_t start_ns_ = 0;
  std::uint64_t end_ns_ = kNever;  // no iteration begins at or after it
  std::uint64_t paused_since_ = kNever;
  std::uint64_t paused_ns_ = 0;  // in all: plan time = real time - this
  std::uint64_t next_ = kNever;
  std::uint64_t next_interrupt_ = kNever;  // not after the first of users_
  bool ended_ = false;  // end_ns_ has come
  std::uint32_t wanted_ = 0;
  std::uint32_t busy_ = 0;
  bool stopped_ = false;
  bool exhausted_ = false;  // shared-iterations: the counter is used up
  std::vector<User> users_;
};

}  // namespace ronda::engine
