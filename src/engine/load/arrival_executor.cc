#include "engine/load/arrival_executor.h"

#include <algorithm>

namespace ronda::engine {
namespace {

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
  while (created_ < first) {
    idle_.push_back(host_.CreateUser());
    ++created_;
  }
  FindNext();
  Advance(now_ns);
}

void ArrivalExecutor::FindNext() { next_ = stopped_ ? kNever : schedule_->TimeOf(arrival_); }

void ArrivalExecutor::Begin(std::uint32_t user, std::uint64_t intended_ns, std::uint64_t now_ns) {
  ++busy_;
  host_.CountLateness(now_ns > intended_ns ? now_ns - intended_ns : 0);
  host_.StartIteration(user, intended_ns);
}

void ArrivalExecutor::Advance(std::uint64_t now_ns) {
  while (next_ <= now_ns) {
    const std::uint64_t intended = next_;
    arrival_ += share_.count;
    FindNext();
    if (idle_.empty() && created_ < max_users_) {
      idle_.push_back(host_.CreateUser());
      ++created_;
    }
    if (!idle_.empty()) {
      const std::uint32_t user = idle_.back();
      idle_.pop_back();
      Begin(user, intended, now_ns);
    } else if (backlog_.size() < max_backlog_) {
      backlog_.push_back(intended);
    } else {
      host_.CountDropped(intended);
    }
  }
}

void ArrivalExecutor::OnIterationEnd(std::uint32_t user, std::uint64_t now_ns) {
  --busy_;
  if (!backlog_.empty()) {
    const std::uint64_t intended = backlog_.front();
    backlog_.pop_front();
    Begin(user, intended, now_ns);
    return;
  }
  idle_.push_back(user);
}

void ArrivalExecutor::StopStarting(std::uint64_t now_ns) {
  stopped_ = true;
  next_ = kNever;
  schedule_->End(now_ns);
  // They were due and did not begin: that is what a drop is.
  for (const std::uint64_t intended : backlog_) host_.CountDropped(intended);
  backlog_.clear();
}

void ArrivalExecutor::Pause(std::uint64_t at_ns) {
  schedule_->Pause(at_ns);
  FindNext();
}

void ArrivalExecutor::Resume(std::uint64_t at_ns) {
  schedule_->Resume(at_ns);
  FindNext();
}

void ArrivalExecutor::Scale(std::uint64_t at_ns, double factor) {
  schedule_->Scale(at_ns, factor);
  FindNext();
}

bool ArrivalExecutor::SetRate(std::uint64_t at_ns, double per_second) {
  schedule_->SetRate(at_ns, per_second);
  FindNext();
  return true;
}

bool ArrivalExecutor::finished() const {
  return busy_ == 0 && backlog_.empty() && next_ == kNever && !(schedule_ && schedule_->paused());
}

}  // namespace ronda::engine
