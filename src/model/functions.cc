#include "model/functions.h"

#include <algorithm>
#include <array>
#include <limits>

namespace ronda::model {
namespace {

constexpr Comprehension kComprehensions[] = {
    {"any", Op::kAny, kBoolMask, "whether the condition holds for at least one item"},
    {"all", Op::kAll, kBoolMask, "whether the condition holds for every item"},
    {"count", Op::kCount, kIntMask, "for how many items the condition holds"},
    {"filter", Op::kFilter, kListMask, "the items for which the condition holds"},
    {"map", Op::kCollect, kListMask, "the value of the expression for each item"},
};

std::string DescribeTypes(TypeMask mask) {
  if ((mask & kNotNullMask) == kNotNullMask) return "any";
  std::string text;
  for (unsigned i = 1; i < 8; ++i) {
    if ((mask >> i & 1) == 0) continue;
    if (!text.empty()) text += '|';
    text += NameOf(static_cast<Type>(i));
  }
  if ((mask & kNullMask) != 0) text += "?";
  return text;
}

std::vector<Function> MakeTable() {
  std::vector<Function> table;
  AddTextFunctions(table);
  AddNumberFunctions(table);
  AddTimeFunctions(table);
  AddEncodingFunctions(table);
  AddListFunctions(table);
  return table;
}

}  // namespace

bool Call::Fail(std::string_view why) const {
  return evaluator_.Fail(node_.function->name, "(): ", why);
}

std::string_view Call::TextOf(std::size_t i) const {
  const Program& program = evaluator_.program();
  return program.TextOf(program.nodes[program.children[node_.first_child + i]]);
}

char* Call::NewText(std::size_t size) const {
  if (size > kMaxText) {
    Fail("the text would be longer than 16 MiB");
    return nullptr;
  }
  if (!evaluator_.Charge(static_cast<std::int64_t>(size / 16))) return nullptr;
  return static_cast<char*>(arena().Allocate(std::max<std::size_t>(size, 1), 1));
}

bool Call::NewList(std::size_t size, std::span<Value>& list) const {
  if (!evaluator_.Charge(static_cast<std::int64_t>(size))) return false;
  list = arena().AllocateArray<Value>(size);
  return true;
}

std::size_t Function::least_arguments() const {
  return static_cast<std::size_t>(
      std::count_if(parameters.begin(), parameters.end(),
                    [](const Parameter& p) { return p.kind != ParameterKind::kOptional; }));
}

std::size_t Function::most_arguments() const {
  const bool open = !parameters.empty() && parameters.back().kind == ParameterKind::kRepeated;
  return open ? kMaxArguments : parameters.size();
}

std::string Function::Signature() const {
  std::string text(name);
  text += '(';
  for (const Parameter& parameter : parameters) {
    if (text.back() != '(') text += ", ";
    text += parameter.name;
    if (parameter.kind == ParameterKind::kOptional) text += '?';
    if (parameter.kind == ParameterKind::kRepeated) text += "...";
    text += ": ";
    switch (parameter.kind) {
      case ParameterKind::kPattern: text += "pattern"; break;
      case ParameterKind::kName: text += "name"; break;
      default: text += DescribeTypes(parameter.types);
    }
  }
  return text + ") -> " + DescribeTypes(result);
}

const std::vector<Function>& Functions() {
  static const std::vector<Function> table = MakeTable();
  return table;
}

const Function* FindFunction(std::string_view name) {
  for (const Function& function : Functions()) {
    if (function.name == name) return &function;
  }
  return nullptr;
}

std::span<const Comprehension> Comprehensions() { return kComprehensions; }

std::string FunctionTable() {
  std::string text;
  std::string_view group;
  for (const Function& function : Functions()) {
    if (function.group != group) {
      group = function.group;
      text += "\n### ";
      text += group;
      text += "\n\n| function | is |\n|---|---|\n";
    }
    std::string signature = function.Signature();
    for (std::size_t at = 0; (at = signature.find('|', at)) != std::string::npos; at += 2) {
      signature.insert(at, 1, '\\');
    }
    text += "| `" + signature + "` | " + std::string(function.summary) + " |\n";
  }
  text += "\n### Comprehensions\n\n| form | is |\n|---|---|\n";
  for (const Comprehension& comprehension : kComprehensions) {
    const std::string_view body = comprehension.op == Op::kCollect ? "expression" : "condition";
    text += "| `" + std::string(comprehension.name) + "(x in list: " + std::string(body) + ") -> " +
            DescribeTypes(comprehension.result) + "` | " + std::string(comprehension.summary) +
            " |\n";
  }
  return text;
}

}  // namespace ronda::model
