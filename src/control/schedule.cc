#include "control/schedule.h"

#include <algorithm>
#include <string>
#include <utility>

#include "model/cron.h"
#include "model/time_zone.h"

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

// A cron time, later by a part of the jitter that depends on key and time.
class ByCron : public Schedule {
 public:
  ByCron(model::Cron cron, model::TimeZone zone, std::int64_t jitter_ns, std::string_view key)
      : cron_(std::move(cron)), zone_(std::move(zone)), jitter_(jitter_ns), key_(key) {}
  [[nodiscard]] std::optional<std::int64_t> Next(std::int64_t after_ns) const override {
    // A time before `after` may come behind it by its jitter.
    std::int64_t from = after_ns - jitter_;
    for (;;) {
      const std::optional<std::int64_t> due = cron_.Next(from, zone_);
      if (!due) return std::nullopt;
      const std::int64_t moved = *due + LaterBy(*due);
      if (moved > after_ns) return moved;
      from = *due;
    }
  }

 private:
  [[nodiscard]] std::int64_t LaterBy(std::int64_t due_ns) const {
    if (jitter_ == 0) return 0;
    return static_cast<std::int64_t>(Spread(key_ + std::to_string(due_ns)) %
                                     static_cast<std::uint64_t>(jitter_));
  }

  const model::Cron cron_;
  const model::TimeZone zone_;
  const std::int64_t jitter_;
  const std::string key_;
};

}  // namespace

base::Result<std::shared_ptr<const Schedule>> ScheduleOf(const model::Trigger& trigger,
                                                         std::string_view key) {
  if (trigger.source == model::Trigger::Source::kEvery) {
    const std::int64_t every = std::max<std::int64_t>(trigger.every.ns, 1);
    return std::shared_ptr<const Schedule>(std::make_shared<Every>(
        every, static_cast<std::int64_t>(Spread(key) % static_cast<std::uint64_t>(every))));
  }
  if (trigger.source == model::Trigger::Source::kCron) {
    model::LoadError error;
    const std::optional<model::Cron> cron = model::Cron::Parse(trigger.cron.text, error);
    if (!cron) return base::InvalidArgument("cron \"" + trigger.cron.text + "\": " + error.message);
    ASSIGN_OR_RETURN(const model::TimeZone zone, model::TimeZone::Load(trigger.zone));
    return std::shared_ptr<const Schedule>(
        std::make_shared<ByCron>(*cron, zone, std::max<std::int64_t>(trigger.jitter.ns, 0), key));
  }
  return std::shared_ptr<const Schedule>();
}

}  // namespace ronda::control
