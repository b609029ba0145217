#include "engine/load/executor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <vector>

namespace ronda::engine {
namespace {

constexpr std::uint64_t kMs = 1'000'000;
constexpr std::uint64_t kS = 1'000'000'000;
constexpr std::uint64_t kStart = 7 * kS;

// Threads whose users do nothing but take time: a clock that jumps from event to event.
class Simulation {
 public:
  struct Iteration {
    std::uint32_t thread = 0;
    std::uint32_t user = 0;
    std::uint64_t intended_ns = 0, start_ns = 0;
    std::uint64_t end_ns = kNever;
    bool interrupted = false;
  };

  // `takes`: how long an iteration lasts; kNever: until it is interrupted.
  Simulation(const LoadPlan& plan, std::uint32_t threads, std::uint64_t takes)
      : takes_(takes), shared_(static_cast<std::int64_t>(plan.iterations)) {
    for (std::uint32_t i = 0; i < threads; ++i) {
      threads_.push_back(std::make_unique<Thread>(*this, i));
      threads_.back()->executor = Executor::Create(plan, {i, threads}, *threads_.back());
    }
    for (auto& thread : threads_) thread->executor->Start(now);
  }

  // Until all are finished, or the time has come; false when it came first.
  bool Run(std::uint64_t until_ns = kNever - 1) {
    for (int step = 0; step < 10'000'000; ++step) {
      if (finished()) return true;
      std::uint64_t next = kNever;
      for (auto& thread : threads_)
        next = std::min({next, thread->executor->next_ns(), thread->NextEnd()});
      if (next > until_ns) break;
      now = std::max(now, next);
      for (auto& thread : threads_) thread->Work();
    }
    now = std::max(now, until_ns);
    return finished();
  }

  [[nodiscard]] bool finished() const {
    return std::ranges::all_of(threads_, [](const auto& t) { return t->executor->finished(); });
  }
  void ForAll(const std::function<void(Executor&)>& command) {
    for (auto& thread : threads_) command(*thread->executor);
  }
  Executor& executor() { return *threads_[0]->executor; }
  [[nodiscard]] std::uint32_t busy() const {
    std::uint32_t sum = 0;
    for (const auto& thread : threads_) sum += thread->executor->busy_users();
    return sum;
  }
  [[nodiscard]] std::uint32_t users() const {
    std::uint32_t sum = 0;
    for (const auto& thread : threads_) sum += thread->created;
    return sum;
  }

  std::uint64_t now = kStart;
  std::vector<Iteration> iterations;
  std::uint64_t dropped = 0;

 private:
  struct Thread : UserHost {
    Thread(Simulation& s, std::uint32_t i) : simulation(s), index(i) {}
    std::uint32_t CreateUser() override { return created++; }
    void StartIteration(std::uint32_t user, std::uint64_t intended_ns) override {
      EXPECT_EQ(running.count(user), 0u) << "a busy user begins another iteration";
      running[user] = simulation.iterations.size();
      simulation.iterations.push_back({index, user, intended_ns, simulation.now, kNever, false});
      if (simulation.takes_ != kNever) ends.insert({simulation.now + simulation.takes_, user});
    }
    void InterruptIteration(std::uint32_t user) override {
      if (running.count(user) == 0) return;
      simulation.iterations[running[user]].interrupted = true;
      std::erase_if(ends, [&](const auto& end) { return end.second == user; });
      ends.insert({simulation.now, user});
    }
    void CountDropped(std::uint64_t count) override { simulation.dropped += count; }
    bool TakeSharedIteration() override { return simulation.shared_-- > 0; }
    [[nodiscard]] std::uint64_t NextEnd() const {
      return ends.empty() ? kNever : ends.begin()->first;
    }
    void Work() {
      if (executor->next_ns() <= simulation.now) executor->Advance(simulation.now);
      while (NextEnd() <= simulation.now) {
        const std::uint32_t user = ends.begin()->second;
        ends.erase(ends.begin());
        simulation.iterations[running[user]].end_ns = simulation.now;
        running.erase(user);
        executor->OnIterationEnd(user, simulation.now);
      }
    }
    Simulation& simulation;
    const std::uint32_t index;
    std::uint32_t created = 0;
    std::map<std::uint32_t, std::size_t> running;  // user: its iteration
    std::set<std::pair<std::uint64_t, std::uint32_t>> ends;
    std::unique_ptr<Executor> executor;
  };

