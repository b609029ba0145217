#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/expression_program.h"
#include "model/value.h"

// The functions of the expression language, as data. Private to it, but for FunctionTable().
namespace ronda::model {

inline constexpr TypeMask kNullMask = MaskOf(Type::kNull);
inline constexpr TypeMask kBoolMask = MaskOf(Type::kBool);
inline constexpr TypeMask kIntMask = MaskOf(Type::kInt);
inline constexpr TypeMask kFloatMask = MaskOf(Type::kFloat);
inline constexpr TypeMask kStringMask = MaskOf(Type::kString);
inline constexpr TypeMask kDurationMask = MaskOf(Type::kDuration);
inline constexpr TypeMask kListMask = MaskOf(Type::kList);
inline constexpr TypeMask kMapMask = MaskOf(Type::kMap);
inline constexpr TypeMask kNotNullMask = kAnyType & static_cast<TypeMask>(~kNullMask);

// One call while it is evaluated.
class Call {
 public:
  Call(Evaluator& evaluator, const TreeNode& node, std::span<const Value> arguments)
      : evaluator_(evaluator), node_(node), arguments_(arguments) {}

  [[nodiscard]] std::size_t count() const { return arguments_.size(); }
  [[nodiscard]] Value operator[](std::size_t i) const { return arguments_[i]; }
  // The i-th argument, or `otherwise` when the call has fewer.
  [[nodiscard]] Value Or(std::size_t i, Value otherwise) const {
    return i < arguments_.size() ? arguments_[i] : otherwise;
  }
  [[nodiscard]] std::string_view String(std::size_t i) const { return arguments_[i].AsString(); }
  [[nodiscard]] std::span<const Value> arguments() const { return arguments_; }
  [[nodiscard]] const re2::RE2& pattern() const { return *node_.pattern; }

  [[nodiscard]] Arena& arena() const { return *evaluator_.context().arena; }
  [[nodiscard]] EvalContext& context() const { return evaluator_.context(); }

  // "name(): why"; values are never part of it, for they may be secret.
  bool Fail(std::string_view why) const;
  // The i-th argument as it is written.
  [[nodiscard]] std::string_view TextOf(std::size_t i) const;
  // Room for `size` bytes of text, paid for; null when the call may not have it.
  [[nodiscard]] char* NewText(std::size_t size) const;
  // The same for `size` list items.
  [[nodiscard]] bool NewList(std::size_t size, std::span<Value>& list) const;
  [[nodiscard]] bool Charge(std::size_t cost) const {
    return evaluator_.Charge(static_cast<std::int64_t>(cost));
  }

 private:
  Evaluator& evaluator_;
  const TreeNode& node_;
  std::span<const Value> arguments_;
};

enum class ParameterKind : std::uint8_t {
  kRequired,
  kOptional,
  kRepeated,  // any number of them, the last parameter only; at least one
  kPattern,   // a regular expression (RE2), constant, compiled at load
  kName,      // a name, not any expression: absent(x), exists(x)
};

struct Parameter {
  std::string_view name;
  TypeMask types = kNotNullMask;  // with kNullMask it takes null too
  ParameterKind kind = ParameterKind::kRequired;
};

enum class Purity : std::uint8_t { kPure, kImpure };  // impure: another value at each evaluation

struct Function {
  std::string_view name;
  std::string_view group;
  std::vector<Parameter> parameters;
  TypeMask result = kAnyType;     // kNullMask in it: may be null
  Purity purity = Purity::kPure;
  bool (*call)(const Call& call, Value& out) = nullptr;
  std::string_view summary;

  [[nodiscard]] std::size_t least_arguments() const;
  [[nodiscard]] std::size_t most_arguments() const;
  // "padLeft(text: string, width: int, fill?: string) -> string"
  [[nodiscard]] std::string Signature() const;
};

inline constexpr std::size_t kMaxArguments = 8;
// The longest text that a function makes.
inline constexpr std::size_t kMaxText = 16u << 20;

// All functions, by group; made once, at first use.
[[nodiscard]] const std::vector<Function>& Functions();
[[nodiscard]] const Function* FindFunction(std::string_view name);

// The groups' parts of the table.
void AddTextFunctions(std::vector<Function>& table);
void AddNumberFunctions(std::vector<Function>& table);
void AddTimeFunctions(std::vector<Function>& table);
void AddEncodingFunctions(std::vector<Function>& table);
void AddListFunctions(std::vector<Function>& table);

// The comprehensions, "any", "all", ...: they look like functions, and Compile handles them.
struct Comprehension {
  std::string_view name;
  Op op;
  TypeMask result;
  std::string_view summary;
};
[[nodiscard]] std::span<const Comprehension> Comprehensions();

// The reference of all of them as Markdown, part of docs/formats/expressions.md.
[[nodiscard]] std::string FunctionTable();

}  // namespace ronda::model
