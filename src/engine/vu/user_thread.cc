#include "engine/vu/user_thread.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <utility>

#include "engine/actions/http/scratch.h"
#include "engine/run/meeting_points.h"
#include "engine/run/spans.h"
#include "engine/vu/pause.h"

namespace ronda::engine {
namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;
// After a full second, so that what ended in it has been seen.
constexpr std::uint64_t kFlushDelayNs = 5'000'000;

}  // namespace

// A timer that calls a function of its owner.
class UserThread::Tick : public net::Timer {
 public:
  explicit Tick(std::function<void()> tick) : tick_(std::move(tick)) {}

 private:
  void OnTimer() override { tick_(); }
  std::function<void()> tick_;
};

// The users of one load on this thread, and the executor that drives them.
class UserThread::LoadHost : public UserHost, public IterationObserver {
 public:
  LoadHost(UserThread& thread, std::uint32_t load)
      : thread_(thread), load_(load), use_(thread.program_.loads[load]) {
    for (const auto& [flow, weight] : use_.flows) picks_.push_back({flow, weight, 0});
    executor_ = Executor::Create(use_.plan, thread.parts_.share, *this);
  }

  [[nodiscard]] Executor& executor() { return *executor_; }

  std::uint32_t CreateUser() override {
    const auto index = static_cast<std::uint32_t>(users_.size());
    const Share& share = thread_.parts_.share;
    const std::uint64_t number = share.index + std::uint64_t{index} * share.count + 1;
    users_.push_back(std::make_unique<User>(thread_, *this, index, number));
    const std::uint32_t group = thread_.program_.users_per_connection;
    if (group > 1 && index % group != 0)
      users_[index]->ShareConnections(*users_[index - index % group]);
    return index;
  }

  void StartIteration(std::uint32_t user, std::uint64_t intended_ns) override {
    const std::uint32_t flow = PickFlow();
    const bool open = use_.plan.open_model();
    if (open) {
      thread_.recorder().RecordArrival(thread_.program_.flows[flow].stat, intended_ns,
                                       thread_.reactor().now_ns());
    }
    users_[user]->StartIteration(flow, open ? intended_ns : 0);
  }

  void InterruptIteration(std::uint32_t user) override { users_[user]->Interrupt(); }
  void InterruptAll() {
    for (const auto& user : users_) user->Interrupt();
  }

  void CountDropped(std::uint64_t count) override {
    // One by one in their turn; of a great many the parts are as good as their weights.
    constexpr std::uint64_t kInTurn = 1'000;
    const std::uint64_t now = thread_.reactor().now_ns();
    double total = 0;
    for (const Pick& pick : picks_) total += pick.weight;
    std::uint64_t left = count;
    for (const Pick& pick : picks_) {
      if (count <= kInTurn) break;
      const auto part =
          static_cast<std::uint64_t>(static_cast<double>(count - kInTurn) * pick.weight / total);
      thread_.recorder().RecordDropped(thread_.program_.flows[pick.flow].stat, now, part);
      left -= std::min(part, left);
    }
    for (; left > 0; --left) {
      thread_.recorder().RecordDropped(thread_.program_.flows[PickFlow()].stat, now);
    }
  }
  bool TakeSharedIteration() override { return thread_.run().TakeSharedIteration(load_); }

  void OnIterationEnd(std::uint32_t user) override {
    executor_->OnIterationEnd(user, thread_.reactor().now_ns());
    if (executor_->busy_users() == 0) thread_.AfterExecutor();
  }

  [[nodiscard]] std::size_t users() const { return users_.size(); }

 private:
  // Smooth weighted round robin: after any number of picks each flow is within one of its part.
  std::uint32_t PickFlow() {
    if (picks_.size() == 1) return picks_[0].flow;
    double total = 0;
    Pick* best = nullptr;
    for (Pick& pick : picks_) {
      pick.credit += pick.weight;
      total += pick.weight;
      if (best == nullptr || pick.credit > best->credit) best = &pick;
    }
    best->credit -= total;
    return best->flow;
  }

  struct Pick {
    std::uint32_t flow;
    double weight;
    double credit;
  };
  UserThread& thread_;
  const std::uint32_t load_;
  const LoadUse& use_;
  std::vector<Pick> picks_;
  std::unique_ptr<Executor> executor_;
  std::vector<std::unique_ptr<User>> users_;
};

