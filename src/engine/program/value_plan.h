#pragma once

#include <memory>
#include <string>
#include <vector>

#include "model/expression.h"
#include "model/node.h"
#include "model/source.h"
#include "model/value.h"

namespace ronda::engine {

// The value that a YAML scalar without `${...}` stands for: quoted text is a string, else null, true,
// false, a whole number, a number, or text. Strings are copied into `arena`.
[[nodiscard]] model::Value LiteralOf(const model::Node& node, model::Arena& arena);

// A value of `with:`, compiled: a literal, a template, or a list or map of such. Immutable.
class ValuePlan {
 public:
  // What is wrong goes to `diagnostics`; null then.
  [[nodiscard]] static std::unique_ptr<const ValuePlan> Compile(const model::Node& node,
                                                                model::Names& names,
                                                                model::Diagnostics& diagnostics);
  // The typed value, in the context's arena. False with context.error set.
  [[nodiscard]] bool Evaluate(model::EvalContext& context, model::Value& result) const;
  // Appends it as JSON, without making the value first.
  [[nodiscard]] bool AppendJson(model::EvalContext& context, std::string& out) const;
  // Appends it as text; null is an error.
  [[nodiscard]] bool AppendText(model::EvalContext& context, std::string& out) const;

  // Its value when it depends on nothing.
  [[nodiscard]] const model::Value* literal() const {
    return kind_ == Kind::kLiteral ? &literal_ : nullptr;
  }

 private:
  enum class Kind { kLiteral, kTemplate, kList, kMap };

  Kind kind_ = Kind::kLiteral;
  model::Value literal_;
  model::Arena memory_;  // of the literal
  std::string json_;  // of the literal
  std::unique_ptr<const model::Template> template_;
  std::vector<std::string> keys_;
  std::vector<std::string> json_keys_;  // "\"key\":"
  std::vector<std::unique_ptr<const ValuePlan>> items_;
};

// Compiles with errors told at the text's place in its file; null then.
[[nodiscard]] std::unique_ptr<const model::Expression> CompileExpression(
    const std::string& text, const model::Location& where, model::Names& names,
    model::Diagnostics& diagnostics);
[[nodiscard]] std::unique_ptr<const model::Template> CompileTemplate(
    const std::string& text, const model::Location& where, model::Names& names,
    model::Diagnostics& diagnostics);

}  // namespace ronda::engine
