// Random schedules against a model that looks at every minute.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "base/core/random.h"
#include "model/cron.h"

namespace ronda::model {
namespace {

constexpr std::int64_t kDay = 86'400;

int DaysIn(std::int64_t year, int month) {
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && leap ? 29 : kDays[month - 1];
}

// Sakamoto's; Sunday is 0.
int Weekday(std::int64_t year, int month, int day) {
  constexpr int kShift[] = {0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4};
  const std::int64_t y = year - (month < 3 ? 1 : 0);
  return static_cast<int>((y + y / 4 - y / 100 + y / 400 + kShift[month - 1] + day) % 7);
}

using DayRule = std::function<bool(std::int64_t year, int month, int day)>;

// A schedule as text and as what it means.
struct Schedule {
  std::string text;
  std::set<int> minutes, hours, months;
  DayRule day, weekday;
  bool both = false;  // the day has to fit both rules
  bool by_clock = false;

  [[nodiscard]] bool Fits(const CivilTime& t) const {
    if (!minutes.contains(t.minute) || !hours.contains(t.hour) || !months.contains(t.month)) {
      return false;
    }
    const bool a = day(t.year, t.month, t.day), b = weekday(t.year, t.month, t.day);
    return both ? a && b : a || b;
  }
};

class Maker {
 public:
  explicit Maker(std::uint64_t seed) : random_(seed) {}

  Schedule Make() {
    Schedule schedule;
    const std::string minute = Numbers(0, 59, schedule.minutes);
    // Hours around which clocks are set, more often than not.
    const std::string hour =
        Below(2) == 0 ? Numbers(0, 3, schedule.hours, false) : Numbers(0, 23, schedule.hours);
    schedule.by_clock = minute[0] == '*' || hour[0] == '*';
    const std::string day = Day(schedule.day);
    std::string month = "*";
    for (int i = 1; i <= 12; ++i) schedule.months.insert(i);
    const std::string weekday = OfWeek(schedule.weekday);
    schedule.both = day[0] == '*' || day[0] == '?' || weekday[0] == '*' || weekday[0] == '?';
    schedule.text = minute + ' ' + hour + ' ' + day + ' ' + month + ' ' + weekday;
    return schedule;
  }

 private:
  int Below(int bound) {
    return static_cast<int>(random_.Below(static_cast<std::uint64_t>(bound)));
  }

  std::string Numbers(int min, int max, std::set<int>& out, bool star = true) {
    const int form = star ? Below(4) : 2 + Below(2);
    if (form < 2) {
      const int step = form == 0 ? 1 : 1 + Below(max);
      for (int i = min; i <= max; i += step) out.insert(i);
      return form == 0 ? "*" : "*/" + std::to_string(step);
    }
    std::string text;
    for (int i = 0; i < 1 + Below(3); ++i) {
      const int from = min + Below(max - min + 1), to = from + Below(max - from + 1);
      const int step = 1 + Below(std::max(1, max / 3));
      if (!text.empty()) text += ',';
      text += std::to_string(from);
      if (form == 2) {
        out.insert(from);
        continue;
      }
      text += '-' + std::to_string(to) + '/' + std::to_string(step);
      for (int n = from; n <= to; n += step) out.insert(n);
    }
    return text;
  }

  std::string Day(DayRule& rule) {
    const int n = 1 + Below(28);
    switch (Below(6)) {
      case 0: rule = [n](auto, int, int day) { return day == n; }; return std::to_string(n);
      case 1:
        rule = [](auto year, int month, int day) { return day == DaysIn(year, month); };
        return "L";
      case 2:
        rule = [n](auto year, int month, int day) { return day == DaysIn(year, month) - n % 9; };
        return n % 9 == 0 ? "L" : "L-" + std::to_string(n % 9);
      case 3:
        rule = [n](auto year, int month, int day) { return day == Nearest(year, month, n); };
        return std::to_string(n) + "W";
      case 4:
        rule = [](auto year, int month, int day) {
          return day == Nearest(year, month, DaysIn(year, month));
        };
        return "LW";
      default: rule = [](auto, int, int) { return true; }; return Below(2) == 0 ? "*" : "?";
    }
  }

  // Of all days Monday to Friday of the month the nearest.
  static int Nearest(std::int64_t year, int month, int wanted) {
    int best = 0;
    for (int day = 1; day <= DaysIn(year, month); ++day) {
      const int weekday = Weekday(year, month, day);
      if (weekday == 0 || weekday == 6) continue;
      if (best == 0 || std::abs(day - wanted) < std::abs(best - wanted)) best = day;
    }
    return best;
  }

  std::string OfWeek(DayRule& rule) {
    const int n = Below(7), nth = 1 + Below(5);
    switch (Below(5)) {
      case 0:
        rule = [n](auto year, int month, int day) { return Weekday(year, month, day) == n; };
        return std::to_string(n == 0 && Below(2) == 0 ? 7 : n);
      case 1:
        rule = [n](auto year, int month, int day) {
          return Weekday(year, month, day) == n && day + 7 > DaysIn(year, month);
        };
        return std::to_string(n) + "L";
      case 2:
        rule = [n, nth](auto year, int month, int day) {
          int count = 0;
          for (int d = 1; d <= day; ++d) count += Weekday(year, month, d) == n ? 1 : 0;
          return Weekday(year, month, day) == n && count == nth;
        };
        return std::to_string(n) + "#" + std::to_string(nth);
      default: rule = [](auto, int, int) { return true; }; return Below(2) == 0 ? "*" : "?";
    }
  }

