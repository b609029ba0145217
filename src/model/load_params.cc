// `params:` of a scenario, component or drill.
#include <string>
#include <utility>

#include "model/tables.h"
#include "model/units.h"

namespace ronda::model {
namespace {

std::vector<Field<FieldSpec>> MakeParamFields() {
  return {
      {{.name = "type",
        .type = FieldType::kString,
        .description = "What it holds. Not said: the type of its default, else `string`.",
        .one_of = {"any", "string", "int", "float", "bool", "duration", "size", "percent", "rate",
                   "list", "map"}},
       [](Loader& loader, const FieldSpec& spec, const Node& node, FieldSpec& out) {
         if (ReadChoice(loader, spec, node)) out.type = *FieldTypeOf(node.scalar);
       }},
      Bind<FieldSpec, &FieldSpec::title>({.name = "title",
                                          .type = FieldType::kString,
                                          .description = "For forms; not said: its name.",
                                          .max = 200,
                                          .literal = true}),
      Bind<FieldSpec, &FieldSpec::description>({.name = "description",
                                                .type = FieldType::kString,
                                                .description = "What it is for.",
                                                .max = 2000,
                                                .literal = true}),
      Bind<FieldSpec, &FieldSpec::required>(
          {.name = "required",
           .type = FieldType::kBool,
           .description = "It has to be given. Not said: true without a default."}),
      Bind<FieldSpec, &FieldSpec::default_value>(
          {.name = "default",
           .type = FieldType::kAny,
           .description = "Its value when none is given; without one, null."}),
      Bind<FieldSpec, &FieldSpec::min>(
          {.name = "min", .type = FieldType::kFloat, .description = "Least value, or length."}),
      Bind<FieldSpec, &FieldSpec::max>(
          {.name = "max", .type = FieldType::kFloat, .description = "Greatest value, or length."}),
      Bind<FieldSpec, &FieldSpec::one_of>(
          {.name = "enum", .type = FieldType::kList, .description = "The only values allowed."}),
      Bind<FieldSpec, &FieldSpec::secret>({.name = "secret",
                                           .type = FieldType::kBool,
                                           .description = "Never printed.",
                                           .default_text = "false"}),
      Bind<FieldSpec, &FieldSpec::order>({.name = "order",
                                          .type = FieldType::kInt,
                                          .description = "Its place in forms.",
                                          .default_text = "0",
                                          .min = -1000,
                                          .max = 1000})};
}

const std::vector<Field<FieldSpec>>& ParamFields() {
  static const std::vector<Field<FieldSpec>> fields = MakeParamFields();
  return fields;
}

FieldType TypeOf(const Node& value) {
  if (value.is_list()) return FieldType::kList;
  if (value.is_map()) return FieldType::kMap;
  if (value.is_scalar() && HasTemplate(value.scalar)) return FieldType::kAny;
  switch (LiteralOf(value).type) {
    case Literal::Type::kBool: return FieldType::kBool;
    case Literal::Type::kInt: return FieldType::kInt;
    case Literal::Type::kFloat: return FieldType::kFloat;
    case Literal::Type::kString: return FieldType::kString;
    case Literal::Type::kNull: return FieldType::kAny;
  }
  return FieldType::kAny;
}

void ReadParam(Loader& loader, const Node& name, const Node& node, FieldSpec& out) {
  out.name = name.scalar;
  CheckIdentifier(loader, name, "a parameter's name");
  if (node.is_map()) {
    ReadFields(loader, node, "a parameter", ParamFields(), out);
  } else if (!node.is_null()) {
    out.default_value = node;
  }
  const Node* type = node.Find("type");
  if (type == nullptr) {
    out.type = out.default_value.has_value() ? TypeOf(*out.default_value) : FieldType::kString;
  }
  const Node* required = node.is_map() ? node.Find("required") : nullptr;
  if (required == nullptr) out.required = !out.default_value.has_value();
  if (out.required && out.default_value.has_value()) {
    loader.Error(*required, "a parameter with a default is never missing");
  }
  if (out.min.has_value() && out.max.has_value() && *out.max < *out.min) {
    loader.Error(name, "\"max\" is less than \"min\"");
  } else if (out.default_value.has_value() && !out.default_value->is_null()) {
    CheckArgument(loader, *out.default_value, out);
  }
}

}  // namespace

std::vector<FieldSpec> ParamSpecs() { return SpecsOf(ParamFields()); }

void Read(Loader& loader, const FieldSpec& spec, const Node& node, std::vector<FieldSpec>& out) {
  if (!ExpectMap(loader, node, '"' + spec.name + '"')) return;
  for (const auto& [name, value] : node.members) {
    ReadParam(loader, name, value, out.emplace_back());
  }
}

}  // namespace ronda::model
