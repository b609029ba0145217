#include "control/schedule.h"

#include <algorithm>
#include <utility>

namespace ronda::control {
namespace {

// FNV-1a, 64 bits: spreads names, the same on every machine.
std::uint64_t Spread(std::string_view text) {
  std::uint64_t hash = 14695981039346656037u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return hash ^ hash >> 29;
}

class Every : public Schedule {
 public:
  Every(std::int64_t every_ns, std::int64_t phase_ns) : every_(every_ns), phase_(phase_ns) {}
  [[nodiscard]] std::optional<std::int64_t> Next(std::int64_t after_ns) const override {
    const std::int64_t turns = (after_ns - phase_) / every_ + 1;
    return phase_ + turns * every_;
  }

 private:
  const std::int64_t every_, phase_;
};

}  // namespace

base::Result<std::shared_ptr<const Schedule>> ScheduleOf(const model::Trigger& trigger,
                                                         std::string_view key) {
  if (trigger.source == model::Trigger::Source::kEvery) {
    const std::int64_t every = std::max<std::int64_t>(trigger.every.ns, 1);
    return std::shared_ptr<const Schedule>(std::make_shared<Every>(
        every, static_cast<std::int64_t>(Spread(key) % static_cast<std::uint64_t>(every))));
  }
  if (trigger.source == model::Trigger::Source::kCron) return base::Unimplemented("cron");
  return std::shared_ptr<const Schedule>();
}

}  // namespace ronda::control