  const std::uint64_t takes_;
  std::int64_t shared_;
  std::vector<std::unique_ptr<Thread>> threads_;
};

LoadPlan Arrivals(double rate, std::uint64_t duration_ns, std::uint32_t users,
                  std::uint64_t backlog) {
  LoadPlan plan;
  plan.kind = ExecutorKind::kConstantArrivalRate;
  plan.rate = rate;
  plan.duration_ns = duration_ns;
  plan.preallocated_users = std::min(users, 1u);
  plan.max_users = users;
  plan.max_backlog = backlog;
  return plan;
}

TEST(Share, PartsOfAnythingAddUpToTheWhole) {
  for (const std::uint32_t count : {1u, 2u, 3u, 7u, 64u}) {
    for (const std::uint64_t whole : {0ull, 1ull, 2ull, 63ull, 1000ull, 10'000'000'019ull}) {
      std::uint64_t sum = 0;
      for (std::uint32_t i = 0; i < count; ++i) sum += Share{i, count}.Of(whole);
      EXPECT_EQ(sum, whole);
    }
  }
}

TEST(SharedIterations, AreTakenExactlyOnceByAllThreadsTogether) {
  for (const std::uint32_t threads : {1u, 3u}) {
    LoadPlan plan;
    plan.kind = ExecutorKind::kSharedIterations;
    plan.users = 5;
    plan.iterations = 103;
    Simulation simulation(plan, threads, 10 * kMs);
    EXPECT_TRUE(simulation.Run());
    EXPECT_EQ(simulation.iterations.size(), 103u);
    EXPECT_EQ(simulation.users(), 5u);
  }
}

TEST(SharedIterations, EndAtMaxDurationAndThenHaveGracefulStop) {
  LoadPlan plan;
  plan.kind = ExecutorKind::kSharedIterations;
  plan.users = 2;
  plan.iterations = 1000;
  plan.max_duration_ns = 3 * kS;
  plan.graceful_stop_ns = 5 * kS;
  Simulation simulation(plan, 1, kNever);
  EXPECT_TRUE(simulation.Run());
  EXPECT_EQ(simulation.iterations.size(), 2u);
  EXPECT_EQ(simulation.now, kStart + 8 * kS);
  EXPECT_TRUE(simulation.iterations[0].interrupted);
}

TEST(PerVuIterations, EachUserMakesExactlyItsOwn) {
  for (const std::uint32_t threads : {1u, 2u, 4u}) {
    LoadPlan plan;
    plan.kind = ExecutorKind::kPerVuIterations;
    plan.users = 3;
    plan.iterations = 7;
    Simulation simulation(plan, threads, 10 * kMs);
    EXPECT_TRUE(simulation.Run());
    std::map<std::pair<std::uint32_t, std::uint32_t>, int> by_user;
    for (const auto& each : simulation.iterations) ++by_user[{each.thread, each.user}];
    ASSERT_EQ(by_user.size(), 3u);
    for (const auto& [user, count] : by_user) EXPECT_EQ(count, 7);
  }
}

TEST(ConstantVus, KeepAllUsersBusyUntilTheEndAndBeginNothingAfterIt) {
  LoadPlan plan;
  plan.kind = ExecutorKind::kConstantVus;
  plan.users = 5;
  plan.duration_ns = 10 * kS;
  plan.start_after_ns = 2 * kS;
  Simulation simulation(plan, 2, 300 * kMs);
  EXPECT_TRUE(simulation.Run());
  EXPECT_EQ(simulation.iterations.size(), 5u * 34);
  for (const auto& each : simulation.iterations) {
    EXPECT_GE(each.start_ns, kStart + 2 * kS);
    EXPECT_LT(each.start_ns, kStart + 12 * kS);
    EXPECT_FALSE(each.interrupted);
  }
}

TEST(ConstantVus, WithoutAUserForAThreadThatThreadIsFinished) {
  LoadPlan plan;
  plan.kind = ExecutorKind::kConstantVus;
  plan.users = 1;
  plan.duration_ns = kS;
  Simulation simulation(plan, 4, 300 * kMs);
  EXPECT_TRUE(simulation.Run());
  EXPECT_EQ(simulation.iterations.size(), 4u);
}

TEST(ConstantVus, APauseDoesNotCount) {
  LoadPlan plan;
  plan.kind = ExecutorKind::kConstantVus;
  plan.users = 2;
  plan.duration_ns = 10 * kS;
  Simulation simulation(plan, 1, kS);
  EXPECT_FALSE(simulation.Run(kStart + 4 * kS + 1));
  simulation.executor().Pause(simulation.now);
  EXPECT_FALSE(simulation.Run(kStart + 60 * kS));
  EXPECT_EQ(simulation.busy(), 0u);
  simulation.executor().Resume(simulation.now);
  EXPECT_TRUE(simulation.Run());
  EXPECT_NEAR(static_cast<double>(simulation.now - kStart), 66e9, 1.1e9);
  EXPECT_EQ(simulation.iterations.size(), 22u);
}

TEST(ConstantVus, APauseBeforeTheStartMovesTheStart) {
  LoadPlan plan;
  plan.kind = ExecutorKind::kConstantVus;
  plan.users = 1;
  plan.duration_ns = 10 * kS;
  plan.start_after_ns = 10 * kS;
  Simulation simulation(plan, 1, kS);
  simulation.Run(kStart + 5 * kS);
  simulation.executor().Pause(simulation.now);
  simulation.Run(kStart + 15 * kS);
  simulation.executor().Resume(simulation.now);
  EXPECT_TRUE(simulation.Run());
  EXPECT_EQ(simulation.iterations.front().start_ns, kStart + 20 * kS);
  EXPECT_EQ(simulation.iterations.size(), 10u);
}

TEST(ConstantVus, AThrottleTakesUsersAwayAndGivesThemBack) {
  LoadPlan plan;
  plan.kind = ExecutorKind::kConstantVus;
  plan.users = 8;
  plan.duration_ns = 100 * kS;
  Simulation simulation(plan, 2, kS);
  simulation.Run(kStart + 10 * kS);
  simulation.ForAll([&](Executor& e) { e.Scale(simulation.now, 0.25); });
  simulation.Run(kStart + 20 * kS);
  EXPECT_EQ(simulation.busy(), 2u);
  simulation.ForAll([&](Executor& e) { e.Scale(simulation.now, 0); });
  EXPECT_FALSE(simulation.Run(kStart + 30 * kS)) << "a throttle to nothing is no end";
  EXPECT_EQ(simulation.busy(), 0u);
  simulation.ForAll([&](Executor& e) { e.Scale(simulation.now, 1); });
  simulation.Run(kStart + 40 * kS);
  EXPECT_EQ(simulation.busy(), 8u);
}

TEST(RampingVus, FollowTheRampUpAndDown) {
  LoadPlan plan;
  plan.kind = ExecutorKind::kRampingVus;
  plan.stages = {{10, 10 * kS}, {10, 5 * kS}, {0, 10 * kS}};
  Simulation simulation(plan, 3, 50 * kMs);
  for (const auto& [second, users] : std::map<int, double>{{2, 2}, {6, 6}, {12, 10}, {20, 5}}) {
    simulation.Run(kStart + static_cast<std::uint64_t>(second) * kS);
    EXPECT_NEAR(simulation.busy(), users, 1.01) << second;
  }
  EXPECT_TRUE(simulation.Run());
  EXPECT_EQ(simulation.users(), 10u);
  EXPECT_LT(simulation.now, kStart + 25 * kS + 100 * kMs);
}

TEST(RampingVus, OneThatIsOverTheRampHasGracefulRampDown) {
  LoadPlan plan;
  plan.kind = ExecutorKind::kRampingVus;
  plan.start_value = 2;
  plan.stages = {{2, 10 * kS}, {0, 0}, {0, 20 * kS}};
  plan.ramp_down_ns = 3 * kS;
  Simulation simulation(plan, 1, kNever);
  simulation.Run(kStart + 12 * kS);
  EXPECT_EQ(simulation.busy(), 2u);
  EXPECT_TRUE(simulation.Run());
  ASSERT_EQ(simulation.iterations.size(), 2u);
  for (const auto& each : simulation.iterations) {
    EXPECT_TRUE(each.interrupted);
    EXPECT_EQ(each.end_ns, kStart + 13 * kS);
  }
}

TEST(RampingVus, AJumpDownAfterARampUpIsNoRampWithoutUsers) {
  LoadPlan plan;
  plan.kind = ExecutorKind::kRampingVus;
  plan.stages = {{10, 10 * kS}, {0, 0}, {0, kS}};
  Simulation simulation(plan, 1, 100 * kMs);
  simulation.Run(kStart + 9 * kS);
  EXPECT_EQ(simulation.busy(), 9u);
  EXPECT_TRUE(simulation.Run());
}

TEST(ConstantArrivalRate, EveryArrivalBeginsAtItsTimeOnAnyNumberOfThreads) {
  for (const std::uint32_t threads : {1u, 2u, 5u}) {
    Simulation simulation(Arrivals(100, 10 * kS, 50, 10), threads, 5 * kMs);
    EXPECT_TRUE(simulation.Run());
    ASSERT_EQ(simulation.iterations.size(), 1000u);
    std::vector<std::uint64_t> intended;
    for (const auto& each : simulation.iterations) {
      intended.push_back(each.intended_ns - kStart);
      EXPECT_EQ(each.start_ns, each.intended_ns);
    }
    std::ranges::sort(intended);
    for (std::uint64_t k = 0; k < intended.size(); ++k) ASSERT_EQ(intended[k], k * 10 * kMs);
    EXPECT_EQ(simulation.dropped, 0u);
    EXPECT_EQ(simulation.now, kStart + 10 * kS) << "it lasts as long as it says";
  }
}

TEST(ConstantArrivalRate, ProcessesOfUnlikeThreadsMakeTheSameArrivals) {
  // Process 0 of 2 has 3 threads, process 1 has one.
  std::set<std::uint64_t> intended;
  std::size_t count = 0;
  for (const Share share : {Share{0, 6}, Share{2, 6}, Share{4, 6}, Share{1, 2}}) {
    struct Host : UserHost {
      std::uint32_t users = 0;
      std::vector<std::uint64_t> intended;
      std::uint32_t CreateUser() override { return users++; }
      void StartIteration(std::uint32_t, std::uint64_t ns) override { intended.push_back(ns); }
      void InterruptIteration(std::uint32_t) override {}
      void CountDropped(std::uint64_t) override {}
      bool TakeSharedIteration() override { return false; }
    } host;
    auto executor = Executor::Create(Arrivals(10, 10 * kS, 1000, 0), share, host);
    executor->Start(kStart);
    while (executor->next_ns() < kStart + 10 * kS) executor->Advance(executor->next_ns());
    intended.insert(host.intended.begin(), host.intended.end());
    count += host.intended.size();
  }
  EXPECT_EQ(count, 100u);
  EXPECT_EQ(intended.size(), 100u);
}

TEST(ConstantArrivalRate, WithoutAFreeUserArrivalsWaitAndThenAreDropped) {
  // One user, 1 s an iteration, 10 arrivals in the first second: 1 begins, 3 wait, 6 are dropped.
  LoadPlan plan = Arrivals(10, kS, 1, 3);
  Simulation simulation(plan, 1, kS + 1);
  EXPECT_TRUE(simulation.Run());
  // At the end of the second the three that still wait are given up too.
  EXPECT_EQ(simulation.iterations.size() + simulation.dropped, 10u);
  EXPECT_EQ(simulation.iterations.size(), 1u);
  plan.stages.clear();
  plan.duration_ns = 4 * kS;
  plan.rate = 0.75;
  Simulation waiting(plan, 1, 2 * kS);
  EXPECT_TRUE(waiting.Run());
  ASSERT_GE(waiting.iterations.size(), 2u);
  EXPECT_EQ(waiting.iterations[1].start_ns, kStart + 2 * kS);
  EXPECT_EQ(waiting.iterations[1].intended_ns, kStart + 4 * kS / 3) << "latency counts from here";
  EXPECT_EQ(waiting.iterations.size() + waiting.dropped, 3u);
}

TEST(ConstantArrivalRate, AfterTheEndAnEndlessIterationIsInterruptedByGracefulStop) {
  LoadPlan plan = Arrivals(1, 3 * kS, 10, 0);
  plan.graceful_stop_ns = 2 * kS;
  Simulation simulation(plan, 2, kNever);
  EXPECT_TRUE(simulation.Run());
  EXPECT_EQ(simulation.now, kStart + 5 * kS);
  EXPECT_EQ(simulation.iterations.size(), 3u);
  for (const auto& each : simulation.iterations) EXPECT_TRUE(each.interrupted);
}

TEST(ConstantArrivalRate, InAPauseNothingBeginsNotEvenWhatWaited) {
  LoadPlan plan = Arrivals(10, 10 * kS, 1, 1000);
  Simulation simulation(plan, 1, kS);
  simulation.Run(kStart + 2 * kS + 50 * kMs);
  const std::size_t begun = simulation.iterations.size();
  simulation.executor().Pause(simulation.now);
  EXPECT_FALSE(simulation.Run(kStart + 100 * kS));
  EXPECT_EQ(simulation.iterations.size(), begun);
  EXPECT_EQ(simulation.busy(), 0u);
  simulation.executor().Resume(simulation.now);
  EXPECT_TRUE(simulation.Run());
  EXPECT_GT(simulation.iterations.size(), begun);
  EXPECT_EQ(simulation.iterations.size() + simulation.dropped, 100u);
  const auto& first = simulation.iterations[begun];
  EXPECT_EQ(first.start_ns, kStart + 100 * kS);
  EXPECT_LT(first.start_ns - first.intended_ns, 3 * kS) << "the pause is no latency";
}

TEST(ConstantArrivalRate, ARateOfZeroIsNoEnd) {
  Simulation simulation(Arrivals(10, 10 * kS, 10, 0), 2, kMs);
  simulation.Run(kStart + 2 * kS);
  simulation.ForAll([&](Executor& e) { EXPECT_TRUE(e.SetRate(simulation.now, 0)); });
  EXPECT_FALSE(simulation.Run(kStart + 5 * kS));
  simulation.ForAll([&](Executor& e) { EXPECT_TRUE(e.SetRate(simulation.now, 100)); });
  EXPECT_TRUE(simulation.Run());
  EXPECT_NEAR(static_cast<double>(simulation.iterations.size()), 20 + 500, 2);
  EXPECT_EQ(simulation.now, kStart + 10 * kS);
}

TEST(ConstantArrivalRate, AThrottleToNothingIsNoEnd) {
  Simulation simulation(Arrivals(10, 10 * kS, 10, 0), 1, kMs);
  simulation.executor().Scale(kStart, 0);
  EXPECT_FALSE(simulation.Run(kStart + 5 * kS));
  simulation.executor().Scale(simulation.now, 1);
  simulation.executor().Limit(simulation.now, 5);
  EXPECT_TRUE(simulation.Run());
  EXPECT_NEAR(static_cast<double>(simulation.iterations.size()), 26, 2);
}

TEST(ConstantArrivalRate, ARateBeyondTheMachineCanStillBeStoppedAndEveryArrivalIsCounted) {
  Simulation simulation(Arrivals(1e7, kS, 1, 10), 1, kS / 2);
  Executor& executor = simulation.executor();
  // A second late: ten million are due at once.
  simulation.now = kStart + kS - 1;
  executor.Advance(simulation.now);
  EXPECT_LE(executor.next_ns(), simulation.now) << "it comes back for the rest";
  executor.StopStarting(simulation.now);
  EXPECT_EQ(simulation.iterations.size() + simulation.dropped, 10'000'000u);
  EXPECT_TRUE(simulation.Run());
}

TEST(ConstantArrivalRate, StoppedArrivalsThatWaitedAreDropped) {
  Simulation simulation(Arrivals(10, 10 * kS, 1, 100), 1, kNever);
  simulation.Run(kStart + kS + 1);
  simulation.executor().StopStarting(simulation.now);
  EXPECT_EQ(simulation.iterations.size(), 1u);
  EXPECT_EQ(simulation.dropped, 10u);
  EXPECT_FALSE(simulation.finished()) << "its one iteration still runs";
}

TEST(RampingArrivalRate, BeginsByTheIntegralAfterStartTime) {
  LoadPlan plan;
  plan.kind = ExecutorKind::kRampingArrivalRate;
  plan.stages = {{20, 10 * kS}, {20, 10 * kS}};
  plan.max_users = 10;
  plan.start_after_ns = 5 * kS;
  Simulation simulation(plan, 2, kMs);
  EXPECT_TRUE(simulation.Run());
  EXPECT_EQ(simulation.iterations.size(), 300u);
  EXPECT_EQ(simulation.iterations.front().start_ns, kStart + 5 * kS);
  EXPECT_EQ(simulation.now, kStart + 25 * kS);
}

TEST(ExternallyControlled, GoesOnForEverWithoutACommand) {
  LoadPlan plan;
  plan.kind = ExecutorKind::kExternallyControlled;
  plan.users = 2;
  Simulation simulation(plan, 1, 3600 * kS);
  EXPECT_FALSE(simulation.Run(kStart + 30 * 86'400 * kS));
  EXPECT_EQ(simulation.busy(), 2u);
  simulation.executor().StopStarting(simulation.now);
  EXPECT_TRUE(simulation.Run());
}

TEST(ExternallyControlled, TakesUsersAsItIsTold) {
  LoadPlan plan;
  plan.kind = ExecutorKind::kExternallyControlled;
  plan.users = 1;
  plan.max_users = 20;
  Simulation simulation(plan, 3, 100 * kMs);
  for (const std::uint32_t users : {7u, 20u, 0u, 1u}) {
    simulation.ForAll([&](Executor& e) { EXPECT_TRUE(e.SetUsers(simulation.now, users)); });
    EXPECT_FALSE(simulation.Run(simulation.now + kS));
    EXPECT_EQ(simulation.busy(), users);
  }
  simulation.ForAll([&](Executor& e) { e.StopStarting(simulation.now); });
  EXPECT_TRUE(simulation.Run());
}

TEST(ExternallyControlled, ByARateThatIsZeroAtFirst) {
  LoadPlan plan;
  plan.kind = ExecutorKind::kExternallyControlled;
  plan.by_rate = true;
  plan.max_users = 5;
  Simulation simulation(plan, 1, kMs);
  EXPECT_FALSE(simulation.Run(kStart + 1000 * kS));
  EXPECT_TRUE(simulation.executor().SetRate(simulation.now, 10));
  EXPECT_FALSE(simulation.Run(kStart + 1010 * kS - 1));
  EXPECT_EQ(simulation.iterations.size(), 100u);
  EXPECT_FALSE(simulation.executor().SetUsers(simulation.now, 3));
}

}  // namespace
}  // namespace ronda::engine
