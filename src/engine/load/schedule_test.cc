#include "engine/load/schedule.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace ronda::engine {
namespace {

constexpr std::uint64_t kMs = 1'000'000;
constexpr std::uint64_t kS = 1'000'000'000;

std::vector<std::uint64_t> Due(ArrivalSchedule& schedule, std::uint64_t most = 1'000'000) {
  std::vector<std::uint64_t> times;
  for (std::uint64_t k = 0; k < most; ++k) {
    const std::uint64_t at = schedule.TimeOf(k);
    if (at == kNever) break;
    times.push_back(at);
  }
  return times;
}

std::uint64_t Before(ArrivalSchedule& schedule, std::uint64_t ns) {
  std::uint64_t n = 0;
  for (const std::uint64_t at : Due(schedule)) n += at < ns ? 1 : 0;
  return n;
}

TEST(ArrivalSchedule, AConstantRateMakesExactlyItsArrivals) {
  for (const std::uint64_t rate : {1, 3, 7, 10, 25, 33, 999, 1000}) {
    for (const std::uint64_t ms : {100, 280, 300, 700, 1000, 1100, 2300, 4400}) {
      ArrivalSchedule schedule(
          5 * kS, 0, {{static_cast<double>(rate), 0}, {static_cast<double>(rate), ms * kMs}});
      // k is due at k / rate; those before the end.
      const std::uint64_t expected = (rate * ms + 999) / 1000;
      const auto due = Due(schedule);
      ASSERT_EQ(due.size(), expected) << rate << "/s for " << ms << " ms";
      for (std::uint64_t k = 0; k < due.size(); ++k)
        ASSERT_NEAR(static_cast<double>(due[k] - 5 * kS),
                    static_cast<double>(k) * 1e9 / static_cast<double>(rate), 1);
    }
  }
}

TEST(ArrivalSchedule, ThirtyDaysDoNotDrift) {
  constexpr std::uint64_t kRate = 1237;
  constexpr std::uint64_t kDays = std::uint64_t{30} * 86'400;
  ArrivalSchedule schedule(kS, kRate, {{kRate, kDays * kS}});
  for (const std::uint64_t k :
       {kRate * std::uint64_t{86'400} + 5, kRate * kDays / 2 + 1, kRate * kDays - 1}) {
    const unsigned __int128 exact = static_cast<unsigned __int128>(k) * kS / kRate + kS;
    const std::uint64_t at = schedule.TimeOf(k);
    const auto want = static_cast<std::uint64_t>(exact);
    EXPECT_LE(at > want ? at - want : want - at, 2u) << k;
  }
  EXPECT_EQ(schedule.TimeOf(kRate * kDays), kNever);
}

TEST(ArrivalSchedule, OneAnHourIsDueByTheHour) {
  ArrivalSchedule schedule(0, 1.0 / 3600, {{1.0 / 3600, 3 * 3600 * kS}});
  EXPECT_EQ(Due(schedule), (std::vector<std::uint64_t>{0, 3600 * kS, 7200 * kS}));
}

TEST(ArrivalSchedule, ARampIsDueByTheIntegralOfItsRate) {
  ArrivalSchedule schedule(0, 0, {{100, 10 * kS}, {0, 10 * kS}});
  EXPECT_NEAR(schedule.Total(), 1000, 1e-6);
  const auto due = Due(schedule);
  ASSERT_EQ(due.size(), 1000u);
  for (std::size_t k = 0; k < 500; ++k)  // up: N(t) = 5 t^2
    ASSERT_NEAR(static_cast<double>(due[k]) / 1e9, std::sqrt(static_cast<double>(k) / 5), 1e-8);
  for (std::size_t k = 501; k < 1000; ++k)  // down: mirrored
    ASSERT_NEAR(static_cast<double>(due[k]) / 1e9,
                20 - std::sqrt(static_cast<double>(1000 - k) / 5), 1e-8);
}

TEST(ArrivalSchedule, ARateOfZeroHasNoArrivalAndTheNextStageBeginsAfresh) {
  ArrivalSchedule schedule(0, 0, {{0, 10 * kS}, {10, 0}, {10, kS}});
  const auto due = Due(schedule);
  ASSERT_EQ(due.size(), 10u);
  EXPECT_EQ(due[0], 10 * kS);
}

TEST(ArrivalSchedule, APauseMovesAllThatComesAfterIt) {
  ArrivalSchedule schedule(0, 10, {{10, 10 * kS}});
  EXPECT_EQ(schedule.TimeOf(50), 5 * kS);
  schedule.Pause(3 * kS + 50 * kMs);
  EXPECT_TRUE(schedule.paused());
  EXPECT_EQ(schedule.TimeOf(30), 3 * kS);
  EXPECT_GT(schedule.TimeOf(31), 1'000'000 * kS);
  schedule.Resume(7 * kS + 50 * kMs);
  EXPECT_EQ(schedule.TimeOf(30), 3 * kS);
  EXPECT_EQ(schedule.TimeOf(31), 7 * kS + 100 * kMs);
  EXPECT_EQ(schedule.end_ns(), 14 * kS);
  EXPECT_EQ(Due(schedule).size(), 100u);
  schedule.Pause(8 * kS);
  schedule.Pause(9 * kS);  // already
  schedule.Resume(10 * kS);
  EXPECT_EQ(schedule.end_ns(), 16 * kS);
  EXPECT_EQ(Due(schedule).size(), 100u);
}

TEST(ArrivalSchedule, AThrottleIsAFactorAndLetsGoAgain) {
  ArrivalSchedule schedule(0, 100, {{100, 10 * kS}});
  schedule.Scale(2 * kS, 0.5);
  EXPECT_DOUBLE_EQ(schedule.RateAt(3 * kS), 50);
  schedule.Scale(4 * kS, 1);
  EXPECT_DOUBLE_EQ(schedule.RateAt(3 * kS), 50);
  EXPECT_DOUBLE_EQ(schedule.RateAt(5 * kS), 100);
  EXPECT_EQ(Due(schedule).size(), 900u);
  EXPECT_EQ(Before(schedule, 4 * kS), 300u);
}

TEST(ArrivalSchedule, ALimitCutsWhatIsAboveItAndTheRestStays) {
  ArrivalSchedule schedule(0, 0, {{100, 10 * kS}, {0, 10 * kS}});
  schedule.Limit(0, 50);
  EXPECT_DOUBLE_EQ(schedule.RateAt(2 * kS), 20);
  EXPECT_DOUBLE_EQ(schedule.RateAt(8 * kS), 50);
  EXPECT_DOUBLE_EQ(schedule.RateAt(12 * kS), 50);
  EXPECT_NEAR(schedule.RateAt(18 * kS), 20, 1e-6);
  EXPECT_NEAR(schedule.Total(), 125 + 250 + 250 + 125, 1e-3);
  schedule.Limit(10 * kS, std::numeric_limits<double>::infinity());
  EXPECT_DOUBLE_EQ(schedule.RateAt(8 * kS), 50);
  EXPECT_DOUBLE_EQ(schedule.RateAt(12 * kS), 80);
  EXPECT_NEAR(schedule.Total(), 125 + 250 + 500, 1e-3);
}

TEST(ArrivalSchedule, ASetRateHoldsToTheEndAndThrottlesStayOnTopOfIt) {
  ArrivalSchedule schedule(0, 100, {{200, 10 * kS}});
  schedule.Scale(kS, 0.5);
  schedule.SetRate(2 * kS, 40);
  EXPECT_DOUBLE_EQ(schedule.RateAt(3 * kS), 20);
  schedule.Scale(4 * kS, 1);
  EXPECT_DOUBLE_EQ(schedule.RateAt(9 * kS), 40);
  schedule.SetRate(5 * kS, 0);
  EXPECT_DOUBLE_EQ(schedule.RateAt(9 * kS), 0);
  schedule.SetRate(6 * kS, 10);
  EXPECT_DOUBLE_EQ(schedule.RateAt(9 * kS), 10);
}

TEST(ArrivalSchedule, ARateSetDuringAPauseHoldsAfterIt) {
  ArrivalSchedule schedule(0, 10, {{10, 10 * kS}});
  schedule.Pause(2 * kS);
  schedule.SetRate(3 * kS, 100);
  schedule.Resume(5 * kS);
  EXPECT_DOUBLE_EQ(schedule.RateAt(4 * kS), 0);
  EXPECT_DOUBLE_EQ(schedule.RateAt(6 * kS), 100);
  EXPECT_EQ(Due(schedule).size(), 20u + 800u);
}

TEST(ArrivalSchedule, NothingIsDueAtOrAfterItsEnd) {
  ArrivalSchedule schedule(kS, 10, {{10, 10 * kS}});
  schedule.End(3 * kS);
  EXPECT_EQ(Due(schedule).size(), 20u);
  ArrivalSchedule early(kS, 10, {{10, 10 * kS}});
  early.End(kS / 2);
  EXPECT_TRUE(Due(early).empty());
}

// Every change of UsersAt is announced, in order, by NextChange.
void ExpectChanges(const UserRamp& ramp, std::uint64_t until_ns, std::uint64_t step_ns) {
  std::uint64_t next = ramp.NextChange(0);
  std::uint32_t users = ramp.UsersAt(0);
  for (std::uint64_t ns = 0; ns <= until_ns; ns += step_ns) {
    while (next <= ns) {
      ASSERT_NE(ramp.UsersAt(next - 1), ramp.UsersAt(next)) << next;
      users = ramp.UsersAt(next);
      const std::uint64_t after = ramp.NextChange(next);
      ASSERT_GT(after, next);
      next = after;
    }
    ASSERT_EQ(ramp.UsersAt(ns), users) << ns;
  }
}

TEST(UserRamp, EveryChangeIsAnnounced) {
  ExpectChanges(UserRamp(0, 1, {{10, 10 * kS}, {10, 5 * kS}, {0, 5 * kS}}), 25 * kS, 10 * kMs);
  ExpectChanges(UserRamp(0, 0, {{7, 0}, {7, kS}, {3, 0}, {3, kS}, {0, kS}}), 5 * kS, 10 * kMs);
  // A ramp up that a jump takes back to where it began.
  ExpectChanges(UserRamp(0, 0, {{10, 10 * kS}, {0, 0}, {4, 4 * kS}}), 20 * kS, 10 * kMs);
}

TEST(UserRamp, IsLinearBetweenTargetsAndStaysAtTheLast) {
  const UserRamp ramp(kS, 0, {{10, 10 * kS}, {4, 2 * kS}});
  EXPECT_EQ(ramp.UsersAt(0), 0u);
  EXPECT_EQ(ramp.UsersAt(6 * kS), 5u);
  EXPECT_EQ(ramp.UsersAt(11 * kS), 10u);
  EXPECT_EQ(ramp.UsersAt(12 * kS), 7u);
  EXPECT_EQ(ramp.UsersAt(99 * kS), 4u);
  EXPECT_EQ(ramp.Max(), 10u);
  EXPECT_EQ(ramp.end_ns(), 13 * kS);
}

}  // namespace
}  // namespace ronda::engine
