#include "engine/run/load_run.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cmath>
#include <limits>
#include <mutex>
#include <thread>
#include <utility>

#include "base/core/clock.h"
#include "engine/run/control_socket.h"
#include "engine/run/meeting_points.h"
#include "engine/run/thread_count.h"
#include "engine/vu/secrets.h"
#include "model/definitions.h"
#include "net/http_client.h"
#include "net/reactor.h"

namespace ronda::engine {
namespace {

// Whether a user that walks these steps may hold a connection.
bool Connect(const std::vector<StepPlan>& steps) {
  return std::ranges::any_of(steps, [](const StepPlan& step) {
    return (step.action != nullptr && step.action->connects()) || Connect(step.steps);
  });
}

constexpr std::uint64_t kTickNs = 100'000'000;
// From the decision until it takes effect, so that it does at one instant on every thread.
constexpr std::uint64_t kNoticeNs = 20'000'000;
constexpr std::uint64_t kFinallyLimitNs = 60'000'000'000;
// Descriptors that are not connections: epoll, events, files, standard streams.
constexpr std::uint64_t kOtherFiles = 64;
constexpr double kMostRate = 10'000'000;  // as in definitions

std::string JsonError(std::string message) {
  // What was sent may be in it, and that may be any bytes.
  for (char& c : message) {
    if (static_cast<unsigned char>(c) >= 0x7f) c = '?';
  }
  std::string text;
  model::AppendJson(model::Value::String(message), text);
  return "{\"ok\":false,\"error\":" + text + "}";
}

class Run : public LoadRun, public RunShared {
 public:
  Run(Program& program, RunOptions options)
      : program_(program),
        options_(std::move(options)),
        initial_slots_(program.initial_slots),
        shared_iterations_(program.loads.size()),
        meetings_(
            program.meets,
            [this](auto meet, auto round, auto at) { ReleaseMeeting(meet, round, at); },
            [this](const MeetPlan& plan, std::uint32_t waiting) {
              RequestEnd(EndKind::kAbort, "meet " + plan.name + ": " + std::to_string(waiting) +
                                              " of " + std::to_string(plan.users) +
                                              " users came in time");
            }) {
    for (std::size_t i = 0; i < program.loads.size(); ++i) {
      // Processes without a user of the load have no part in its iterations.
      const LoadPlan& plan = program.loads[i].plan;
      const Share part{options_.process.index, std::min(options_.process.count, plan.users)};
      shared_iterations_[i] =
          part.index < part.count ? static_cast<std::int64_t>(part.Of(plan.iterations)) : 0;
    }
  }

  base::Status Prepare(model::Diagnostics& diagnostics);
  void SetStart(std::uint64_t monotonic_ns) override { asked_start_ns_ = monotonic_ns; }
  RunResult Execute() override;
  void Interrupt() override {
    interrupts_.fetch_add(1);
    if (main_ != nullptr) main_->Stop();
  }

  void Command(std::string command, std::function<void(std::string)> answer) override {
    {
      const std::lock_guard lock(mutex_);
      if (takes_commands_) {
        commands_.emplace_back(std::move(command), std::move(answer));
        main_->Post([this] { AnswerCommands(); });
        return;
      }
    }
    answer(JsonError("the run is not under load now"));
  }

  // ---- RunShared
  [[nodiscard]] const Program& program() const override { return program_; }
  [[nodiscard]] std::span<const model::Value> initial_slots() const override {
    return initial_slots_;
  }
  bool TakeSharedIteration(std::uint32_t load) override {
    return shared_iterations_[load].fetch_sub(1, std::memory_order_relaxed) > 0;
  }
  void RequestEnd(EndKind kind, std::string why) override {
    {
      const std::lock_guard lock(mutex_);
      if (asked_end_) return;
      asked_end_ = true;
      asked_kind_ = kind;
      asked_why_ = std::move(why);
    }
    main_->Post([this] { EndIfAsked(); });
  }
  [[nodiscard]] MeetingPoints& meetings() override { return meetings_; }
  void Log(std::string_view step, std::string_view level, std::string_view text) override {
    if (options_.on_log) options_.on_log(level, std::string(step) + ": " + std::string(text));
  }

