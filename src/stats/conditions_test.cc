#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/core/clock.h"
#include "stats/format.h"
#include "stats/guards.h"
#include "stats/metrics.h"
#include "stats/stats_test_util.h"
#include "stats/thresholds.h"

namespace ronda::stats {
namespace {

using testing::Contains;
using testing::HasSubstr;

class ConditionsTest : public testing::Test {
 protected:
  ConditionsTest()
      : aggregator_(shape_, {.start_ns = kStart}), recorder_(aggregator_.AddRecorder()) {}

  // One second of the run: `good` and `bad` exchanges of `duration_ns`.
  void Second(int good, int bad, std::uint64_t duration_ns = 1'000'000, StepId step = 0) {
    const std::uint64_t middle = kStart + clock_.MonotonicNs() - kSecond + 500'000'000;
    for (int i = 0; i < good + bad; ++i) {
      Exchange e = ExchangeAt(middle - duration_ns, duration_ns);
      e.step = step;
      e.outcome = i < good ? Outcome::kOk : Outcome::kFailed;
      recorder_.RecordExchange(e);
    }
    clock_.Advance(kSecond);
    recorder_.Rotate(Now());
    aggregator_.Collect(Now());
  }
  [[nodiscard]] std::uint64_t Now() const { return kStart + clock_.MonotonicNs() - kSecond; }

  ThresholdResult Judge(const std::string& text) {
    const std::vector<ConditionSpec> specs = {{text, {}}};
    auto thresholds = Thresholds::Compile(specs, shape_, {}, diagnostics_);
    if (!thresholds)
      return {.text = "does not compile", .actual = {}, .reason = diagnostics_.Render()};
    return thresholds->Evaluate({.totals = &aggregator_.totals(),
                                 .seconds = aggregator_.MeasuredSeconds(),
                                 .users = 0,
                                 .users_max = aggregator_.MostUsers(),
                                 .external = {}})[0];
  }
  bool Passes(const std::string& text) {
    const ThresholdResult result = Judge(text);
    EXPECT_NE(result.text, "does not compile") << text << ": " << result.reason;
    return result.verdict == ThresholdResult::Verdict::kPassed;
  }
  std::unique_ptr<Guards> Guard(const std::string& when, std::uint64_t for_seconds,
                                GuardAction action = GuardAction::kAbort, double to = 0,
                                std::span<const ExternalMetric> external = {}) {
    std::vector<GuardSpec> specs(1);
    specs[0].when.text = when;
    specs[0].for_ns = for_seconds * kSecond;
    specs[0].action = action;
    specs[0].to = to;
    auto guards = Guards::Compile(specs, shape_, external, diagnostics_);
    EXPECT_NE(guards, nullptr) << diagnostics_.Render();
    aggregator_.WatchSteps(guards->StepsUsed());
    return guards;
  }

