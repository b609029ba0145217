#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/core/status.h"
#include "model/trigger.h"

namespace ronda::control {

// When a trigger by time is due. Immutable, pure.
class Schedule {
 public:
  virtual ~Schedule() = default;
  // The first time after `after_ns`, both since 1970; nothing when none comes.
  [[nodiscard]] virtual std::optional<std::int64_t> Next(std::int64_t after_ns) const = 0;
};

// Of `cron:` and `every:`; null for other triggers. `key` ("Patrol/buy#0") spreads the times: of many with
// `every: 30s` each has its own second, the same for ever; a jitter moves a cron time by a part that
// depends on key and time.
[[nodiscard]] base::Result<std::shared_ptr<const Schedule>> ScheduleOf(
    const model::Trigger& trigger, std::string_view key);

}  // namespace ronda::control
