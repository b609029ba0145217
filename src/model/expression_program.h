#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/expression.h"
#include "model/value.h"

namespace re2 {
class RE2;
}

// What a text compiles to, and what evaluates it. Private to the expression language.
namespace ronda::model {

// The types that a value may have, one bit each.
using TypeMask = std::uint8_t;
[[nodiscard]] constexpr TypeMask MaskOf(Type type) {
  return static_cast<TypeMask>(1u << static_cast<unsigned>(type));
}
inline constexpr TypeMask kAnyType = 0xff;
inline constexpr TypeMask kNumberMask = MaskOf(Type::kInt) | MaskOf(Type::kFloat);

enum class Op : std::uint8_t {
  kConstant,         // value
  kSlot,             // slots[a]
  kPath,             // slots[a], then the keys [b, b+c) of Program::keys
  kLocal,            // the variable of the a-th enclosing comprehension, 0 being the innermost
  kMember,           // a . value
  kIndex,            // a [ b ]
  kNot,
  kNegate,     // a
  kAnd,
  kOr,         // children
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kIn,
  kNotIn,  // a, b
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kModulo,                                // a, b
  kCoalesce,         // a ?? b
  kIf,               // a ? b : c
  kList,             // children
  kMap,              // children: key constant, value, key constant, value, ...
  kCall,             // function(children)
  kAny,
  kAll,
  kFilter,
  kCollect,
  kCount,  // over the list a, the body b
  kCompareSlot,      // slots[a] `compare` value
};

struct Function;

struct TreeNode {
  Op op = Op::kConstant;
  Op compare = Op::kEqual;    // of kCompareSlot
  TypeMask types = kAnyType;  // what it may evaluate to, null aside
  bool pure = false;          // a constant but for its operands
  std::uint16_t depth = 1;    // of the tree below it
  std::uint32_t size = 1;     // nodes of that tree
  std::uint32_t offset = 0;   // its text
  std::uint32_t length = 0;
  std::uint32_t a = 0;        // see Op
  std::uint32_t b = 0;
  std::uint32_t c = 0;
  std::uint32_t first_child = 0;  // of Program::children
  std::uint32_t child_count = 0;
  const Function* function = nullptr;
  const re2::RE2* pattern = nullptr;  // of a function with a constant pattern
  Value value;
};

// One step into a value.
struct PathKey {
  std::string_view name;
  std::int64_t index = -1;  // when the key is a number
  bool is_index = false;
};

// What an expression or all expressions of a template compile to. Immutable once compiled.
struct Program {
  Program();
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  std::string text;
  std::vector<TreeNode> nodes;
  std::vector<std::uint32_t> children;
  std::vector<PathKey> keys;
  std::vector<std::uint32_t> slots;  // sorted, each once
  std::vector<std::unique_ptr<re2::RE2>> patterns;
  Arena arena;  // constants, names

  [[nodiscard]] std::string_view TextOf(const TreeNode& node) const {
    return std::string_view(text).substr(node.offset, node.length);
  }
};

// The value of a comprehension's variable while its body is evaluated.
struct Local {
  Value value;
  const Local* outer = nullptr;
};

// One evaluation: lives on the stack.
class Evaluator {
 public:
  // Nodes that one evaluation may visit inside comprehensions, list items and 16-byte pieces of text
  // that its functions may make: what bounds its time.
  static constexpr std::int64_t kBudget = 2'000'000;

  Evaluator(const Program& program, EvalContext& context, std::int64_t budget = kBudget)
      : program_(program), context_(context), budget_(budget) {}

  // False, with context.error set, when it fails.
  [[nodiscard]] bool Evaluate(std::uint32_t node, Value& out) {
    return Evaluate(program_.nodes[node], out);
  }
  [[nodiscard]] bool Evaluate(const TreeNode& node, Value& out);

  [[nodiscard]] const Program& program() const { return program_; }
  [[nodiscard]] EvalContext& context() { return context_; }

  [[nodiscard]] std::int64_t budget() const { return budget_; }
  // Takes from the budget; false when it is spent.
  [[nodiscard]] bool Charge(std::int64_t cost) {
    budget_ -= cost;
    return budget_ >= 0 || Fail("it would take too long: the expression does too much work");
  }
  // Sets context.error to the pieces, one after the other; returns false.
  template <typename... Pieces>
  bool Fail(const Pieces&... pieces) {
    const std::string_view all[] = {pieces...};
    return FailWith(all);
  }
  bool FailNull(const TreeNode& node);

 private:
  bool FailWith(std::span<const std::string_view> pieces);
  [[nodiscard]] bool EvaluatePath(const TreeNode& node, Value& out);
  [[nodiscard]] bool EvaluateIndex(const TreeNode& node, Value& out);
  [[nodiscard]] bool EvaluateLogic(const TreeNode& node, Value& out);
  [[nodiscard]] bool EvaluateCondition(const TreeNode& node, bool& out);
  [[nodiscard]] bool EvaluateBinary(const TreeNode& node, Value& out);
  [[nodiscard]] bool EvaluateNegate(const TreeNode& node, Value& out);
  [[nodiscard]] bool EvaluateList(const TreeNode& node, Value& out);
  [[nodiscard]] bool EvaluateMap(const TreeNode& node, Value& out);
  [[nodiscard]] bool EvaluateCall(const TreeNode& node, Value& out);
  [[nodiscard]] bool EvaluateComprehension(const TreeNode& node, Value& out);
  [[nodiscard]] bool CountItems(const TreeNode& node, std::span<const Value> items, Value& variable,
                                Value& out);
  [[nodiscard]] bool CollectItems(const TreeNode& node, std::span<const Value> items,
                                  Value& variable, Value& out);
  [[nodiscard]] bool FailBinary(const TreeNode& node, Value left, Value right);

  [[nodiscard]] const TreeNode& NodeAt(std::uint32_t i) const { return program_.nodes[i]; }

  const Program& program_;
  EvalContext& context_;
  const Local* local_ = nullptr;
  std::int64_t budget_;
};

// expression_operators.cc

// What `a op b` is when the operands have these types; nothing (0) when it means nothing.
[[nodiscard]] TypeMask ResultOf(Op op, Type a, Type b);
// "==", "and", ...
[[nodiscard]] std::string_view SymbolOf(Op op);
// What to write instead of an operation that means nothing, or "".
[[nodiscard]] std::string_view AdviceFor(Op op, Type a, Type b);

enum class OperatorFailure { kNone, kMeaningless, kOverflow, kDivisionByZero, kTooLong };
// a op b, of values that are not null but for == and !=. Text that it makes lies in `arena`.
[[nodiscard]] OperatorFailure Apply(Op op, Value a, Value b, Arena* arena, Value& out);

}  // namespace ronda::model
