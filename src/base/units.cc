#include "base/units.h"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>

namespace ronda::base {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t factor;
};

// From the largest to the smallest.
constexpr std::array<Unit, 7> kDurations = {{{"d", 86'400'000'000'000},
                                             {"h", 3'600'000'000'000},
                                             {"m", 60'000'000'000},
                                             {"s", 1'000'000'000},
                                             {"ms", 1'000'000},
                                             {"us", 1'000},
                                             {"ns", 1}}};
constexpr std::array<Unit, 4> kBinarySizes = {
    {{"GiB", std::int64_t{1} << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}};
constexpr std::array<Unit, 9> kSizes = {{{"", 1},
                                         {"B", 1},
                                         {"kB", 1'000},
                                         {"KB", 1'000},
                                         {"MB", 1'000'000},
                                         {"GB", 1'000'000'000},
                                         {"KiB", 1 << 10},
                                         {"MiB", 1 << 20},
                                         {"GiB", std::int64_t{1} << 30}}};

bool IsNumberCharacter(char c) { return (c >= '0' && c <= '9') || c == '.'; }

// The front of `text` for which `belongs` holds, cut off it.
template <typename Predicate>
std::string_view Take(std::string_view& text, Predicate belongs) {
  std::size_t length = 0;
  while (length < text.size() && belongs(text[length])) ++length;
  const std::string_view taken = text.substr(0, length);
  text.remove_prefix(length);
  return taken;
}

template <std::size_t n>
const Unit* FindUnit(const std::array<Unit, n>& units, std::string_view name) {
  for (const Unit& unit : units) {
    if (unit.name == name) return &unit;
  }
  return nullptr;
}

// total += number * factor, the whole part exactly; false when it is no number or does not fit.
bool AddScaled(std::string_view number, std::int64_t factor, std::int64_t& total) {
  const auto point = number.find('.');
  const std::string_view whole = number.substr(0, point);
  std::int64_t value = 0;
  const auto [end, code] = std::from_chars(whole.data(), whole.data() + whole.size(), value);
  if (code != std::errc() || end != whole.data() + whole.size()) return false;
  std::int64_t scaled = 0;
  if (__builtin_mul_overflow(value, factor, &scaled)) return false;
  if (__builtin_add_overflow(total, scaled, &total)) return false;
  if (point == std::string_view::npos) return true;

  const std::string_view digits = number.substr(point + 1);
  if (digits.empty() || digits.find('.') != std::string_view::npos) return false;
  double fraction = 0;
  std::from_chars(number.data() + point, number.data() + number.size(), fraction);
  const auto rest = static_cast<std::int64_t>(std::llround(fraction * static_cast<double>(factor)));
  return !__builtin_add_overflow(total, rest, &total);
}

// `count` parts of which `per` make one, as a decimal: 1500 of 1000 is "1.5".
std::string Decimal(std::uint64_t count, std::uint64_t per) {
  std::string text = std::to_string(count / per);
  std::uint64_t rest = count % per;
  if (rest != 0) text += '.';
  while (rest != 0) {
    per /= 10;
    text += static_cast<char>('0' + rest / per);
    rest %= per;
  }
  return text;
}

}  // namespace

Result<std::int64_t> ParseDuration(std::string_view text) {
  const auto wrong = [] {
    return InvalidArgument("expected a duration like 800ms, 2.5s or 1h30m");
  };
  if (text == "0") return std::int64_t{0};
  if (text.empty()) return wrong();
  std::int64_t total = 0;
  std::int64_t last = std::numeric_limits<std::int64_t>::max();
  while (!text.empty()) {
    const std::string_view number = Take(text, IsNumberCharacter);
    const std::string_view name = Take(text, [](char c) { return !IsNumberCharacter(c); });
    const Unit* unit = FindUnit(kDurations, name);
    if (unit == nullptr || unit->factor >= last) return wrong();
    if (!AddScaled(number, unit->factor, total)) return wrong();
    last = unit->factor;
  }
  return total;
}

std::string FormatDuration(std::int64_t ns) {
  if (ns == 0) return "0s";
  constexpr std::uint64_t kSecond = 1'000'000'000;
  std::string text;
  std::uint64_t left = static_cast<std::uint64_t>(ns);
  if (ns < 0) {
    text = "-";
    left = 0 - left;
  }
  if (left < 1'000) return text + std::to_string(left) + "ns";
  if (left < 1'000'000) return text + Decimal(left, 1'000) + "us";
  if (left < kSecond) return text + Decimal(left, 1'000'000) + "ms";
  const std::uint64_t hours = left / (3'600 * kSecond);
  const std::uint64_t minutes = left / (60 * kSecond) % 60;
  const std::uint64_t rest = left % (60 * kSecond);
  if (hours > 0) text += std::to_string(hours) + "h";
  if (minutes > 0) text += std::to_string(minutes) + "m";
  if (rest > 0) text += Decimal(rest, kSecond) + "s";
  return text;
}

Result<std::int64_t> ParseSize(std::string_view text) {
  const auto wrong = [] { return InvalidArgument("expected a size like 512, 64KiB or 1.5MB"); };
  const std::string_view number = Take(text, IsNumberCharacter);
  const Unit* unit = FindUnit(kSizes, text);
  std::int64_t total = 0;
  if (unit == nullptr || !AddScaled(number, unit->factor, total)) return wrong();
  return total;
}

std::string FormatSize(std::int64_t bytes) {
  for (const Unit& unit : kBinarySizes) {
    if (bytes == 0 || bytes % unit.factor != 0) continue;
    return std::to_string(bytes / unit.factor) +
           (unit.factor == 1 ? std::string() : std::string(unit.name));
  }
  return std::to_string(bytes);
}

}  // namespace ronda::base
