#include "base/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "base/core/check.h"
#include "base/units.h"

namespace ronda::base {
namespace {

constexpr std::size_t kNone = static_cast<std::size_t>(-1);

template <typename T>
Result<T> ParseNumber(std::string_view text, std::string_view what) {
  T value{};
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size() || text.empty()) {
    return InvalidArgument(fmt::format("expected {}", what));
  }
  return value;
}

Result<bool> ParseSwitch(std::string_view text) {
  for (const std::string_view yes : {"true", "yes", "on", "1"}) {
    if (text == yes) return true;
  }
  for (const std::string_view no : {"false", "no", "off", "0"}) {
    if (text == no) return false;
  }
  return InvalidArgument("expected true or false");
}

Result<std::int64_t> ParseWhole(OptionType type, std::string_view text) {
  if (type == OptionType::kDuration) return ParseDuration(text);
  if (type == OptionType::kSize) return ParseSize(text);
  return ParseNumber<std::int64_t>(text, "a whole number");
}

// "1..100 requests/s" for messages; only called when one of the bounds is there.
std::string BoundsOf(const OptionSpec& spec) {
  const std::string unit = spec.unit.empty() ? "" : fmt::format(" {}", spec.unit);
  if (spec.max.empty()) return fmt::format("at least {}{}", spec.min, unit);
  if (spec.min.empty()) return fmt::format("at most {}{}", spec.max, unit);
  return fmt::format("{} to {}{}", spec.min, spec.max, unit);
}

// `parse` reads a bound as it reads a value.
template <typename T, typename ParseFunction>
Status CheckBounds(const OptionSpec& spec, const T& value, ParseFunction parse) {
  const auto out_of_range = [&] {
    return InvalidArgument(fmt::format("out of range: {}", BoundsOf(spec)));
  };
  if (!spec.min.empty() && value < parse(spec.min).value()) return out_of_range();
  if (!spec.max.empty() && value > parse(spec.max).value()) return out_of_range();
  return Ok();
}

std::vector<std::string> SplitAtCommas(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const auto comma = text.find(',');
    parts.emplace_back(text.substr(0, comma));
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
  }
  return parts;
}

}  // namespace

std::string_view NameOf(OptionType type) {
  switch (type) {
    case OptionType::kSwitch: return "switch";
    case OptionType::kInt: return "int";
    case OptionType::kFloat: return "float";
    case OptionType::kDuration: return "duration";
    case OptionType::kSize: return "size";
    case OptionType::kString: return "string";
    case OptionType::kChoice: return "choice";
    case OptionType::kList: return "list";
  }
  return "";
}

std::string_view NameOf(OptionSource source) {
  switch (source) {
    case OptionSource::kDefault: return "default";
    case OptionSource::kFile: return "file";
    case OptionSource::kEnvironment: return "environment";
    case OptionSource::kFlag: return "flag";
  }
  return "";
}

std::string EnvironmentNameOf(const OptionSpec& spec) {
  if (!spec.env.empty()) return std::string(spec.env);
  std::string name = "RONDA_";
  for (const char c : spec.name) {
    const bool lower = c >= 'a' && c <= 'z';
    name += lower ? static_cast<char>(c - 'a' + 'A') : (c == '-' ? '_' : c);
  }
  return name;
}

Options::Options(std::vector<OptionSpec> table) : table_(std::move(table)), given_(table_.size()) {
  for (std::size_t i = 0; i < table_.size(); ++i) {
    const OptionSpec& spec = table_[i];
    CHECK(!spec.name.empty());
    CHECK(IndexOf(spec.name) == i);  // no name twice
    CHECK((spec.type == OptionType::kChoice) == !spec.choices.empty());
    if (spec.default_text.empty()) continue;
    CHECK(Set(spec.name, spec.default_text, {OptionSource::kDefault, "default"}).ok());
  }
}

std::size_t Options::IndexOf(std::string_view name) const {
  const auto found = std::ranges::find(table_, name, &OptionSpec::name);
  return found == table_.end() ? kNone : static_cast<std::size_t>(found - table_.begin());
}

const OptionSpec* Options::Find(std::string_view name) const {
  const std::size_t index = IndexOf(name);
  return index == kNone ? nullptr : &table_[index];
}

Result<Options::Value> Options::Parse(const OptionSpec& spec, std::string_view text) {
  switch (spec.type) {
    case OptionType::kSwitch: {
      ASSIGN_OR_RETURN(const bool value, ParseSwitch(text));
      return Value(value);
    }
    case OptionType::kInt:
    case OptionType::kDuration:
    case OptionType::kSize: {
      const auto parse = [&](std::string_view t) { return ParseWhole(spec.type, t); };
      ASSIGN_OR_RETURN(const std::int64_t value, parse(text));
      RETURN_IF_ERROR(CheckBounds(spec, value, parse));
      return Value(value);
    }
    case OptionType::kFloat: {
      const auto parse = [](std::string_view t) { return ParseNumber<double>(t, "a number"); };
      ASSIGN_OR_RETURN(const double value, parse(text));
      if (!std::isfinite(value)) return InvalidArgument("expected a number");
      RETURN_IF_ERROR(CheckBounds(spec, value, parse));
      return Value(value);
    }
    case OptionType::kChoice:
      if (std::ranges::find(spec.choices, text) == spec.choices.end()) {
        return InvalidArgument(fmt::format("expected one of {}", fmt::join(spec.choices, ", ")));
      }
      return Value(std::string(text));
    case OptionType::kString: return Value(std::string(text));
    case OptionType::kList: return Value(std::vector<std::string>{std::string(text)});
  }
  return Internal("an option of no type");
}

