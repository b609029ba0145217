#include "engine/run/single_run.h"

#include <algorithm>
#include <atomic>
#include <utility>
#include <vector>

#include "base/core/clock.h"
#include "engine/run/meeting_points.h"
#include "stats/recorder.h"

namespace ronda::engine {
namespace {

// As long as `finally` may take.
constexpr std::uint64_t kFinallyLimitNs = 60'000'000'000;

class Single : public SingleRun, public RunShared, private net::Timer, private net::Deferred {
 public:
  Single(Program& program, net::Reactor& reactor, net::HttpClient& client, SingleRunOptions options,
         std::function<void(const SingleResult&)> done)
      : program_(program),
        reactor_(reactor),
        options_(std::move(options)),
        done_(std::move(done)),
        initial_slots_(program.initial_slots),
        meetings_(
            program.meets, [](auto, auto, auto) {}, [](const MeetPlan&, std::uint32_t) {}),
        recorder_(program.shape, reactor.Fresh()) {
    for (std::size_t i = 0; i < program.slot_names.size(); ++i) {
      if (program.slot_names[i] == "run.id")
        initial_slots_[i] = model::Value::String(options_.run_id);
      if (program.slot_names[i] == "run.mark")
        initial_slots_[i] = model::Value::String(options_.run_mark);
    }
    UserThread::Parts parts;
    parts.run = this;
    parts.reactor = &reactor;
    parts.client = &client;
    parts.recorder = &recorder_;
    parts.observer = options_.observer;
    parts.seed = options_.seed;
    parts.environment = options_.environment;
    parts.on_finished = [this](bool finished) {
      if (finished) Next(Phase::kFinally);
    };
    users_ = std::make_unique<UserThread>(std::move(parts));
  }

  void Begin() {
    result_.start_wall_ns = base::RealClock().WallNs();
    if (options_.timeout_ns != 0) reactor_.Arm(*this, reactor_.now_ns() + options_.timeout_ns);
    program_.setup.empty() ? StartLoad() : StartSetup();
  }

  void Interrupt(std::string why) override { End(SingleResult::End::kInterrupted, std::move(why)); }

  // ---- RunShared
  [[nodiscard]] const Program& program() const override { return program_; }
  [[nodiscard]] std::span<const model::Value> initial_slots() const override {
    return initial_slots_;
  }
  bool TakeSharedIteration(std::uint32_t) override { return !std::exchange(taken_, true); }
  void RequestEnd(EndKind, std::string why) override {
    result_.end = SingleResult::End::kAborted;
    result_.reason = std::move(why);
  }
  [[nodiscard]] MeetingPoints& meetings() override { return meetings_; }
  void Log(std::string_view step, std::string_view level, std::string_view text) override {
    if (options_.on_log) options_.on_log(level, std::string(step) + ": " + std::string(text));
  }

 private:
  enum class Phase : std::uint8_t { kSetup, kLoad, kFinally, kOver };

  // From inside of a user's call: goes on when that has returned.
  void Next(Phase phase) {
    if (phase <= phase_ || phase <= next_) return;
    next_ = phase;
    reactor_.Defer(*this);
  }

  void OnDeferred() override {
    if (next_ <= phase_) return;
    switch (next_) {
      case Phase::kSetup: break;
      case Phase::kLoad: StartLoad(); break;
      case Phase::kFinally: StartFinally(); break;
      case Phase::kOver: Finish(); break;  // `this` may be gone
    }
  }

  void OnTimer() override {
    if (phase_ == Phase::kFinally) return Next(Phase::kOver);
    End(SingleResult::End::kTimedOut, "it took longer than its timeout");
  }

  void End(SingleResult::End end, std::string why) {
    if (phase_ >= Phase::kFinally || next_ >= Phase::kFinally) return;
    result_.end = end;
    result_.reason = std::move(why);
    users_->InterruptAll();
    Next(Phase::kFinally);
  }

  void StartSetup() {
    users_->RunOnce(program_.setup, [this](bool failed, std::span<const model::Value> slots) {
      for (const Slot slot : program_.setup_slots)
        initial_slots_[slot] = model::CopyInto(slots[slot], setup_values_);
      if (failed && result_.end == SingleResult::End::kDone) {
        result_.end = SingleResult::End::kAborted;
        result_.reason = "setup failed";
      }
      Next(failed ? Phase::kFinally : Phase::kLoad);
    });
  }

  void StartLoad() {
    phase_ = Phase::kLoad;
    users_->StartLoads(reactor_.Fresh());
  }

  void StartFinally() {
    phase_ = Phase::kFinally;
    reactor_.Cancel(*this);
    if (program_.finally.empty()) return Finish();
    reactor_.Arm(*this, reactor_.now_ns() + kFinallyLimitNs);
    users_->RunOnce(program_.finally,
                    [this](bool, std::span<const model::Value>) { Next(Phase::kOver); });
  }

  void Finish() {
    phase_ = Phase::kOver;
    reactor_.Cancel(*this);
    users_->Flush(stats::Recorder::Flush::kFinal);
    users_.reset();
    result_.end_wall_ns = base::RealClock().WallNs();
    Judge();
    const auto done = std::move(done_);
    const SingleResult result = std::move(result_);
    done(result);
  }

  void Judge() {
    std::uint64_t ok = 0;
    std::uint64_t failed = 0;
    std::string first;
    stats::Interval* interval = recorder_.TakeAll();
    while (interval != nullptr) {
      stats::Interval* next = interval->next;
      for (const stats::ScenarioCounters& scenario : interval->scenarios) {
        ok += scenario.ok;
        failed += scenario.failed;
      }
      for (const stats::FailureDelta& failure : interval->failures) {
        if (first.empty() && !failure.message.empty())
          first = program_.shape.steps[failure.step].id + ": " + failure.message;
      }
      recorder_.Recycle(interval);
      interval = next;
    }
    result_.passed = result_.end == SingleResult::End::kDone && failed == 0 && ok > 0;
    if (result_.passed) return;
    if (result_.reason.empty() || (result_.end == SingleResult::End::kAborted && !first.empty()))
      result_.reason += (result_.reason.empty() ? "" : ": ") + first;
    if (result_.reason.empty()) result_.reason = "no iteration came to its end";
  }

  Program& program_;
  net::Reactor& reactor_;
  const SingleRunOptions options_;
  std::function<void(const SingleResult&)> done_;
  std::vector<model::Value> initial_slots_;
  model::Arena setup_values_;
  MeetingPoints meetings_;
  stats::Recorder recorder_;
  std::unique_ptr<UserThread> users_;
  SingleResult result_;
  bool taken_ = false;
  Phase phase_ = Phase::kSetup;
  Phase next_ = Phase::kSetup;
};

}  // namespace

std::unique_ptr<SingleRun> SingleRun::Start(Program& program, net::Reactor& reactor,
                                            net::HttpClient& client, SingleRunOptions options,
                                            std::function<void(const SingleResult&)> done) {
  auto run =
      std::make_unique<Single>(program, reactor, client, std::move(options), std::move(done));
  run->Begin();
  return run;
}

}  // namespace ronda::engine
