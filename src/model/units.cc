#include "model/units.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

#include "model/expression.h"

namespace ronda::model {
namespace {

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Cuts the number off the front of `text`; nothing when there is none.
std::optional<double> TakeNumber(std::string_view& text) {
  if (text.empty() || !IsDigit(text[0])) return std::nullopt;
  double value = 0;
  const auto [end, code] =
      std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (code != std::errc() || !std::isfinite(value)) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

std::string_view Trim(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  return text;
}

// A whole number of at most 9 digits.
std::optional<std::int64_t> ParseCount(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = code == std::errc() && end == text.data() + text.size();
  if (!whole || text.size() > 9 || !IsDigit(text[0])) return std::nullopt;
  return value;
}

}  // namespace

std::optional<double> ParseNumber(std::string_view text) {
  const std::optional<double> value = TakeNumber(text);
  return text.empty() ? value : std::nullopt;
}

base::Result<Size> ParseSize(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, double>, 9> kUnits = {{{"", 1},
                                                                          {"B", 1},
                                                                          {"KB", 1e3},
                                                                          {"MB", 1e6},
                                                                          {"GB", 1e9},
                                                                          {"KiB", 1024.0},
                                                                          {"MiB", 1048576.0},
                                                                          {"GiB", 1073741824.0},
                                                                          {"kB", 1e3}}};
  const std::optional<double> count = TakeNumber(text);
  const auto unit =
      std::ranges::find(kUnits, Trim(text), &std::pair<std::string_view, double>::first);
  if (!count.has_value() || unit == kUnits.end()) {
    return base::InvalidArgument("expected a size like 512, 64KiB or 1.5MB");
  }
  const double bytes = *count * unit->second;
  if (bytes > 9e18) return base::InvalidArgument("the size is larger than 9 EB");
  return Size{static_cast<std::uint64_t>(std::llround(bytes))};
}

base::Result<Percent> ParsePercent(std::string_view text) {
  const std::optional<double> count = TakeNumber(text);
  if (!count.has_value() || Trim(text) != "%") {
    return base::InvalidArgument("expected a percentage like 5% or 0.5%");
  }
  return Percent{*count / 100};
}

base::Result<Rate> ParseRate(std::string_view text, Duration unit) {
  constexpr std::array<std::pair<std::string_view, double>, 4> kUnits = {
      {{"/ms", 1e-3}, {"/s", 1}, {"/m", 60}, {"/h", 3600}}};
  const std::optional<double> count = TakeNumber(text);
  if (count.has_value() && text.empty() && unit.ns > 0) {
    return Rate{*count * 1e9 / static_cast<double>(unit.ns)};
  }
  const auto per = std::ranges::find(kUnits, text, &std::pair<std::string_view, double>::first);
  if (!count.has_value() || per == kUnits.end()) {
    return base::InvalidArgument("expected a rate like 100/s, 600/m or 5/h");
  }
  return Rate{*count / per->second};
}

base::Result<Quota> ParseQuota(std::string_view text) {
  constexpr std::int64_t kLongest = 31LL * 86'400 * 1'000'000'000;
  constexpr std::string_view kPer = " per ";
  const base::Status wrong = base::InvalidArgument("expected a limit like 3 per 1h");
  const auto per = text.find(kPer);
  if (per == std::string_view::npos) return wrong;
  const std::optional<std::int64_t> count = ParseCount(text.substr(0, per));
  const auto span = ParseDuration(text.substr(per + kPer.size()));
  if (!count.has_value() || !span.ok()) return wrong;
  if (*count < 1 || *count > 1'000'000) {
    return base::InvalidArgument("the count of a limit is 1 to 1000000");
  }
  if (*span < 1'000'000'000 || *span > kLongest) {
    return base::InvalidArgument("the time of a limit is 1s to 31d");
  }
  return Quota{*count, Duration{*span}};
}

base::Result<Share> ParseShare(std::string_view text) {
  constexpr std::string_view kOf = " of ";
  const base::Status wrong =
      base::InvalidArgument("expected n of m like 2 of 3, from 1 of 1 to 100 of 100");
  const auto of = text.find(kOf);
  if (of == std::string_view::npos) return wrong;
  const std::optional<std::int64_t> count = ParseCount(text.substr(0, of));
  const std::optional<std::int64_t> all = ParseCount(text.substr(of + kOf.size()));
  if (!count.has_value() || !all.has_value()) return wrong;
  if (*count < 1 || *all > 100 || *count > *all) return wrong;
  return Share{static_cast<int>(*count), static_cast<int>(*all)};
}

base::Result<Ref> ParseRef(std::string_view text) {
  const auto at = text.find('@');
  Ref ref;
  ref.name = text.substr(0, at);
  if (!IsDefinitionName(ref.name)) {
    return base::InvalidArgument("expected a name like buy-one or buy-one@3");
  }
  if (at == std::string_view::npos) return ref;
  const std::string_view version = text.substr(at + 1);
  const auto [end, code] =
      std::from_chars(version.data(), version.data() + version.size(), ref.version);
  if (code != std::errc() || end != version.data() + version.size() || ref.version < 1) {
    return base::InvalidArgument("a version is a number from 1, as in buy-one@3");
  }
  return ref;
}

bool IsIdentifier(std::string_view text) {
  const auto fits = [](char c) { return IsLetter(c) || IsDigit(c) || c == '_'; };
  return !text.empty() && text.size() <= 64 && !IsDigit(text[0]) && std::ranges::all_of(text, fits);
}

bool IsDefinitionName(std::string_view text) {
  const auto fits = [](char c) {
    return IsLetter(c) || IsDigit(c) || c == '.' || c == '_' || c == '-';
  };
  return !text.empty() && text.size() <= 100 && (IsLetter(text[0]) || IsDigit(text[0])) &&
         std::ranges::all_of(text, fits);
}

bool HasTemplate(std::string_view text) {
  for (std::size_t at = text.find("${"); at != std::string_view::npos;
       at = text.find("${", at + 2)) {
    if (at == 0 || text[at - 1] != '$') return true;
  }
  return false;
}

}  // namespace ronda::model
