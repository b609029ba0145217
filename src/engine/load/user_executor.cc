#include "engine/load/user_executor.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace ronda::engine {

UserExecutor::UserExecutor(const LoadPlan& plan, Share share, UserHost& host)
    : plan_(plan), share_(share), host_(host) {}

void UserExecutor::Start(std::uint64_t now_ns) {
  start_ns_ = now_ns + plan_.start_after_ns;
  switch (plan_.kind) {
    case ExecutorKind::kSharedIterations:
    case ExecutorKind::kPerVuIterations: end_ns_ = start_ns_ + plan_.max_duration_ns; break;
    case ExecutorKind::kRampingVus:
      ramp_.emplace(start_ns_, plan_.start_value, plan_.stages);
      end_ns_ = ramp_->end_ns();
      break;
    default:
      if (plan_.duration_ns > 0) end_ns_ = start_ns_ + plan_.duration_ns;
  }
  Advance(now_ns);
}

std::uint32_t UserExecutor::Wanted(std::uint64_t now_ns) const {
  if (stopped_ || paused_since_ != kNever || now_ns < start_ns_ || now_ns >= end_ns_) return 0;
  std::uint32_t whole = plan_.users;
  if (ramp_) whole = ramp_->UsersAt(now_ns - paused_ns_);
  if (set_users_) whole = *set_users_;
  whole = static_cast<std::uint32_t>(std::lround(whole * factor_));
  return static_cast<std::uint32_t>(share_.Of(whole));
}

bool UserExecutor::MayBegin(std::uint32_t user) {
  if (plan_.kind == ExecutorKind::kPerVuIterations) return users_[user].done < plan_.iterations;
  if (plan_.kind != ExecutorKind::kSharedIterations) return true;
  if (!exhausted_ && !host_.TakeSharedIteration()) exhausted_ = true;
  return !exhausted_;
}

void UserExecutor::InterruptAt(User& user, std::uint64_t ns) {
  user.interrupt_ns = std::min(user.interrupt_ns, ns);
  next_interrupt_ = std::min(next_interrupt_, ns);
}

void UserExecutor::Adjust(std::uint64_t now_ns) {
  const std::uint32_t before = wanted_;
  wanted_ = Wanted(now_ns);
  // Users below `before` are busy, or have nothing left to do.
  for (std::uint32_t i = before; i < wanted_; ++i) {
    if (i == users_.size()) {
      host_.CreateUser();
      users_.emplace_back();
    }
    User& user = users_[i];
    user.interrupt_ns = kNever;
    if (user.busy || !MayBegin(i)) continue;
    user.busy = true;
    ++busy_;
    host_.StartIteration(i, now_ns);
  }
  if (paused_since_ != kNever || stopped_) return;
  if (now_ns >= end_ns_) {
    if (std::exchange(ended_, true)) return;
    for (User& user : users_) {
      if (user.busy) InterruptAt(user, end_ns_ + plan_.graceful_stop_ns);
    }
    return;
  }
  // Over the ramp: finish the iteration within gracefulRampDown.
  for (std::uint32_t i = wanted_; ramp_.has_value() && i < before; ++i) {
    if (users_[i].busy) InterruptAt(users_[i], now_ns + plan_.ramp_down_ns);
  }
}

void UserExecutor::Schedule(std::uint64_t now_ns) {
  next_ = next_interrupt_;
  if (stopped_ || paused_since_ != kNever) return;
  if (now_ns < start_ns_) next_ = std::min(next_, start_ns_);
  if (now_ns < end_ns_ && end_ns_ != kNever) next_ = std::min(next_, end_ns_);
  if (ramp_ && now_ns >= start_ns_) {
    const std::uint64_t change = ramp_->NextChange(now_ns - paused_ns_);
    if (change != kNever) next_ = std::min(next_, change + paused_ns_);
  }
}

void UserExecutor::Advance(std::uint64_t now_ns) {
  if (next_interrupt_ <= now_ns) {
    next_interrupt_ = kNever;
    for (std::uint32_t i = 0; i < users_.size(); ++i) {
      User& user = users_[i];
      if (user.interrupt_ns > now_ns) {
        next_interrupt_ = std::min(next_interrupt_, user.interrupt_ns);
        continue;
      }
      user.interrupt_ns = kNever;
      if (user.busy) host_.InterruptIteration(i);
    }
  }
  Adjust(now_ns);
  Schedule(now_ns);
}

void UserExecutor::OnIterationEnd(std::uint32_t index, std::uint64_t now_ns) {
  User& user = users_[index];
  ++user.done;
  user.interrupt_ns = kNever;
  if (index < wanted_ && now_ns < end_ns_ && !stopped_ && paused_since_ == kNever &&
      MayBegin(index)) {
    host_.StartIteration(index, now_ns);
    return;
  }
  user.busy = false;
  --busy_;
}

void UserExecutor::StopStarting(std::uint64_t now_ns) {
  stopped_ = true;
  wanted_ = 0;
  Schedule(now_ns);
}

void UserExecutor::Pause(std::uint64_t at_ns) {
  if (paused_since_ != kNever || stopped_) return;
  paused_since_ = at_ns;
  wanted_ = 0;
  Schedule(at_ns);
}

void UserExecutor::Resume(std::uint64_t at_ns) {
  if (paused_since_ == kNever) return;
  const std::uint64_t pause = at_ns > paused_since_ ? at_ns - paused_since_ : 0;
  // Before the start all of it comes later.
  if (paused_since_ < start_ns_) start_ns_ += pause;
  paused_since_ = kNever;
  paused_ns_ += pause;
  if (end_ns_ != kNever) end_ns_ += pause;
  Advance(at_ns);
}

void UserExecutor::Scale(std::uint64_t at_ns, double factor) {
  factor_ = factor;
  Advance(at_ns);
}

bool UserExecutor::SetUsers(std::uint64_t at_ns, std::uint32_t users) {
  if (plan_.kind == ExecutorKind::kSharedIterations ||
      plan_.kind == ExecutorKind::kPerVuIterations) {
    return false;
  }
  set_users_ = users;
  Advance(at_ns);
  return true;
}

std::uint32_t UserExecutor::active_users() const { return std::max(wanted_, busy_); }

bool UserExecutor::finished() const {
  if (busy_ > 0) return false;
  if (stopped_ || exhausted_) return true;
  if (paused_since_ != kNever) return false;
  if (ended_) return true;
  if (plan_.kind != ExecutorKind::kPerVuIterations || users_.size() < share_.Of(plan_.users)) {
    // A share without any user has nothing to do.
    return share_.Of(plan_.MostUsers()) == 0 && !set_users_ &&
           plan_.kind != ExecutorKind::kExternallyControlled;
  }
  return std::ranges::all_of(users_, [&](const User& u) { return u.done >= plan_.iterations; });
}

}  // namespace ronda::engine
