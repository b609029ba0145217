#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/core/status.h"

namespace ronda::model {

// A time of a calendar and a clock on the wall, without a zone.
struct CivilTime {
  std::int64_t year = 1970;
  int month = 1;  // 1 to 12
  int day = 1;    // 1 to 31
  int hour = 0, minute = 0, second = 0;
  auto operator<=>(const CivilTime&) const = default;
};

// One zone of the IANA database, read from the system's tzdata once a name and process. A value,
// cheap to copy, thread-safe. Instants are seconds since 1970 in UTC.
class TimeZone {
 public:
  // "Asia/Shanghai"; empty: the machine's own zone (TZ, else /etc/localtime). NotFound when tzdata has
  // no such name.
  [[nodiscard]] static base::Result<TimeZone> Load(std::string_view name);
  [[nodiscard]] static TimeZone Utc();
  ~TimeZone();
  TimeZone(const TimeZone&);
  TimeZone& operator=(const TimeZone&);

  [[nodiscard]] std::string name() const;
  [[nodiscard]] CivilTime At(std::int64_t instant) const;
  // Seconds east of Greenwich.
  [[nodiscard]] std::int64_t OffsetAt(std::int64_t instant) const;
  // When the clock on the wall shows `time`: of two such moments the first; of none (the clock is set
  // over it) the moment at which it is set.
  [[nodiscard]] std::int64_t First(const CivilTime& time) const;
  // The next moment after `instant` at which the clock is set, if there is one.
  [[nodiscard]] std::optional<std::int64_t> NextChange(std::int64_t instant) const;

 private:
  struct Impl;
  explicit TimeZone(Impl impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace ronda::model
