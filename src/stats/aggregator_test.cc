#include "stats/aggregator.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "base/core/random.h"
#include "stats/interval_codec.h"
#include "stats/stats_test_util.h"

namespace ronda::stats {
namespace {

class AggregatorTest : public testing::Test {
 protected:
  Aggregator Make(Aggregator::Options options = {}) {
    options.start_ns = kStart;
    return Aggregator(shape_, options);
  }
  // `n` exchanges of `step` that end within `second`, each of `duration_ns`.
  static void Record(Recorder& recorder, std::uint64_t second, int n, std::uint64_t duration_ns,
                     StepId step = 0) {
    for (int i = 0; i < n; ++i) {
      Exchange e = ExchangeAt(kStart + second * kSecond + 500'000'000 - duration_ns, duration_ns);
      e.step = step;
      recorder.RecordExchange(e);
    }
  }

  const Shape shape_ = TestShape();
};

TEST_F(AggregatorTest, WarmUpIsInRowsAndNotInTotals) {
  Aggregator a = Make({.warm_up_ns = 1'500'000'000});  // up to the next full second: 2 s
  Recorder& r = a.AddRecorder();
  for (std::uint64_t s = 0; s < 4; ++s) Record(r, s, 10, 1'000'000);
  r.Rotate(kStart + 4 * kSecond, Recorder::Flush::kFinal);
  a.Finish(kStart + 4 * kSecond);
  EXPECT_EQ(a.totals().all.requests, 20u);
  EXPECT_EQ(a.WarmUpRequests(), 20u);
  EXPECT_DOUBLE_EQ(a.MeasuredSeconds(), 2.0);
  ASSERT_GE(a.rows().size(), 4u);
  for (int s = 0; s < 4; ++s) EXPECT_EQ(a.rows()[s].requests, 10u) << s;
}

TEST_F(AggregatorTest, ASecondIsCompleteWhenEveryThreadHasToldOfIt) {
  Aggregator a = Make();
  Recorder& left = a.AddRecorder();
  Recorder& right = a.AddRecorder();
  left.Rotate(kStart + kSecond);
  EXPECT_EQ(a.Collect(kStart + kSecond + 1), 0);
  right.Rotate(kStart + kSecond);
  EXPECT_EQ(a.Collect(kStart + kSecond + 2), 1);
  EXPECT_EQ(a.CompleteSeconds(), 1u);
}

TEST_F(AggregatorTest, ASilentThreadHoldsASecondUpNoLongerThanTheGrace) {
  Aggregator a = Make();
  Recorder& left = a.AddRecorder();
  (void)a.AddRecorder();
  left.Rotate(kStart + kSecond);
  EXPECT_EQ(a.Collect(kStart + kSecond + Aggregator::kGraceNs - 1), 0);
  EXPECT_EQ(a.Collect(kStart + kSecond + Aggregator::kGraceNs), 1);
}

TEST_F(AggregatorTest, WhatIsToldLateStillCountsInItsSecond) {
  Aggregator a = Make();
  Recorder& prompt = a.AddRecorder();
  Recorder& late = a.AddRecorder();
  Record(late, 0, 7, 900'000'000 / 2);
  for (std::uint64_t s = 0; s < 30; ++s) {
    Record(prompt, s, 5, 1'000'000);
    prompt.Rotate(kStart + (s + 1) * kSecond);
    a.Collect(kStart + (s + 2) * kSecond);
  }
  EXPECT_EQ(a.rows()[0].requests, 5u);
  late.Rotate(kStart + 30 * kSecond, Recorder::Flush::kFinal);
  prompt.Rotate(kStart + 30 * kSecond, Recorder::Flush::kFinal);
  a.Finish(kStart + 30 * kSecond);
  EXPECT_EQ(a.rows()[0].requests, 12u);
  EXPECT_EQ(a.rows()[0].late, 7u);
  EXPECT_EQ(a.rows()[0].latency.max, 450'000'000u);
  EXPECT_EQ(a.StepRows(0)[0].requests, 12u);
  EXPECT_EQ(a.totals().all.requests, 157u);
}

TEST_F(AggregatorTest, ThinnedRowsKeepCountsAndExtremes) {
  Aggregator a = Make({.max_rows = 100});
  Recorder& r = a.AddRecorder();
  base::Random random(9);
  std::uint64_t requests = 0, most = 0;
  for (std::uint64_t s = 0; s < 1000; ++s) {
    const int n = static_cast<int>(random.Below(5));
    const std::uint64_t duration = 1'000'000 + random.Below(400'000'000);
    Record(r, s, n, duration, 1);
    requests += static_cast<std::uint64_t>(n);
    if (n > 0) most = std::max(most, duration);
    r.Rotate(kStart + (s + 1) * kSecond);
    a.Collect(kStart + (s + 1) * kSecond);
  }
  r.Rotate(kStart + 1000 * kSecond, Recorder::Flush::kFinal);
  a.Finish(kStart + 1000 * kSecond);
  EXPECT_LE(a.rows().size(), 100u);
  EXPECT_GE(a.rows().size(), 50u);
  std::uint64_t in_rows = 0, in_step = 0, max = 0;
  for (const Row& row : a.rows()) {
    in_rows += row.requests;
    max = std::max(max, row.latency.max);
    EXPECT_EQ(row.second % row.width, 0u);
  }
  for (const StepRow& row : a.StepRows(1)) in_step += row.requests;
  EXPECT_EQ(in_rows, requests);
  EXPECT_EQ(in_step, requests);
  EXPECT_EQ(max, most);
}

TEST_F(AggregatorTest, TheWindowHasTheLastCompleteSecondsOfWatchedSteps) {
  Aggregator a = Make({.window_seconds = 5});
  a.WatchSteps({false, true, false});
  Recorder& r = a.AddRecorder();
  std::uint32_t covered = 9;
  EXPECT_EQ(a.Window(5, &covered).all.requests, 0u);
  EXPECT_EQ(covered, 0u);
  for (std::uint64_t s = 0; s < 20; ++s) {
    Record(r, s, static_cast<int>(s), 1'000'000, 0);
    Record(r, s, 1, 2'000'000, 1);
    r.Rotate(kStart + (s + 1) * kSecond);
    a.Collect(kStart + (s + 1) * kSecond);
  }
  const Totals& window = a.Window(3, &covered);
  EXPECT_EQ(covered, 3u);
  EXPECT_EQ(window.all.requests, 17u + 18u + 19u + 3u);
  EXPECT_EQ(window.steps[1]->requests, 3u);
  EXPECT_TRUE(window.steps[0] == nullptr || window.steps[0]->requests == 0);
}

TEST_F(AggregatorTest, UsersAreThoseOfAllThreadsAtTheirMost) {
  Aggregator a = Make();
  Recorder& left = a.AddRecorder();
  Recorder& right = a.AddRecorder();
  left.SetUsers(30);
  right.SetUsers(12);
  left.SetUsers(3);
  left.Rotate(kStart + kSecond);
  right.Rotate(kStart + kSecond);
  a.Collect(kStart + kSecond);
  EXPECT_EQ(a.MostUsers(), 42u);
  EXPECT_EQ(a.CurrentGauges().users, 15u);
  EXPECT_EQ(a.Look(kStart + kSecond).last.users, 42u);
}

TEST_F(AggregatorTest, FailuresOfAllThreadsAreOneGroupWithOneExample) {
  Aggregator a = Make();
  for (int t = 0; t < 3; ++t) {
    Recorder& r = a.AddRecorder();
    for (int i = 0; i <= t; ++i) {
      r.RecordFailure({.step = 1, .kind = FailureKind::kTransport, .code = 1, .message = "refused"},
                      [&](Example& example) { example.user = "u" + std::to_string(t); });
    }
    r.RecordFailure({.step = 0, .kind = FailureKind::kStatus, .code = 500, .message = "500"},
                    [](Example&) {});
    r.Rotate(kStart + 2 * kSecond, Recorder::Flush::kFinal);
  }
  a.Finish(kStart + 2 * kSecond);
  const auto groups = a.Failures();
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_EQ(groups[0]->count, 6u);
  EXPECT_EQ(groups[0]->message, "refused");
  EXPECT_EQ(groups[0]->example->user, "u0");
  EXPECT_EQ(groups[1]->count, 3u);
}

TEST_F(AggregatorTest, LocalStepsHaveADurationAndAreNoRequests) {
  Aggregator a = Make();
  Recorder& r = a.AddRecorder();
  r.RecordStep(2, kStart, kStart + 5'000'000, Outcome::kFailed);
  r.Rotate(kStart + kSecond, Recorder::Flush::kFinal);
  a.Finish(kStart + kSecond);
  EXPECT_EQ(a.totals().all.requests, 0u);
  EXPECT_EQ(a.totals().all.failed, 0u);
  EXPECT_EQ(a.totals().steps[2]->failed, 1u);
  EXPECT_EQ(a.StepRows(2)[0].requests, 1u);
}

// A run on two processes: one tells of its seconds in bytes.
TEST_F(AggregatorTest, WhatAnotherProcessTellsIsMergedExactly) {
  Aggregator both = Make();
  Aggregator alone = Make();
  Recorder& here = both.AddRecorder();
  Recorder& there = alone.AddRecorder();
  const std::size_t remote = both.AddRemote();
  base::Random random(21);
  base::Histogram expected;
  for (int i = 0; i < 5000; ++i) {
    Exchange e =
        ExchangeAt(kStart + 1'000'000'000 + static_cast<std::uint64_t>(i), random.Below(1u << 28));
    e.phases = {0, 1, 2, 3, 4, 5, random.Below(1000)};
    e.error = static_cast<ErrorId>(i % 3);
    (i % 2 == 0 ? here : there).RecordExchange(e);
    expected.Record(e.end_ns - e.start_ns);
  }
  there.RecordArrival(0, kStart, kStart + 77);
  there.RecordDropped(0, kStart + kSecond, 3);
  there.RecordFailure({.step = 1, .kind = FailureKind::kStep, .code = 0, .message = "no token"},
                      [](Example& example) { example.detail = "why"; });
  here.Rotate(kStart + 3 * kSecond, Recorder::Flush::kFinal);
  there.Rotate(kStart + 3 * kSecond, Recorder::Flush::kFinal);
  for (Interval *i = there.TakeAll(), *next = nullptr; i != nullptr; i = next) {
    std::string bytes;
    EncodeInterval(*i, bytes);
    next = i->next;
    there.Recycle(i);
    auto decoded = DecodeInterval(bytes, shape_);
    ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
    both.Add(remote, **decoded);
  }
  EXPECT_EQ(both.Collect(kStart + 3 * kSecond), 3);
  both.Finish(kStart + 3 * kSecond);
  EXPECT_EQ(both.totals().all.Latency(), expected);
  EXPECT_EQ(both.totals().all.errors.size(), 2u);
  EXPECT_EQ(both.totals().Dropped(), 3u);
  EXPECT_EQ(both.totals().Lateness().MaxNs(), 77u);
  ASSERT_EQ(both.Failures().size(), 1u);
  EXPECT_EQ(both.Failures()[0]->example->detail, "why");
}

TEST_F(AggregatorTest, AnIntervalOfAnotherShapeOrCutShortIsRefused) {
  Recorder r(shape_, kStart);
  Record(r, 0, 5, 1'000'000);
  r.RecordFailure({.step = 1, .kind = FailureKind::kStep, .code = 0, .message = "no token"},
                  [](Example& example) { example.detail = "why"; });
  r.Rotate(kStart + kSecond, Recorder::Flush::kFinal);
  Interval* interval = r.TakeAll();
  std::string bytes;
  EncodeInterval(*interval, bytes);
  r.Recycle(interval);
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    EXPECT_FALSE(DecodeInterval(std::string_view(bytes).substr(0, n), shape_).ok()) << n;
  }
  Shape other = shape_;
  other.checks.pop_back();
  EXPECT_FALSE(DecodeInterval(bytes, other).ok());
}

}  // namespace
}  // namespace ronda::stats
