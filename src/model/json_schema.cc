#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/reference.h"
#include "model/settings.h"
#include "model/tables.h"

namespace ronda::model {
namespace {

// Where a value may be a template instead of a literal.
enum class Templates { kNo, kYes };

std::string Quote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string Number(double value) {
  std::array<char, 40> text;
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr};
}

// A JSON object, member by member.
class Object {
 public:
  Object& Add(std::string_view key, std::string_view json) {
    (((text_ += text_.size() > 1 ? "," : "") += Quote(key)) += ':') += json;
    return *this;
  }
  [[nodiscard]] bool empty() const { return text_.size() == 1; }
  [[nodiscard]] std::string Done() const { return text_ + '}'; }

 private:
  std::string text_ = "{";
};

std::string List(const std::vector<std::string>& items) {
  std::string out = "[";
  for (const std::string& item : items) (out += out.size() > 1 ? "," : "") += item;
  return out + ']';
}

std::string AnyOf(const std::vector<std::string>& schemas) {
  return schemas.size() == 1 ? schemas[0] : Object().Add("anyOf", List(schemas)).Done();
}

std::string RefTo(std::string_view name) {
  return Object().Add("$ref", Quote("#/definitions/" + std::string(name))).Done();
}

// Words are compared as they are written: 1.1 without quotes is a number to an editor.
std::string Enum(const std::vector<std::string>& words) {
  std::vector<std::string> values;
  for (const std::string& word : words) {
    values.push_back(Quote(word));
    Node plain;
    plain.kind = Node::Kind::kScalar;
    plain.scalar = word;
    if (LiteralOf(plain).type != Literal::Type::kString) values.push_back(word);
  }
  return Object().Add("enum", List(values)).Done();
}

std::string ObjectSchema(const std::vector<FieldSpec>& fields, Templates templates);

std::string TextSchema(const FieldSpec& spec) {
  if (!spec.one_of.empty()) return Enum(spec.one_of);
  Object object;
  object.Add("type", R"(["string","number","boolean"])");
  if (spec.min.has_value()) object.Add("minLength", Number(*spec.min));
  if (spec.max.has_value()) object.Add("maxLength", Number(*spec.max));
  return object.Done();
}

std::string NumberSchema(const FieldSpec& spec, std::string_view type) {
  Object object;
  object.Add("type", Quote(type));
  if (spec.min.has_value()) object.Add("minimum", Number(*spec.min));
  if (spec.max.has_value()) object.Add("maximum", Number(*spec.max));
  return object.Done();
}

std::string ListSchema(const FieldSpec& spec, Templates templates) {
  Object object;
  object.Add("type", Quote("array"));
  if (!spec.see.empty()) {
    object.Add("items", RefTo(spec.see));
  } else if (!spec.fields.empty()) {
    object.Add("items", ObjectSchema(spec.fields, templates));
  }
  return object.Done();
}

std::string MapSchema(const FieldSpec& spec, Templates templates) {
  if (!spec.see.empty() && !spec.by_name) return RefTo(spec.see);
  if (spec.by_name) {
    return Object()
        .Add("type", Quote("object"))
        .Add("additionalProperties", RefTo(spec.see))
        .Done();
  }
  if (!spec.fields.empty()) return ObjectSchema(spec.fields, templates);
  return Object().Add("type", Quote("object")).Done();
}

std::string TypeSchema(const FieldSpec& spec, FieldType type, Templates templates) {
  switch (type) {
    case FieldType::kAny: return "{}";
    case FieldType::kString: return TextSchema(spec);
    case FieldType::kInt: return NumberSchema(spec, "integer");
    case FieldType::kFloat: return NumberSchema(spec, "number");
    case FieldType::kBool: return R"({"type":"boolean"})";
    case FieldType::kDuration:
      return R"({"type":["string","integer"],"pattern":"^(0|([0-9]+(\\.[0-9]+)?(d|h|ms|us|µs|ns|m|s))+)$","maximum":0,"minimum":0})";
    case FieldType::kSize: return R"({"type":["string","integer"]})";
    case FieldType::kPercent: return R"({"type":"string","pattern":"^[0-9.]+ *%$"})";
    case FieldType::kRate: return R"({"type":["string","number"]})";
    case FieldType::kExpression: return R"({"type":["string","boolean"]})";
    case FieldType::kRef:
      return R"({"type":"string","pattern":"^[A-Za-z0-9][A-Za-z0-9._-]*(@[1-9][0-9]*)?$"})";
    case FieldType::kList: return ListSchema(spec, templates);
    case FieldType::kMap: return MapSchema(spec, templates);
  }
  return "{}";
}

std::string FieldSchema(const FieldSpec& spec, Templates templates) {
  std::vector<std::string> forms = {TypeSchema(spec, spec.type, templates)};
  if (spec.also == FieldType::kMap) {
    forms.push_back(
        Object().Add("type", Quote("object")).Add("additionalProperties", RefTo(spec.see)).Done());
  } else if (spec.also.has_value()) {
    forms.push_back(TypeSchema(spec, *spec.also, templates));
  }
  if (!spec.words.empty()) forms.push_back(Enum(spec.words));
  const bool text = spec.type == FieldType::kAny || spec.type == FieldType::kExpression ||
                    (spec.type == FieldType::kString && spec.one_of.empty());
  if (templates == Templates::kYes && !spec.literal && !text) {
    forms.push_back(R"({"type":"string","pattern":"\\$\\{"})");
  }
  Object object;
  if (forms.size() == 1 && forms[0] == "{}") {
    object.Add("description", Quote(spec.description));
    return object.Done();
  }
  object.Add("description", Quote(spec.description)).Add("allOf", List({AnyOf(forms)}));
  return object.Done();
}

std::string Properties(const std::vector<FieldSpec>& fields, Templates templates) {
  Object properties;
  for (const FieldSpec& spec : fields) {
    if (!spec.name.empty()) properties.Add(spec.name, FieldSchema(spec, templates));
  }
  return properties.Done();
}

std::string RequiredNames(const std::vector<FieldSpec>& fields) {
  std::vector<std::string> names;
  for (const FieldSpec& spec : fields) {
    if (spec.required) names.push_back(Quote(spec.name));
  }
  return List(names);
}

std::string ObjectSchema(const std::vector<FieldSpec>& fields, Templates templates) {
  const auto any = std::ranges::find(fields, "", &FieldSpec::name);
  return Object()
      .Add("type", Quote("object"))
      .Add("properties", Properties(fields, templates))
      .Add("required", RequiredNames(fields))
      .Add("additionalProperties", any == fields.end() ? "false" : FieldSchema(*any, templates))
      .Done();
}

// {"if": {key is word}, "then": schema}
std::string When(std::string_view key, std::string_view word, std::string_view schema) {
  const std::string is = Object().Add("const", Quote(word)).Done();
  const std::string condition = Object()
                                    .Add("properties", Object().Add(key, is).Done())
                                    .Add("required", List({Quote(key)}))
                                    .Done();
  return Object().Add("if", condition).Add("then", schema).Done();
}

// A step's `with:` by its action.
std::string StepSchema(const ObjectSpec& step, const Catalog& catalog) {
  std::vector<std::string> rules = {ObjectSchema(step.fields, Templates::kNo)};
  for (const ActionSchema& action : catalog.all()) {
    const std::string with =
        Object().Add("with", ObjectSchema(action.params, Templates::kYes)).Done();
    rules.push_back(When("action", action.code, Object().Add("properties", with).Done()));
  }
  return Object().Add("allOf", List(rules)).Done();
}

std::string DefinitionSchema(const ObjectSpec& object, const Catalog& catalog) {
  if (object.name == "Step") return StepSchema(object, catalog);
  std::vector<std::string> forms = {ObjectSchema(object.fields, Templates::kNo)};
  for (const FieldType form : object.short_forms) {
    forms.push_back(TypeSchema({}, form, Templates::kNo));
  }
  // A feed that stands in a scenario has no envelope; a reference may stand for it.
  if (object.name == "Feed") {
    return AnyOf({forms[0], ObjectSchema(FeedSpecs(), Templates::kNo),
                  TypeSchema({}, FieldType::kRef, Templates::kNo)});
  }
  return AnyOf(forms);
}

}  // namespace

std::string SettingJsonSchema(const SettingSchema& schema) {
  return Object()
             .Add("$schema", Quote("http://json-schema.org/draft-07/schema#"))
             .Add("title", Quote(schema.title))
             .Add("description", Quote(schema.description))
             .Add("allOf", List({FieldSchema(schema.value, Templates::kNo)}))
             .Done() +
         '\n';
}

std::string JsonSchema(const Catalog& catalog) {
  Object definitions;
  std::vector<std::string> rules;
  for (const ObjectSpec& object : Objects()) {
    definitions.Add(object.name, DefinitionSchema(object, catalog));
    if (object.is_kind) rules.push_back(When("kind", object.name, RefTo(object.name)));
  }
  return Object()
             .Add("$schema", Quote("http://json-schema.org/draft-07/schema#"))
             .Add("title", Quote("Ronda definition"))
             .Add("type", Quote("object"))
             .Add("properties", Properties(EnvelopeSpecs(), Templates::kNo))
             .Add("required", RequiredNames(EnvelopeSpecs()))
             .Add("allOf", List(rules))
             .Add("definitions", definitions.Done())
             .Done() +
         '\n';
}

}  // namespace ronda::model