// The one user of setup or finally.
class UserThread::OnceHost : public IterationObserver {
 public:
  using Done = std::function<void(bool, std::span<const model::Value>)>;
  OnceHost(UserThread& thread, const std::vector<StepPlan>& steps, Done done)
      : done_(std::move(done)), user_(std::make_unique<User>(thread, *this, 0, 0)) {
    user_->StartSteps(steps);
  }
  void OnIterationEnd(std::uint32_t) override {
    done_(user_->failures() > 0 || user_->interrupted(), user_->slots().values());
  }
  void Interrupt() { user_->Interrupt(); }

 private:
  Done done_;
  std::unique_ptr<User> user_;
};

// The strands of this thread that wait for one round of a meeting.
class UserThread::Gathering : public net::Timer {
 public:
  Gathering(UserThread& thread, std::uint32_t meet, std::uint64_t round)
      : thread_(thread), meet_(meet), round_(round) {}

  [[nodiscard]] bool Is(std::uint32_t meet, std::uint64_t round) const {
    return meet_ == meet && round_ == round;
  }
  void Wait(Strand& strand, std::uint64_t wake_ns) {
    strands_.push_back(&strand);
    if (!released_) thread_.reactor().Arm(*this, wake_ns);
  }
  bool Remove(Strand& strand) {
    if (std::erase(strands_, &strand) == 0) return false;
    if (!released_ && !going_) thread_.run().meetings().Leave(meet_, round_);
    return true;
  }
  void Release(std::uint64_t at_ns) {
    released_ = true;
    thread_.reactor().Arm(*this, at_ns);
  }

 private:
  void OnTimer() override {
    if (!released_) {
      const auto again = thread_.run().meetings().OnWake(meet_, round_, thread_.reactor().now_ns());
      // Without a time the release has been posted to us.
      if (again.has_value()) thread_.reactor().Arm(*this, *again);
      return;
    }
    going_ = true;
    const std::uint64_t first = thread_.reactor().Fresh();
    std::uint64_t last = first;
    std::uint32_t count = 0;
    // One that goes may interrupt another that is still here.
    while (!strands_.empty()) {
      Strand* strand = strands_.front();
      strands_.pop_front();
      last = thread_.reactor().Fresh();
      ++count;
      strand->OnMeetReleased();
    }
    if (count > 0) thread_.run().meetings().NoteGone(meet_, round_, count, first, last);
    UserThread& thread = thread_;
    std::erase_if(thread.gatherings_, [this](const auto& each) { return each.get() == this; });
    // `this` is gone.
  }

  UserThread& thread_;
  const std::uint32_t meet_;
  const std::uint64_t round_;
  bool released_ = false;
  bool going_ = false;
  std::deque<Strand*> strands_;
};

UserThread::UserThread(Parts parts)
    : parts_(std::move(parts)),
      program_(parts_.run->program()),
      wall_offset_(base::RealClock().WallNs() - base::MonotonicNanos()),
      random_(parts_.seed),
      traces_(parts_.environment, static_cast<int>(parts_.thread % 64)),
      http_(std::make_unique<HttpScratch>()),
      load_timer_(std::make_unique<Tick>([this] { OnLoadTime(); })) {
  stats_timer_ = std::make_unique<Tick>([this] { OnSecond(); });
}

UserThread::~UserThread() = default;

void UserThread::RunReady() {
  while (!ready_.empty()) {
    const std::vector<User*> ready = std::exchange(ready_, {});
    for (User* user : ready) user->Pump();
  }
}

void UserThread::StartLoads(std::uint64_t start_ns) {
  start_ns_ = start_ns;
  ArmStats();
  for (std::uint32_t i = 0; i < program_.loads.size(); ++i) {
    loads_.push_back(std::make_unique<LoadHost>(*this, i));
  }
  for (const auto& load : loads_) load->executor().Start(start_ns);
  AfterExecutor();
}

void UserThread::OnLoadTime() {
  const std::uint64_t now = parts_.reactor->now_ns();
  for (const auto& load : loads_) load->executor().Advance(now);
  AfterExecutor();
}

void UserThread::AfterExecutor() {
  if (in_after_executor_) return;
  in_after_executor_ = true;
  RunReady();
  in_after_executor_ = false;
  std::uint64_t next = kNever;
  for (const auto& load : loads_) next = std::min(next, load->executor().next_ns());
  if (next == kNever) {
    parts_.reactor->Cancel(*load_timer_);
  } else {
    parts_.reactor->Arm(*load_timer_, next);
  }
  if (finished() == was_finished_) return;
  was_finished_ = !was_finished_;
  if (parts_.on_finished) parts_.on_finished(was_finished_);
}

