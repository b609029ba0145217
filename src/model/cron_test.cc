#include "model/cron.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>
#include <string>
#include <vector>

namespace ronda::model {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TimeZone Zone(const std::string& name) {
  auto zone = TimeZone::Load(name);
  EXPECT_TRUE(zone.ok()) << name;
  return zone.ok() ? *zone : TimeZone::Utc();
}

// "2024-03-10 07:00:00", UTC.
std::string Show(std::int64_t ns) {
  const auto seconds = static_cast<std::time_t>(ns / 1'000'000'000);
  std::tm tm{};
  gmtime_r(&seconds, &tm);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm);
  return text;
}

std::int64_t Moment(const std::string& text) {
  std::tm tm{};
  EXPECT_NE(strptime(text.c_str(), "%Y-%m-%d %H:%M:%S", &tm), nullptr) << text;
  return static_cast<std::int64_t>(timegm(&tm)) * 1'000'000'000;
}

// The next `count` times after `after`, all in UTC.
std::vector<std::string> Times(const std::string& text, const std::string& zone,
                               const std::string& after, int count) {
  LoadError error;
  const auto cron = Cron::Parse(text, error);
  if (!cron.has_value()) return {"error: " + error.message};
  std::vector<std::string> times;
  std::int64_t at = Moment(after);
  for (int i = 0; i < count; ++i) {
    const auto next = cron->Next(at, Zone(zone));
    times.push_back(next.has_value() ? Show(*next) : "never");
    if (!next.has_value()) break;
    at = *next;
  }
  return times;
}

// "offset: message (hint)" of a text that is no schedule.
std::string Error(const std::string& text) {
  LoadError error;
  EXPECT_FALSE(Cron::Parse(text, error).has_value()) << text;
  return std::to_string(error.offset) + ": " + error.message + " (" + error.hint + ")";
}

TEST(Cron, FieldsAreMinuteHourDayMonthWeekday) {
  EXPECT_THAT(Times("30 4 1 6 *", "UTC", "2024-01-01 00:00:00", 2),
              ElementsAre("2024-06-01 04:30:00", "2025-06-01 04:30:00"));
  EXPECT_THAT(Times("*/20 9-10 * * MON-FRI", "UTC", "2024-03-08 10:30:00", 3),
              ElementsAre("2024-03-08 10:40:00", "2024-03-11 09:00:00", "2024-03-11 09:20:00"));
  EXPECT_THAT(Times("0 0 * jan,Jul 7", "UTC", "2024-01-28 00:00:00", 1),
              ElementsAre("2024-07-07 00:00:00"));
  EXPECT_THAT(Times("5/20 * * * *", "UTC", "2024-01-01 00:00:00", 4),
              ElementsAre("2024-01-01 00:05:00", "2024-01-01 00:25:00", "2024-01-01 00:45:00",
                          "2024-01-01 01:05:00"));
}

TEST(Cron, SixFieldsBeginWithTheSecond) {
  EXPECT_THAT(Times("*/30 0 12 ? * SAT", "UTC", "2024-03-09 12:00:00", 2),
              ElementsAre("2024-03-09 12:00:30", "2024-03-16 12:00:00"));
}

TEST(Cron, TheNextTimeIsAfterTheGivenOneToTheNanosecond) {
  LoadError error;
  const auto cron = Cron::Parse("* * * * *", error);
  const std::int64_t minute = Moment("2024-01-01 00:01:00");
  EXPECT_EQ(cron->Next(minute - 1, TimeZone::Utc()), minute);
  EXPECT_EQ(cron->Next(minute, TimeZone::Utc()), minute + 60'000'000'000);
  EXPECT_EQ(cron->Next(-1, TimeZone::Utc()), 0) << "before 1970 too";
}

TEST(Cron, DayAndWeekdayBothSaidMeanEither) {
  EXPECT_THAT(Times("0 0 13 * FRI", "UTC", "2024-09-10 00:00:00", 3),
              ElementsAre("2024-09-13 00:00:00", "2024-09-20 00:00:00", "2024-09-27 00:00:00"));
  EXPECT_THAT(Times("0 0 */2 * FRI", "UTC", "2024-09-10 00:00:00", 2),
              ElementsAre("2024-09-13 00:00:00", "2024-09-27 00:00:00"))
      << "a field that begins with * says nothing by itself: both have to fit";
}

TEST(Cron, LastDaysNearestWeekdaysAndNthWeekdays) {
  EXPECT_THAT(Times("0 0 L * *", "UTC", "2024-02-01 00:00:00", 2),
              ElementsAre("2024-02-29 00:00:00", "2024-03-31 00:00:00"));
  EXPECT_THAT(Times("0 0 L-2 * ?", "UTC", "2023-02-01 00:00:00", 1),
              ElementsAre("2023-02-26 00:00:00"));
  EXPECT_THAT(Times("0 0 LW * ?", "UTC", "2024-03-01 00:00:00", 1),
              ElementsAre("2024-03-29 00:00:00"))
      << "the 31st is a Sunday";
  EXPECT_THAT(Times("0 0 1W * ?", "UTC", "2024-05-30 00:00:00", 1),
              ElementsAre("2024-06-03 00:00:00"))
      << "the 1st is a Saturday; not in May";
  EXPECT_THAT(Times("0 0 15W * ?", "UTC", "2024-06-01 00:00:00", 1),
              ElementsAre("2024-06-14 00:00:00"));
  EXPECT_THAT(Times("0 0 ? * 5L", "UTC", "2024-06-01 00:00:00", 1),
              ElementsAre("2024-06-28 00:00:00"));
  EXPECT_THAT(Times("0 0 ? * fril", "UTC", "2024-06-01 00:00:00", 1),
              ElementsAre("2024-06-28 00:00:00"));
  EXPECT_THAT(Times("0 0 ? * MON#5", "UTC", "2024-06-01 00:00:00", 1),
              ElementsAre("2024-07-29 00:00:00"));
}

TEST(Cron, MacrosStandForTheirFields) {
  EXPECT_THAT(Times("@hourly", "UTC", "2024-06-01 10:10:00", 1),
              ElementsAre("2024-06-01 11:00:00"));
  EXPECT_THAT(Times("@Weekly", "UTC", "2024-06-01 10:10:00", 1),
              ElementsAre("2024-06-02 00:00:00"));
  EXPECT_THAT(Times("@yearly", "Asia/Shanghai", "2024-06-01 00:00:00", 1),
              ElementsAre("2024-12-31 16:00:00"));
}

TEST(Cron, ALeapDayIsFoundOverTheYearsWithoutOne) {
  EXPECT_THAT(Times("0 0 29 2 *", "UTC", "2096-03-01 00:00:00", 1),
              ElementsAre("2104-02-29 00:00:00"));
}

// New York, 2024: at 02:00 on March 10 (07:00 UTC) the clock is set to 03:00; at 02:00 on November 3
// (06:00 UTC) to 01:00.
TEST(Cron, ASkippedTimeIsDueOnceRightAfterTheGap) {
  EXPECT_THAT(Times("30 2 * * *", "America/New_York", "2024-03-09 08:00:00", 2),
              ElementsAre("2024-03-10 07:00:00", "2024-03-11 06:30:00"));
  EXPECT_THAT(Times("0,15,30 2 * * *", "America/New_York", "2024-03-09 08:00:00", 2),
              ElementsAre("2024-03-10 07:00:00", "2024-03-11 06:00:00"));
  EXPECT_THAT(Times("0 2,3 * * *", "America/New_York", "2024-03-10 06:00:00", 2),
              ElementsAre("2024-03-10 07:00:00", "2024-03-11 06:00:00"))
      << "with the time that is due there anyway it is one";
}

TEST(Cron, ATimeThatComesTwiceIsDueOnce) {
  EXPECT_THAT(Times("30 1 * * *", "America/New_York", "2024-11-02 06:00:00", 2),
              ElementsAre("2024-11-03 05:30:00", "2024-11-04 06:30:00"));
  EXPECT_THAT(Times("30 1 * * *", "America/New_York", "2024-11-03 06:10:00", 1),
              ElementsAre("2024-11-04 06:30:00"))
      << "asked in the second hour";
}

TEST(Cron, WildcardsGoByElapsedTime) {
  EXPECT_THAT(Times("*/30 * * * *", "America/New_York", "2024-11-03 05:00:00", 5),
              ElementsAre("2024-11-03 05:30:00", "2024-11-03 06:00:00", "2024-11-03 06:30:00",
                          "2024-11-03 07:00:00", "2024-11-03 07:30:00"));
  EXPECT_THAT(Times("30 * * * *", "America/New_York", "2024-03-10 06:00:00", 3),
              ElementsAre("2024-03-10 06:30:00", "2024-03-10 07:30:00", "2024-03-10 08:30:00"));
}

TEST(Cron, ADayThatAZoneLeftOutIsDueAtItsEnd) {
  // Samoa had no December 30 in 2011.
  EXPECT_THAT(Times("0 9 30 12 *", "Pacific/Apia", "2011-12-01 00:00:00", 1),
              ElementsAre("2011-12-30 10:00:00"));
}

TEST(Cron, ErrorsPointAtWhatIsWrong) {
  EXPECT_THAT(Error("* * * *"), HasSubstr("0: a schedule has five or six fields, this has 4"));
  EXPECT_THAT(Error("0 0 12 * * ? 2024"), HasSubstr("13: a schedule has five or six fields"));
  EXPECT_THAT(Error("61 * * * *"), HasSubstr("0: there is no minute 61 (a minute is 0 to 59)"));
  EXPECT_THAT(Error("* 1,25 * * *"), HasSubstr("4: there is no hour 25"));
  EXPECT_THAT(Error("0 0 0 1 *"), HasSubstr("4: there is no day of the month 0"));
  EXPECT_THAT(Error("0 0 * FOO *"), HasSubstr("6: there is no month \"FOO\""));
  EXPECT_THAT(Error("0 0 * * MONDAY"), HasSubstr("8: there is no weekday \"MONDAY\""));
  EXPECT_THAT(Error("*/90 * * * *"), HasSubstr("2: a step of the minute is 1 to 59"));
  EXPECT_THAT(Error("*/0 * * * *"), HasSubstr("2: a step"));
  EXPECT_THAT(Error("0 22-6 * * *"), HasSubstr("2: the span ends before it begins"));
  EXPECT_THAT(Error("? * * * *"), HasSubstr("0: \"?\" stands for a day or a weekday only"));
  EXPECT_THAT(Error("* * L-31 * *"), HasSubstr("6: L-n"));
  EXPECT_THAT(Error("* * * * L"), HasSubstr("the last Friday is 5L"));
  EXPECT_THAT(Error("* * * * 5#6"), HasSubstr("10: a month has a weekday 1 to 5 times"));
  EXPECT_THAT(Error("*; * * * *"), HasSubstr("1: unexpected character in the minute"));
  EXPECT_THAT(Error("1,, * * * *"), HasSubstr("2: a minute is expected here"));
  EXPECT_THAT(Error("0 0 30 2 *"), HasSubstr("such a day never comes"));
  EXPECT_THAT(Error("@reboot"), HasSubstr("there is no @reboot (known: @yearly"));
  EXPECT_THAT(Error("@every 5m"), HasSubstr("write every: instead"));
  EXPECT_THAT(Error(""), HasSubstr("this has 0"));
}

TEST(Cron, AWeekEndsOnSundayToo) {
  EXPECT_THAT(Times("0 0 * * SAT-SUN", "UTC", "2024-06-03 00:00:00", 2),
              ElementsAre("2024-06-08 00:00:00", "2024-06-09 00:00:00"));
}

TEST(TimeZone, ReadsWhatTzdataHasAndNothingElse) {
  EXPECT_EQ(Zone("Asia/Shanghai").OffsetAt(1'700'000'000), 8 * 3600);
  EXPECT_EQ(Zone("Asia/Kolkata").At(1'700'000'000), (CivilTime{2023, 11, 15, 3, 43, 20}));
  for (const std::string name : {"Asia/Shanhai", "/etc/localtime", "../zoneinfo/UTC", "file:UTC"}) {
    EXPECT_FALSE(TimeZone::Load(name).ok()) << name;
  }
  EXPECT_TRUE(TimeZone::Load("").ok()) << "the machine's own";
}

TEST(TimeZone, KnowsWhenTheClockIsSet) {
  const TimeZone zone = Zone("Europe/Berlin");
  const std::int64_t at = Moment("2024-01-01 00:00:00") / 1'000'000'000;
  ASSERT_TRUE(zone.NextChange(at).has_value());
  EXPECT_EQ(Show(*zone.NextChange(at) * 1'000'000'000), "2024-03-31 01:00:00");
  EXPECT_EQ(Show(*zone.NextChange(*zone.NextChange(at)) * 1'000'000'000), "2024-10-27 01:00:00");
  EXPECT_FALSE(TimeZone::Utc().NextChange(at).has_value());
}

}  // namespace
}  // namespace ronda::model
