#include "net/reactor.h"

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "base/core/random.h"
#include "net/timer_heap.h"

namespace ronda::net {
namespace {

std::unique_ptr<Reactor> NewReactor() {
  auto reactor = Reactor::Create();
  EXPECT_TRUE(reactor.ok()) << reactor.status().ToString();
  return std::move(reactor).value();
}

class Alarm final : public Timer {
 public:
  explicit Alarm(std::function<void()> ring = {}) : ring_(std::move(ring)) {}

 private:
  void OnTimer() override {
    if (ring_) ring_();
  }
  std::function<void()> ring_;
};

class Later final : public Deferred {
 public:
  explicit Later(std::function<void()> run) : run_(std::move(run)) {}

 private:
  void OnDeferred() override { run_(); }
  std::function<void()> run_;
};

class Ready final : public FdHandler {
 public:
  explicit Ready(std::function<void(std::uint32_t)> run) : run_(std::move(run)) {}
  void OnReady(std::uint32_t events) override { run_(events); }

 private:
  std::function<void(std::uint32_t)> run_;
};

// Two connected sockets.
struct Pair {
  Pair() { EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds.data()), 0); }
  ~Pair() {
    for (const int fd : fds) close(fd);
  }
  void Poke() const { EXPECT_EQ(write(fds[1], "x", 1), 1); }
  std::array<int, 2> fds;
};

TEST(TimerHeap, TenThousandTimersFireInTheOrderOfAModel) {
  base::Random random(7);
  auto reactor = NewReactor();
  TimerHeap heap;
  std::vector<std::unique_ptr<Alarm>> timers;
  std::map<std::pair<std::uint64_t, std::uint64_t>, Timer*> model;  // (deadline, order of arming)
  std::map<Timer*, std::pair<std::uint64_t, std::uint64_t>> place;
  std::uint64_t order = 0;
  const auto arm = [&](Timer* timer) {
    const std::uint64_t deadline = random.Below(5000);
    if (place.contains(timer)) model.erase(place[timer]);
    place[timer] = {deadline, ++order};
    model[place[timer]] = timer;
    heap.Set(*timer, reactor.get(), deadline);
  };
  for (int i = 0; i < 10'000; ++i) {
    timers.push_back(std::make_unique<Alarm>());
    arm(timers.back().get());
  }
  for (int step = 0; step < 30'000; ++step) {
    Timer* timer = timers[random.Below(timers.size())].get();
    if (random.Below(3) != 0) {
      arm(timer);
    } else if (place.contains(timer)) {
      model.erase(place[timer]);
      place.erase(timer);
      heap.Erase(*timer);
    }
    ASSERT_EQ(heap.earliest_ns(), model.begin()->first.first);
  }
  for (std::uint64_t now = 0; now < 5000; now += 37) {
    while (!model.empty() && model.begin()->first.first <= now) {
      ASSERT_EQ(heap.PopDue(now, ~std::uint64_t{0}), model.begin()->second);
      model.erase(model.begin());
    }
    ASSERT_EQ(heap.PopDue(now, ~std::uint64_t{0}), nullptr);
  }
  while (heap.PopDue(5000, ~std::uint64_t{0}) != nullptr) model.erase(model.begin());
  EXPECT_TRUE(model.empty());
  EXPECT_TRUE(heap.empty());
}

TEST(Reactor, FiresNoTimerBeforeItsDeadline) {
  auto reactor = NewReactor();
  std::uint64_t rang = 0;
  Alarm alarm([&] {
    rang = reactor->now_ns();
    reactor->Stop();
  });
  const std::uint64_t deadline = reactor->Fresh() + 1'500'000;
  reactor->Arm(alarm, deadline);
  reactor->Run();
  EXPECT_GE(rang, deadline);
  EXPECT_FALSE(alarm.armed());
}

TEST(Reactor, TiesFireInTheOrderOfArming) {
  auto reactor = NewReactor();
  std::vector<int> rang;
  std::vector<std::unique_ptr<Alarm>> alarms;
  const std::uint64_t deadline = reactor->Fresh();
  for (int i = 0; i < 50; ++i) {
    alarms.push_back(std::make_unique<Alarm>([&rang, i] { rang.push_back(i); }));
    reactor->Arm(*alarms.back(), deadline);
  }
  reactor->RunOnce(Reactor::Wait::kNo);
  ASSERT_EQ(rang.size(), 50u);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(rang[static_cast<std::size_t>(i)], i);
}

TEST(Reactor, ATimerThatRearmsItselfForThePastLetsOthersRun) {
  auto reactor = NewReactor();
  Pair pair;
  int rings = 0;
  Alarm* self = nullptr;
  Alarm alarm([&] {
    ++rings;
    reactor->Arm(*self, 0);
  });
  self = &alarm;
  bool read = false;
  Ready ready([&](std::uint32_t) { read = true; });
  ASSERT_TRUE(reactor->Add(pair.fds[0], EPOLLIN, &ready).ok());
  pair.Poke();
  reactor->Arm(alarm, 0);
  reactor->RunOnce(Reactor::Wait::kYes);
  EXPECT_EQ(rings, 1);
  EXPECT_TRUE(read);
  reactor->Remove(pair.fds[0], &ready);
}

TEST(Reactor, DueTimersRunBeforeIo) {
  auto reactor = NewReactor();
  Pair pair;
  std::vector<char> order;
  Ready ready([&](std::uint32_t) { order.push_back('i'); });
  ASSERT_TRUE(reactor->Add(pair.fds[0], EPOLLIN, &ready).ok());
  pair.Poke();
  Alarm alarm([&] { order.push_back('t'); });
  reactor->Arm(alarm, 0);
  reactor->RunOnce(Reactor::Wait::kYes);
  EXPECT_EQ(order, (std::vector<char>{'t', 'i'}));
  reactor->Remove(pair.fds[0], &ready);
}