  const Shape shape_ = TestShape();
  base::FakeClock clock_;
  Aggregator aggregator_;
  Recorder& recorder_;
  model::Diagnostics diagnostics_;
};

TEST_F(ConditionsTest, ThresholdsReadTheWholeRun) {
  for (int s = 0; s < 9; ++s) Second(100, 0, 10'000'000);
  Second(90, 10, 400'000'000);
  recorder_.RecordCheck(0, CheckResult::kPassed);
  recorder_.RecordCheck(0, CheckResult::kFailed);
  recorder_.RecordIteration(0, 0, Now() - 5, Now(), IterationOutcome::kFailed);
  recorder_.RecordArrival(0, Now(), Now() + 30'000'000);
  recorder_.RecordDropped(0, Now(), 4);
  recorder_.Rotate(Now(), Recorder::Flush::kFinal);
  aggregator_.Finish(Now());
  EXPECT_TRUE(Passes("drill.requests == 1000"));
  EXPECT_TRUE(Passes("drill.errors == 1%"));
  EXPECT_TRUE(Passes("drill.p50 < 10.1ms and drill.p50 > 9.9ms"));
  EXPECT_FALSE(Passes("drill.p95 < 300ms"));
  EXPECT_TRUE(Passes("drill.max == 400ms"));
  EXPECT_TRUE(Passes("drill.rate == 100.0"));
  EXPECT_TRUE(Passes("steps.login.requests == drill.requests"));
  EXPECT_TRUE(Passes("steps.order.requests == 0"));
  EXPECT_TRUE(Passes("drill.checks == 50% and drill.checks.failed == 1"));
  EXPECT_TRUE(Passes("checks['status == 200'] == 50%"));
  EXPECT_TRUE(Passes("scenarios.buy.iterations.failed == 1"));
  EXPECT_TRUE(Passes("drill.lateness.p99 == 30ms and drill.dropped == 4"));
}

TEST_F(ConditionsTest, AThresholdTellsTheActualValues) {
  Second(99, 1, 31'200'000);
  aggregator_.Finish(Now());
  const ThresholdResult result = Judge("drill.max < 10ms and drill.errors < 2%");
  ASSERT_EQ(result.actual.size(), 2u);
  std::string all;
  for (const auto& metric : result.actual) all += metric.name + "=" + metric.value + ";";
  EXPECT_THAT(all, HasSubstr("drill.max=31.2ms;"));
  EXPECT_THAT(all, HasSubstr("drill.errors=1%;"));
}

TEST_F(ConditionsTest, AThresholdOverNothingHasFailed) {
  const ThresholdResult result = Judge("drill.p95 < 300ms");
  EXPECT_EQ(result.verdict, ThresholdResult::Verdict::kFailed);
  EXPECT_THAT(result.reason, HasSubstr("drill.p95"));
  EXPECT_FALSE(Passes("drill.p95 > 300ms"));
  EXPECT_TRUE(Passes("absent(drill)"));
}

TEST_F(ConditionsTest, AnUnknownMetricIsALoadErrorWithTheNearestName) {
  EXPECT_THAT(Judge("drill.erors < 1%").reason, HasSubstr("drill.errors"));
  EXPECT_THAT(Judge("steps.logni.p95 < 300ms").reason, HasSubstr("steps.login"));
  EXPECT_EQ(Judge("drill.errors").text, "does not compile");
}

TEST_F(ConditionsTest, ListedMetricsResolve) {
  Metrics metrics(shape_, {});
  std::vector<std::string> names;
  metrics.List(names);
  EXPECT_THAT(names, Contains("steps.order.p99"));
  EXPECT_THAT(names, Contains("checks['status == 200'].failed"));
  for (const std::string& name : names) {
    model::LoadError error;
    EXPECT_NE(model::Expression::Compile("exists(" + name + ")", metrics, error), nullptr)
        << name << ": " << error.message;
  }
}

TEST_F(ConditionsTest, AGuardFiresOnceItsConditionHeldForAsLongAsItSays) {
  auto guards = Guard("drill.errors > 2%", 3);
  for (int s = 0; s < 12; ++s) {
    Second(100, 0);
    EXPECT_TRUE(guards->Evaluate(aggregator_, LoadState::kRunning, {}).empty());
  }
  std::vector<int> fired;
  for (int s = 0; s < 6; ++s) {
    Second(0, 100);
    for (const GuardEvent& event : guards->Evaluate(aggregator_, LoadState::kRunning, {})) {
      EXPECT_EQ(event.kind, GuardEvent::Kind::kFired);
      EXPECT_THAT(event.reason, HasSubstr("drill.errors is 30%"));
      fired.push_back(s);
    }
  }
  EXPECT_EQ(fired, std::vector<int>{2});
}

TEST_F(ConditionsTest, ABriefSpikeFiresNoGuardThatWantsLonger) {
  auto guards = Guard("drill.users < 5", 3);
  std::size_t events = 0;
  for (int s = 0; s < 20; ++s) {
    recorder_.SetUsers(s % 3 == 2 ? 10 : 1);
    Second(1, 0);
    events += guards->Evaluate(aggregator_, LoadState::kRunning, {}).size();
  }
  EXPECT_EQ(events, 0u);
}

TEST_F(ConditionsTest, SilenceOfAWholeWindowIsAFailure) {
  auto guards = Guard("absent(drill)", 0);
  Second(1, 0);
  EXPECT_TRUE(guards->Evaluate(aggregator_, LoadState::kRunning, {}).empty());
  int silent = 0;
  for (; silent < 20; ++silent) {
    Second(0, 0);
    if (!guards->Evaluate(aggregator_, LoadState::kRunning, {}).empty()) break;
  }
  EXPECT_EQ(silent, 9);  // the tenth second without a sample
}

TEST_F(ConditionsTest, AYoungRunIsNotSilent) {
  auto guards = Guard("absent(drill)", 0);
  for (int s = 0; s < 9; ++s) {
    Second(0, 0);
    EXPECT_TRUE(guards->Evaluate(aggregator_, LoadState::kRunning, {}).empty()) << s;
  }
  Second(0, 0);
  EXPECT_EQ(guards->Evaluate(aggregator_, LoadState::kRunning, {}).size(), 1u);
}

TEST_F(ConditionsTest, AMetricWithoutDataFiresUnlessTheConditionAllowsForIt) {
  auto open = Guard("real.p95 > 400ms", 0);
  auto allowed = Guard("exists(real.p95) and real.p95 > 400ms", 0);
  EXPECT_EQ(open->WithoutSource(), std::vector<std::string>{"real.p95"});
  std::size_t open_events = 0, allowed_events = 0;
  for (int s = 0; s < 12; ++s) {
    Second(1, 0);
    open_events += open->Evaluate(aggregator_, LoadState::kRunning, {}).size();
    allowed_events += allowed->Evaluate(aggregator_, LoadState::kRunning, {}).size();
  }
  EXPECT_EQ(open_events, 1u);
  EXPECT_EQ(allowed_events, 0u);
}

TEST_F(ConditionsTest, ExternalMetricsAreReadAsHandedIn) {
  const std::vector<ExternalMetric> external = {{"real.p95", model::Type::kDuration}};
  auto guards = Guard("real.p95 > 400ms", 2, GuardAction::kAbort, 0, external);
  EXPECT_TRUE(guards->WithoutSource().empty());
  std::size_t events = 0;
  const auto evaluate = [&](std::int64_t ms) {
    const model::Value value = model::Value::DurationNs(ms * 1'000'000);
    Second(1, 0);
    events += guards->Evaluate(aggregator_, LoadState::kRunning, {&value, 1}).size();
  };
  evaluate(450);
  evaluate(350);
  evaluate(450);
  EXPECT_EQ(events, 0u);
  evaluate(450);
  EXPECT_EQ(events, 1u);
}

TEST_F(ConditionsTest, AThrottleLetsGoOnceItsConditionIsOverForAWindow) {
  auto guards = Guard("drill.errors > 2%", 1, GuardAction::kThrottle, 0.5);
  for (int s = 0; s < 11; ++s) Second(100, 0);
  (void)guards->Evaluate(aggregator_, LoadState::kRunning, {});
  Second(0, 100);
  auto events = guards->Evaluate(aggregator_, LoadState::kRunning, {});
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].action, GuardAction::kThrottle);
  EXPECT_EQ(events[0].to, 0.5);
  EXPECT_TRUE(guards->StateOf(0).fired);
  int seconds = 0;
  for (; seconds < 40; ++seconds) {
    Second(100, 0);
    events = guards->Evaluate(aggregator_, LoadState::kRunning, {});
    if (!events.empty()) break;
  }
  EXPECT_EQ(events[0].kind, GuardEvent::Kind::kReleased);
  EXPECT_EQ(events[0].to, 1.0);
  EXPECT_EQ(seconds, 18);  // nine until the bad second has left the window, ten without it
}

