#include "stats/recorder.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/core/random.h"
#include "stats/aggregator.h"
#include "stats/stats_test_util.h"

namespace ronda::stats {
namespace {

// The intervals handed over, in a form that a test can look at; gives them back at the end.
class Taken {
 public:
  explicit Taken(Recorder& recorder) : recorder_(recorder) {
    for (Interval* i = recorder.TakeAll(); i != nullptr; i = i->next) all.push_back(i);
  }
  ~Taken() {
    for (Interval* interval : all) recorder_.Recycle(interval);
  }
  std::vector<Interval*> all;

 private:
  Recorder& recorder_;
};

TEST(RecorderTest, LatencyCountsFromTheIntendedStartAndServiceFromTheRealOne) {
  const Shape shape = TestShape();
  Recorder recorder(shape, kStart);
  Exchange e = ExchangeAt(kStart, 10'000'000);
  e.intended_ns = e.start_ns - 5'000'000;
  recorder.RecordExchange(e);
  recorder.Rotate(kStart + kSecond);
  const Taken taken(recorder);
  ASSERT_EQ(taken.all.size(), 1u);
  EXPECT_EQ(taken.all[0]->steps[0]->Latency().MaxNs(), 15'000'000u);
  EXPECT_EQ(taken.all[0]->steps[0]->service.MaxNs(), 10'000'000u);
}

TEST(RecorderTest, ASampleBelongsToTheSecondInWhichItEnded) {
  const Shape shape = TestShape();
  Recorder recorder(shape, kStart);
  recorder.RecordExchange(ExchangeAt(kStart + kSecond - 2, 1));  // ends at 0.999999999
  recorder.RecordExchange(ExchangeAt(kStart + kSecond / 2, kSecond / 2));  // ends at 1.0
  recorder.RecordExchange(ExchangeAt(kStart + 6 * kSecond, 1));
  recorder.Rotate(kStart + 7 * kSecond);
  const Taken taken(recorder);
  ASSERT_EQ(taken.all.size(), 3u);
  EXPECT_EQ(taken.all[0]->second, 0u);
  EXPECT_EQ(taken.all[1]->second, 1u);
  EXPECT_EQ(taken.all[1]->told_until, 6u);
  EXPECT_EQ(taken.all[2]->second, 6u);
  for (const Interval* interval : taken.all) EXPECT_EQ(interval->steps[0]->requests, 1u);
}

TEST(RecorderTest, AllocatesNothingOnceItsStepsHaveBeenSeen) {
  if (!AllocationsSoFar()) GTEST_SKIP() << "a sanitizer counts for itself";
  const Shape shape = TestShape();
  Recorder recorder(shape, kStart);
  base::Random random(3);
  const auto second = [&](std::uint64_t n) {
    const std::uint64_t from = kStart + n * kSecond;
    for (int i = 0; i < 1000; ++i) {
      Exchange e = ExchangeAt(from + random.Below(100'000), random.Below(500'000'000) + 1);
      e.phases = {0, 0, 0, 0, 1000, 2000, 3000};
      recorder.RecordExchange(e);
      recorder.RecordCheck(0, CheckResult::kFailed);
      recorder.RecordArrival(0, e.start_ns, e.start_ns + random.Below(1000));
      recorder.RecordIteration(0, 0, e.start_ns, e.end_ns, IterationOutcome::kOk);
      recorder.RecordFailure({.step = 0, .kind = FailureKind::kCheck, .code = 0, .message = "no 7"},
                             [](Example& example) { example.detail = "evidence"; });
    }
    recorder.Rotate(from + kSecond);
  };
  for (std::uint64_t n = 0; n < 4; ++n) {
    second(n);
    const Taken taken(recorder);
  }
  for (std::uint64_t n = 4; n < 7; ++n) {
    const auto before = AllocationsSoFar();
    second(n);
    EXPECT_EQ(AllocationsSoFar(), before);
    const Taken taken(recorder);
  }
}

TEST(RecorderTest, ASlowReaderLosesNothing) {
  const Shape shape = TestShape();
  Recorder recorder(shape, kStart);
  for (std::uint64_t n = 0; n < 500; ++n)
    recorder.RecordExchange(ExchangeAt(kStart + n * kSecond, 9));
  recorder.Rotate(kStart + 500 * kSecond, Recorder::Flush::kFinal);
  const Taken taken(recorder);
  EXPECT_LT(taken.all.size(), 100u);
  std::uint64_t requests = 0;
  for (const Interval* interval : taken.all) requests += interval->steps[0]->requests;
  EXPECT_EQ(requests, 500u);
  EXPECT_TRUE(taken.all.back()->final);
}

TEST(RecorderTest, AnErrorGroupHasOneExampleHoweverOftenItIsHit) {
  const Shape shape = TestShape();
  Recorder recorder(shape, kStart);
  int made = 0;
  for (int i = 0; i < 50; ++i) {
    const std::string message = "order " + std::to_string(i * 37) + " not found";
    recorder.RecordFailure(
        {.step = 0, .kind = FailureKind::kStatus, .code = 404, .message = message},
        [&](Example& example) {
          ++made;
          example.detail = "evidence";
        });
  }
  recorder.Rotate(kStart + kSecond);
  const Taken taken(recorder);
  EXPECT_EQ(made, 1);
  ASSERT_EQ(taken.all[0]->failures.size(), 1u);
  EXPECT_EQ(taken.all[0]->failures[0].count, 50u);
  EXPECT_EQ(taken.all[0]->failures[0].message, "order 0 not found");
  EXPECT_EQ(taken.all[0]->failures[0].example->detail, "evidence");
}

TEST(RecorderTest, OtherStepsCodesAndTextsAreOtherGroups) {
  const Shape shape = TestShape();
  Recorder recorder(shape, kStart);
  const auto fail = [&](StepId step, FailureKind kind, std::uint32_t code,
                        std::string_view message) {
    recorder.RecordFailure({step, kind, code, message}, [](Example&) {});
  };
  fail(0, FailureKind::kStatus, 404, "a");
  fail(1, FailureKind::kStatus, 404, "a");
  fail(0, FailureKind::kStatus, 500, "a");
  fail(0, FailureKind::kTransport, 404, "a");
  fail(0, FailureKind::kStatus, 404, "b");
  recorder.Rotate(kStart + kSecond);
  const Taken taken(recorder);
  EXPECT_EQ(taken.all[0]->failures.size(), 5u);
}

TEST(RecorderTest, FailuresBeyondTheGroupsThereMayBeAreCounted) {
  const Shape shape = TestShape();
  Recorder recorder(shape, kStart);
  for (int i = 0; i < 600; ++i) {
    const std::string message(static_cast<std::size_t>(i + 1), 'x');
    recorder.RecordFailure({.step = 0,
                            .kind = FailureKind::kStep,
                            .code = static_cast<std::uint32_t>(i),
                            .message = message},
                           [](Example&) {});
  }
  recorder.Rotate(kStart + kSecond);
  const Taken taken(recorder);
  EXPECT_EQ(taken.all[0]->failures.size(), 512u);
  EXPECT_EQ(taken.all[0]->failures_without_group, 88u);
}

TEST(RecorderTest, ThreadsTogetherTellWhatOneWouldTell) {
  const Shape shape = TestShape();
  Aggregator aggregator(shape, {.start_ns = kStart});
  constexpr int kThreads = 4, kEach = 20'000;
  std::vector<Recorder*> recorders;
  for (int i = 0; i < kThreads; ++i) recorders.push_back(&aggregator.AddRecorder());
  std::atomic<int> done{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      base::Random random(static_cast<std::uint64_t>(t) + 1);
      std::uint64_t now = kStart;
      for (int i = 0; i < kEach; ++i) {
        now += 1'000'000;
        recorders[t]->RecordExchange(ExchangeAt(now, random.Below(900'000)));
        recorders[t]->RecordCheck(0, CheckResult::kPassed);
      }
      recorders[t]->Rotate(now + 1'000'000, Recorder::Flush::kFinal);
      done.fetch_add(1);
    });
  }
  std::uint64_t fake_now = kStart;
  while (done.load() < kThreads) aggregator.Collect(fake_now += 10'000'000);
  for (auto& thread : threads) thread.join();
  aggregator.Finish(kStart + 21 * kSecond);

  base::Histogram expected;
  for (int t = 0; t < kThreads; ++t) {
    base::Random random(static_cast<std::uint64_t>(t) + 1);
    for (int i = 0; i < kEach; ++i) expected.Record(random.Below(900'000));
  }
  EXPECT_EQ(aggregator.totals().all.Latency(), expected);
  EXPECT_EQ(aggregator.totals().checks[0].passed, std::uint64_t{kThreads} * kEach);
  std::uint64_t in_rows = 0;
  for (const Row& row : aggregator.rows()) in_rows += row.requests;
  EXPECT_EQ(in_rows, std::uint64_t{kThreads} * kEach);
}

}  // namespace
}  // namespace ronda::stats
