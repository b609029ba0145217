#include <time.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

#include "model/expression.h"
#include "model/functions.h"

namespace ronda::model {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

bool Now(const Call& call, Value& out) {
  out = Value::DurationNs(static_cast<std::int64_t>(call.context().wall_ns));
  return true;
}

std::int64_t TimeOf(const Call& call) {
  return call.count() > 0 ? call[0].AsDurationNs()
                          : static_cast<std::int64_t>(call.context().wall_ns);
}

// Towards minus infinity, so that times before 1970 lie in the second they began in.
std::int64_t FloorDivide(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

bool Unix(const Call& call, Value& out) {
  out = Value::Int(FloorDivide(TimeOf(call), kSecond));
  return true;
}

bool UnixMs(const Call& call, Value& out) {
  out = Value::Int(FloorDivide(TimeOf(call), 1'000'000));
  return true;
}

// "Z", "+08:00": nanoseconds east of UTC.
bool ZoneOffset(std::string_view zone, std::int64_t& ns) {
  if (zone == "Z" || zone == "UTC") {
    ns = 0;
    return true;
  }
  int hours = 0;
  int minutes = 0;
  if (zone.size() != 6 || (zone[0] != '+' && zone[0] != '-') || zone[3] != ':') return false;
  const auto digits = [&](std::size_t at, int& value) {
    const char* first = zone.data() + at;
    const auto [end, code] = std::from_chars(first, first + 2, value);
    return code == std::errc() && end == first + 2 && value >= 0;
  };
  if (!digits(1, hours) || !digits(4, minutes) || hours > 23 || minutes > 59) return false;
  ns = (hours * 3600 + minutes * 60) * kSecond * (zone[0] == '-' ? -1 : 1);
  return true;
}

bool EmitText(const Call& call, std::string_view text, Value& out) {
  char* copy = call.NewText(text.size());
  if (copy == nullptr) return false;
  std::copy(text.begin(), text.end(), copy);
  out = Value::String({copy, text.size()});
  return true;
}

// The default form, RFC 3339 with milliseconds.
bool FormatRfc3339(const Call& call, const tm& parts, int milliseconds, std::string_view zone,
                   Value& out) {
  char buffer[64];
  std::size_t size = strftime(buffer, sizeof buffer, "%Y-%m-%dT%H:%M:%S.", &parts);
  for (int scale = 100; scale > 0; scale /= 10)
    buffer[size++] = static_cast<char>('0' + milliseconds / scale % 10);
  const std::string_view suffix = zone == "UTC" ? "Z" : zone;
  std::copy(suffix.begin(), suffix.end(), buffer + size);
  return EmitText(call, {buffer, size + suffix.size()}, out);
}

bool FormatTime(const Call& call, Value& out) {
  const std::string_view zone = call.Or(2, Value::String("Z")).AsString();
  std::int64_t east = 0;
  if (!ZoneOffset(zone, east)) return call.Fail("a zone is written like +08:00, or Z");
  std::int64_t local = 0;
  if (__builtin_add_overflow(call[0].AsDurationNs(), east, &local))
    return call.Fail("the time is out of range");
  const time_t seconds = FloorDivide(local, kSecond);
  const int milliseconds = static_cast<int>((local - seconds * kSecond) / 1'000'000);
  tm parts{};
  gmtime_r(&seconds, &parts);
  const std::string_view format = call.Or(1, Value::String("")).AsString();
  if (format.empty()) return FormatRfc3339(call, parts, milliseconds, zone, out);
  char pattern[256];
  if (format.size() >= sizeof pattern) return call.Fail("the format is longer than 255 bytes");
  std::memcpy(pattern, format.data(), format.size());
  pattern[format.size()] = '\0';
  char buffer[1024];
  const std::size_t size = strftime(buffer, sizeof buffer, pattern, &parts);
  return EmitText(call, {buffer, size}, out);
}

// The fraction and zone behind "2026-01-02T03:04:05".
bool ParseRfc3339Rest(std::string_view rest, std::int64_t& ns, std::int64_t& east) {
  ns = 0;
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    std::int64_t scale = kSecond / 10;
    bool any = false;
    while (!rest.empty() && rest[0] >= '0' && rest[0] <= '9') {
      ns += (rest[0] - '0') * scale;
      scale /= 10;
      rest.remove_prefix(1);
      any = true;
    }
    if (!any) return false;
  }
  return ZoneOffset(rest == "z" ? "Z" : rest, east);
}

bool ParseTime(const Call& call, Value& out) {
  const std::string_view text = call.String(0);
  const std::string_view format = call.Or(1, Value::String("%Y-%m-%dT%H:%M:%S")).AsString();
  char input[256];
  char pattern[256];
  if (text.size() >= sizeof input || format.size() >= sizeof pattern)
    return call.Fail("the text is no time");
  std::memcpy(input, text.data(), text.size());
  input[text.size()] = '\0';
  std::memcpy(pattern, format.data(), format.size());
  pattern[format.size()] = '\0';
  tm parts{};
  parts.tm_mday = 1;
  parts.tm_year = 70;
  const char* end = strptime(input, pattern, &parts);
  if (end == nullptr) return call.Fail("the text is no time of that format");
  std::int64_t east = static_cast<std::int64_t>(parts.tm_gmtoff) * kSecond;
  parts.tm_gmtoff = 0;
  std::int64_t fraction = 0;
  const std::string_view rest(end, static_cast<std::size_t>(input + text.size() - end));
  if (call.count() == 1 ? !ParseRfc3339Rest(rest, fraction, east) : !rest.empty()) {
    return call.Fail("the text is no time of that format");
  }
  std::int64_t ns = 0;
  if (__builtin_mul_overflow(static_cast<std::int64_t>(timegm(&parts)), kSecond, &ns) ||
      __builtin_add_overflow(ns, fraction - east, &ns)) {
    return call.Fail("the time is out of range");
  }
  out = Value::DurationNs(ns);
  return true;
}

bool DurationOf(const Call& call, Value& out) {
  const auto parsed = ParseDuration(call.String(0));
  if (!parsed.ok()) return call.Fail("the text is no duration like 800ms or 1h30m");
  out = Value::DurationNs(*parsed);
  return true;
}

template <std::int64_t kUnit>
bool In(const Call& call, Value& out) {
  out = Value::Float(static_cast<double>(call[0].AsDurationNs()) / static_cast<double>(kUnit));
  return true;
}

}  // namespace

