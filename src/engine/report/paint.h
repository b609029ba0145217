#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "engine/report/report.h"

// Colour on a terminal. Private to this room.
namespace ronda::engine::report {

// Which escape sequence (ECMA-48, SGR) goes around a text.
enum class Ink : std::uint8_t { kBold, kDim, kGood, kBad, kWarn };

[[nodiscard]] inline std::string Colored(Paint paint, Ink ink, std::string_view text) {
  if (paint == Paint::kPlain) return std::string(text);
  static constexpr std::string_view kCodes[] = {"\x1b[1m", "\x1b[2m", "\x1b[32m", "\x1b[31m",
                                                "\x1b[33m"};
  return std::string(kCodes[static_cast<std::size_t>(ink)]).append(text).append("\x1b[0m");
}

// A line of bars, one for each value, from zero to the largest.
[[nodiscard]] std::string Bars(std::span<const double> values);

}  // namespace ronda::engine::report
