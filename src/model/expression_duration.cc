#include "model/expression_duration.h"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "model/expression.h"

namespace ronda::model {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t ns;
};
// "ms" stands before "m", whose name begins it.
constexpr std::array<Unit, 8> kUnits = {{{"d", 86'400'000'000'000},
                                         {"h", 3'600'000'000'000},
                                         {"ms", 1'000'000},
                                         {"us", 1'000},
                                         {"µs", 1'000},
                                         {"ns", 1},
                                         {"m", 60'000'000'000},
                                         {"s", 1'000'000'000}}};

const Unit* UnitAt(std::string_view text) {
  for (const Unit& unit : kUnits) {
    if (text.starts_with(unit.name)) return &unit;
  }
  return nullptr;
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Digits with at most one point between them; 0 when there are none.
std::size_t NumberLength(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size() && IsDigit(text[i])) ++i;
  if (i > 0 && i + 1 < text.size() && text[i] == '.' && IsDigit(text[i + 1])) {
    ++i;
    while (i < text.size() && IsDigit(text[i])) ++i;
  }
  return i;
}

// number * unit in nanoseconds, exactly for up to nine fractional digits; false on overflow.
bool Scale(std::string_view number, std::int64_t unit, std::int64_t& ns) {
  const auto point = number.find('.');
  const std::string_view whole = number.substr(0, point);
  std::int64_t value = 0;
  const auto [end, code] = std::from_chars(whole.data(), whole.data() + whole.size(), value);
  if (code != std::errc() || __builtin_mul_overflow(value, unit, &ns)) return false;
  if (point == std::string_view::npos) return true;
  double fraction = 0;
  std::from_chars(number.data() + point, number.data() + number.size(), fraction);
  return !__builtin_add_overflow(ns, std::llround(fraction * static_cast<double>(unit)), &ns);
}

// `count` with `per` of its next smaller unit as a fraction: 1500, 1000 -> "1.5".
void AppendFraction(std::uint64_t count, std::uint64_t per, std::string& out) {
  out += std::to_string(count / per);
  std::uint64_t rest = count % per;
  if (rest == 0) return;
  out += '.';
  while (rest != 0) {
    per /= 10;
    out += static_cast<char>('0' + rest / per);
    rest %= per;
  }
}

}  // namespace

DurationPrefix ParseDurationPrefix(std::string_view text) {
  DurationPrefix found;
  std::int64_t last_unit = std::numeric_limits<std::int64_t>::max();
  for (;;) {
    const std::string_view rest = text.substr(found.length);
    const std::size_t digits = NumberLength(rest);
    const Unit* unit = digits == 0 ? nullptr : UnitAt(rest.substr(digits));
    if (unit == nullptr) break;
    if (unit->ns >= last_unit) {
      found.error = "a duration's units go from the largest to the smallest, each once";
      return found;
    }
    last_unit = unit->ns;
    std::int64_t part = 0;
    if (!Scale(rest.substr(0, digits), unit->ns, part) ||
        __builtin_add_overflow(found.ns, part, &found.ns)) {
      found.error = "the duration is longer than 292 years";
      return found;
    }
    found.length += digits + unit->name.size();
  }
  return found;
}

base::Result<std::int64_t> ParseDuration(std::string_view text) {
  if (text == "0") return std::int64_t{0};
  const DurationPrefix found = ParseDurationPrefix(text);
  if (found.error != nullptr) return base::InvalidArgument(found.error);
  if (found.length == 0 || found.length != text.size()) {
    return base::InvalidArgument("expected a duration like 800ms, 2.5s or 1h30m");
  }
  return found.ns;
}

void AppendDuration(std::int64_t ns, std::string& out) {
  constexpr std::uint64_t kSecond = 1'000'000'000;
  std::uint64_t left = static_cast<std::uint64_t>(ns);
  if (ns < 0) {
    out += '-';
    left = 0 - left;
  }
  if (left < kSecond) {
    if (left == 0) {
      out += "0s";
    } else if (left >= 1'000'000) {
      AppendFraction(left, 1'000'000, out);
      out += "ms";
    } else if (left >= 1'000) {
      AppendFraction(left, 1'000, out);
      out += "us";
    } else {
      out += std::to_string(left);
      out += "ns";
    }
    return;
  }
  const std::uint64_t hours = left / (3600 * kSecond);
  const std::uint64_t minutes = left / (60 * kSecond) % 60;
  const std::uint64_t rest = left % (60 * kSecond);
  if (hours > 0) (out += std::to_string(hours)) += 'h';
  if (minutes > 0) (out += std::to_string(minutes)) += 'm';
  if (rest == 0) return;
  AppendFraction(rest, kSecond, out);
  out += 's';
}

}  // namespace ronda::model