TEST_F(ConditionsTest, WhileTheLoadIsPausedItsOwnSilenceIsNone) {
  auto guards = Guard("absent(drill)", 0);
  for (int s = 0; s < 12; ++s) Second(1, 0);
  (void)guards->Evaluate(aggregator_, LoadState::kRunning, {});
  for (int s = 0; s < 15; ++s) {
    Second(0, 0);
    EXPECT_TRUE(guards->Evaluate(aggregator_, LoadState::kPaused, {}).empty());
  }
  Second(0, 0);
  EXPECT_TRUE(guards->Evaluate(aggregator_, LoadState::kRunning, {}).empty());
}

TEST_F(ConditionsTest, AThrottleToMoreThanAllIsALoadError) {
  std::vector<GuardSpec> specs(1);
  specs[0].when.text = "drill.errors > 2%";
  specs[0].action = GuardAction::kThrottle;
  specs[0].to = 1.5;
  EXPECT_EQ(Guards::Compile(specs, shape_, {}, diagnostics_), nullptr);
  EXPECT_TRUE(diagnostics_.has_errors());
}

TEST(FormatTest, FiguresReadWell) {
  EXPECT_EQ(FormatDuration(0), "0ns");
  EXPECT_EQ(FormatDuration(4'080), "4.08µs");
  EXPECT_EQ(FormatDuration(31'200'000), "31.2ms");
  EXPECT_EQ(FormatDuration(999'600'000), "1s");
  EXPECT_EQ(FormatDuration(125e9), "2m05s");
  EXPECT_EQ(FormatDuration(3720e9), "1h02m");
  EXPECT_EQ(FormatCount(1'234'567), "1,234,567");
  EXPECT_EQ(FormatCount(999), "999");
  EXPECT_EQ(FormatPercent(0.0123), "1.23%");
  EXPECT_EQ(FormatPercent(0.00001), "<0.01%");
  EXPECT_EQ(FormatPercent(0.99999), ">99.99%");
  EXPECT_EQ(FormatPercent(1), "100%");
  EXPECT_EQ(FormatRate(12.34), "12.3/s");
  EXPECT_EQ(FormatRate(1234), "1,234/s");
  EXPECT_EQ(FormatBytes(1'234'567), "1.23 MB");
  EXPECT_EQ(FormatBytes(12), "12 B");
}

}  // namespace
}  // namespace ronda::stats
