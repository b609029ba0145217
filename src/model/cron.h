#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/expression.h"
#include "model/time_zone.h"

namespace ronda::model {

// When a `cron:` trigger is due: five fields, or six with seconds first, as cron(5) and Quartz write
// them (docs/formats/patrol.md, "Cron"). Weekdays are 0 to 7, both ends Sunday, as in cron(5). A plain
// value; Next is pure.
class Cron {
 public:
  // Null, with `error`, when the text is no schedule or names days that never come.
  [[nodiscard]] static std::optional<Cron> Parse(std::string_view text, LoadError& error);

  // The first time after `after_ns`, both nanoseconds since 1970; nothing when none comes within some
  // 60 years. When a clock is set, as Debian's cron does it: with a fixed hour and minute, what is
  // skipped is due once at the moment that the clock is set forward, and what comes twice is due the
  // first time only; with a `*` in the minute or hour the clock on the wall is followed.
  [[nodiscard]] std::optional<std::int64_t> Next(std::int64_t after_ns, const TimeZone& zone) const;

  // One bit a value. Filled by the parser only.
  struct Fields {
    std::uint64_t seconds = 1, minutes = 0;
    std::uint32_t hours = 0, months = 0;  // months from bit 1
    std::uint32_t days = 0;  // from bit 1
    std::uint32_t before_last = 0;  // L-n: bit n
    std::uint32_t nearest_weekday = 0;  // nW: bit n
    bool last_weekday = false;  // LW
    std::uint32_t weekdays = 0;  // Sunday is bit 0
    std::uint32_t last_weekdays = 0;  // 5L: the last Friday
    std::array<std::uint32_t, 6> nth_weekdays{};  // 5#3 in [3]: the third Friday
    bool any_day = false, any_weekday = false;  // the field begins with * or ?
    bool follows_clock = false;  // the minute or the hour does
  };

 private:
  explicit Cron(const Fields& fields) : fields_(fields) {}

  [[nodiscard]] std::uint32_t DaysOf(std::int64_t year, int month) const;
  [[nodiscard]] bool FindTime(CivilTime& time) const;
  [[nodiscard]] std::optional<CivilTime> FindCivil(const CivilTime& from, std::int64_t years) const;
  [[nodiscard]] std::optional<std::int64_t> NextFixed(std::int64_t after,
                                                      const TimeZone& zone) const;
  [[nodiscard]] std::optional<std::int64_t> NextByClock(std::int64_t after,
                                                        const TimeZone& zone) const;

  Fields fields_;
};

// Private to cron.cc and cron_parser.cc.
[[nodiscard]] std::optional<Cron::Fields> ParseCronFields(std::string_view text, LoadError& error);

}  // namespace ronda::model
