// The only file that knows Abseil's time: its CCTZ reads the system's tzdata and says of a time on the
// wall that it is skipped or repeated, which neither GCC 12's <chrono> nor ICU does.
#include "model/time_zone.h"

#include <absl/time/civil_time.h>
#include <absl/time/time.h>

#include <algorithm>

namespace ronda::model {
namespace {

// As tzdata names zones. What else the library would take, a path or a prefix, stays out.
bool IsZoneName(std::string_view name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' ||
           c == '_' || c == '-' || c == '+';
  };
  return name.size() <= 64 && std::ranges::all_of(name, fits) && !name.starts_with('/');
}

CivilTime CivilOf(const absl::CivilSecond& time) {
  return {time.year(), time.month(), time.day(), time.hour(), time.minute(), time.second()};
}

}  // namespace

struct TimeZone::Impl {
  absl::TimeZone zone;
};

TimeZone::TimeZone(Impl impl) : impl_(std::make_unique<Impl>(impl)) {}
TimeZone::~TimeZone() = default;
TimeZone::TimeZone(const TimeZone& other) : impl_(std::make_unique<Impl>(*other.impl_)) {}
TimeZone& TimeZone::operator=(const TimeZone& other) {
  *impl_ = *other.impl_;
  return *this;
}

base::Result<TimeZone> TimeZone::Load(std::string_view name) {
  if (name.empty()) return TimeZone(Impl{absl::LocalTimeZone()});
  absl::TimeZone zone;
  if (!IsZoneName(name) || !absl::LoadTimeZone(std::string(name), &zone)) {
    return base::NotFound("there is no time zone \"" + std::string(name) + '"');
  }
  return TimeZone(Impl{zone});
}

TimeZone TimeZone::Utc() { return TimeZone(Impl{absl::UTCTimeZone()}); }

std::string TimeZone::name() const { return impl_->zone.name(); }

CivilTime TimeZone::At(std::int64_t instant) const {
  return CivilOf(impl_->zone.At(absl::FromUnixSeconds(instant)).cs);
}

std::int64_t TimeZone::OffsetAt(std::int64_t instant) const {
  return impl_->zone.At(absl::FromUnixSeconds(instant)).offset;
}

std::int64_t TimeZone::First(const CivilTime& time) const {
  const absl::CivilSecond civil(time.year, time.month, time.day, time.hour, time.minute,
                                time.second);
  const absl::TimeZone::TimeInfo info = impl_->zone.At(civil);
  const bool skipped = info.kind == absl::TimeZone::TimeInfo::SKIPPED;
  return absl::ToUnixSeconds(skipped ? info.trans : info.pre);
}

std::optional<std::int64_t> TimeZone::NextChange(std::int64_t instant) const {
  absl::Time at = absl::FromUnixSeconds(instant);
  absl::TimeZone::CivilTransition change;
  while (impl_->zone.NextTransition(at, &change)) {
    // The later of the two is repeated when the clock is set back; the earlier skipped when forward.
    const auto info = impl_->zone.At(std::min(change.from, change.to));
    at = change.from == change.to ? info.pre : info.trans;
    if (change.from != change.to) return absl::ToUnixSeconds(at);
  }
  return std::nullopt;
}

}  // namespace ronda::model
