#include "engine/load/arrival_executor.h"

#include <algorithm>

namespace ronda::engine {
namespace {

// So many arrivals in one call, then the thread looks at its other work: a rate beyond what it can do
// must not keep it from hearing of a stop.
constexpr int kMostAtOnce = 10'000;

// The part of `whole` that falls to the share, but never 0 when there is anything: a thread without a
// user could not make its arrivals.
std::uint32_t AtLeastOne(Share share, std::uint64_t whole) {
  return static_cast<std::uint32_t>(std::max<std::uint64_t>(share.Of(whole), whole > 0 ? 1 : 0));
}

}  // namespace

ArrivalExecutor::ArrivalExecutor(const LoadPlan& plan, Share share, UserHost& host)
    : plan_(plan),
      share_(share),
      host_(host),
      max_users_(AtLeastOne(share, std::max(plan.max_users, plan.preallocated_users))),
      max_backlog_(share.Of(plan.max_backlog)),
      arrival_(share.index) {}

void ArrivalExecutor::Start(std::uint64_t now_ns) {
  const std::uint64_t start = now_ns + plan_.start_after_ns;
  if (plan_.kind == ExecutorKind::kRampingArrivalRate) {
    schedule_.emplace(start, plan_.start_value, plan_.stages);
  } else {
    const std::uint64_t duration = plan_.duration_ns > 0 ? plan_.duration_ns : kNever / 4;
    schedule_.emplace(start, plan_.rate, std::vector<Stage>{{plan_.rate, duration}});
  }
  const std::uint32_t first = std::min(max_users_, AtLeastOne(share_, plan_.preallocated_users));
  for (; created_ < first; ++created_) idle_.push_back(host_.CreateUser());
  FindNext();
  Advance(now_ns);
}

void ArrivalExecutor::FindNext() { due_ = stopped_ ? kNever : schedule_->TimeOf(arrival_); }

std::uint64_t ArrivalExecutor::next_ns() const {
  if (stopped_ || !schedule_) return cut_ns_;
  // Without an arrival there is still the end to be noticed: a rate of 0 may be set to another.
  std::uint64_t next = due_ != kNever || paused() ? due_ : schedule_->end_ns();
  if (!backlog_.empty() && !paused() && (!idle_.empty() || created_ < max_users_))
    next = std::min(next, backlog_from_ns_);
  return next;
}

std::optional<std::uint32_t> ArrivalExecutor::TakeIdle() {
  if (idle_.empty() && created_ < max_users_) {
    idle_.push_back(host_.CreateUser());
    ++created_;
  }
  if (idle_.empty()) return std::nullopt;
  const std::uint32_t user = idle_.back();
  idle_.pop_back();
  return user;
}

void ArrivalExecutor::Begin(std::uint32_t user, std::uint64_t intended_ns) {
  ++busy_;
  host_.StartIteration(user, intended_ns);
}

void ArrivalExecutor::TakeFromBacklog() {
  while (!backlog_.empty()) {
    const auto user = TakeIdle();
    if (!user.has_value()) return;
    const std::uint64_t intended = backlog_.front();
    backlog_.pop_front();
    Begin(*user, intended);
  }
}

void ArrivalExecutor::Advance(std::uint64_t now_ns) {
  if (!paused() && now_ns >= backlog_from_ns_) TakeFromBacklog();
  for (int left = kMostAtOnce; due_ <= now_ns && left > 0; --left) {
    const std::uint64_t intended = due_;
    arrival_ += share_.count;
    FindNext();
    // Those that wait already go first.
    const auto user = backlog_.empty() ? TakeIdle() : std::nullopt;
    if (user.has_value()) {
      Begin(*user, intended);
    } else if (backlog_.size() < max_backlog_) {
      backlog_.push_back(intended);
    } else {
      host_.CountDropped(1);
    }
  }
  if (!stopped_ && !paused() && due_ == kNever && now_ns >= schedule_->end_ns()) {
    const std::uint64_t end = schedule_->end_ns();
    Close(now_ns);
    if (busy_ > 0) cut_ns_ = end + plan_.graceful_stop_ns;
  }
  if (now_ns >= cut_ns_) {
    cut_ns_ = kNever;
    for (std::uint32_t user = 0; user < created_; ++user) host_.InterruptIteration(user);
  }
}

void ArrivalExecutor::OnIterationEnd(std::uint32_t user, std::uint64_t now_ns) {
  --busy_;
  idle_.push_back(user);
  if (!paused() && now_ns >= backlog_from_ns_) TakeFromBacklog();
}

void ArrivalExecutor::Close(std::uint64_t now_ns) {
  // Arrivals of this share that were due by now and were not looked at.
  const auto due = [&](std::uint64_t n) {
    return schedule_->TimeOf(arrival_ + n * share_.count) <= now_ns;
  };
  std::uint64_t missed = 0;
  if (due_ <= now_ns) {
    std::uint64_t beyond = 1;
    for (; due(beyond); beyond *= 2) missed = beyond;
    while (beyond - missed > 1) {
      const std::uint64_t middle = missed + (beyond - missed) / 2;
      (due(middle) ? missed : beyond) = middle;
    }
    missed = beyond;
  }
  stopped_ = true;
  due_ = kNever;
  schedule_->End(now_ns);
  if (missed + backlog_.size() > 0) host_.CountDropped(missed + backlog_.size());
  backlog_.clear();
}

void ArrivalExecutor::StopStarting(std::uint64_t now_ns) {
  if (!stopped_) Close(now_ns);
}

void ArrivalExecutor::Pause(std::uint64_t at_ns) {
  if (stopped_ || paused()) return;
  schedule_->Pause(at_ns);
  paused_since_ns_ = at_ns;
  FindNext();
}

void ArrivalExecutor::Resume(std::uint64_t at_ns) {
  if (!paused()) return;
  schedule_->Resume(at_ns);
  backlog_from_ns_ = at_ns;
  // The time between does not count for those that wait either.
  const std::uint64_t pause = at_ns > paused_since_ns_ ? at_ns - paused_since_ns_ : 0;
  for (std::uint64_t& intended : backlog_) intended += pause;
  FindNext();
}

void ArrivalExecutor::Scale(std::uint64_t at_ns, double factor) {
  schedule_->Scale(at_ns, factor);
  FindNext();
}

void ArrivalExecutor::Limit(std::uint64_t at_ns, double per_second) {
  schedule_->Limit(at_ns, per_second);
  FindNext();
}

bool ArrivalExecutor::SetRate(std::uint64_t at_ns, double per_second) {
  schedule_->SetRate(at_ns, per_second);
  FindNext();
  return true;
}

bool ArrivalExecutor::finished() const { return stopped_ && busy_ == 0; }

}  // namespace ronda::engine
