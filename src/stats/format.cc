#include "stats/format.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ronda::stats {
namespace {

// Three significant digits, no more than two after the point.
std::string ThreeDigits(double v) {
  if (v < 9.995) return fmt::format("{:.2f}", v);
  if (v < 99.95) return fmt::format("{:.1f}", v);
  return fmt::format("{:.0f}", v);
}

std::string TrimZeros(std::string s) {
  if (s.find('.') == std::string::npos) return s;
  while (s.back() == '0') s.pop_back();
  if (s.back() == '.') s.pop_back();
  return s;
}

}  // namespace

std::string FormatDuration(double ns) {
  if (!std::isfinite(ns)) return "no data";
  if (ns < 0) return "-" + FormatDuration(-ns);
  if (ns < 999.5) return fmt::format("{:.0f}ns", ns);
  if (ns < 999.5e3) return TrimZeros(ThreeDigits(ns / 1e3)) + "µs";
  if (ns < 999.5e6) return TrimZeros(ThreeDigits(ns / 1e6)) + "ms";
  if (ns < 59.995e9) return TrimZeros(ThreeDigits(ns / 1e9)) + "s";
  const auto seconds = static_cast<std::uint64_t>(std::llround(ns / 1e9));
  if (seconds < 3600) return fmt::format("{}m{:02}s", seconds / 60, seconds % 60);
  return fmt::format("{}h{:02}m", seconds / 3600, seconds % 3600 / 60);
}

std::string FormatCount(double n) {
  std::string digits = fmt::format("{:.0f}", std::abs(n));
  for (auto i = static_cast<std::ptrdiff_t>(digits.size()) - 3; i > 0; i -= 3) {
    digits.insert(static_cast<std::size_t>(i), ",");
  }
  return n < 0 && digits != "0" ? "-" + digits : digits;
}

std::string FormatPercent(double ratio) {
  if (!std::isfinite(ratio)) return "no data";
  if (ratio == 0) return "0%";
  if (ratio == 1) return "100%";
  const double percent = ratio * 100;
  if (percent > 0 && percent < 0.01) return "<0.01%";
  if (percent > 99.99 && percent < 100) return ">99.99%";
  return TrimZeros(fmt::format("{:.2f}", percent)) + "%";
}

std::string FormatRate(double per_second) {
  if (!std::isfinite(per_second)) return "no data";
  if (std::abs(per_second) >= 99.95) return FormatCount(per_second) + "/s";
  return TrimZeros(ThreeDigits(per_second)) + "/s";
}

std::string FormatBytes(double bytes) {
  static constexpr std::array<std::string_view, 6> kUnits = {"B", "kB", "MB", "GB", "TB", "PB"};
  std::size_t unit = 0;
  while (bytes >= 999.5 && unit + 1 < kUnits.size()) {
    bytes /= 1000;
    ++unit;
  }
  return unit == 0 ? fmt::format("{:.0f} B", bytes)
                   : fmt::format("{} {}", TrimZeros(ThreeDigits(bytes)), kUnits[unit]);
}

}  // namespace ronda::stats
