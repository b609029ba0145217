#include "model/reader.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "model/expression.h"
#include "model/text_width.h"
#include "model/time_zone.h"
#include "model/units.h"

namespace ronda::model {
namespace {

std::string Quoted(std::string_view text) { return '"' + std::string(text) + '"'; }

std::string Join(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) (out += out.empty() ? "" : ", ") += word;
  return out;
}

std::string Number(double value) {
  if (value == std::floor(value) && std::abs(value) < 1e15) {
    return std::to_string(static_cast<std::int64_t>(value));
  }
  std::string text = std::to_string(value);
  while (text.ends_with('0')) text.pop_back();
  return text;
}

// A bound as the type writes it.
std::string Bound(FieldType type, double value) {
  switch (type) {
    case FieldType::kDuration: return Number(value) + "s";
    case FieldType::kPercent: return Number(value * 100) + "%";
    case FieldType::kSize: return Number(value) + " bytes";
    case FieldType::kRate: return Number(value) + "/s";
    default: return Number(value);
  }
}

bool CheckBounds(Loader& loader, const FieldSpec& spec, const Node& node, double value) {
  if (spec.min.has_value() && value < *spec.min) {
    loader.Error(node, Quoted(spec.name) + " is at least " + Bound(spec.type, *spec.min));
    return false;
  }
  if (spec.max.has_value() && value > *spec.max) {
    loader.Error(node, Quoted(spec.name) + " is at most " + Bound(spec.type, *spec.max));
    return false;
  }
  return true;
}

std::string Article(FieldType type) {
  const std::string name(NameOf(type));
  return (name.find_first_of("aeiou") == 0 ? "an " : "a ") + name;
}

void ReportType(Loader& loader, const FieldSpec& spec, const Node& node, std::string hint = {}) {
  loader.Error(
      node,
      Quoted(spec.name) + " is " + Article(spec.type) + ", this is " + std::string(node.Describe()),
      std::move(hint));
}

bool ReadNumber(Loader& loader, const FieldSpec& spec, const Node& node, Literal::Type wanted,
                Literal& literal) {
  literal = LiteralOf(node);
  const bool is_int = literal.type == Literal::Type::kInt;
  const bool fits = is_int || (wanted == Literal::Type::kFloat && literal.type == wanted);
  if (!node.is_scalar() || !fits) {
    Node bare = node;
    bare.quoted = false;
    const bool only_quoted = node.quoted && LiteralOf(bare).type == wanted;
    const bool is_template = HasTemplate(node.scalar);
    ReportType(loader, spec, node,
               only_quoted   ? "write it without quotes"
               : is_template ? "this field takes no ${...}"
                             : "");
    return false;
  }
  return CheckBounds(loader, spec, node, literal.number);
}

// Runs a parser of units.h over a scalar and reports what it says.
template <typename T, typename Parse>
bool ReadUnit(Loader& loader, const FieldSpec& spec, const Node& node, Parse parse, T& out) {
  if (!node.is_scalar()) {
    ReportType(loader, spec, node);
    return false;
  }
  auto parsed = parse(std::string_view(node.scalar));
  if (!parsed.ok()) {
    loader.Error(node, Quoted(spec.name) + ": " + parsed.status().message(),
                 HasTemplate(node.scalar) ? "this field takes no ${...}" : "");
    return false;
  }
  out = *std::move(parsed);
  return true;
}

}  // namespace

void Loader::Error(const Node& at, std::string message, std::string hint) {
  const std::string_view line = std::string_view(at.scalar).substr(0, at.scalar.find('\n'));
  const int length = static_cast<int>(CountCharacters(line)) + (at.quoted ? 2 : 0);
  diagnostics.Error(at.where, std::move(message), std::move(hint), std::max(1, length));
}

Text TextOf(const Node& scalar) {
  Text text{scalar.scalar, scalar.where};
  if (scalar.quoted && !scalar.block) ++text.where.column;  // past the quote
  return text;
}

void Read(Loader& loader, const FieldSpec& spec, const Node& node, bool& out) {
  const Literal literal = LiteralOf(node);
  if (node.is_scalar() && literal.type == Literal::Type::kBool) {
    out = literal.boolean;
    return;
  }
  ReportType(loader, spec, node, "write true or false");
}

void Read(Loader& loader, const FieldSpec& spec, const Node& node, std::int64_t& out) {
  Literal literal;
  if (ReadNumber(loader, spec, node, Literal::Type::kInt, literal)) out = literal.integer;
}

void Read(Loader& loader, const FieldSpec& spec, const Node& node, int& out) {
  FieldSpec bounded = spec;
  bounded.max = std::min(spec.max.value_or(1e9), 1e9);
  bounded.min = std::max(spec.min.value_or(-1e9), -1e9);
  std::int64_t value = out;
  Read(loader, bounded, node, value);
  out = static_cast<int>(value);
}

void Read(Loader& loader, const FieldSpec& spec, const Node& node, double& out) {
  Literal literal;
  if (ReadNumber(loader, spec, node, Literal::Type::kFloat, literal)) out = literal.number;
}

void Read(Loader& loader, const FieldSpec& spec, const Node& node, std::string& out) {
  if (!node.is_scalar()) return ReportType(loader, spec, node);
  if (!spec.one_of.empty()) {
    if (!ReadChoice(loader, spec, node).has_value()) return;
  } else if (HasTemplate(node.scalar)) {
    return loader.Error(node, Quoted(spec.name) + " takes no ${...}");
  }
  if (CheckBounds(loader, spec, node, static_cast<double>(node.scalar.size()))) out = node.scalar;
}

