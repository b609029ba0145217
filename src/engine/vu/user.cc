#include "engine/vu/user.h"

#include "engine/actions/http/auth.h"
#include "engine/run/spans.h"
#include "engine/vu/user_thread.h"

namespace ronda::engine {
namespace {

// So many iterations without waiting, then other users get their turn.
constexpr int kQuickIterations = 64;
constexpr std::uint32_t kNoRow = ~0u;

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
  waiting_for_pace_ = false;
  strand_.Interrupt();
  if (!pumping_) thread_.MakeReady(*this);
}

void User::OnTimer() {
  waiting_for_pace_ = false;
  Pump();
}

void User::OnStrandDone() { Pump(); }

void User::Pump() {
  if (!busy_) return;
  pumping_ = true;
  for (int quick = 0;; ++quick) {
    if (start_requested_ && !interrupted_) {
      const std::uint64_t now = thread_.reactor().now_ns();
      if (pace_ns_ > now || quick > kQuickIterations) {
        waiting_for_pace_ = true;
        thread_.reactor().Arm(*this, std::max(pace_ns_, now));
        break;
      }
      start_requested_ = false;
      Begin();
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
  failures_ = 0;
  found_no_row_ = false;
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
  if (!TakeFeedRows(flow)) return;  // the strand is done: the iteration ends here
  strand_.BeginList(flow.steps);
}

bool User::TakeFeedRows(const FlowPlan& flow) {
  const Program& program = thread_.program();
  for (const FeedUsePlan& use : flow.feeds) {
    FeedTable& feed = *program.feeds[use.feed];
    if (feed.per_user() && rows_.empty()) rows_.assign(program.feeds.size(), kNoRow);
    std::uint32_t row = feed.per_user() ? rows_[use.feed] : kNoRow;
    if (row == kNoRow) {
      const auto taken = feed.Take(thread_.random());
      if (!taken.has_value()) {
        if (feed.on_end() == model::Feed::OnEnd::kStop) {
          thread_.run().RequestEnd(RunShared::EndKind::kStop,
                                   "feed " + feed.name() + " came to its end");
          interrupted_ = true;
          found_no_row_ = true;
        } else {
          ++failures_;
          thread_.recorder().RecordFailure({.step = flow.steps.front().stat,
                                            .kind = stats::FailureKind::kStep,
                                            .code = 0,
                                            .message = "feed " + feed.name() + " came to its end"},
                                           [](stats::Example&) {});
        }
        return false;
      }
      row = *taken;
      if (feed.per_user()) rows_[use.feed] = row;
    }
    for (const auto& [column, slot] : use.columns) slots_.Borrow(slot, feed.At(row, column));
  }
  return true;
}

void User::End() {
  const std::uint64_t now = thread_.reactor().now_ns();
  const bool began = !start_requested_ && !found_no_row_;
  start_requested_ = false;
  if (steps_ == nullptr && began) {
    auto outcome = failures_ > 0 ? stats::IterationOutcome::kFailed : stats::IterationOutcome::kOk;
    if (interrupted_) outcome = stats::IterationOutcome::kInterrupted;
    const FlowPlan& flow = thread_.program().flows[flow_];
    thread_.recorder().RecordIteration(flow.stat, requested_ns_, start_ns_, now, outcome);
    if (thread_.spans() != nullptr) {
      thread_.spans()->Iteration(*this, flow.name, start_ns_, now, outcome);
    }
  } else if (began && thread_.spans() != nullptr) {
    const bool setup = steps_ == &thread_.program().setup;
    thread_.spans()->Iteration(
        *this, setup ? "setup" : "finally", start_ns_, now,
        failures_ > 0 ? stats::IterationOutcome::kFailed : stats::IterationOutcome::kOk);
  }
  busy_ = false;
  // Kept until after the observer saw it: a once-only host asks for failures.
  observer_.OnIterationEnd(index_);
  interrupted_ = false;
}

}  // namespace ronda::engine
