#include "model/field.h"

#include <algorithm>
#include <array>

namespace ronda::model {
namespace {

constexpr std::array<std::string_view, 13> kNames = {
    "any",     "string", "int",        "float", "bool", "duration", "size",
    "percent", "rate",   "expression", "ref",   "list", "map"};

}  // namespace

std::string_view NameOf(FieldType type) { return kNames[static_cast<std::size_t>(type)]; }

std::optional<FieldType> FieldTypeOf(std::string_view name) {
  const auto found = std::ranges::find(kNames, name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<FieldType>(found - kNames.begin());
}

const FieldSpec* Find(const std::vector<FieldSpec>& specs, std::string_view name) {
  const auto found = std::ranges::find(specs, name, &FieldSpec::name);
  if (found != specs.end()) return &*found;
  const auto any = std::ranges::find(specs, "", &FieldSpec::name);
  return any == specs.end() ? nullptr : &*any;
}

}  // namespace ronda::model