void Read(Loader& loader, const FieldSpec& spec, const Node& node, Duration& out) {
  const auto parse = [](std::string_view text) -> base::Result<Duration> {
    ASSIGN_OR_RETURN(const std::int64_t ns, ParseDuration(text));
    return Duration{ns};
  };
  Duration value;
  if (node.is_scalar() && node.scalar != "0" && ParseNumber(node.scalar).has_value()) {
    return loader.Error(node, Quoted(spec.name) + " needs a unit",
                        "write " + node.scalar + "s or " + node.scalar + "ms");
  }
  if (ReadUnit(loader, spec, node, parse, value) &&
      CheckBounds(loader, spec, node, static_cast<double>(value.ns) / 1e9)) {
    out = value;
  }
}

void Read(Loader& loader, const FieldSpec& spec, const Node& node, Size& out) {
  Size value;
  if (ReadUnit(loader, spec, node, ParseSize, value) &&
      CheckBounds(loader, spec, node, static_cast<double>(value.bytes))) {
    out = value;
  }
}

void Read(Loader& loader, const FieldSpec& spec, const Node& node, Percent& out) {
  Percent value;
  if (ReadUnit(loader, spec, node, ParsePercent, value) &&
      CheckBounds(loader, spec, node, value.fraction)) {
    out = value;
  }
}

void Read(Loader& loader, const FieldSpec& spec, const Node& node, Text& out) {
  if (!node.is_scalar()) return ReportType(loader, spec, node);
  if (node.scalar.empty()) return loader.Error(node, Quoted(spec.name) + " is empty");
  out = TextOf(node);
}

void Read(Loader& loader, const FieldSpec& spec, const Node& node, Ref& out) {
  if (ReadUnit(loader, spec, node, ParseRef, out)) out.where = node.where;
}

void Read(Loader&, const FieldSpec&, const Node& node, Node& out) { out = node; }

void Read(Loader& loader, const FieldSpec& spec, const Node& node, std::vector<std::string>& out) {
  FieldSpec item = spec;
  item.type = FieldType::kString;
  item.min = item.max = std::nullopt;
  out.clear();
  if (node.is_list()) {
    for (const Node& each : node.items) Read(loader, item, each, out.emplace_back());
  } else if (node.is_scalar() && spec.also == FieldType::kString) {
    Read(loader, item, node, out.emplace_back());
  } else {
    ReportType(loader, spec, node);
  }
}

std::optional<std::size_t> ReadChoice(Loader& loader, const FieldSpec& spec, const Node& node) {
  const auto found = std::ranges::find(spec.one_of, node.scalar);
  if (node.is_scalar() && found != spec.one_of.end()) {
    return static_cast<std::size_t>(found - spec.one_of.begin());
  }
  const std::string near = Nearest(node.scalar, spec.one_of);
  loader.Error(node, Quoted(spec.name) + " is one of: " + Join(spec.one_of),
               near.empty() ? "" : "did you mean " + Quoted(near) + "?");
  return std::nullopt;
}

void ReportUnknownKey(Loader& loader, const Node& key, std::string_view what,
                      const std::vector<std::string>& known) {
  const std::string near = Nearest(key.scalar, known);
  loader.Error(key, std::string(what) + " has no key " + Quoted(key.scalar),
               near.empty() ? "known: " + Join(known) : "did you mean " + Quoted(near) + "?");
}

void ReportMissing(Loader& loader, const Node& map, std::string_view what, std::string_view key) {
  loader.Error(map, std::string(what) + " needs " + Quoted(key));
}

bool ExpectMap(Loader& loader, const Node& node, std::string_view what) {
  if (node.is_map()) return true;
  loader.Error(node, std::string(what) + " is a map, this is " + std::string(node.Describe()));
  return false;
}

bool ExpectList(Loader& loader, const Node& node, std::string_view what) {
  if (node.is_list()) return true;
  loader.Error(node, std::string(what) + " is a list, this is " + std::string(node.Describe()));
  return false;
}

bool CheckIdentifier(Loader& loader, const Node& name, std::string_view what) {
  if (name.is_scalar() && IsIdentifier(name.scalar)) return true;
  std::string fixed = name.scalar;
  std::ranges::replace_if(fixed, [](char c) { return c == '-' || c == '.' || c == ' '; }, '_');
  loader.Error(name,
               std::string(what) + " is a letter or _, then letters, digits and _; at most 64",
               IsIdentifier(fixed) ? "expressions can name " + Quoted(fixed) : "");
  return false;
}

bool TakeName(Loader& loader, const Node& name, std::string_view what) {
  if (!CheckIdentifier(loader, name, what)) return false;
  if (std::ranges::find(ReservedNames(), name.scalar) != ReservedNames().end()) {
    loader.Error(name, Quoted(name.scalar) + " is a name of the expression language",
                 "choose another");
    return false;
  }
  if (loader.taken.insert(name.scalar).second) return true;
  loader.Error(name, std::string(what) + " " + Quoted(name.scalar) + " is taken",
               "steps and feeds of a scenario share their names");
  return false;
}

void CheckZone(Loader& loader, const Node& zone) {
  if (!zone.is_scalar() || TimeZone::Load(zone.scalar).ok()) return;
  loader.Error(zone, "there is no time zone \"" + zone.scalar + '"',
               "zones are called as in the IANA database: Asia/Shanghai, Europe/Berlin, UTC");
}

}  // namespace ronda::model
