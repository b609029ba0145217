#include "engine/vu/user.h"

#include <algorithm>
#include <string>
#include <utility>

#include "engine/actions/http/auth.h"
#include "engine/run/spans.h"
#include "engine/vu/user_thread.h"

namespace ronda::engine {
namespace {

// So many iterations without waiting, then other users get their turn.
constexpr int kQuickIterations = 64;
constexpr std::uint32_t kNoRow = ~0u;
// How often one looks again for a row that another user has to give back.
constexpr std::uint64_t kRowWaitNs = 5'000'000;

}  // namespace

User::User(UserThread& thread, IterationObserver& observer, std::uint32_t index,
           std::uint64_t number)
    : thread_(thread),
      observer_(observer),
      index_(index),
      number_(number),
      slots_(thread.run().initial_slots()),
      strand_(*this, slots_, nullptr) {}

User::~User() { strand_.Interrupt(); }

void User::StartIteration(std::uint32_t flow, std::uint64_t intended_ns) {
  flow_ = flow;
  steps_ = nullptr;
  requested_ns_ = intended_ns;
  start_requested_ = true;
  busy_ = true;
  if (!pumping_) thread_.MakeReady(*this);
}

void User::StartSteps(const std::vector<StepPlan>& steps) {
  StartIteration(0, 0);
  steps_ = &steps;
}

void User::Interrupt() {
  if (!busy_) return;
  interrupted_ = true;
  if (armed()) thread_.reactor().Cancel(*this);
  strand_.Interrupt();
  if (!pumping_) thread_.MakeReady(*this);
}

void User::OnTimer() { Pump(); }

void User::OnStrandDone() { Pump(); }

void User::Pump() {
  if (!busy_) return;
  pumping_ = true;
  for (int quick = 0;; ++quick) {
    if (start_requested_ && !interrupted_) {
      const std::uint64_t now = thread_.reactor().now_ns();
      if (pace_ns_ > now || quick > kQuickIterations) {
        thread_.reactor().Arm(*this, std::max(pace_ns_, now));
        break;
      }
      const Rows rows = steps_ == nullptr ? TakeRows(thread_.program().flows[flow_]) : Rows::kTaken;
      if (rows == Rows::kWait) {
        thread_.reactor().Arm(*this, now + kRowWaitNs);
        break;
      }
      start_requested_ = false;
      if (rows == Rows::kTaken) Begin();
    }
    strand_.Advance();
    if (!strand_.done()) break;
    End();
    if (!start_requested_) break;
  }
  pumping_ = false;
}

void User::Begin() {
  ++iteration_;
  began_ = true;
  failures_ = 0;
  start_ns_ = thread_.reactor().now_ns();
  intended_ns_ = requested_ns_;
  slots_.Reset(thread_.run().initial_slots());
  const Program& program = thread_.program();
  const WellKnownSlots& known = program.well_known;
  if (known.user_id != kNoSlot) {
    slots_.Borrow(known.user_id, model::Value::Int(static_cast<std::int64_t>(number_)));
  }
  if (known.iteration != kNoSlot) {
    slots_.Borrow(known.iteration, model::Value::Int(static_cast<std::int64_t>(iteration_)));
  }
  if (program.traced || known.trace_id != kNoSlot) {
    trace_ = thread_.NextTrace();
    root_span_ = thread_.random()() | 1;
    if (known.trace_id != kNoSlot)
      slots_.Keep(known.trace_id, model::Value::String(base::ToHex(trace_)));
  }
  if (steps_ != nullptr) {
    strand_.BeginList(*steps_);
    return;
  }
  const FlowPlan& flow = program.flows[flow_];
  if (flow.cookies_per_iteration) cookies_.Clear();
  if (flow.connections_per_iteration) session_->CloseIdle();
  if (flow.pacing) pace_ns_ = start_ns_ + thread_.Draw(*flow.pacing);
  ReadRows(flow);
  strand_.BeginList(flow.steps);
}

User::Rows User::TakeRows(const FlowPlan& flow) {
  const Program& program = thread_.program();
  if (rows_.empty() && !flow.feeds.empty()) rows_.assign(program.feeds.size(), kNoRow);
  for (const FeedUsePlan& use : flow.feeds) {
    std::uint32_t& row = rows_[use.feed];
    if (row != kNoRow) continue;
    FeedTable& feed = *program.feeds[use.feed];
    const FeedTable::Taken taken = feed.Take(thread_.random());
    if (taken.kind == FeedTable::Taken::Kind::kBusy) return Rows::kWait;
    if (taken.kind == FeedTable::Taken::Kind::kEnd) {
      OnFeedEnd(flow, feed);
      return Rows::kEnded;
    }
    row = taken.row;
  }
  return Rows::kTaken;
}

void User::OnFeedEnd(const FlowPlan& flow, const FeedTable& feed) {
  const std::string why = feed.unique() && feed.per_user()
                              ? "feed " + feed.name() + " has no row left for one more user"
                              : "feed " + feed.name() + " came to its end";
  if (feed.on_end() == model::Feed::OnEnd::kStop) {
    thread_.run().RequestEnd(RunShared::EndKind::kStop, why);
  } else {
    thread_.recorder().RecordFailure({.step = flow.steps.front().stat,
                                      .kind = stats::FailureKind::kStep,
                                      .code = 0,
                                      .message = why},
                                     [&](stats::Example& example) { example.detail = why; });
    thread_.run().RequestEnd(RunShared::EndKind::kAbort, why);
  }
  // An arrival that does not begin is a drop.
  if (requested_ns_ != 0) thread_.recorder().RecordDropped(flow.stat, thread_.reactor().now_ns());
  thread_.BeginNoMore();
}

void User::ReadRows(const FlowPlan& flow) {
  for (const FeedUsePlan& use : flow.feeds) {
    const FeedTable& feed = *thread_.program().feeds[use.feed];
    for (const auto& [column, slot] : use.columns)
      slots_.Borrow(slot, feed.At(rows_[use.feed], column));
  }
}

void User::ReturnRows(const FlowPlan& flow) {
  for (const FeedUsePlan& use : flow.feeds) {
    FeedTable& feed = *thread_.program().feeds[use.feed];
    if (rows_.empty() || rows_[use.feed] == kNoRow || feed.per_user()) continue;
    feed.Return(std::exchange(rows_[use.feed], kNoRow));
  }
}

void User::End() {
  const std::uint64_t now = thread_.reactor().now_ns();
  start_requested_ = false;
  if (steps_ == nullptr) {
    const FlowPlan& flow = thread_.program().flows[flow_];
    ReturnRows(flow);
    if (began_) {
      auto outcome =
          failures_ > 0 ? stats::IterationOutcome::kFailed : stats::IterationOutcome::kOk;
      if (interrupted_) outcome = stats::IterationOutcome::kInterrupted;
      thread_.recorder().RecordIteration(flow.stat, requested_ns_, start_ns_, now, outcome);
      if (thread_.spans() != nullptr) {
        thread_.spans()->Iteration(*this, flow.name, start_ns_, now, outcome);
      }
    } else if (interrupted_ && requested_ns_ != 0) {
      thread_.recorder().RecordDropped(flow.stat, now);
    }
  } else if (began_ && thread_.spans() != nullptr) {
    const bool setup = steps_ == &thread_.program().setup;
    thread_.spans()->Iteration(
        *this, setup ? "setup" : "finally", start_ns_, now,
        failures_ > 0 ? stats::IterationOutcome::kFailed : stats::IterationOutcome::kOk);
  }
  began_ = false;
  busy_ = false;
  // Kept until after the observer saw it: a once-only host asks for failures.
  observer_.OnIterationEnd(index_);
  interrupted_ = false;
}

}  // namespace ronda::engine
