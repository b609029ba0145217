#include "engine/report/text.h"

#include <fmt/format.h>

#include <array>
#include <ctime>

#include "base/text.h"
#include "engine/report/report.h"
#include "stats/format.h"

namespace ronda::engine::report {
namespace {

using base::Character;
using base::ForEachCharacter;
using base::kReplacement;

bool TurnsDirection(std::uint32_t code) {
  return code == 0x061c || code == 0x200e || code == 0x200f || (code >= 0x202a && code <= 0x202e) ||
         (code >= 0x2066 && code <= 0x2069);
}

}  // namespace

std::string PlainText(std::string_view text) {
  std::string out;
  ForEachCharacter(text, [&](const Character& c, std::string_view bytes) {
    if (!c.good) {
      out += kReplacement;
    } else if (c.code == '\n' || c.code == '\t') {
      out += ' ';
    } else if (c.code < 0x20 || (c.code >= 0x7f && c.code < 0xa0) || TurnsDirection(c.code)) {
      out += fmt::format("\\u{:04x}", c.code);
    } else {
      out += bytes;
    }
  });
  return out;
}

std::size_t Columns(std::string_view text) {
  std::size_t n = 0;
  ForEachCharacter(text, [&](const Character&, std::string_view) { ++n; });
  return n;
}

std::string Cut(std::string_view text, std::size_t columns) {
  if (Columns(text) <= columns) return std::string(text);
  std::string out;
  std::size_t n = 1;
  ForEachCharacter(text, [&](const Character&, std::string_view bytes) {
    if (n++ < columns) out += bytes;
  });
  return columns == 0 ? "" : out + "…";
}

std::string PadRight(std::string_view text, std::size_t columns) {
  const std::size_t n = Columns(text);
  return std::string(text) + std::string(n < columns ? columns - n : 0, ' ');
}

std::string PadLeft(std::string_view text, std::size_t columns) {
  const std::size_t n = Columns(text);
  return std::string(n < columns ? columns - n : 0, ' ') + std::string(text);
}

std::string JsonText(std::string_view text) {
  std::string out;
  AppendJsonText(text, out);
  return out;
}

void AppendCsvText(std::string_view text, std::string& out) {
  if (text.find_first_of("\",\r\n") == std::string_view::npos) {
    out += text;
    return;
  }
  out += '"';
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

std::string XmlText(std::string_view text) {
  std::string out;
  ForEachCharacter(text, [&](const Character& c, std::string_view bytes) {
    switch (c.code) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default:
        // What XML 1.0 cannot hold, and what makes a text read as another one.
        if (!c.good || (c.code < 0x20 && c.code != '\n' && c.code != '\t') || c.code == 0xfffe ||
            c.code == 0xffff || TurnsDirection(c.code)) {
          out += kReplacement;
        } else {
          out += bytes;
        }
    }
  });
  return out;
}

std::string Base64(std::string_view bytes) {
  static constexpr char kDigits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto at = [&](std::size_t k) -> std::uint32_t {
      return k < bytes.size() ? static_cast<std::uint8_t>(bytes[k]) : 0;
    };
    const std::uint32_t three = (at(i) << 16) | (at(i + 1) << 8) | at(i + 2);
    out += kDigits[three >> 18];
    out += kDigits[(three >> 12) & 63];
    out += i + 1 < bytes.size() ? kDigits[(three >> 6) & 63] : '=';
    out += i + 2 < bytes.size() ? kDigits[three & 63] : '=';
  }
  return out;
}

bool FromBase64(std::string_view text, std::string& bytes) {
  const auto digit = [](char c) -> int {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
  };
  bytes.clear();
  if (text.size() % 4 != 0) return false;
  for (std::size_t i = 0; i < text.size(); i += 4) {
    std::uint32_t four = 0;
    std::size_t pads = 0;
    for (std::size_t k = 0; k < 4; ++k) {
      const char c = text[i + k];
      const bool pad = c == '=' && i + 4 == text.size() && k >= 2;
      const int value = pad ? 0 : digit(c);
      if (value < 0 || (pads > 0 && !pad)) return false;
      pads += pad ? 1 : 0;
      four = (four << 6) | static_cast<std::uint32_t>(value);
    }
    for (std::size_t k = 0; k < 3 - pads; ++k) bytes += static_cast<char>(four >> (16 - 8 * k));
  }
  return true;
}

std::string UtcTime(std::uint64_t wall_ns) {
  const auto seconds = static_cast<std::time_t>(wall_ns / 1'000'000'000);
  std::tm parts{};
  if (gmtime_r(&seconds, &parts) == nullptr) return {};
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text.data();
}

std::string FormatNs(std::uint64_t ns) { return stats::FormatDuration(static_cast<double>(ns)); }

std::string FormatRatio(std::uint64_t part, std::uint64_t whole) {
  return stats::FormatPercent(whole == 0 ? 0.0
                                         : static_cast<double>(part) / static_cast<double>(whole));
}

std::string FormatBytes(std::uint64_t bytes) {
  return stats::FormatBytes(static_cast<double>(bytes));
}

}  // namespace ronda::engine::report