Status Options::Set(std::string_view name, std::string_view text, OptionOrigin origin) {
  const std::size_t index = IndexOf(name);
  if (index == kNone) return NotFound(fmt::format("{}: no option \"{}\"", origin.place, name));
  const OptionSpec& spec = table_[index];
  Result<Value> value = Parse(spec, text);
  if (!value.ok()) {
    const std::string shown = spec.secrecy == Secrecy::kSecret ? "***" : std::string(text);
    return InvalidArgument(
        fmt::format("{}: \"{}\" for {}: {}", origin.place, shown, name, value.status().message()));
  }
  std::vector<Given>& layers = given_[index];
  const auto at = std::ranges::lower_bound(layers, origin.source, {},
                                           [](const Given& g) { return g.origin.source; });
  if (at == layers.end() || at->origin.source != origin.source) {
    layers.insert(at, Given{std::move(origin), *std::move(value), std::string(text)});
    return Ok();
  }
  if (spec.type != OptionType::kList) {
    *at = Given{std::move(origin), *std::move(value), std::string(text)};
    return Ok();
  }
  std::get<std::vector<std::string>>(at->value).emplace_back(text);
  at->text += fmt::format(",{}", text);
  return Ok();
}

Status Options::ReadEnvironment(const std::function<const char*(const char*)>& get) {
  for (const OptionSpec& spec : table_) {
    if (spec.scope == OptionScope::kFlagOnly) continue;
    const std::string variable = EnvironmentNameOf(spec);
    const char* text = get(variable.c_str());
    if (text == nullptr || *text == '\0') continue;
    if (spec.type != OptionType::kList) {
      RETURN_IF_ERROR(Set(spec.name, text, {OptionSource::kEnvironment, variable}));
      continue;
    }
    for (const std::string& item : SplitAtCommas(text)) {
      RETURN_IF_ERROR(Set(spec.name, item, {OptionSource::kEnvironment, variable}));
    }
  }
  return Ok();
}

const Options::Given* Options::Strongest(std::string_view name) const {
  const std::size_t index = IndexOf(name);
  CHECK(index != kNone);
  return given_[index].empty() ? nullptr : &given_[index].back();
}

bool Options::Has(std::string_view name) const { return Strongest(name) != nullptr; }

bool Options::IsSet(std::string_view name) const {
  const Given* given = Strongest(name);
  return given != nullptr && given->origin.source != OptionSource::kDefault;
}

const Options::Given& Options::Need(std::string_view name, OptionType type) const {
  const Given* given = Strongest(name);
  CHECK(given != nullptr);
  CHECK(Find(name)->type == type);
  return *given;
}

template <typename T>
const T& Options::Get(std::string_view name, OptionType type) const {
  return std::get<T>(Need(name, type).value);
}

bool Options::Switch(std::string_view name) const {
  return Has(name) && Get<bool>(name, OptionType::kSwitch);
}

std::int64_t Options::Int(std::string_view name) const {
  return Get<std::int64_t>(name, OptionType::kInt);
}

double Options::Float(std::string_view name) const { return Get<double>(name, OptionType::kFloat); }

std::int64_t Options::DurationNs(std::string_view name) const {
  return Get<std::int64_t>(name, OptionType::kDuration);
}

std::int64_t Options::SizeBytes(std::string_view name) const {
  return Get<std::int64_t>(name, OptionType::kSize);
}

const std::string& Options::String(std::string_view name) const {
  const Given* given = Strongest(name);
  CHECK(given != nullptr && std::holds_alternative<std::string>(given->value));
  return std::get<std::string>(given->value);
}

const std::vector<std::string>& Options::List(std::string_view name) const {
  static const std::vector<std::string> kEmpty;
  return Has(name) ? Get<std::vector<std::string>>(name, OptionType::kList) : kEmpty;
}

const OptionOrigin& Options::OriginOf(std::string_view name) const {
  const Given* given = Strongest(name);
  CHECK(given != nullptr);
  return given->origin;
}

std::vector<Options::Explained> Options::Explain() const {
  std::vector<Explained> all;
  for (std::size_t i = 0; i < table_.size(); ++i) {
    Explained& explained = all.emplace_back(Explained{&table_[i], {}});
    for (auto given = given_[i].rbegin(); given != given_[i].rend(); ++given) {
      const bool secret = table_[i].secrecy == Secrecy::kSecret;
      explained.layers.push_back({given->origin, secret ? "***" : given->text});
    }
  }
  return all;
}

}  // namespace ronda::base