 private:
  enum class Phase : std::uint8_t { kSetup, kRunning, kDraining, kInterrupting, kFinally, kOver };

  // One reactor thread and what belongs to it. Made and destroyed on the main thread.
  struct Worker {
    std::unique_ptr<net::Reactor> reactor;
    std::unique_ptr<net::HttpClient> client;
    std::unique_ptr<UserThread> users;
    stats::Recorder* recorder = nullptr;
    std::atomic<bool> idle{false};
    std::thread thread;
  };
  // A timer that calls a function of the run.
  class Ticker : public net::Timer {
   public:
    Ticker(Run& run, void (Run::*tick)()) : run_(run), tick_(tick) {}

   private:
    void OnTimer() override { (run_.*tick_)(); }
    Run& run_;
    void (Run::* const tick_)();
  };

  base::Status CheckFiles();
  base::Status MakeWorkers();
  void OnEvents();
  void OnInterrupt(int count);
  void OnTick();
  void EndIfAsked();
  void StartSetup();
  void AwaitStart();
  void StartLoads();
  void AnswerCommands();
  void EndLoads(RunEnd end, std::string why);
  void InterruptLoads();
  void StartFinally();
  void FinishRun();
  // Of a run whose load never began.
  [[nodiscard]] std::unique_ptr<stats::Aggregator> EmptyLoad(std::uint64_t now_ns) const;
  void Judge(RunResult& result);
  void ActOn(const stats::GuardEvent& event);
  void Throttle();
  void Apply(const std::function<void(UserThread&, std::uint64_t)>& command);
  void ReleaseMeeting(std::uint32_t meet, std::uint64_t round, std::uint64_t at_ns);
  void RunOuter(const std::vector<StepPlan>& steps, std::function<void(bool)> done);
  std::string Control(std::string_view command);
  std::string Status();
  [[nodiscard]] std::uint64_t MostUsersNow() const;
  void Say(std::string_view level, const std::string& text) {
    if (options_.on_log) options_.on_log(level, text);
  }
  [[nodiscard]] bool AllIdle() const {
    return std::ranges::all_of(workers_, [](const auto& w) { return w->idle.load(); });
  }

