#include "model/expression.h"

#include <re2/re2.h>

#include <bit>

#include "model/expression_compiler.h"
#include "model/expression_program.h"

namespace ronda::model {

Program::Program() = default;
Program::~Program() = default;

namespace {

class CompiledExpression final : public Expression {
 public:
  [[nodiscard]] bool Compile(std::string_view text, Names& names, LoadError& error) {
    program_.text = text;
    const auto root =
        CompileInto(program_, 0, static_cast<std::uint32_t>(text.size()), names, error);
    if (!root) return false;
    root_ = *root;
    FinishProgram(program_);
    return true;
  }

  bool Evaluate(EvalContext& context, Value& result) const override {
    return Evaluator(program_, context).Evaluate(root_, result);
  }
  const std::vector<std::uint32_t>& slots() const override { return program_.slots; }
  std::optional<Type> type() const override {
    const TypeMask types = program_.nodes[root_].types;
    if (!std::has_single_bit(types)) return std::nullopt;
    return static_cast<Type>(std::countr_zero(types));
  }
  std::optional<Value> constant() const override {
    const TreeNode& root = program_.nodes[root_];
    return root.op == Op::kConstant ? std::optional(root.value) : std::nullopt;
  }
  std::string_view text() const override { return program_.text; }

 private:
  Program program_;
  std::uint32_t root_ = 0;
};

// A stretch of a template: text, or an expression whose text goes there.
struct Part {
  std::string literal;
  std::optional<std::uint32_t> node;
};

class CompiledTemplate final : public Template {
 public:
  [[nodiscard]] bool Compile(std::string_view text, Names& names, LoadError& error) {
    program_.text = text;
    std::size_t at = 0;
    while (at < text.size()) {
      const std::size_t dollar = text.find("${", at);
      if (dollar == std::string_view::npos) break;
      if (dollar > at && text[dollar - 1] == '$') {
        AddLiteral(text.substr(at, dollar - 1 - at));
        AddLiteral("${");
        at = dollar + 2;
        continue;
      }
      AddLiteral(text.substr(at, dollar - at));
      if (!AddExpression(dollar, at, names, error)) return false;
    }
    AddLiteral(text.substr(at));
    FinishProgram(program_);
    return true;
  }

  bool Render(EvalContext& context, std::string& out) const override {
    for (const Part& part : parts_) {
      if (!part.node) {
        out += part.literal;
      } else if (!RenderNode(*part.node, context, out)) {
        return false;
      }
    }
    return true;
  }

  bool Evaluate(EvalContext& context, Value& result) const override {
    if (is_single_expression())
      return Evaluator(program_, context).Evaluate(*parts_[0].node, result);
    if (parts_.empty()) {
      result = Value::String("");
      return true;
    }
    if (literal()) {
      result = Value::String(parts_[0].literal);
      return true;
    }
    thread_local std::string text;  // keeps its memory from call to call
    text.clear();
    if (!Render(context, text)) return false;
    result = Value::String(context.arena->Copy(text));
    return true;
  }

  std::optional<std::string_view> literal() const override {
    if (parts_.empty()) return std::string_view();
    if (parts_.size() > 1 || parts_[0].node) return std::nullopt;
    return parts_[0].literal;
  }
  bool is_single_expression() const override { return parts_.size() == 1 && parts_[0].node; }
  const std::vector<std::uint32_t>& slots() const override { return program_.slots; }

 private:
  void AddLiteral(std::string_view text) {
    if (text.empty()) return;
    if (parts_.empty() || parts_.back().node) parts_.push_back({});
    parts_.back().literal += text;
  }

  // Compiles the `${...}` at `dollar`; moves `at` behind it.
  bool AddExpression(std::size_t dollar, std::size_t& at, Names& names, LoadError& error) {
    const std::size_t end = FindClosingBrace(program_.text, dollar + 2);
    if (end == program_.text.size()) {
      error = {static_cast<std::uint32_t>(dollar), 2, "this \"${\" has no closing \"}\"",
               "write \"$${\" for the characters themselves"};
      return false;
    }
    const auto root = CompileInto(program_, static_cast<std::uint32_t>(dollar + 2),
                                  static_cast<std::uint32_t>(end), names, error);
    if (!root) return false;
    parts_.push_back({{}, *root});
    at = end + 1;
    return true;
  }

  bool RenderNode(std::uint32_t id, EvalContext& context, std::string& out) const {
    const TreeNode& node = program_.nodes[id];
    if (node.op == Op::kSlot) {
      const Value slot = context.slots[node.a];
      if (slot.type() == Type::kString) [[likely]] {
        out += slot.AsString();
        return true;
      }
    }
    Value value;
    Evaluator evaluator(program_, context);
    if (!evaluator.Evaluate(node, value)) return false;
    if (value.is_null()) return evaluator.FailNull(node);
    AppendText(value, out);
    return true;
  }

  Program program_;
  std::vector<Part> parts_;
};

}  // namespace

bool Expression::Test(EvalContext& context, bool& result) const {
  Value value;
  if (!Evaluate(context, value)) return false;
  if (value.type() == Type::kBool) {
    result = value.AsBool();
    return true;
  }
  context.error = value.is_null() ? "the condition is null" : "the condition is no bool";
  return false;
}

std::unique_ptr<const Expression> Expression::Compile(std::string_view text, Names& names,
                                                      LoadError& error) {
  auto expression = std::make_unique<CompiledExpression>();
  if (!expression->Compile(text, names, error)) return nullptr;
  return expression;
}

std::unique_ptr<const Template> Template::Compile(std::string_view text, Names& names,
                                                  LoadError& error) {
  auto compiled = std::make_unique<CompiledTemplate>();
  if (!compiled->Compile(text, names, error)) return nullptr;
  return compiled;
}

}  // namespace ronda::model
