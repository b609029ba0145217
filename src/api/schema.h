#pragma once

#include <simdjson.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/status.h"
#include "base/json_writer.h"

namespace re2 {
class RE2;
}

namespace ronda::api {

struct SchemaField;

// The shape of a JSON value: parameters and bodies are checked against it, and the OpenAPI document shows
// it (JSON Schema 2020-12, the part that is needed). Made by the functions of namespace schema. A value.
struct Schema {
  enum class Type : std::uint8_t { kAny, kText, kInteger, kNumber, kBool, kList, kMap, kObject };
  Type type = Type::kAny;
  std::string description = {};
  std::string name = {};  // not empty: a component of the document, which others refer to
  std::vector<SchemaField> fields;  // of kObject; there are no others
  std::vector<Schema> items;  // of kList and kMap: the one that each item has
  std::vector<std::string> choices = {};  // of kText: the only values
  std::optional<std::int64_t> min = {},
                              max = {};  // of numbers; lengths of lists and texts, characters
  std::shared_ptr<const re2::RE2> pattern = {};  // of kText: the whole of it matches
  std::string format = {};  // of kText: "date-time", "password"; told, not checked
  bool nullable = false;
};

enum class Required : std::uint8_t { kNo, kYes };

struct SchemaField {
  std::string name;
  Schema schema;
  Required required = Required::kYes;
};

namespace schema {

[[nodiscard]] Schema Any(std::string description = "");
[[nodiscard]] Schema Text(std::string description = "");
[[nodiscard]] Schema Choice(std::vector<std::string> choices, std::string description = "");
[[nodiscard]] Schema Time(std::string description = "");  // RFC 3339, UTC
[[nodiscard]] Schema Integer(std::string description = "");
[[nodiscard]] Schema Number(std::string description = "");
[[nodiscard]] Schema Bool(std::string description = "");
[[nodiscard]] Schema ListOf(Schema item, std::string description = "");
[[nodiscard]] Schema MapOf(Schema item, std::string description = "");
[[nodiscard]] Schema Object(std::vector<SchemaField> fields, std::string description = "");
[[nodiscard]] Schema Named(std::string name, Schema schema);
[[nodiscard]] Schema Nullable(Schema schema);
// With bounds; either may be missing.
[[nodiscard]] Schema Within(Schema schema, std::optional<std::int64_t> min,
                            std::optional<std::int64_t> max);

// Of a text: all of it matches `pattern` (RE2, which JSON Schema's ECMA-262 has to read the same way).
[[nodiscard]] Schema Matching(Schema schema, std::string_view pattern);

}  // namespace schema

// InvalidArgument, with `where` ("body") and the path of what is wrong: a type, a bound, a choice, a field
// that is missing, unknown or given twice; with the nearest name where there is one.
[[nodiscard]] base::Status Check(const Schema& schema, simdjson::dom::element value,
                                 std::string_view where);
// The same for a parameter, which is a text: "5", "true". Of kList: one item of it.
[[nodiscard]] base::Status CheckText(const Schema& schema, std::string_view text,
                                     std::string_view where);

// Writes JSON Schema; named ones become references and are put into `components`.
void PutSchema(const Schema& schema, std::map<std::string, Schema>& components,
               base::JsonWriter& json);
// The named schema itself, as a component.
void PutSchemaWhole(const Schema& schema, std::map<std::string, Schema>& components,
                    base::JsonWriter& json);

}  // namespace ronda::api
