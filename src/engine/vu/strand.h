#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "engine/actions/action.h"
#include "engine/program/program.h"
#include "engine/vu/slots.h"
#include "net/reactor.h"
#include "stats/recorder.h"

namespace ronda::net {
struct TlsInfo;
}

namespace ronda::engine {

class User;
class UserThread;

// How an action ended: what Strand::Complete needs to settle the step.
struct ActionResult {
  // Empty: it did its work. Else why it did not, for people.
  std::string_view error;
  std::uint16_t error_id = 0;  // of stats::Shape::errors; 0 with an error: an error of the step
  bool timed_out = false;
  std::uint16_t status = 0;  // of a response; 0: no response
  // What extractions read, loaded into the thread's reader; null: nothing.
  const extract::Response* response = nullptr;
  std::uint64_t start_ns = 0;
  std::uint64_t end_ns = 0;
  // Set for actions that talk to the network: recorded as an exchange, the rest as a local step.
  bool exchange = false;
  stats::PhaseTimes phases{};
  const net::TlsInfo* tls = nullptr;  // of the response's connection; null: plain
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  // Fills in the evidence of a failure: request and response. May be null.
  void (*evidence)(void* context, stats::Example& example) = nullptr;
  void* context = nullptr;
};

// One thread of control of a virtual user: an explicit state machine over the program's step tree. A
// user has one; turns and members that run in parallel have one each. Lives on its user's reactor
// thread.
class Strand : private net::Timer {
 public:
  // `slots`: the user's, or of a turn's own. `parent`: who waits for this one's end; null: the user.
  Strand(User& user, Slots& slots, Strand* parent);
  ~Strand() override;

  // What it is to do; Advance does it.
  void BeginList(const std::vector<StepPlan>& steps);
  void BeginMember(const StepPlan& step);
  // One turn of a loop of `step`; its item is in the slots already.
  void BeginTurn(const StepPlan& step);
  // Goes on until it has to wait for something or is done. Called by its user or parent, which looks
  // at done() afterwards.
  void Advance();
  [[nodiscard]] bool done() const { return state_ == State::kDone; }
  // After done(): a step failed and ended the rest.
  [[nodiscard]] bool aborted() const { return aborting_; }
  // Stops at once, wherever it is, children too: done() holds afterwards.
  void Interrupt();

  // --- for actions ---
  [[nodiscard]] User& user() { return user_; }
  [[nodiscard]] UserThread& thread();
  [[nodiscard]] const StepPlan& step() const { return *step_; }
  [[nodiscard]] Slots& slots() { return *slots_; }
  // The attempt that runs, from 1.
  [[nodiscard]] int attempt() const { return attempt_; }
  // What expressions of the current step are evaluated in.
  [[nodiscard]] model::EvalContext Context();
  // Takes `value` as the step's output number `output`, for all that read it as a whole.
  void SetOutput(const OutputUse& use, model::Value value);
  // The action has ended: reads extractions and checks while the response is still there, records it
  // all, and decides how to go on. From inside ActionPlan::Start that is all.
  void Settle(const ActionResult& result);
  // After Settle from outside of Start, once the action has put its things away: the strand goes on.
  void Continue();

  // --- for the meeting point ---
  void OnMeetReleased();

 private:
  enum class State : std::uint8_t {
    kRunning,  // in Advance
    kAction,  // the action is under way
    kPause,  // think time, a pause before the next attempt or poll
    kMeet,  // at the meeting point
    kChildren,  // parallel turns or members run
    kDone,
  };
  // How the last attempt of the step ended.
  enum class Outcome : std::uint8_t { kOk, kFailed, kRetry, kPoll };
  // What Advance does next.
  enum class Next : std::uint8_t { kStep, kBegin, kEnter, kTurn, kAttempt };