  base::Random random_;
};

CivilTime NextMinute(CivilTime t) {
  if (++t.minute < 60) return t;
  t.minute = 0;
  if (++t.hour < 24) return t;
  t.hour = 0;
  if (++t.day <= DaysIn(t.year, t.month)) return t;
  t.day = 1;
  if (++t.month <= 12) return t;
  t.month = 1;
  ++t.year;
  return t;
}

// A stretch of time, minute by minute: what the clock on the wall showed, and what it left out.
struct Minute {
  std::int64_t at = 0;
  CivilTime shown;
  bool again = false;              // it has shown this before
  std::vector<CivilTime> skipped;  // just before
};

std::vector<Minute> Watch(const TimeZone& zone, std::int64_t from, std::int64_t to) {
  std::vector<Minute> minutes;
  CivilTime newest = zone.At(from - 60);
  CivilTime last = newest;
  for (std::int64_t at = from; at < to; at += 60) {
    Minute& minute = minutes.emplace_back();
    minute.at = at;
    minute.shown = zone.At(at);
    minute.again = minute.shown <= newest;
    if (last == newest) {
      for (CivilTime t = NextMinute(last); t < minute.shown; t = NextMinute(t)) {
        minute.skipped.push_back(t);
      }
    }
    last = minute.shown;
    newest = std::max(newest, minute.shown);
  }
  return minutes;
}

std::vector<std::int64_t> Expected(const Schedule& schedule, const std::vector<Minute>& minutes) {
  std::vector<std::int64_t> due;
  for (const Minute& minute : minutes) {
    bool fits = schedule.Fits(minute.shown);
    if (!schedule.by_clock) {
      fits = fits && !minute.again;
      for (const CivilTime& t : minute.skipped) fits = fits || schedule.Fits(t);
    }
    if (fits) due.push_back(minute.at);
  }
  return due;
}

struct Place {
  std::string zone;
  int year;
};

class CronModel : public ::testing::TestWithParam<Place> {};

TEST_P(CronModel, IsDueWhenTheModelSays) {
  const auto zone = TimeZone::Load(GetParam().zone);
  ASSERT_TRUE(zone.ok());
  const std::int64_t start = (GetParam().year - 1970) * 1461LL / 4 * kDay;
  // Three days around each setting of the clock, and as many in which nothing happens.
  std::vector<std::int64_t> middles = {start + 200 * kDay};
  for (auto at = zone->NextChange(start); at.has_value() && *at < start + 366 * kDay;
       at = zone->NextChange(*at)) {
    middles.push_back(*at - *at % kDay);
  }
  Maker maker(0x5eed + static_cast<std::uint64_t>(GetParam().year));
  std::size_t compared = 0;
  for (const std::int64_t middle : middles) {
    const std::int64_t from = middle - 2 * kDay, to = middle + 3 * kDay;
    const std::vector<Minute> minutes = Watch(*zone, from, to);
    for (int i = 0; i < 150; ++i) {
      const Schedule schedule = maker.Make();
      LoadError error;
      const auto cron = Cron::Parse(schedule.text, error);
      ASSERT_TRUE(cron.has_value()) << schedule.text << ": " << error.message;
      std::vector<std::int64_t> due;
      auto next = cron->Next((from - 1) * 1'000'000'000, *zone);
      for (; next.has_value() && *next < to * 1'000'000'000; next = cron->Next(*next, *zone)) {
        due.push_back(*next / 1'000'000'000);
      }
      const std::vector<std::int64_t> expected = Expected(schedule, minutes);
      ASSERT_EQ(due, expected) << schedule.text << " in " << GetParam().zone << " around "
                               << middle;
      compared += due.size();
    }
  }
  EXPECT_GT(compared, 1000u) << "the schedules are seldom due";
}

INSTANTIATE_TEST_SUITE_P(
    Zones, CronModel,
    ::testing::Values(Place{"UTC", 2024}, Place{"America/New_York", 2024},
                      Place{"Europe/Berlin", 2030}, Place{"Australia/Lord_Howe", 2025},
                      Place{"America/Sao_Paulo", 2018}, Place{"America/St_Johns", 2010},
                      Place{"Pacific/Apia", 2011}, Place{"Asia/Shanghai", 1988},
                      Place{"Africa/Casablanca", 2023}, Place{"Antarctica/Troll", 2022},
                      Place{"Pacific/Auckland", 2050}),
    [](const auto& info) {
      std::string name = info.param.zone + std::to_string(info.param.year);
      std::erase_if(name, [](char c) { return c == '/' || c == '_'; });
      return name;
    });

}  // namespace
}  // namespace ronda::model
