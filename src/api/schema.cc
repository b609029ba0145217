#include "api/schema.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <re2/re2.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "base/text.h"

namespace ronda::api {

namespace schema {
namespace {

Schema Make(Schema::Type type, std::string description) {
  Schema made;
  made.type = type;
  made.description = std::move(description);
  return made;
}

}  // namespace

Schema Any(std::string description) { return Make(Schema::Type::kAny, std::move(description)); }
Schema Text(std::string description) { return Make(Schema::Type::kText, std::move(description)); }
Schema Integer(std::string description) {
  return Make(Schema::Type::kInteger, std::move(description));
}
Schema Number(std::string description) {
  return Make(Schema::Type::kNumber, std::move(description));
}
Schema Bool(std::string description) { return Make(Schema::Type::kBool, std::move(description)); }
Schema Choice(std::vector<std::string> choices, std::string description) {
  Schema made = Text(std::move(description));
  made.choices = std::move(choices);
  return made;
}
Schema Time(std::string description) {
  Schema made = Text(std::move(description));
  made.format = "date-time";
  return made;
}
Schema ListOf(Schema item, std::string description) {
  Schema made = Make(Schema::Type::kList, std::move(description));
  made.items.push_back(std::move(item));
  return made;
}
Schema MapOf(Schema item, std::string description) {
  Schema made = Make(Schema::Type::kMap, std::move(description));
  made.items.push_back(std::move(item));
  return made;
}
Schema Object(std::vector<SchemaField> fields, std::string description) {
  Schema made = Make(Schema::Type::kObject, std::move(description));
  made.fields = std::move(fields);
  return made;
}
Schema Named(std::string name, Schema schema) {
  schema.name = std::move(name);
  return schema;
}
Schema Nullable(Schema schema) {
  schema.nullable = true;
  return schema;
}
Schema Within(Schema schema, std::optional<std::int64_t> min, std::optional<std::int64_t> max) {
  schema.min = min;
  schema.max = max;
  return schema;
}

Schema Matching(Schema schema, std::string_view pattern) {
  schema.pattern = std::make_shared<const re2::RE2>(pattern);
  CHECK(schema.pattern->ok());
  return schema;
}

}  // namespace schema

namespace {

using Type = Schema::Type;
using simdjson::dom::element;

std::string_view Expected(Type type) {
  switch (type) {
    case Type::kAny: return "a value";
    case Type::kText: return "a text";
    case Type::kInteger: return "a whole number";
    case Type::kNumber: return "a number";
    case Type::kBool: return "true or false";
    case Type::kList: return "a list";
    case Type::kMap:
    case Type::kObject: return "an object";
  }
  return "a value";
}

base::Status Wrong(std::string_view where, std::string_view what) {
  return base::InvalidArgument(fmt::format("{}: {}", where, what));
}

// "1 to 1000", "at least 1".
std::string BoundsOf(const Schema& schema) {
  if (schema.min && schema.max) return fmt::format("{} to {}", *schema.min, *schema.max);
  return schema.min ? fmt::format("at least {}", *schema.min)
                    : fmt::format("at most {}", *schema.max);
}

template <typename Number>
bool Outside(const Schema& schema, Number number) {
  const auto below = [&](std::int64_t bound) {
    if constexpr (std::is_floating_point_v<Number>)
      return number < static_cast<Number>(bound);
    else
      return std::cmp_less(number, bound);
  };
  const auto above = [&](std::int64_t bound) {
    if constexpr (std::is_floating_point_v<Number>)
      return number > static_cast<Number>(bound);
    else
      return std::cmp_greater(number, bound);
  };
  return (schema.min && below(*schema.min)) || (schema.max && above(*schema.max));
}

template <typename Number>
base::Status CheckNumber(const Schema& schema, Number number, std::string_view where) {
  if (!Outside(schema, number)) return base::Ok();
  return Wrong(where, fmt::format("{} is expected, not {}", BoundsOf(schema), number));
}

base::Status CheckLength(const Schema& schema, std::size_t length, std::string_view unit,
                         std::string_view where) {
  if (!Outside(schema, length)) return base::Ok();
  return Wrong(where, fmt::format("{} {} are expected, not {}", BoundsOf(schema), unit, length));
}

base::Status CheckString(const Schema& schema, std::string_view text, std::string_view where) {
  if (!schema.choices.empty() && std::ranges::find(schema.choices, text) == schema.choices.end()) {
    const std::string nearest = base::Nearest(std::string(text), schema.choices);
    return Wrong(where, nearest.empty()
                            ? fmt::format("there is no \"{}\"; there are: {}", text,
                                          fmt::join(schema.choices, ", "))
                            : fmt::format("there is no \"{}\"; did you mean {}?", text, nearest));
  }
  if (text.find('\0') != text.npos) return Wrong(where, "a text without NUL is expected");
  const auto is_first = [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; };
  const auto characters = static_cast<std::size_t>(std::ranges::count_if(text, is_first));
  RETURN_IF_ERROR(CheckLength(schema, characters, "characters", where));
  if (schema.pattern == nullptr || re2::RE2::FullMatch(text, *schema.pattern)) return base::Ok();
  return Wrong(where, fmt::format("\"{}\" is not like {}", text, schema.pattern->pattern()));
}

const SchemaField* FieldOf(const Schema& schema, std::string_view name) {
  const auto found = std::ranges::find(schema.fields, name, &SchemaField::name);
  return found == schema.fields.end() ? nullptr : &*found;
}

base::Status UnknownField(const Schema& schema, std::string_view name, std::string_view where) {
  std::vector<std::string> names;
  for (const SchemaField& field : schema.fields) names.push_back(field.name);
  const std::string nearest = base::Nearest(std::string(name), names);
  std::string message = fmt::format("there is no field \"{}\"", name);
  if (!nearest.empty()) {
    message += fmt::format("; did you mean {}?", nearest);
  } else if (!names.empty()) {
    message += fmt::format("; there are: {}", fmt::join(names, ", "));
  }
  return Wrong(where, message);
}

base::Status CheckObject(const Schema& schema, simdjson::dom::object object,
                         std::string_view where) {
  std::set<std::string_view> given;
  for (const auto& [name, value] : object) {
    if (!given.insert(name).second) return Wrong(where, fmt::format("\"{}\" is given twice", name));
    const SchemaField* field = FieldOf(schema, name);
    if (field == nullptr) return UnknownField(schema, name, where);
    RETURN_IF_ERROR(Check(field->schema, value, fmt::format("{}.{}", where, name)));
  }
  for (const SchemaField& field : schema.fields) {
    if (field.required == Required::kYes && !given.contains(field.name)) {
      return Wrong(where, fmt::format("\"{}\" is missing", field.name));
    }
  }
  return base::Ok();
}

base::Status CheckList(const Schema& schema, simdjson::dom::array list, std::string_view where) {
  RETURN_IF_ERROR(CheckLength(schema, list.size(), "items", where));
  std::size_t at = 0;
  for (const element item : list) {
    RETURN_IF_ERROR(Check(schema.items.front(), item, fmt::format("{}[{}]", where, at++)));
  }
  return base::Ok();
}

base::Status CheckMap(const Schema& schema, simdjson::dom::object map, std::string_view where) {
  for (const auto& [name, value] : map) {
    RETURN_IF_ERROR(Check(schema.items.front(), value, fmt::format("{}.{}", where, name)));
  }
  return base::Ok();
}

}  // namespace

base::Status Check(const Schema& schema, element value, std::string_view where) {
  if (schema.type == Type::kAny || (schema.nullable && value.is_null())) return base::Ok();
  const auto wrong = [&] {
    return Wrong(where, fmt::format("{} is expected", Expected(schema.type)));
  };
  switch (schema.type) {
    case Type::kAny: break;
    case Type::kBool: return value.is_bool() ? base::Ok() : wrong();
    case Type::kText:
      return value.is_string() ? CheckString(schema, value.get_string().value_unsafe(), where)
                               : wrong();
    case Type::kInteger:
      if (value.is_int64()) return CheckNumber(schema, value.get_int64().value_unsafe(), where);
      if (value.is_uint64()) return CheckNumber(schema, value.get_uint64().value_unsafe(), where);
      return wrong();
    case Type::kNumber:
      if (!value.is_number()) return wrong();
      return CheckNumber(schema, value.get_double().value_unsafe(), where);
    case Type::kList:
      return value.is_array() ? CheckList(schema, value.get_array().value_unsafe(), where)
                              : wrong();
    case Type::kMap:
      return value.is_object() ? CheckMap(schema, value.get_object().value_unsafe(), where)
                               : wrong();
    case Type::kObject:
      return value.is_object() ? CheckObject(schema, value.get_object().value_unsafe(), where)
                               : wrong();
  }
  return base::Ok();
}

base::Status CheckText(const Schema& schema, std::string_view text, std::string_view where) {
  const char* end = text.data() + text.size();
  const auto wrong = [&] {
    return base::InvalidArgument(
        fmt::format("{} is {}, not \"{}\"", where, Expected(schema.type), text));
  };
  switch (schema.type) {
    case Type::kText: return CheckString(schema, text, where);
    case Type::kBool: return text == "true" || text == "false" ? base::Ok() : wrong();
    case Type::kInteger: {
      std::uint64_t natural = 0;
      std::int64_t whole = 0;
      if (const auto [at, error] = std::from_chars(text.data(), end, natural);
          error == std::errc() && at == end) {
        return CheckNumber(schema, natural, where);
      }
      const auto [at, error] = std::from_chars(text.data(), end, whole);
      return error == std::errc() && at == end ? CheckNumber(schema, whole, where) : wrong();
    }
    case Type::kNumber: {
      double number = 0;
      const auto [at, error] = std::from_chars(text.data(), end, number);
      return error == std::errc() && at == end ? CheckNumber(schema, number, where) : wrong();
    }
    case Type::kList: return CheckText(schema.items.front(), text, where);
    default: return base::Ok();
  }
}

namespace {

void PutType(const Schema& schema, base::JsonWriter& json) {
  static constexpr std::string_view kNames[] = {"",        "string", "integer", "number",
                                                "boolean", "array",  "object",  "object"};
  if (schema.type == Type::kAny) return;
  const std::string_view name = kNames[static_cast<std::size_t>(schema.type)];
  if (schema.nullable) {
    json.Key("type").List().Text(name).Text("null").EndList();
  } else {
    json.Field("type", name);
  }
}

void PutBounds(const Schema& schema, base::JsonWriter& json) {
  const auto put = [&](std::string_view least, std::string_view most) {
    if (schema.min) json.Field(least, *schema.min);
    if (schema.max) json.Field(most, *schema.max);
  };
  switch (schema.type) {
    case Type::kText: return put("minLength", "maxLength");
    case Type::kList: return put("minItems", "maxItems");
    case Type::kInteger:
    case Type::kNumber: return put("minimum", "maximum");
    default: return;
  }
}

void PutFields(const Schema& schema, std::map<std::string, Schema>& components,
               base::JsonWriter& json) {
  json.Key("properties").Object();
  for (const SchemaField& field : schema.fields) {
    PutSchema(field.schema, components, json.Key(field.name));
  }
  json.EndObject().Key("required").List();
  for (const SchemaField& field : schema.fields) {
    if (field.required == Required::kYes) json.Text(field.name);
  }
  json.EndList().Field("additionalProperties", false);
}

}  // namespace

void PutSchemaWhole(const Schema& schema, std::map<std::string, Schema>& components,
                    base::JsonWriter& json) {
  json.Object();
  PutType(schema, json);
  PutBounds(schema, json);
  if (!schema.description.empty()) json.Field("description", schema.description);
  if (!schema.format.empty()) json.Field("format", schema.format);
  if (schema.pattern != nullptr) json.Field("pattern", "^(" + schema.pattern->pattern() + ")$");
  if (!schema.choices.empty()) {
    json.Key("enum").List();
    for (const std::string& choice : schema.choices) json.Text(choice);
    if (schema.nullable) json.Null();
    json.EndList();
  }
  if (schema.type == Type::kList) PutSchema(schema.items.front(), components, json.Key("items"));
  if (schema.type == Type::kMap) {
    PutSchema(schema.items.front(), components, json.Key("additionalProperties"));
  }
  if (schema.type == Type::kObject) PutFields(schema, components, json);
  json.EndObject();
}

void PutSchema(const Schema& schema, std::map<std::string, Schema>& components,
               base::JsonWriter& json) {
  if (schema.name.empty()) return PutSchemaWhole(schema, components, json);
  components.emplace(schema.name, schema);
  json.Object().Field("$ref", "#/components/schemas/" + schema.name).EndObject();
}

}  // namespace ronda::api