  Program& program_;
  RunOptions options_;
  std::vector<model::Value> initial_slots_;
  model::Arena setup_values_;
  std::vector<std::atomic<std::int64_t>> shared_iterations_;
  MeetingPoints meetings_;
  std::unique_ptr<stats::Thresholds> thresholds_;
  std::unique_ptr<stats::Guards> guards_;
  std::unique_ptr<net::Reactor> main_;
  std::unique_ptr<ControlSocket> control_;
  std::unique_ptr<Ticker> ticker_;
  std::unique_ptr<Ticker> start_timer_;  // armed until RunOptions::start_ns is near
  std::vector<std::unique_ptr<Worker>> workers_;
  std::unique_ptr<stats::Aggregator> load_, outer_;
  stats::Recorder* outer_recorder_ = nullptr;
  RunResult result_;
  Phase phase_ = Phase::kSetup;
  RunEnd end_ = RunEnd::kDone;
  std::string why_;
  std::uint64_t start_ns_ = 0;
  std::uint64_t asked_start_ns_ = 0;  // of the load; 0: at once
  std::uint64_t end_ns_ = kNever;      // of the plan; moves with pauses
  std::uint64_t drain_until_ns_ = kNever;
  std::uint64_t graceful_ns_ = 0;
  std::uint64_t paused_since_ns_ = kNever;
  std::vector<bool> throttling_;  // by guard: it has fired and not let go
  int threads_ = 1;
  int seen_interrupts_ = 0;
  int looks_ = 0;
  std::atomic<int> interrupts_{0};
  std::mutex mutex_;
  bool asked_end_ = false;   // guarded by mutex_, as the two below
  EndKind asked_kind_ = EndKind::kStop;
  std::string asked_why_;
  bool takes_commands_ = false;
  std::vector<std::pair<std::string, std::function<void(std::string)>>> commands_;
};

base::Status Run::CheckFiles() {
  std::uint64_t sure = 0;
  std::uint64_t possible = 0;
  for (const LoadUse& use : program_.loads) {
    const LoadPlan& plan = use.plan;
    const bool connects = std::ranges::any_of(
        use.flows, [&](const auto& flow) { return Connect(program_.flows[flow.first].steps); });
    if (!connects) continue;
    const std::uint64_t group = program_.users_per_connection;
    const auto of = [&](std::uint32_t users) {
      return (options_.process.Of(users) + group - 1) / group;
    };
    sure += of(plan.open_model() ? plan.preallocated_users : plan.MostUsers());
    possible += of(plan.MostUsers());
  }
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return base::Ok();
  if (limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    (void)getrlimit(RLIMIT_NOFILE, &limit);
  }
  const std::uint64_t others = kOtherFiles + static_cast<std::uint64_t>(threads_) * 4;
  const std::string have = std::to_string(limit.rlim_cur);
  if (sure + others > limit.rlim_cur) {
    return base::FailedPrecondition(
        "the load needs " + std::to_string(sure + others) + " open files (" + std::to_string(sure) +
        " connections of its users), the limit is " + have + "; raise it (ulimit -n " +
        std::to_string(sure + others) + ") or lower the number of users");
  }
  if (possible + others > limit.rlim_cur) {
    result_.warnings.push_back("the load may need up to " + std::to_string(possible + others) +
                               " open files, the limit (ulimit -n) is " + have);
  }
  return base::Ok();
}

base::Status Run::Prepare(model::Diagnostics& diagnostics) {
  threads_ = ThreadsFor(program_, options_.threads, options_.process);
  RETURN_IF_ERROR(CheckFiles());
  std::vector<stats::ConditionSpec> thresholds;
  for (const model::Threshold& t : program_.thresholds)
    thresholds.push_back({t.expression.text, t.expression.where});
  thresholds_ = stats::Thresholds::Compile(thresholds, program_.shape, {}, diagnostics);
  std::vector<stats::GuardSpec> guards;
  for (const model::Guard& g : program_.guards) {
    stats::GuardSpec spec;
    spec.when = {g.when.text, g.when.where};
    spec.for_ns = static_cast<std::uint64_t>(g.hold.ns);
    if (g.window) spec.window_ns = static_cast<std::uint64_t>(g.window->ns);
    spec.action = g.action == model::Guard::Do::kThrottle ? stats::GuardAction::kThrottle
                  : g.action == model::Guard::Do::kPause  ? stats::GuardAction::kPause
                                                          : stats::GuardAction::kAbort;
    spec.to = g.to_fraction ? g.to_fraction->fraction : 0;  // of a rate nothing has to be checked
    guards.push_back(std::move(spec));
  }
  guards_ = stats::Guards::Compile(guards, program_.shape, {}, diagnostics);
  if (thresholds_ == nullptr || guards_ == nullptr)
    return base::InvalidArgument("thresholds or guards are wrong");
  for (const std::string& name : guards_->WithoutSource()) {
    result_.warnings.push_back(
        "guards read " + name +
        ", which nothing provides here: such a guard fires for lack of data");
  }
  ASSIGN_OR_RETURN(main_, net::Reactor::Create());
  return base::Ok();
}

base::Status Run::MakeWorkers() {
  std::uint64_t seed = options_.seed;
  if (seed == 0) base::FillEntropy(&seed, sizeof seed);
  for (int i = 0; i < threads_; ++i) {
    auto worker = std::make_unique<Worker>();
    ASSIGN_OR_RETURN(worker->reactor, net::Reactor::Create());
    net::HttpClient::Options client_options;
    client_options.collect_chain = options_.observer != nullptr;
    worker->client = net::HttpClient::Create(*worker->reactor, client_options);
    UserThread::Parts parts;
    parts.run = this;
    parts.reactor = worker->reactor.get();
    parts.client = worker->client.get();
    parts.recorder = outer_recorder_;
    parts.observer = options_.observer;
    parts.thread = static_cast<std::uint32_t>(i);
    parts.share = {options_.process.index + static_cast<std::uint32_t>(i) * options_.process.count,
                   options_.process.count * static_cast<std::uint32_t>(threads_)};
    parts.seed = seed + static_cast<std::uint64_t>(i) * 0x9e3779b97f4a7c15;
    parts.environment = options_.environment;
    if (options_.tap != nullptr) {
      parts.spans = options_.tap->Spans(parts.thread);
      parts.samples = options_.tap->Samples(parts.thread);
    }
    Worker* raw = worker.get();
    parts.on_finished = [this, raw](bool finished) {
      raw->idle.store(finished);
      if (finished) main_->Post([this] { OnEvents(); });
    };
    worker->users = std::make_unique<UserThread>(std::move(parts));
    workers_.push_back(std::move(worker));
  }
  for (const auto& worker : workers_) {
    worker->thread = std::thread([raw = worker.get()] {
      prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
      raw->reactor->Run();
    });
  }
  return base::Ok();
}

RunResult Run::Execute() {
  result_.start_wall_ns = base::RealClock().WallNs();
  result_.threads = threads_;
  start_ns_ = main_->Fresh();
  if (!program_.setup.empty() || !program_.finally.empty()) {
    outer_ = std::make_unique<stats::Aggregator>(program_.shape,
                                                 stats::Aggregator::Options{.start_ns = start_ns_});
    outer_recorder_ = &outer_->AddRecorder();
  }
  if (!options_.control_path.empty()) {
    auto control = ControlSocket::Listen(*main_, options_.control_path,
                                         [this](std::string_view c) { return Control(c); });
    if (control.ok()) {
      control_ = *std::move(control);
    } else {
      result_.warnings.push_back(control.status().message());
    }
  }
  if (const base::Status made = MakeWorkers(); !made.ok()) {
    workers_.clear();
    result_.end = RunEnd::kAborted;
    result_.reason = result_.verdict = made.message();
    result_.load = EmptyLoad(main_->Fresh());
    return std::move(result_);
  }
  if (options_.tap != nullptr) options_.tap->OnStart();
  ticker_ = std::make_unique<Ticker>(*this, &Run::OnTick);
  start_timer_ = std::make_unique<Ticker>(*this, &Run::StartLoads);
  main_->Arm(*ticker_, main_->now_ns() + kTickNs);
  {
    const std::lock_guard lock(mutex_);
    takes_commands_ = true;
  }
  if (program_.setup.empty()) {
    AwaitStart();
  } else {
    StartSetup();
  }
  while (phase_ != Phase::kOver) {
    main_->Run();  // returns when interrupted
    OnEvents();
  }
  control_.reset();
  {
    const std::lock_guard lock(mutex_);
    takes_commands_ = false;
  }
  AnswerCommands();
  result_.duration_ns = main_->Fresh() - start_ns_;
  result_.end = end_;
  result_.reason = why_;
  result_.meets = meetings_.Results();
  Judge(result_);
  result_.load = std::move(load_);
  result_.outer = std::move(outer_);
  return std::move(result_);
}

void Run::RunOuter(const std::vector<StepPlan>& steps, std::function<void(bool)> done) {
  Worker* worker = workers_.front().get();
  worker->reactor->Post([this, worker, &steps, done = std::move(done)] {
    worker->users->SetRecorder(*outer_recorder_);
    worker->users->RunOnce(steps, [this, done](bool failed, std::span<const model::Value> slots) {
      // Still on the worker's thread: the values are copied while their user lives.
      for (const Slot slot : program_.setup_slots)
        initial_slots_[slot] = model::CopyInto(slots[slot], setup_values_);
      main_->Post([failed, done] { done(failed); });
    });
  });
}

void Run::StartSetup() {
  phase_ = Phase::kSetup;
  RunOuter(program_.setup, [this](bool failed) {
    if (phase_ != Phase::kSetup) return;
    if (failed) {
      end_ = RunEnd::kAborted;
      why_ = "setup failed";
      StartFinally();
      return;
    }
    AwaitStart();
  });
}

// A little before the time that was set, so that every thread knows of it in time.
void Run::AwaitStart() {
  if (asked_start_ns_ > main_->Fresh() + kNoticeNs) {
    main_->Arm(*start_timer_, asked_start_ns_ - kNoticeNs);
  } else {
    StartLoads();
  }
}

void Run::AnswerCommands() {
  decltype(commands_) commands;
  {
    const std::lock_guard lock(mutex_);
    commands.swap(commands_);
  }
  for (const auto& [command, answer] : commands) answer(Control(command));
}

void Run::StartLoads() {
  const std::uint64_t start =
      std::max(asked_start_ns_, main_->Fresh() + (workers_.size() > 1 ? kNoticeNs : 0));
  std::uint64_t warm_up = 0;
  end_ns_ = start;
  for (const LoadUse& use : program_.loads) {
    warm_up = std::max(warm_up, use.warmup_ns);
    graceful_ns_ = std::max(graceful_ns_, use.graceful_stop_ns);
    const std::uint64_t planned = use.plan.planned_ns();
    end_ns_ = planned == 0 || end_ns_ == kNever ? kNever : std::max(end_ns_, start + planned);
  }
  stats::Aggregator::Options options{.start_ns = start, .warm_up_ns = warm_up};
  options.window_seconds = std::max(options.window_seconds, guards_->LongestWindowSeconds());
  options.on_interval = options_.on_interval;
  load_ = std::make_unique<stats::Aggregator>(program_.shape, options);
  load_->WatchSteps(guards_->StepsUsed());
  meetings_.Start(start);
  phase_ = Phase::kRunning;
  for (const auto& worker : workers_) {
    worker->recorder = &load_->AddRecorder();
    worker->reactor->Post([raw = worker.get(), start] {
      raw->users->SetRecorder(*raw->recorder);
      raw->reactor->Fresh();
      raw->users->StartLoads(start);
    });
  }
}

// Posted by a worker, or after an interrupt.
void Run::OnEvents() {
  // Each is looked at, also when the second came before anybody saw the first.
  while (seen_interrupts_ < interrupts_.load()) OnInterrupt(++seen_interrupts_);
  const bool loading =
      phase_ == Phase::kRunning || phase_ == Phase::kDraining || phase_ == Phase::kInterrupting;
  if (loading && AllIdle()) StartFinally();
}

void Run::OnInterrupt(int count) {
  if (phase_ == Phase::kOver) return;
  if (count > 1) {
    end_ = RunEnd::kAborted;
    why_ = "interrupted twice";
    if (phase_ == Phase::kFinally) {
      FinishRun();
    } else {
      InterruptLoads();
    }
    return;
  }
  Say("info", "stopping: running iterations may finish; Ctrl-C again stops at once");
  if (phase_ != Phase::kSetup) {
    EndLoads(RunEnd::kInterrupted, "interrupted");
    if (end_ == RunEnd::kDone) {  // it was draining already
      end_ = RunEnd::kInterrupted;
      why_ = "interrupted";
    }
    return;
  }
  end_ = RunEnd::kInterrupted;
  why_ = "interrupted";
  workers_.front()->reactor->Post([raw = workers_.front().get()] { raw->users->InterruptAll(); });
  StartFinally();
}

void Run::EndLoads(RunEnd end, std::string why) {
  if (phase_ != Phase::kRunning) return;
  phase_ = Phase::kDraining;
  end_ = end;
  why_ = std::move(why);
  drain_until_ns_ = main_->Fresh() + graceful_ns_;
  meetings_.ReleaseAll(main_->now_ns());
  for (const auto& worker : workers_) {
    worker->reactor->Post([raw = worker.get()] { raw->users->StopStarting(); });
  }
}

void Run::InterruptLoads() {
  EndLoads(end_, why_);
  phase_ = Phase::kInterrupting;
  drain_until_ns_ = kNever;
  for (const auto& worker : workers_) {
    worker->reactor->Post([raw = worker.get()] { raw->users->InterruptAll(); });
  }
}

void Run::OnTick() {
  const std::uint64_t now = main_->Fresh();
  main_->Arm(*ticker_, now + kTickNs);
  if (outer_) outer_->Collect(now);
  if (load_ && phase_ != Phase::kOver) {
    const int seconds = load_->Collect(now);
    if (seconds > 0) {
      const auto state = phase_ != Phase::kRunning    ? stats::LoadState::kDraining
                         : paused_since_ns_ != kNever ? stats::LoadState::kPaused
                                                      : stats::LoadState::kRunning;
      for (const stats::GuardEvent& event : guards_->Evaluate(*load_, state, {})) ActOn(event);
    }
    if (options_.on_look && ++looks_ % 3 == 0) options_.on_look(load_->Look(now));
  }
  if (options_.tap != nullptr && phase_ != Phase::kOver) options_.tap->OnTick(load_.get());
  EndIfAsked();
  if (phase_ == Phase::kRunning && paused_since_ns_ == kNever && now >= end_ns_)
    EndLoads(RunEnd::kDone, "");
  if (phase_ == Phase::kDraining && now >= drain_until_ns_) InterruptLoads();
  if (phase_ == Phase::kFinally && now >= drain_until_ns_) FinishRun();
}

void Run::EndIfAsked() {
  RunEnd end = RunEnd::kStopped;
  std::string why;
  {
    const std::lock_guard lock(mutex_);
    if (!asked_end_ || phase_ != Phase::kRunning) return;
    if (asked_kind_ == EndKind::kAbort) end = RunEnd::kAborted;
    why = asked_why_;
  }
  EndLoads(end, std::move(why));
}

void Run::ActOn(const stats::GuardEvent& event) {
  result_.guard_events.push_back(event);
  const model::Guard& guard = program_.guards[event.guard];
  const bool fired = event.kind == stats::GuardEvent::Kind::kFired;
  Say(fired ? "warning" : "info", std::string(fired ? "guard fired: " : "guard let go: ") +
                                      event.text +
                                      (event.reason.empty() ? "" : " (" + event.reason + ")"));
  switch (guard.action) {
    case model::Guard::Do::kAbort:
      if (fired) EndLoads(RunEnd::kBreaker, "guard " + event.text + ": " + event.reason);
      if (fired && phase_ == Phase::kDraining) InterruptLoads();
      break;
    case model::Guard::Do::kStop:
      if (fired) EndLoads(RunEnd::kStopped, "guard " + event.text + ": " + event.reason);
      break;
    case model::Guard::Do::kPause: (void)Control(fired ? "pause" : "resume"); break;
    case model::Guard::Do::kThrottle:
      throttling_.resize(program_.guards.size());
      throttling_[event.guard] = fired;
      Throttle();
      break;
  }
}

// The strictest of all guards that throttle at the moment.
void Run::Throttle() {
  double factor = 1;
  double most = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < throttling_.size(); ++i) {
    if (!throttling_[i]) continue;
    const model::Guard& guard = program_.guards[i];
    if (guard.to_rate) most = std::min(most, guard.to_rate->per_second);
    if (guard.to_fraction) factor = std::min(factor, guard.to_fraction->fraction);
  }
  Apply([factor, most](UserThread& t, std::uint64_t at) {
    t.Scale(at, factor);
    t.Limit(at, most);
  });
}

void Run::Apply(const std::function<void(UserThread&, std::uint64_t)>& command) {
  const std::uint64_t at = main_->Fresh() + (workers_.size() > 1 ? kNoticeNs : 0);
  for (const auto& worker : workers_) {
    worker->reactor->Post([raw = worker.get(), command, at] {
      raw->reactor->Fresh();
      command(*raw->users, at);
    });
  }
}

void Run::ReleaseMeeting(std::uint32_t meet, std::uint64_t round, std::uint64_t at_ns) {
  for (const auto& worker : workers_) {
    worker->reactor->Post(
        [raw = worker.get(), meet, round, at_ns] { raw->users->ReleaseAt(meet, round, at_ns); });
  }
}

void Run::StartFinally() {
  if (phase_ == Phase::kFinally || phase_ == Phase::kOver) return;
  phase_ = Phase::kFinally;
  main_->Cancel(*start_timer_);
  if (program_.finally.empty()) {
    FinishRun();
    return;
  }
  drain_until_ns_ = main_->Fresh() + kFinallyLimitNs;
  RunOuter(program_.finally, [this](bool failed) {
    if (failed) result_.warnings.push_back("a step of `finally` failed");
    if (phase_ == Phase::kFinally) FinishRun();
  });
}

std::unique_ptr<stats::Aggregator> Run::EmptyLoad(std::uint64_t now_ns) const {
  auto load = std::make_unique<stats::Aggregator>(program_.shape,
                                                  stats::Aggregator::Options{.start_ns = now_ns});
  load->Finish(now_ns);
  return load;
}

void Run::FinishRun() {
  phase_ = Phase::kOver;
  for (const auto& worker : workers_) {
    worker->reactor->Post([this, raw = worker.get()] {
      if (raw->recorder != nullptr) {
        raw->users->SetRecorder(*raw->recorder);
        raw->users->Flush(stats::Recorder::Flush::kFinal);
      }
      if (raw == workers_.front().get() && outer_recorder_ != nullptr) {
        outer_recorder_->Rotate(raw->reactor->Fresh(), stats::Recorder::Flush::kFinal);
      }
      raw->users.reset();
      raw->client.reset();
      raw->reactor->Stop();
    });
  }
  for (const auto& worker : workers_) worker->thread.join();
  const std::uint64_t now = main_->Fresh();
  for (stats::Aggregator* each : {load_.get(), outer_.get()}) {
    if (each == nullptr) continue;
    each->Collect(now);
    each->Finish(now);
  }
  if (load_ == nullptr) load_ = EmptyLoad(now);
  if (options_.on_look) options_.on_look(load_->Look(now));
  if (options_.tap != nullptr) options_.tap->OnEnd(*load_);
  main_->Cancel(*ticker_);
  main_->Stop();
}

void Run::Judge(RunResult& result) {
  stats::Metrics::Input input;
  input.totals = &load_->totals();
  input.seconds = load_->MeasuredSeconds();
  input.users_max = load_->MostUsers();
  input.users = load_->CurrentGauges().users;
  result.thresholds = thresholds_->Evaluate(input);
  std::size_t crossed = 0;
  for (const auto& t : result.thresholds)
    crossed += t.verdict == stats::ThresholdResult::Verdict::kFailed ? 1 : 0;
  std::uint64_t iterations = 0;
  std::uint64_t failed = 0;
  for (const stats::ScenarioCounters& s : load_->totals().scenarios) {
    iterations += s.iterations();
    failed += s.failed;
  }
  result.passed = false;
  if (result.end == RunEnd::kBreaker || result.end == RunEnd::kAborted) {
    result.verdict = result.reason;
  } else if (program_.single_iteration && failed > 0) {
    result.verdict = "a check or step failed";
  } else if (crossed > 0) {
    result.verdict = std::to_string(crossed) + " of " + std::to_string(result.thresholds.size()) +
                     " thresholds failed";
  } else if (iterations == 0) {
    result.verdict = "no iteration came to its end";
  } else if (failed == iterations && result.thresholds.empty()) {
    result.verdict = "every iteration failed";  // without a threshold that would allow it
  } else {
    result.passed = true;
    result.verdict = program_.single_iteration   ? "every check passed"
                     : result.thresholds.empty() ? "no thresholds are set"
                                                 : "all thresholds passed";
  }
}

// How many users `users N` may ask for, of all processes.
std::uint64_t Run::MostUsersNow() const {
  rlimit limit{};
  std::uint64_t most = 10'000'000;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
    most = std::min(most, std::max<std::uint64_t>(limit.rlim_cur, kOtherFiles) - kOtherFiles);
  for (const LoadUse& use : program_.loads) {
    if (!use.plan.open_model() && use.plan.max_users > 1)
      most = std::min<std::uint64_t>(most, use.plan.max_users);
  }
  return most;
}

std::string Run::Status() {
  const stats::Snapshot look = load_ ? load_->Look(main_->Fresh()) : stats::Snapshot();
  const char* phase = phase_ == Phase::kSetup ? "setup"
                      : phase_ == Phase::kRunning
                          ? (paused_since_ns_ != kNever ? "paused" : "running")
                      : phase_ == Phase::kFinally ? "finally"
                                                  : "draining";
  return std::string("{\"ok\":true,\"state\":\"") + phase +
         "\",\"elapsed_s\":" + std::to_string(look.elapsed_s) +
         ",\"users\":" + std::to_string(look.gauges.users) +
         ",\"requests\":" + std::to_string(look.requests) +
         ",\"failed\":" + std::to_string(look.failed) +
         ",\"iterations\":" + std::to_string(look.iterations) +
         ",\"dropped\":" + std::to_string(look.dropped) +
         ",\"rate\":" + std::to_string(look.last.requests) +
         ",\"p95_ms\":" + std::to_string(static_cast<double>(look.latency.p95) / 1e6) + "}";
}

std::string Run::Control(std::string_view command) {
  while (!command.empty() && std::string_view(" \r\t").find(command.back()) != command.npos)
    command.remove_suffix(1);
  const std::size_t space = std::min(command.find(' '), command.size());
  const std::string_view verb = command.substr(0, space);
  const std::string_view argument =
      space < command.size() ? command.substr(space + 1) : std::string_view();
  if (verb == "status") return Status();
  if (phase_ != Phase::kRunning)
    return JsonError("the run is not under load now; only `status` is answered");
  const auto number = [&](double& value) {
    const auto [rest, error] =
        std::from_chars(argument.data(), argument.data() + argument.size(), value);
    return error == std::errc() && rest == argument.data() + argument.size() && value >= 0 &&
           std::isfinite(value);
  };
  double value = 0;
  if (verb == "rate") {
    if (!number(value)) return JsonError("rate wants a number of arrivals a second: rate 500");
    if (value > kMostRate) return JsonError("rate is at most 10000000");
    const bool open = std::ranges::any_of(program_.loads,
                                          [](const LoadUse& use) { return use.plan.open_model(); });
    if (!open) return JsonError("this load has no arrival rate; `users N` changes its users");
    Apply([value](UserThread& t, std::uint64_t at) { t.SetRate(at, value); });
  } else if (verb == "users") {
    if (!number(value) || value != std::floor(value))
      return JsonError("users wants a whole number: users 50");
    const bool closed = std::ranges::any_of(program_.loads, [](const LoadUse& use) {
      return !use.plan.open_model() && use.plan.kind != ExecutorKind::kSharedIterations &&
             use.plan.kind != ExecutorKind::kPerVuIterations;
    });
    if (!closed) return JsonError("this load's users cannot be set; `rate N` changes its arrivals");
    if (const std::uint64_t most = MostUsersNow(); value > static_cast<double>(most))
      return JsonError("users is at most " + std::to_string(most) + " (`maxVUs`, open files)");
    Apply([users = static_cast<std::uint32_t>(value)](UserThread& t, std::uint64_t at) {
      t.SetUsers(at, users);
    });
  } else if (verb == "pause") {
    if (paused_since_ns_ == kNever) {
      paused_since_ns_ = main_->Fresh();
      Apply([](UserThread& t, std::uint64_t at) { t.Pause(at); });
    }
  } else if (verb == "resume") {
    if (paused_since_ns_ != kNever) {
      if (end_ns_ != kNever) end_ns_ += main_->Fresh() - paused_since_ns_;
      paused_since_ns_ = kNever;
      Apply([](UserThread& t, std::uint64_t at) { t.Resume(at); });
    }
  } else if (verb == "stop") {
    EndLoads(RunEnd::kStopped, "stopped by command");
  } else if (verb == "abort") {
    EndLoads(RunEnd::kAborted, "aborted by command");
    InterruptLoads();
  } else {
    return JsonError("unknown command \"" + std::string(verb) +
                     "\": status, rate N, users N, pause, resume, stop, abort");
  }
  Say("info", "control: " + std::string(command));
  return Status();
}

}  // namespace

base::ExitCode RunResult::exit_code() const {
  switch (end) {
    case RunEnd::kBreaker: return base::ExitCode::kBreaker;
    case RunEnd::kAborted: return base::ExitCode::kAborted;
    case RunEnd::kInterrupted: return base::ExitCode::kInterrupted;
    case RunEnd::kDone:
    case RunEnd::kStopped: break;
  }
  return passed ? base::ExitCode::kOk : base::ExitCode::kCheckFailed;
}

base::Result<std::unique_ptr<LoadRun>> LoadRun::Create(Program& program, RunOptions options,
                                                       model::Diagnostics& diagnostics) {
  auto run = std::make_unique<Run>(program, std::move(options));
  RETURN_IF_ERROR(run->Prepare(diagnostics));
  return std::unique_ptr<LoadRun>(std::move(run));
}

}  // namespace ronda::engine