bool UserThread::finished() const {
  return started() &&
         std::ranges::all_of(loads_, [](const auto& load) { return load->executor().finished(); });
}

void UserThread::BeginNoMore() {
  const std::uint64_t now = parts_.reactor->now_ns();
  for (const auto& load : loads_) load->executor().StopStarting(now);
}

void UserThread::StopStarting() {
  const std::uint64_t now = parts_.reactor->Fresh();
  for (const auto& load : loads_) load->executor().StopStarting(now);
  AfterExecutor();
}

void UserThread::InterruptAll() {
  parts_.reactor->Fresh();
  for (const auto& load : loads_) load->InterruptAll();
  if (once_) once_->Interrupt();
  AfterExecutor();
}

void UserThread::Pause(std::uint64_t at_ns) {
  for (const auto& load : loads_) load->executor().Pause(at_ns);
  AfterExecutor();
}

void UserThread::Resume(std::uint64_t at_ns) {
  for (const auto& load : loads_) load->executor().Resume(at_ns);
  AfterExecutor();
}

void UserThread::Scale(std::uint64_t at_ns, double factor) {
  for (const auto& load : loads_) load->executor().Scale(at_ns, factor);
  AfterExecutor();
}

void UserThread::Limit(std::uint64_t at_ns, double per_second) {
  for (const auto& load : loads_) load->executor().Limit(at_ns, per_second);
  AfterExecutor();
}

bool UserThread::SetRate(std::uint64_t at_ns, double per_second) {
  bool any = false;
  for (const auto& load : loads_) any |= load->executor().SetRate(at_ns, per_second);
  AfterExecutor();
  return any;
}

bool UserThread::SetUsers(std::uint64_t at_ns, std::uint32_t users) {
  bool any = false;
  for (const auto& load : loads_) any |= load->executor().SetUsers(at_ns, users);
  AfterExecutor();
  return any;
}

void UserThread::RunOnce(const std::vector<StepPlan>& steps,
                         std::function<void(bool, std::span<const model::Value>)> done) {
  once_ = std::make_unique<OnceHost>(*this, steps, std::move(done));
  AfterExecutor();
}

void UserThread::ArmStats() {
  const std::uint64_t now = parts_.reactor->now_ns();
  const std::uint64_t second = now < start_ns_ ? 1 : (now - start_ns_) / kSecondNs + 1;
  parts_.reactor->Arm(*stats_timer_, start_ns_ + second * kSecondNs + kFlushDelayNs);
}

void UserThread::OnSecond() {
  Flush(stats::Recorder::Flush::kEnded);
  ArmStats();
}

void UserThread::Flush(stats::Recorder::Flush flush) {
  stats::Gauges gauges;
  for (const auto& load : loads_) {
    gauges.users += load->executor().active_users();
    gauges.users_max += static_cast<std::uint32_t>(load->users());
  }
  const net::HttpClient::Counters& counters = parts_.client->counters();
  gauges.connections = static_cast<std::uint32_t>(counters.connections_open);
  gauges.connections_opened = counters.connections_opened;
  gauges.tls_handshakes = counters.tls_handshakes;
  gauges.tls_resumed = counters.tls_resumed;
  parts_.recorder->SetGauges(gauges);
  if (parts_.samples != nullptr) parts_.samples->Flush();
  if (parts_.spans != nullptr) parts_.spans->Flush();
  if (flush == stats::Recorder::Flush::kFinal) parts_.reactor->Cancel(*stats_timer_);
  parts_.recorder->Rotate(parts_.reactor->Fresh(), flush);
}

std::uint64_t UserThread::Draw(const model::Wait& wait) { return DrawPause(wait, random_); }

void UserThread::WaitAt(std::uint32_t meet, std::uint64_t round, std::uint64_t wake_ns,
                        Strand& strand) {
  const auto found =
      std::ranges::find_if(gatherings_, [&](const auto& each) { return each->Is(meet, round); });
  if (found != gatherings_.end()) {
    (*found)->Wait(strand, wake_ns);
    return;
  }
  gatherings_.push_back(std::make_unique<Gathering>(*this, meet, round));
  gatherings_.back()->Wait(strand, wake_ns);
}

void UserThread::StopWaiting(Strand& strand) {
  for (const auto& gathering : gatherings_) {
    if (gathering->Remove(strand)) return;
  }
}

void UserThread::ReleaseAt(std::uint32_t meet, std::uint64_t round, std::uint64_t at_ns) {
  for (const auto& gathering : gatherings_) {
    if (gathering->Is(meet, round)) gathering->Release(at_ns);
  }
}

}  // namespace ronda::engine
