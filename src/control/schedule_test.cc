#include "control/schedule.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace ronda::control {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

model::Trigger Cron(const std::string& text, std::int64_t jitter_ns = 0) {
  model::Trigger trigger;
  trigger.source = model::Trigger::Source::kCron;
  trigger.cron.text = text;
  trigger.zone = "UTC";
  trigger.jitter.ns = jitter_ns;
  return trigger;
}

model::Trigger Every(std::int64_t ns) {
  model::Trigger trigger;
  trigger.source = model::Trigger::Source::kEvery;
  trigger.every.ns = ns;
  return trigger;
}

TEST(Schedule, ManyWithOnePeriodDoNotBunch) {
  std::set<std::int64_t> seconds;
  for (int i = 0; i < 200; ++i) {
    const auto schedule = ScheduleOf(Every(60 * kSecond), "Patrol/p" + std::to_string(i) + "#0");
    ASSERT_TRUE(schedule.ok());
    const std::int64_t first = *(*schedule)->Next(1'700'000'000 * kSecond);
    EXPECT_EQ(*(*schedule)->Next(first), first + 60 * kSecond);
    seconds.insert(first / kSecond % 60);
  }
  EXPECT_GT(seconds.size(), 45u) << "spread over the minute";
}

TEST(Schedule, ItsTimesAreTheSameWhoeverAsksAndWhen) {
  const auto a = ScheduleOf(Every(30 * kSecond), "Patrol/p#0");
  const auto b = ScheduleOf(Every(30 * kSecond), "Patrol/p#0");
  const std::int64_t first = *(*a)->Next(1'700'000'000 * kSecond);
  EXPECT_EQ(*(*b)->Next(first - 1), first);
  EXPECT_GT(*(*b)->Next(first), first);
}

TEST(Schedule, CronTimesComeInOrderAndOnceWhateverTheJitter) {
  const auto schedule = ScheduleOf(Cron("* * * * *", 59 * kSecond), "Patrol/p#0");
  ASSERT_TRUE(schedule.ok()) << schedule.status().ToString();
  std::int64_t at = 1'700'000'000 * kSecond;
  std::set<std::int64_t> minutes;
  for (int i = 0; i < 100; ++i) {
    const std::int64_t next = *(*schedule)->Next(at);
    EXPECT_GT(next, at);
    EXPECT_TRUE(minutes.insert(next / (60 * kSecond)).second) << "a minute has one time";
    at = next;
  }
}

TEST(Schedule, WithoutJitterCronIsExact) {
  const auto schedule = ScheduleOf(Cron("30 3 * * *"), "k");
  ASSERT_TRUE(schedule.ok());
  EXPECT_EQ(*(*schedule)->Next(1'700'000'000 * kSecond) / kSecond % 86'400, 3 * 3600 + 30 * 60);
}

TEST(Schedule, WhatIsNotByTimeHasNone) {
  model::Trigger trigger;
  trigger.source = model::Trigger::Source::kEvent;
  EXPECT_EQ(*ScheduleOf(trigger, "k"), nullptr);
}

}  // namespace
}  // namespace ronda::control
