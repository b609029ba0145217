#include "engine/vu/strand.h"

#include <algorithm>
#include <cmath>

#include "engine/program/value_plan.h"
#include "engine/run/meeting_points.h"
#include "engine/vu/secrets.h"
#include "engine/vu/user.h"
#include "engine/vu/user_thread.h"

namespace ronda::engine {
namespace {

// So many steps without waiting, then other users get their turn.
constexpr std::uint16_t kQuickSteps = 2'000;

std::uint64_t Scaled(std::uint64_t ns, double factor, std::uint64_t most) {
  const double next = static_cast<double>(ns) * factor;
  return next >= static_cast<double>(most) ? most : static_cast<std::uint64_t>(next);
}

std::uint64_t Jittered(std::uint64_t ns, double fraction, base::Random& random) {
  if (fraction <= 0) return ns;
  return static_cast<std::uint64_t>(static_cast<double>(ns) *
                                    (1 + fraction * (2 * random.Unit() - 1)));
}

}  // namespace

// The strands of a step whose turns or members run at the same time.
struct Strand::Children {
  const StepPlan* step = nullptr;
  Loop loop;                       // of turns
  bool members = false;            // else turns
  std::int64_t next = 0;
  std::int64_t count = 0;
  std::uint32_t running = 0;
  bool aborted = false;
  std::uint64_t start_ns = 0;
  std::uint32_t failures_before = 0;
  struct Child {
    std::unique_ptr<Slots> slots;  // of a turn; members share their parent's
    std::unique_ptr<Strand> strand;
  };
  std::vector<Child> all;
};

Strand::Strand(User& user, Slots& slots, Strand* parent)
    : user_(user), slots_(&slots), parent_(parent) {}

Strand::~Strand() = default;

UserThread& Strand::thread() { return user_.thread(); }

void Strand::BeginList(const std::vector<StepPlan>& steps) {
  frames_.clear();
  frames_.push_back({.steps = &steps});
  next_ = Next::kStep;
  aborting_ = false;
  state_ = State::kRunning;
}

void Strand::BeginMember(const StepPlan& step) {
  frames_.clear();
  step_ = &step;
  next_ = Next::kBegin;
  aborting_ = false;
  state_ = State::kRunning;
}

void Strand::BeginTurn(const StepPlan& step) {
  BeginMember(step);
  next_ = Next::kTurn;
}

void Strand::Advance() {
  while (state_ == State::kRunning) {
    switch (next_) {
      case Next::kStep:
        if (frames_.empty()) {
          state_ = State::kDone;
        } else if (frames_.back().next >= frames_.back().steps->size()) {
          EndFrame();
        } else {
          step_ = &(*frames_.back().steps)[frames_.back().next];
          BeginStep();
        }
        break;
      case Next::kBegin: BeginStep(); break;
      case Next::kEnter: EnterStep(); break;
      case Next::kTurn: RunTurn(); break;
      case Next::kAttempt: StartAction(); break;
    }
    if (state_ == State::kRunning && ++quick_steps_ > kQuickSteps) Pause(0, next_);
  }
  if (state_ != State::kRunning) quick_steps_ = 0;
}

void Strand::ResumeFromEvent() {
  state_ = State::kRunning;
  GoOn();
}

void Strand::GoOn() {
  Advance();
  if (!done()) return;
  if (parent_ != nullptr) {
    parent_->OnChildDone(*this);
  } else {
    user_.OnStrandDone();
  }
}

void Strand::BeginStep() {
  const StepPlan& step = *step_;
  if (aborting_ && !step.always) {
    SkipStep();
    return;
  }
  if (step.when) {
    thread().arena().Reset();
    model::EvalContext context = Context();
    bool holds = false;
    if (!step.when->Test(context, holds)) {
      FailStep(context.error);
      return;
    }
    if (!holds) {
      SkipStep();
      return;
    }
  }
  next_ = Next::kEnter;
  if (step.meet != ~0u) {
    const auto wait = thread().run().meetings().Arrive(step.meet, thread().reactor().now_ns());
    if (wait.has_value()) {
      state_ = State::kMeet;
      thread().WaitAt(step.meet, wait->round, wait->wake_ns, *this);
    }
  }
}

void Strand::OnMeetReleased() { ResumeFromEvent(); }

void Strand::EnterStep() {
  const StepPlan& step = *step_;
  if (step.loop) {
    Loop loop;
    if (!OpenLoop(step, loop)) return;
    if (step.parallel != 1) {
      auto children = std::make_unique<Children>();
      children->count = loop.turns;
      children->loop = std::move(loop);
      BeginParallel(std::move(children));
      return;
    }
    loops_.push_back(std::move(loop));
    if (!NextTurn(loops_.back())) return;
  } else if (step.parallel != 1 && step.action == nullptr) {
    auto children = std::make_unique<Children>();
    children->members = true;
    children->count = static_cast<std::int64_t>(step.steps.size());
    BeginParallel(std::move(children));
    return;
  }
  next_ = Next::kTurn;
}

void Strand::RunTurn() {
  const StepPlan& step = *step_;
  if (step.action != nullptr) {
    BeginAttempts();
    if (step.poll) {
      poll_pause_ns_ = step.poll->every_ns;
      poll_deadline_ns_ = thread().reactor().now_ns() + step.poll->deadline_ns;
    }
    StartAction();
    return;
  }
  thread().arena().Reset();
  if (!Assign(step.params)) return;
  frames_.push_back({.steps = &step.steps,
                     .owner = &step,
                     .next = 0,
                     .start_ns = thread().reactor().now_ns(),
                     .failures_before = user_.failures(),
                     .aborting_before = aborting_});
  aborting_ = false;  // only an `always` body is entered while aborting; all of it runs
  next_ = Next::kStep;
}

void Strand::BeginAttempts() {
  attempt_ = 1;
  if (step_->retry) retry_pause_ns_ = static_cast<std::uint64_t>(step_->retry->every.ns);
}

void Strand::StartAction() {
  thread().arena().Reset();
  in_start_ = true;
  state_ = State::kAction;
  call_ = step_->action->Start(*this);
  in_start_ = false;
  if (call_ == nullptr) AfterAction();
}

void Strand::Continue() {
  AfterAction();
  GoOn();
}

void Strand::AfterAction() {
  call_ = nullptr;
  state_ = State::kRunning;
  switch (outcome_) {
    case Outcome::kRetry: {
      const model::Retry& retry = *step_->retry;
      Pause(Jittered(retry_pause_ns_, retry.jitter.fraction, thread().random()), Next::kAttempt);
      retry_pause_ns_ =
          Scaled(retry_pause_ns_, retry.backoff, static_cast<std::uint64_t>(retry.max_every.ns));
      return;
    }
    case Outcome::kPoll: {
      const PollPlan& poll = *step_->poll;
      // The last look is at the deadline.
      Pause(std::min(poll_pause_ns_, poll_deadline_ns_ - thread().reactor().now_ns()),
            Next::kAttempt);
      poll_pause_ns_ = Scaled(poll_pause_ns_, poll.backoff, poll.max_every_ns);
      return;
    }
    case Outcome::kFailed: OnStepFailed(); return;
    case Outcome::kOk: FinishTurn(); return;
  }
}

void Strand::FinishTurn() {
  if (in_loop()) {
    if (!NextTurn(loops_.back())) return;
    // Think time stands between the turns too.
    if (step_->think && !aborting_) {
      Pause(thread().Draw(*step_->think), Next::kTurn);
    } else {
      next_ = Next::kTurn;
    }
    return;
  }
  FinishStep();
}

void Strand::SkipStep() {
  // Without a frame it is a turn or member of a parallel step: that was all there was to do.
  if (!frames_.empty()) ++frames_.back().next;
  next_ = Next::kStep;
}

void Strand::FinishStep() {
  if (in_loop()) loops_.pop_back();
  SkipStep();
  if (step_->think && !aborting_) Pause(thread().Draw(*step_->think), Next::kStep);
}

void Strand::EndFrame() {
  const Frame frame = frames_.back();
  frames_.pop_back();
  if (frame.owner == nullptr) {
    state_ = State::kDone;
    return;
  }
  step_ = frame.owner;
  const bool body_aborted = aborting_;
  aborting_ = frame.aborting_before;
  const std::uint64_t now = thread().reactor().now_ns();
  const bool failed = user_.failures() > frame.failures_before;
  thread().recorder().RecordStep(step_->stat, frame.start_ns, now,
                                 failed ? stats::Outcome::kFailed : stats::Outcome::kOk);
  if (body_aborted) {
    OnStepFailed();
    return;
  }
  thread().arena().Reset();
  if (!Assign(step_->outputs)) return;
  FinishTurn();
}

void Strand::OnStepFailed() {
  const StepPlan& step = *step_;
  if (in_loop()) loops_.pop_back();
  next_ = Next::kStep;
  if (step.on_failure == model::OnFailure::Kind::kAbort) aborting_ = true;
  if (frames_.empty()) return;
  Frame& frame = frames_.back();
  if (step.on_failure == model::OnFailure::Kind::kGoto) {
    frame.next = step.goto_index;
  } else {
    ++frame.next;
    if (step.think && !aborting_) Pause(thread().Draw(*step.think), Next::kStep);
  }
}

void Strand::FailStep(std::string_view message) {
  const std::uint64_t now = thread().reactor().now_ns();
  const std::string text(message);  // the arena may be reset while it is recorded
  ActionResult result;
  result.error = text;
  result.start_ns = result.end_ns = now;
  user_.CountFailure();
  thread().recorder().RecordStep(step_->stat, now, now, stats::Outcome::kFailed);
  RecordFailure(result, stats::FailureKind::kStep, 0, text, text);
  thread().check_results().clear();
  ReportStep(result, Attempt::kFailed, {});
  OnStepFailed();
}

void Strand::Pause(std::uint64_t ns, Next next) {
  next_ = next;
  state_ = State::kPause;
  thread().reactor().Arm(*this, thread().reactor().now_ns() + ns);
}

void Strand::OnTimer() { ResumeFromEvent(); }

void Strand::Interrupt() {
  if (call_ != nullptr) call_->Cancel();
  call_ = nullptr;
  if (armed()) thread().reactor().Cancel(*this);
  if (state_ == State::kMeet) thread().StopWaiting(*this);
  if (children_) {
    for (Children::Child& child : children_->all) child.strand->Interrupt();
  }
  children_.reset();
  frames_.clear();
  loops_.clear();
  state_ = State::kDone;
}

// ---- loops -----------------------------------------------------------------------------------

bool Strand::OpenLoop(const StepPlan& step, Loop& loop) {
  const LoopPlan& plan = *step.loop;
  loop.step = &step;
  loop.turn = -1;
  loop.turns = plan.max;
  if (plan.kind == LoopPlan::Kind::kWhile) return true;
  thread().arena().Reset();
  model::EvalContext context = Context();
  model::Value value;
  if (!plan.list_or_count->Evaluate(context, value)) {
    FailStep(context.error);
    return false;
  }
  if (plan.kind == LoopPlan::Kind::kRepeat) {
    if (value.type() != model::Type::kInt || value.AsInt() < 0) {
      FailStep("repeat wants a whole number that is not negative");
      return false;
    }
    loop.turns = value.AsInt();
    return true;
  }
  if (value.type() != model::Type::kList) {
    FailStep("forEach wants a list, not a " + std::string(NameOf(value.type())));
    return false;
  }
  if (static_cast<std::int64_t>(value.AsList().size()) > plan.max) {
    FailStep("forEach: the list has " + std::to_string(value.AsList().size()) +
             " items, more than `max`");
    return false;
  }
  loop.memory = std::make_unique<model::Arena>();
  loop.items = model::CopyInto(value, *loop.memory).AsList();
  loop.turns = static_cast<std::int64_t>(loop.items.size());
  return true;
}

void Strand::SetTurn(const Loop& loop, std::int64_t turn, Slots& slots) {
  const LoopPlan& plan = *loop.step->loop;
  if (plan.index != kNoSlot) slots.Borrow(plan.index, model::Value::Int(turn));
  if (plan.item != kNoSlot && !loop.items.empty()) {
    slots.Keep(plan.item, loop.items[static_cast<std::size_t>(turn)]);
  }
}

bool Strand::NextTurn(Loop& loop) {
  ++loop.turn;
  const LoopPlan& plan = *loop.step->loop;
  if (plan.kind != LoopPlan::Kind::kWhile) {
    if (loop.turn >= loop.turns) {
      FinishStep();
      return false;
    }
    SetTurn(loop, loop.turn, *slots_);
    return true;
  }
  SetTurn(loop, loop.turn, *slots_);
  thread().arena().Reset();
  model::EvalContext context = Context();
  bool holds = false;
  if (!plan.condition->Test(context, holds)) {
    FailStep(context.error);
    return false;
  }
  if (!holds) {
    FinishStep();
    return false;
  }
  if (loop.turn >= loop.turns) {
    FailStep("while: still true after " + std::to_string(loop.turns) + " turns (`max`)");
    return false;
  }
  return true;
}

// ---- parallel --------------------------------------------------------------------------------

void Strand::BeginParallel(std::unique_ptr<Children> children) {
  const StepPlan& step = *step_;
  children->step = &step;
  children->start_ns = thread().reactor().now_ns();
  children->failures_before = user_.failures();
  const std::int64_t width =
      step.parallel == 0 ? children->count : std::min<std::int64_t>(step.parallel, children->count);
  children_ = std::move(children);
  state_ = State::kChildren;
  children_->all.resize(static_cast<std::size_t>(width));
  for (Children::Child& child : children_->all) {
    if (!children_->members) child.slots = std::make_unique<Slots>(*slots_);
    child.strand = std::make_unique<Strand>(user_, child.slots ? *child.slots : *slots_, this);
  }
  // Counted before any runs: one that ends at once must not look like the last one.
  children_->running = static_cast<std::uint32_t>(width);
  for (Children::Child& child : children_->all) {
    RunChild(*child.strand, child.slots ? *child.slots : *slots_);
  }
  if (children_->running == 0) EndParallel();
}

void Strand::RunChild(Strand& child, Slots& slots) {
  Children& c = *children_;
  while (c.next < c.count && !c.aborted) {
    const std::int64_t turn = c.next++;
    if (c.members) {
      child.BeginMember(c.step->steps[static_cast<std::size_t>(turn)]);
    } else {
      slots.CopyFrom(*slots_);
      SetTurn(c.loop, turn, slots);
      child.BeginTurn(*c.step);
    }
    child.Advance();
    if (!child.done()) return;
    c.aborted |= child.aborted();
  }
  --c.running;
}

void Strand::OnChildDone(Strand& child) {
  Children& c = *children_;
  c.aborted |= child.aborted();
  const auto found = std::ranges::find_if(
      c.all, [&](const Children::Child& each) { return each.strand.get() == &child; });
  RunChild(child, found->slots ? *found->slots : *slots_);
  if (c.running > 0) return;
  // We are inside the child's own event: it must outlive this call.
  const std::unique_ptr<Children> keep = std::move(children_);
  children_ = std::make_unique<Children>();
  children_->step = keep->step;
  children_->members = keep->members;
  children_->aborted = keep->aborted;
  children_->start_ns = keep->start_ns;
  children_->failures_before = keep->failures_before;
  EndParallel();
  GoOn();
}

void Strand::EndParallel() {
  const std::unique_ptr<Children> c = std::move(children_);
  state_ = State::kRunning;
  step_ = c->step;
  const bool failed = user_.failures() > c->failures_before;
  if (c->members) {
    thread().recorder().RecordStep(step_->stat, c->start_ns, thread().reactor().now_ns(),
                                   failed ? stats::Outcome::kFailed : stats::Outcome::kOk);
  }
  if (c->aborted) {
    OnStepFailed();
  } else {
    FinishStep();
  }
}

// ---- values ----------------------------------------------------------------------------------

model::EvalContext Strand::Context() {
  return {.slots = slots_->values(),
          .arena = &thread().arena(),
          .random = &thread().random(),
          .wall_ns = thread().wall_ns(),
          .error = {}};
}

void Strand::SetOutput(const OutputUse& use, model::Value value) {
  if (use.kept) {
    slots_->Keep(use.slot, value);
  } else {
    slots_->Borrow(use.slot, value);
  }
}

bool Strand::Assign(const std::vector<Assignment>& assignments) {
  for (const Assignment& a : assignments) {
    model::EvalContext context = Context();
    model::Value value;
    if (!a.value->Evaluate(context, value)) {
      FailStep(context.error);
      return false;
    }
    slots_->Keep(a.slot, value);
  }
  return true;
}

// ---- the end of an attempt ---------------------------------------------------------------------

bool Strand::ReadExtracts(const ActionResult& result, model::EvalContext& context,
                          std::string_view& error) {
  bool good = true;
  for (const ExtractPlan& extract : step_->extracts) {
    // After a failure only secrets are read on: the evidence is masked with them.
    if (!good && !extract.secret) continue;
    model::Value value;
    std::string_view why;
    context.slots = slots_->values();
    if (extract.expression) {
      if (!extract.expression->Evaluate(context, value)) {
        why = context.error;
        value = {};
      }
    } else if (result.response != nullptr) {
      if (!extract.extractor->Read(thread().reader(), thread().arena(), thread().random(), value,
                                   why)) {
        value = {};
      }
    }
    if (value.is_null() && extract.fallback) value = *extract.fallback;
    if (value.is_null() && !why.empty() && error.empty()) error = why;
    slots_->Keep(extract.slot, value);
    if (!value.is_null() || !extract.required || !good) continue;
    good = false;
    const std::string text =
        "extract " + extract.name + ": " + std::string(why.empty() ? "nothing matched" : why);
    error = thread().arena().Copy(text);
  }
  return good;
}

void Strand::RunChecks(model::EvalContext& context, bool& any_failed, bool& fatal) {
  std::vector<bool>& results = thread().check_results();
  results.clear();
  for (const CheckPlan& check : step_->checks) {
    context.slots = slots_->values();
    bool holds = false;
    const bool passed = check.expression->Test(context, holds) && holds;
    results.push_back(passed);
    any_failed |= !passed;
    fatal |= !passed && check.fatal;
  }
}

bool Strand::MayRetry(const ActionResult& result, bool failed_checks) const {
  const auto& retry = step_->retry;
  if (!retry || attempt_ > retry->times || user_.interrupted()) return false;
  if (!result.error.empty()) return result.timed_out ? retry->on_timeout : retry->on_error;
  const auto matches = [&](const std::pair<int, int>& range) {
    return result.status >= range.first && result.status <= range.second;
  };
  if (std::ranges::any_of(retry->on_status, matches)) return true;
  return failed_checks && retry->on_check;
}

void Strand::Record(const ActionResult& result, stats::Outcome outcome) {
  if (!result.exchange) {
    thread().recorder().RecordStep(step_->stat, result.start_ns, result.end_ns, outcome);
    return;
  }
  stats::Exchange exchange;
  exchange.step = step_->stat;
  exchange.intended_ns = user_.TakeIntended();
  exchange.start_ns = result.start_ns;
  exchange.end_ns = result.end_ns;
  exchange.phases = result.phases;
  exchange.status = result.status;
  exchange.error = result.error_id;
  exchange.outcome = outcome;
  exchange.bytes_in = result.bytes_in;
  exchange.bytes_out = result.bytes_out;
  thread().recorder().RecordExchange(exchange);
  if (thread().samples() != nullptr && user_.under_load()) PushSample(exchange);
}

void Strand::PushSample(const stats::Exchange& exchange) {
  const std::uint64_t began = exchange.intended_ns != 0 ? exchange.intended_ns : exchange.start_ns;
  const auto since = [&](std::uint64_t ns) {
    return exchange.end_ns > ns ? exchange.end_ns - ns : 0;
  };
  stats::Sample sample;
  sample.start_ns = exchange.start_ns;
  sample.latency_ns = since(began);
  sample.service_ns = since(exchange.start_ns);
  sample.bytes_in = exchange.bytes_in;
  sample.bytes_out = exchange.bytes_out;
  sample.iteration = user_.iteration();
  sample.trace = user_.trace();
  sample.step = exchange.step;
  sample.user = static_cast<std::uint32_t>(user_.number());
  sample.status = exchange.status;
  sample.error = exchange.error;
  sample.outcome = exchange.outcome;
  thread().samples()->Push(sample);
}

void Strand::Settle(const ActionResult& result) {
  const StepPlan& step = *step_;
  model::EvalContext context = Context();
  std::string_view extract_error;
  bool extracted = true;
  bool any_check_failed = false;
  bool fatal = false;
  thread().check_results().clear();
  if (result.error.empty()) {
    if (!step.extracts.empty()) extracted = ReadExtracts(result, context, extract_error);
    if (!step.checks.empty()) RunChecks(context, any_check_failed, fatal);
  }
  const bool bad_status = result.exchange && result.status >= 400 && !step.checks_status;
  const bool step_failed = !result.error.empty() || !extracted || fatal || bad_status;
  const bool failed = step_failed || any_check_failed;
  Record(result, failed ? stats::Outcome::kFailed : stats::Outcome::kOk);

  if (MayRetry(result, fatal || !extracted)) {
    ReportStep(result, Attempt::kAgain, extract_error);
    ++attempt_;
    outcome_ = Outcome::kRetry;
    return;
  }
  outcome_ = step_failed ? Outcome::kFailed : Outcome::kOk;
  std::string_view poll_error;
  if (!step_failed && step.poll) {
    bool reached = false;
    context.slots = slots_->values();
    if (!step.poll->until->Test(context, reached)) {
      poll_error = context.error;
    } else if (!reached && thread().reactor().now_ns() < poll_deadline_ns_) {
      ReportStep(result, Attempt::kAgain, extract_error);
      BeginAttempts();
      outcome_ = Outcome::kPoll;
      return;
    } else if (!reached) {
      poll_error = "poll: `until` did not hold before the deadline";
    }
    if (!poll_error.empty()) outcome_ = Outcome::kFailed;
  }

  const std::vector<bool>& checks = thread().check_results();
  for (std::size_t i = 0; i < checks.size(); ++i) {
    thread().recorder().RecordCheck(
        step.checks[i].id, checks[i] ? stats::CheckResult::kPassed : stats::CheckResult::kFailed);
  }
  if (failed || !poll_error.empty()) {
    user_.CountFailure();
    RecordFailures(result, extract_error, poll_error, extracted, bad_status);
  }
  ReportStep(result, failed || outcome_ == Outcome::kFailed ? Attempt::kFailed : Attempt::kPassed,
             extracted ? poll_error : extract_error);
}

void Strand::RecordFailures(const ActionResult& result, std::string_view extract_error,
                            std::string_view poll_error, bool extracted, bool bad_status) {
  if (!result.error.empty()) {
    const auto kind =
        result.error_id != 0 ? stats::FailureKind::kTransport : stats::FailureKind::kStep;
    RecordFailure(result, kind, result.error_id, result.error, result.error);
    return;
  }
  if (!extracted) RecordFailure(result, stats::FailureKind::kStep, 0, extract_error, extract_error);
  if (!poll_error.empty())
    RecordFailure(result, stats::FailureKind::kStep, 0, poll_error, poll_error);
  if (bad_status) {
    RecordFailure(result, stats::FailureKind::kStatus, result.status,
                  "HTTP status " + std::to_string(result.status),
                  "no check reads `status`, so 4xx and 5xx fail");
  }
  const std::vector<bool> checks = thread().check_results();
  for (std::size_t i = 0; i < checks.size(); ++i) {
    if (checks[i]) continue;
    const CheckPlan& check = step_->checks[i];
    RecordFailure(result, stats::FailureKind::kCheck, check.id, check.expression->text(),
                  DescribeCheck(check));
  }
}

std::string Strand::DescribeCheck(const CheckPlan& check) {
  std::string text = "failed: " + std::string(check.expression->text());
  model::EvalContext context = Context();
  bool holds = false;
  if (!check.expression->Test(context, holds)) text += "\n" + std::string(context.error);
  for (const std::uint32_t slot : check.expression->slots()) {
    text += "\n  " + thread().program().slot_names[slot] + " = ";
    std::string value;
    const model::Value read = slots_->Get(slot);
    read.type() == model::Type::kDuration ? model::AppendText(read, value)
                                          : model::AppendJson(read, value);
    if (value.size() > 200) value = value.substr(0, 200) + "...";
    text += value;
  }
  return text;
}

void Strand::RecordFailure(const ActionResult& result, stats::FailureKind kind, std::uint32_t code,
                           std::string_view message, std::string_view detail) {
  const Program& program = thread().program();
  std::string masked;
  // Errors of a step may cite what came from outside, a Location for instance.
  if (kind == stats::FailureKind::kStep &&
      !(program.secret_slots.empty() && program.secret_values.empty())) {
    masked = message;
    MaskText(program, *slots_, masked);
    message = masked;
  }
  const stats::Failure failure{.step = step_->stat, .kind = kind, .code = code, .message = message};
  thread().recorder().RecordFailure(failure, [&](stats::Example& example) {
    FillExample(result, example);
    example.detail = detail;
    MaskSecrets(thread().program(), *slots_, example);
  });
}

void Strand::FillExample(const ActionResult& result, stats::Example& example) {
  if (user_.trace().valid()) example.trace_id = base::ToHex(user_.trace());
  example.wall_ns = thread().wall_ns();
  example.duration_ns = result.end_ns - result.start_ns;
  example.user =
      "u" + std::to_string(user_.number()) + " iteration " + std::to_string(user_.iteration());
  if (result.evidence != nullptr) result.evidence(result.context, example);
}

void Strand::ReportStep(const ActionResult& result, Attempt attempt,
                        std::string_view extract_error) {
  StepObserver* observer = thread().observer();
  if (observer == nullptr) return;
  stats::Example example;
  FillExample(result, example);
  MaskSecrets(thread().program(), *slots_, example);
  StepReport report;
  report.step = step_->path;
  report.action = thread().program().shape.steps[step_->stat].action;
  report.user = user_.number();
  report.attempt = attempt_;
  report.verdict = attempt == Attempt::kAgain    ? StepReport::Verdict::kAgain
                   : attempt == Attempt::kPassed ? StepReport::Verdict::kOk
                   : result.timed_out            ? StepReport::Verdict::kTimedOut
                                                 : StepReport::Verdict::kFailed;
  report.duration_ns = example.duration_ns;
  report.end_wall_ns = example.wall_ns;
  report.phases = result.phases;
  report.tls = result.tls;
  std::string error(result.error.empty() ? extract_error : result.error);
  MaskText(thread().program(), *slots_, error);
  report.error = error;
  if (result.exchange) report.exchange = &example;
  const std::vector<bool>& checks = thread().check_results();
  for (std::size_t i = 0; i < checks.size(); ++i) {
    report.checks.push_back({std::string(step_->checks[i].expression->text()), checks[i]});
  }
  // Describing a check evaluates it once more; what it returns is a copy.
  for (std::size_t i = 0; i < report.checks.size(); ++i) {
    if (report.checks[i].ok) continue;
    report.detail += (report.detail.empty() ? "" : "\n") + DescribeCheck(step_->checks[i]);
  }
  MaskText(thread().program(), *slots_, report.detail);
  for (const ExtractPlan& extract : step_->extracts) {
    std::string value;
    model::AppendJson(slots_->Get(extract.slot), value);
    report.values.push_back({extract.name + " = " + (extract.secret ? "***" : value), true});
  }
  for (StepReport::Note& note : report.values) MaskText(thread().program(), *slots_, note.text);
  observer->OnStep(report);
}

}  // namespace ronda::engine
