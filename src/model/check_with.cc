// Arguments against parameters: `with:` of an action, a component, a scenario.
#include <algorithm>
#include <string>
#include <string_view>

#include "model/tables.h"
#include "model/units.h"

namespace ronda::model {
namespace {

template <typename T>
void Check(Loader& loader, const FieldSpec& spec, const Node& node) {
  T value{};
  Read(loader, spec, node, value);
}

bool IsWord(const FieldSpec& spec, const Node& node) {
  return node.is_scalar() && std::ranges::find(spec.words, node.scalar) != spec.words.end();
}

void CheckText(Loader& loader, const FieldSpec& spec, const Node& node) {
  if (!node.is_scalar()) {
    Check<std::string>(loader, spec, node);
  } else if (!spec.one_of.empty()) {
    (void)ReadChoice(loader, spec, node);
  } else {
    Check<std::string>(loader, spec, node);
  }
}

void CheckRate(Loader& loader, const FieldSpec& spec, const Node& node) {
  const auto rate = ParseRate(node.scalar, Duration{1'000'000'000});
  if (!rate.ok()) loader.Error(node, '"' + spec.name + "\": " + rate.status().message());
}

void CheckItems(Loader& loader, const FieldSpec& spec, const Node& node) {
  if (!ExpectList(loader, node, '"' + spec.name + '"') || spec.fields.empty()) return;
  for (const Node& item : node.items) {
    if (item.is_scalar() && HasTemplate(item.scalar)) continue;
    if (ExpectMap(loader, item, "an item of \"" + spec.name + '"')) {
      CheckArguments(loader, item, item, "an item of \"" + spec.name + '"', spec.fields);
    }
  }
}

void CheckMap(Loader& loader, const FieldSpec& spec, const Node& node) {
  if (!ExpectMap(loader, node, '"' + spec.name + '"') || spec.fields.empty()) return;
  CheckArguments(loader, node, node, '"' + spec.name + '"', spec.fields);
}

// Whether the node has the shape of the type, for a parameter that takes two.
bool Fits(FieldType type, const Node& node) {
  switch (type) {
    case FieldType::kAny: return true;
    case FieldType::kList: return node.is_list();
    case FieldType::kMap: return node.is_map();
    case FieldType::kInt: return LiteralOf(node).type == Literal::Type::kInt;
    case FieldType::kBool: return LiteralOf(node).type == Literal::Type::kBool;
    default: return node.is_scalar();
  }
}

void CheckAs(Loader& loader, FieldType type, const FieldSpec& param, const Node& node) {
  FieldSpec spec = param;
  spec.type = type;
  switch (type) {
    case FieldType::kAny: return;
    case FieldType::kString: return CheckText(loader, spec, node);
    case FieldType::kInt: return Check<std::int64_t>(loader, spec, node);
    case FieldType::kFloat: return Check<double>(loader, spec, node);
    case FieldType::kBool: return Check<bool>(loader, spec, node);
    case FieldType::kDuration: return Check<Duration>(loader, spec, node);
    case FieldType::kSize: return Check<Size>(loader, spec, node);
    case FieldType::kPercent: return Check<Percent>(loader, spec, node);
    case FieldType::kRate: return CheckRate(loader, spec, node);
    case FieldType::kExpression: return Check<Text>(loader, spec, node);
    case FieldType::kRef: return Check<Ref>(loader, spec, node);
    case FieldType::kList: return CheckItems(loader, spec, node);
    case FieldType::kMap: return CheckMap(loader, spec, node);
  }
}

}  // namespace

void CheckArgument(Loader& loader, const Node& value, const FieldSpec& param) {
  const bool is_template = value.is_scalar() && HasTemplate(value.scalar);
  if (is_template && param.literal) {
    return loader.Error(value, '"' + param.name + "\" takes no ${...}");
  }
  // What a template yields is known at run time only.
  if (is_template && param.type != FieldType::kExpression) return;
  if (param.type == FieldType::kAny) return;
  if (IsWord(param, value)) return;
  const bool second =
      param.also.has_value() && !Fits(param.type, value) && Fits(*param.also, value);
  CheckAs(loader, second ? *param.also : param.type, param, value);
}

void CheckArguments(Loader& loader, const Node& arguments, const Node& at, std::string_view what,
                    const std::vector<FieldSpec>& params) {
  if (!arguments.is_null() && !ExpectMap(loader, arguments, "\"with\"")) return;
  std::vector<std::string> known;
  known.reserve(params.size());
  for (const FieldSpec& param : params) known.push_back(param.name);
  for (const auto& [key, value] : arguments.members) {
    const FieldSpec* param = Find(params, key.scalar);
    if (param == nullptr) {
      ReportUnknownKey(loader, key, what, known);
      continue;
    }
    if (value.is_null() && param->type != FieldType::kAny) {
      loader.Error(key, '"' + key.scalar + "\" has no value");
      continue;
    }
    FieldSpec named = *param;
    if (named.name.empty()) named.name = key.scalar;
    CheckArgument(loader, value, named);
  }
  for (const FieldSpec& param : params) {
    if (!param.required || arguments.Find(param.name) != nullptr) continue;
    ReportMissing(loader, at, what, param.name);
  }
}

}  // namespace ronda::model
