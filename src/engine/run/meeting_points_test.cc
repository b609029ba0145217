#include "engine/run/meeting_points.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ronda::engine {
namespace {

constexpr std::uint64_t kS = 1'000'000'000;
constexpr std::uint64_t kStart = 50 * kS;

struct Meetings {
  explicit Meetings(MeetPlan plan)
      : plans{std::move(plan)},
        points(
            plans,
            [this](std::uint32_t, std::uint64_t round, std::uint64_t at) {
              released.emplace_back(round, at);
            },
            [this](const MeetPlan& missed, std::uint32_t waiting) {
              aborted.push_back(missed.name + " " + std::to_string(waiting));
            }) {
    points.Start(kStart);
  }
  std::vector<MeetPlan> plans;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> released;
  std::vector<std::string> aborted;
  MeetingPoints points;
};

MeetPlan Plan(std::uint32_t users, std::optional<std::uint64_t> at = std::nullopt) {
  return {.name = "spike",
          .users = users,
          .at_ns = at,
          .timeout_ns = 20 * kS,
          .abort_on_timeout = false};
}

TEST(MeetingPoints, TheLastToComeReleasesAll) {
  Meetings m(Plan(3));
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(m.points.Arrive(0, kStart + 1));
  EXPECT_TRUE(m.released.empty());
  ASSERT_TRUE(m.points.Arrive(0, kStart + 2));
  ASSERT_EQ(m.released.size(), 1u);
  EXPECT_EQ(m.released[0].first, 0u);
  EXPECT_GT(m.released[0].second, kStart + 2) << "every thread has to hear of it first";
  // And again, in a round of its own.
  EXPECT_EQ(m.points.Arrive(0, kStart + 3)->round, 1u);
}

TEST(MeetingPoints, NobodyGoesBeforeAt) {
  Meetings m(Plan(2, 60 * kS));
  EXPECT_FALSE(m.points.Arrive(0, kStart + 39 * kS))
      << "too early to wait: within `timeout` of `at`";
  const auto first = m.points.Arrive(0, kStart + 41 * kS);
  ASSERT_TRUE(first);
  ASSERT_TRUE(m.points.Arrive(0, kStart + 42 * kS));
  ASSERT_TRUE(m.points.Arrive(0, kStart + 43 * kS));
  EXPECT_TRUE(m.released.empty()) << "enough are there, but not before `at`";
  EXPECT_EQ(first->wake_ns, kStart + 60 * kS);
  EXPECT_FALSE(m.points.OnWake(0, first->round, first->wake_ns));
  EXPECT_EQ(m.released.size(), 1u);
  EXPECT_FALSE(m.points.Arrive(0, kStart + 61 * kS)) << "held once";
}

TEST(MeetingPoints, AfterAtItWaitsForTheRestButNotBeyondTheTimeout) {
  Meetings m(Plan(3, 60 * kS));
  const auto first = m.points.Arrive(0, kStart + 50 * kS);
  ASSERT_TRUE(first);
  const auto again = m.points.OnWake(0, first->round, first->wake_ns);
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, kStart + 80 * kS);
  EXPECT_FALSE(m.points.OnWake(0, first->round, *again));
  EXPECT_EQ(m.released.size(), 1u);
  EXPECT_TRUE(m.aborted.empty());
}

TEST(MeetingPoints, ATimeoutReleasesThoseWhoAreThere) {
  Meetings m(Plan(3));
  const auto wait = m.points.Arrive(0, kStart + kS);
  ASSERT_TRUE(wait);
  EXPECT_EQ(wait->wake_ns, kStart + 21 * kS);
  EXPECT_FALSE(m.points.OnWake(0, wait->round, wait->wake_ns));
  EXPECT_EQ(m.released.size(), 1u);
  EXPECT_EQ(m.points.Results()[0].timeouts, 1u);
}

TEST(MeetingPoints, ATimeoutAbortsWhereThePlanSaysSo) {
  MeetPlan plan = Plan(3);
  plan.abort_on_timeout = true;
  Meetings m(plan);
  const auto wait = m.points.Arrive(0, kStart);
  EXPECT_FALSE(m.points.OnWake(0, wait->round, wait->wake_ns));
  EXPECT_EQ(m.aborted, std::vector<std::string>{"spike 1"});
  EXPECT_EQ(m.released.size(), 1u) << "who waits goes on in any case";
}

TEST(MeetingPoints, WhoWasInterruptedMissesNothing) {
  MeetPlan plan = Plan(2);
  plan.abort_on_timeout = true;
  Meetings m(plan);
  const auto wait = m.points.Arrive(0, kStart);
  m.points.Leave(0, wait->round);
  EXPECT_FALSE(m.points.OnWake(0, wait->round, wait->wake_ns));
  EXPECT_TRUE(m.aborted.empty()) << "nobody waited";
  // A place that was left has to be taken again.
  ASSERT_TRUE(m.points.Arrive(0, kStart + 30 * kS));
  m.points.Leave(0, 1);
  m.released.clear();
  ASSERT_TRUE(m.points.Arrive(0, kStart + 31 * kS));
  EXPECT_TRUE(m.released.empty());
}

TEST(MeetingPoints, WhenTheLoadEndsNobodyWaitsAnyMore) {
  Meetings m(Plan(100));
  ASSERT_TRUE(m.points.Arrive(0, kStart));
  m.points.ReleaseAll(kStart + kS);
  EXPECT_EQ(m.released, (std::vector<std::pair<std::uint64_t, std::uint64_t>>{{0, kStart + kS}}));
  EXPECT_FALSE(m.points.Arrive(0, kStart + 2 * kS));
  EXPECT_FALSE(m.points.OnWake(0, 0, kStart + 20 * kS)) << "a late timer of the old round";
}

TEST(MeetingPoints, BeforeTheStartNobodyWaits) {
  MeetingPoints points({Plan(2)}, [](auto, auto, auto) {}, [](const auto&, auto) {});
  EXPECT_FALSE(points.Arrive(0, kStart));
}

TEST(MeetingPoints, TheSkewIsFromTheFirstToTheLastOfAllThreads) {
  Meetings m(Plan(4));
  m.points.NoteGone(0, 0, 2, kStart + 10, kStart + 30);
  m.points.NoteGone(0, 0, 2, kStart + 5, kStart + 25);
  m.points.NoteGone(0, 1, 4, kStart + 100, kStart + 107);
  const auto results = m.points.Results();
  ASSERT_EQ(results.size(), 1u);
  EXPECT_EQ(results[0].rounds, 2u);
  EXPECT_EQ(results[0].users, 8u);
  EXPECT_EQ(results[0].max_skew_ns, 25u);
  EXPECT_EQ(results[0].last_skew_ns, 7u);
}

TEST(MeetingPoints, ManyRoundsAreTold) {
  Meetings m(Plan(1));
  for (std::uint64_t round = 0; round < 1000; ++round)
    m.points.NoteGone(0, round, 1, round, 2 * round);
  EXPECT_EQ(m.points.Results()[0].rounds, 1000u);
  EXPECT_EQ(m.points.Results()[0].max_skew_ns, 999u);
}

}  // namespace
}  // namespace ronda::engine
