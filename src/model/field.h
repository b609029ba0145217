#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/node.h"

namespace ronda::model {

// What a field of a definition or a parameter of an action holds.
enum class FieldType : std::uint8_t {
  kAny,
  kString,      // text; `${...}` in it unless `literal`
  kInt,
  kFloat,
  kBool,        // true or false, nothing else (YAML 1.2)
  kDuration,    // "800ms", "1h30m", "0"
  kSize,        // bytes: "64KiB", "1MB", "512"
  kPercent,     // "5%"
  kRate,  // events a second: "100/s", "600/m"; a bare number takes the unit that the field says
  kExpression,  // bare, without `${}`
  kRef,  // "name" or "name@version"
  kList,
  kMap,
};
// "int", "duration", ... as messages, the reference pages and `type:` of a parameter name them.
[[nodiscard]] std::string_view NameOf(FieldType type);
// The type of that name, for `type:` of a parameter.
[[nodiscard]] std::optional<FieldType> FieldTypeOf(std::string_view name);

// One field or parameter as data: validation, the reference pages, the JSON schema and forms come
// from it. A plain value.
struct FieldSpec {
  std::string name = {};  // empty: any name (a map from names to this)
  FieldType type = FieldType::kAny;
  std::optional<FieldType> also = {};  // a second form, e.g. a string instead of a map
  std::string description = {};  // one or two sentences, Markdown
  std::string title = {};  // for forms; empty: the name
  bool required = false;
  std::optional<std::string> default_text = {};  // as it would be written
  std::optional<Node> default_value = {};  // of a parameter that a definition declares
  // Of numbers; durations in seconds, sizes in bytes, percents as 0..1, rates a second; strings and
  // lists: their length.
  std::optional<double> min = {}, max = {};
  std::vector<std::string> one_of = {};  // the only values allowed
  std::vector<std::string> words = {};  // allowed beside the type's values: "none", "all"
  bool secret = false;  // never printed
  bool literal = false;  // no `${...}` in it
  bool file = false;  // names a file that the run reads
  int order = 0;  // in forms; equal ones as listed
  std::vector<FieldSpec> fields = {};  // of a map (none: any), or of each item of a list of maps
  bool by_name = false;  // a map from names to what `see` says
  std::string see = {};  // the object that describes its fields ("Step")
};

// The spec of that name; or the one without a name; or null.
[[nodiscard]] const FieldSpec* Find(const std::vector<FieldSpec>& specs, std::string_view name);

}  // namespace ronda::model
