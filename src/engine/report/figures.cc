#include <fmt/format.h>

#include "engine/report/report.h"
#include "model/value.h"

namespace ronda::engine::report {

std::string FormatNs(std::uint64_t ns) {
  const auto value = static_cast<double>(ns);
  if (ns < 1'000'000) return fmt::format("{:.0f} us", value / 1e3);
  if (ns < 10'000'000) return fmt::format("{:.2f} ms", value / 1e6);
  if (ns < 1'000'000'000) return fmt::format("{:.0f} ms", value / 1e6);
  return fmt::format("{:.2f} s", value / 1e9);
}

std::string FormatRatio(std::uint64_t part, std::uint64_t whole) {
  return fmt::format("{:.2f} %", whole == 0 ? 0.0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

std::string FormatBytes(std::uint64_t bytes) {
  static constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1024 && unit < 4) {
    value /= 1024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string JsonText(std::string_view text) {
  std::string out;
  model::AppendJson(model::Value::String(text), out);
  return out;
}

std::string XmlText(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') {
          out += "\xef\xbf\xbd";
        } else {
          out += c;
        }
    }
  }
  return out;
}

}  // namespace ronda::engine::report