void AddTimeFunctions(std::vector<Function>& table) {
  constexpr std::string_view kGroup = "Time";
  const Parameter time{"time", kDurationMask};
  const Parameter optional_time{"time", kDurationMask, ParameterKind::kOptional};
  const Parameter duration{"d", kDurationMask};
  const Parameter format{"format", kStringMask, ParameterKind::kOptional};
  const auto add = [&](std::string_view name, std::vector<Parameter> parameters, TypeMask result,
                       bool (*call)(const Call&, Value&), std::string_view summary,
                       Purity purity = Purity::kPure) {
    table.push_back({name, kGroup, std::move(parameters), result, purity, call, summary});
  };
  add("now", {}, kDurationMask, Now, "the time: the duration since 1970-01-01T00:00:00Z",
      Purity::kImpure);
  add("unix", {optional_time}, kIntMask, Unix, "whole seconds since 1970, of now or of that time",
      Purity::kImpure);
  add("unixMs", {optional_time}, kIntMask, UnixMs, "the same in milliseconds", Purity::kImpure);
  add("formatTime", {time, format, {"zone", kStringMask, ParameterKind::kOptional}}, kStringMask,
      FormatTime,
      "RFC 3339 with milliseconds, or by a strftime format; the zone is `Z` or like `+08:00`");
  add("parseTime", {{"text", kStringMask}, format}, kDurationMask, ParseTime,
      "the time that RFC 3339 text (or text of a strptime format, in UTC) names");
  add("duration", {{"text", kStringMask}}, kDurationMask, DurationOf,
      "a duration from text like `1h30m`");
  add("milliseconds", {duration}, kFloatMask, In<1'000'000>, "the duration in milliseconds");
  add("seconds", {duration}, kFloatMask, In<kSecond>, "in seconds");
  add("minutes", {duration}, kFloatMask, In<60 * kSecond>, "in minutes");
  add("hours", {duration}, kFloatMask, In<3600 * kSecond>, "in hours");
}

}  // namespace ronda::model
