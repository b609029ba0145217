#include "model/cron.h"

#include <bit>
#include <chrono>
#include <limits>

namespace ronda::model {
namespace {

constexpr std::int64_t kYears = 60;
constexpr std::int64_t kNanos = 1'000'000'000;

std::chrono::year_month_day DayOf(const CivilTime& time) {
  return {std::chrono::year(static_cast<int>(time.year)),
          std::chrono::month(static_cast<unsigned>(time.month)),
          std::chrono::day(static_cast<unsigned>(time.day))};
}

// As if the clock were never set: seconds since 1970.
std::int64_t SecondsOf(const CivilTime& time) {
  const auto days = std::chrono::sys_days(DayOf(time)).time_since_epoch().count();
  return days * 86'400LL + time.hour * 3600 + time.minute * 60 + time.second;
}

CivilTime CivilOf(std::int64_t seconds) {
  const auto days = std::chrono::floor<std::chrono::days>(std::chrono::seconds(seconds));
  const std::chrono::year_month_day day{std::chrono::sys_days(days)};
  const auto rest = static_cast<int>(seconds - days.count() * 86'400LL);
  return {static_cast<int>(day.year()),
          static_cast<int>(static_cast<unsigned>(day.month())),
          static_cast<int>(static_cast<unsigned>(day.day())),
          rest / 3600,
          rest / 60 % 60,
          rest % 60};
}

int LastDay(std::int64_t year, int month) {
  const auto last = std::chrono::year(static_cast<int>(year)) /
                    std::chrono::month(static_cast<unsigned>(month)) / std::chrono::last;
  return static_cast<int>(static_cast<unsigned>(last.day()));
}

int WeekdayOf(std::int64_t year, int month, int day) {
  const CivilTime time{.year = year, .month = month, .day = day};
  return static_cast<int>(std::chrono::weekday(std::chrono::sys_days(DayOf(time))).c_encoding());
}

constexpr std::uint32_t Bit(int value) { return 1u << value; }

// The lowest bit from `from` on, or -1.
int BitFrom(std::uint64_t bits, int from) {
  const std::uint64_t rest = from > 63 ? 0 : bits >> from;
  return rest == 0 ? -1 : from + std::countr_zero(rest);
}

// The weekday, Monday to Friday, that is nearest to the day and in the same month.
int NearestWeekday(int day, int last, int weekday) {
  if (weekday == 6) return day > 1 ? day - 1 : day + 2;
  if (weekday == 0) return day < last ? day + 1 : day - 2;
  return day;
}

}  // namespace

// The days of a month that fit, from bit 1.
std::uint32_t Cron::DaysOf(std::int64_t year, int month) const {
  const int last = LastDay(year, month);
  const int first_weekday = WeekdayOf(year, month, 1);
  const auto weekday_of = [first_weekday](int day) { return (first_weekday + day - 1) % 7; };
  std::uint32_t by_day = 0, by_weekday = 0;
  for (int day = 1; day <= last; ++day) {
    const std::uint32_t weekday = Bit(weekday_of(day));
    const bool fits =
        (fields_.days & Bit(day)) != 0 || (fields_.before_last & Bit(last - day)) != 0;
    if (fits) by_day |= Bit(day);
    if ((fields_.nearest_weekday & Bit(day)) != 0) {
      by_day |= Bit(NearestWeekday(day, last, weekday_of(day)));
    }
    const auto nth = static_cast<std::size_t>((day - 1) / 7 + 1);
    const bool is_last = day + 7 > last && (fields_.last_weekdays & weekday) != 0;
    if ((fields_.weekdays & weekday) != 0 || is_last ||
        (fields_.nth_weekdays[nth] & weekday) != 0) {
      by_weekday |= Bit(day);
    }
  }
  if (fields_.last_weekday) by_day |= Bit(NearestWeekday(last, last, weekday_of(last)));
  return fields_.any_day || fields_.any_weekday ? by_day & by_weekday : by_day | by_weekday;
}

// Moves `time` to the first time of its day, from itself on, that fits; false when there is none.
bool Cron::FindTime(CivilTime& time) const {
  for (int hour = BitFrom(fields_.hours, time.hour); hour >= 0;
       hour = BitFrom(fields_.hours, hour + 1)) {
    int minute = hour == time.hour ? time.minute : 0;
    int second = hour == time.hour ? time.second : 0;
    const int from = minute;
    for (minute = BitFrom(fields_.minutes, minute); minute >= 0;
         minute = BitFrom(fields_.minutes, minute + 1)) {
      if (minute != from) second = 0;
      const int found = BitFrom(fields_.seconds, second);
      if (found < 0) continue;
      time.hour = hour;
      time.minute = minute;
      time.second = found;
      return true;
    }
  }
  return false;
}

// The first time from `from` on, as if the clock were never set.
std::optional<CivilTime> Cron::FindCivil(const CivilTime& from, std::int64_t years) const {
  CivilTime time = from;
  for (; time.year <= from.year + years; ++time.year) {
    for (; time.month <= 12; ++time.month) {
      const std::uint32_t days =
          (fields_.months & Bit(time.month)) == 0 ? 0 : DaysOf(time.year, time.month);
      for (int day = BitFrom(days, time.day); day >= 0; day = BitFrom(days, day + 1)) {
        if (day != time.day) time.hour = time.minute = time.second = 0;
        time.day = day;
        if (FindTime(time)) return time;
      }
      time.day = 1;
      time.hour = time.minute = time.second = 0;
    }
    time.month = 1;
  }
  return std::nullopt;
}

// In the order of the clock's times their first moments are in order too.
std::optional<std::int64_t> Cron::NextFixed(std::int64_t after, const TimeZone& zone) const {
  CivilTime from = zone.At(after);
  const std::int64_t end = from.year + kYears;
  while (from.year <= end) {
    const std::optional<CivilTime> found = FindCivil(from, end - from.year);
    if (!found.has_value()) return std::nullopt;
    const std::int64_t at = zone.First(*found);
    if (at > after) return at;
    from = CivilOf(SecondsOf(*found) + 1);
  }
  return std::nullopt;
}

// From one setting of the clock to the next its times are plain seconds.
std::optional<std::int64_t> Cron::NextByClock(std::int64_t after, const TimeZone& zone) const {
  std::int64_t from = after + 1;
  const std::int64_t end = after + kYears * 366 * 86'400;
  while (from <= end) {
    const std::int64_t offset = zone.OffsetAt(from);
    const std::optional<CivilTime> found = FindCivil(CivilOf(from + offset), kYears);
    if (!found.has_value()) return std::nullopt;
    const std::int64_t at = SecondsOf(*found) - offset;
    const std::optional<std::int64_t> change = zone.NextChange(from);
    if (!change.has_value() || at < *change) return at;
    from = *change;
  }
  return std::nullopt;
}

std::optional<Cron> Cron::Parse(std::string_view text, LoadError& error) {
  const std::optional<Fields> fields = ParseCronFields(text, error);
  if (!fields.has_value()) return std::nullopt;
  const Cron cron(*fields);
  if (!cron.FindCivil({.year = 2000}, kYears).has_value()) {
    error = {.offset = 0,
             .length = static_cast<std::uint32_t>(text.size()),
             .message = "such a day never comes",
             .hint = {}};
    return std::nullopt;
  }
  return cron;
}

std::optional<std::int64_t> Cron::Next(std::int64_t after_ns, const TimeZone& zone) const {
  const std::int64_t after =
      std::chrono::floor<std::chrono::seconds>(std::chrono::nanoseconds(after_ns)).count();
  const std::optional<std::int64_t> at =
      fields_.follows_clock ? NextByClock(after, zone) : NextFixed(after, zone);
  if (!at.has_value() || *at > std::numeric_limits<std::int64_t>::max() / kNanos) {
    return std::nullopt;
  }
  return *at * kNanos;
}

}  // namespace ronda::model