  // A list of steps under way: the flow, a group, the body of a component, the turns of a loop.
  struct Frame {
    const std::vector<StepPlan>* steps = nullptr;
    const StepPlan* owner = nullptr;  // the step whose children these are; null: the flow
    std::uint32_t next = 0;
    std::uint64_t start_ns = 0;
    std::uint32_t failures_before = 0;
    bool aborting_before = false;
  };
  // A step that repeats: for a leaf, a group or a component alike.
  struct Loop {
    const StepPlan* step = nullptr;
    std::int64_t turn = 0;
    std::int64_t turns = 0;  // kWhile: the bound
    std::unique_ptr<model::Arena> memory;
    std::span<const model::Value> items;
  };
  struct Children;

  void OnTimer() override;
  // What it waited for has come.
  void ResumeFromEvent();
  // Advances unless it waits, and tells whoever waits for its end.
  void GoOn();
  void OnChildDone(Strand& child);

  // The pieces of Advance; each leaves state_ at kRunning or at what is waited for.
  void BeginStep();
  void EnterStep();
  void RunTurn();
  void BeginAttempts();
  void StartAction();
  void AfterAction();
  void EndFrame();
  void FinishTurn();
  void FinishStep();
  void SkipStep();
  void BeginParallel(std::unique_ptr<Children> children);
  // Gives `child` its next turn or member and lets it run; as often as it ends at once.
  void RunChild(Strand& child, Slots& slots);
  void EndParallel();

  [[nodiscard]] bool in_loop() const { return !loops_.empty() && loops_.back().step == step_; }
  bool OpenLoop(const StepPlan& step, Loop& loop);
  // False when the loop is over (or failed).
  bool NextTurn(Loop& loop);
  static void SetTurn(const Loop& loop, std::int64_t turn, Slots& slots);
  bool Assign(const std::vector<Assignment>& assignments);

  bool ReadExtracts(const ActionResult& result, model::EvalContext& context,
                    std::string_view& error);
  // Evaluates all checks into the thread's scratch; returns whether one failed, and whether a fatal one.
  void RunChecks(model::EvalContext& context, bool& any_failed, bool& fatal);
  [[nodiscard]] bool MayRetry(const ActionResult& result, bool failed_checks) const;
  void Record(const ActionResult& result, stats::Outcome outcome);
  void PushSample(const stats::Exchange& exchange);
  void RecordFailure(const ActionResult& result, stats::FailureKind kind, std::uint32_t code,
                     std::string_view message, std::string_view detail);
  void RecordFailures(const ActionResult& result, std::string_view extract_error,
                      std::string_view poll_error, bool extracted, bool bad_status);
  // The failed check and the values that it read, for people.
  [[nodiscard]] std::string DescribeCheck(const CheckPlan& check);
  void FillExample(const ActionResult& result, stats::Example& example);
  enum class Attempt : std::uint8_t { kPassed, kFailed, kAgain };
  void ReportStep(const ActionResult& result, Attempt attempt, std::string_view extract_error);
  // A step that failed outside of an action: an expression, a loop.
  void FailStep(std::string_view message);
  // What on_failure says.
  void OnStepFailed();
  void Pause(std::uint64_t ns, Next next);

  User& user_;
  Slots* slots_;
  Strand* parent_;
  State state_ = State::kDone;
  Next next_ = Next::kStep;
  Outcome outcome_ = Outcome::kOk;
  bool in_start_ = false;  // inside ActionPlan::Start
  bool aborting_ = false;  // only `always` steps run from here on
  std::uint16_t attempt_ = 1;
  std::uint16_t quick_steps_ = 0;  // since it last waited
  std::uint64_t poll_deadline_ns_ = 0;
  std::uint64_t retry_pause_ns_ = 0;  // the next pause between attempts
  std::uint64_t poll_pause_ns_ = 0;  // and between polls
  const StepPlan* step_ = nullptr;
  ActionCall* call_ = nullptr;
  std::vector<Frame> frames_;
  std::vector<Loop> loops_;
  std::unique_ptr<Children> children_;
};

}  // namespace ronda::engine