TEST(Reactor, ARemovedHandlerIsNotCalledForAnEventAlreadyFetched) {
  auto reactor = NewReactor();
  Pair a, b;
  int calls = 0;
  std::array<std::unique_ptr<Ready>, 2> handlers;
  const std::array<int, 2> fds = {a.fds[0], b.fds[0]};
  const auto take_both_out = [&](std::uint32_t) {
    ++calls;
    for (std::size_t i = 0; i < 2; ++i) reactor->Remove(fds[i], handlers[i].get());
  };
  for (std::size_t i = 0; i < 2; ++i) {
    handlers[i] = std::make_unique<Ready>(take_both_out);
    ASSERT_TRUE(reactor->Add(fds[i], EPOLLIN, handlers[i].get()).ok());
  }
  a.Poke();
  b.Poke();
  reactor->RunOnce(Reactor::Wait::kYes);
  EXPECT_EQ(calls, 1);
}

TEST(Reactor, AnEventOfAnOldRegistrationDoesNotReachTheNewOne) {
  auto reactor = NewReactor();
  Pair a, b;
  int stale = 0;
  Ready fresh([&](std::uint32_t) { ++stale; });
  std::unique_ptr<Ready> first, second;
  const auto swap_other = [&](Ready* mine, int other_fd, Ready* other) {
    if (mine == nullptr || other == nullptr) return;
    reactor->Remove(other_fd, other);
    ASSERT_TRUE(reactor->Add(other_fd, EPOLLOUT, &fresh).ok());
  };
  bool swapped = false;
  first = std::make_unique<Ready>([&](std::uint32_t) {
    if (!std::exchange(swapped, true)) swap_other(first.get(), b.fds[0], second.get());
  });
  second = std::make_unique<Ready>([&](std::uint32_t) {
    if (!std::exchange(swapped, true)) swap_other(second.get(), a.fds[0], first.get());
  });
  ASSERT_TRUE(reactor->Add(a.fds[0], EPOLLIN, first.get()).ok());
  ASSERT_TRUE(reactor->Add(b.fds[0], EPOLLIN, second.get()).ok());
  a.Poke();
  b.Poke();
  reactor->RunOnce(Reactor::Wait::kYes);
  EXPECT_EQ(stale, 0);
  reactor->RunOnce(Reactor::Wait::kYes);
  EXPECT_EQ(stale, 1);
}

TEST(Reactor, DeferredWorkRunsOnceAtTheEndOfTheWakeUpAndMayDeferAgainForTheNext) {
  auto reactor = NewReactor();
  std::vector<int> order;
  int runs = 0;
  Later* self = nullptr;
  Later later([&] {
    order.push_back(2);
    if (++runs < 3) reactor->Defer(*self);
  });
  self = &later;
  Alarm alarm([&] {
    reactor->Defer(later);
    reactor->Defer(later);
    order.push_back(1);
  });
  reactor->Arm(alarm, 0);
  reactor->RunOnce(Reactor::Wait::kYes);
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
  reactor->RunOnce(Reactor::Wait::kYes);  // waits for nothing
  reactor->RunOnce(Reactor::Wait::kYes);
  EXPECT_EQ(order, (std::vector<int>{1, 2, 2, 2}));
}

TEST(Reactor, ADestroyedDeferredIsWithdrawnAndTheOthersStay) {
  auto reactor = NewReactor();
  std::vector<int> order;
  Later first([&] { order.push_back(1); });
  auto second = std::make_unique<Later>([&] { order.push_back(2); });
  auto third = std::make_unique<Later>([&] { order.push_back(3); });
  reactor->Defer(first);
  reactor->Defer(*second);
  reactor->Defer(*third);
  third.reset();
  second.reset();
  Later fourth([&] { order.push_back(4); });
  reactor->Defer(fourth);
  reactor->RunOnce(Reactor::Wait::kNo);
  EXPECT_EQ(order, (std::vector<int>{1, 4}));
}

TEST(Reactor, TasksOfManyThreadsRunOnTheLoopInTheOrderOfEachThread) {
  constexpr int kThreads = 8, kTasks = 2000;
  auto reactor = NewReactor();
  std::array<int, kThreads> next{};
  int done = 0;
  bool in_order = true;
  const auto loop = std::this_thread::get_id();
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kTasks; ++i) {
        reactor->Post([&, t, i] {
          in_order = in_order && next[static_cast<std::size_t>(t)]++ == i &&
                     std::this_thread::get_id() == loop;
          if (++done == kThreads * kTasks) reactor->Stop();
        });
      }
    });
  }
  reactor->Run();
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(in_order);
  EXPECT_EQ(done, kThreads * kTasks);
}

TEST(Reactor, AStopBeforeRunEndsItAtOnce) {
  auto reactor = NewReactor();
  reactor->Stop();
  reactor->Run();
  bool ran = false;
  reactor->Post([&] {
    ran = true;
    reactor->Stop();
  });
  reactor->Run();
  EXPECT_TRUE(ran);
}

TEST(Reactor, AddTellsWhyADescriptorCannotBeWatched) {
  auto reactor = NewReactor();
  Ready ready([](std::uint32_t) {});
  EXPECT_FALSE(reactor->Add(9999, EPOLLIN, &ready).ok());
}

}  // namespace
}  // namespace ronda::net
