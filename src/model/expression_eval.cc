#include <algorithm>
#include <cstring>
#include <limits>

#include "model/expression_program.h"
#include "model/functions.h"

namespace ronda::model {
namespace {

bool IsEquality(Op op) { return op == Op::kEqual || op == Op::kNotEqual; }

bool CompareInts(Op op, std::int64_t a, std::int64_t b) {
  switch (op) {
    case Op::kEqual: return a == b;
    case Op::kNotEqual: return a != b;
    case Op::kLess: return a < b;
    case Op::kLessEqual: return a <= b;
    case Op::kGreater: return a > b;
    default: return a >= b;
  }
}

// The raw int64 of an int or a duration.
std::int64_t Raw(Value v) { return v.type() == Type::kInt ? v.AsInt() : v.AsDurationNs(); }

Value Item(std::span<const Value> items, std::int64_t index) {
  if (index < 0) index += static_cast<std::int64_t>(items.size());
  if (index < 0 || index >= static_cast<std::int64_t>(items.size())) return {};
  return items[static_cast<std::size_t>(index)];
}

Value Step(Value from, const PathKey& key) {
  if (from.type() == Type::kList && key.is_index) return Item(from.AsList(), key.index);
  return from.Get(key.name);
}

}  // namespace

bool Evaluator::FailWith(std::span<const std::string_view> pieces) {
  if (context_.arena == nullptr) {
    context_.error = "the expression failed";
    return false;
  }
  std::size_t size = 0;
  for (const auto piece : pieces) size += piece.size();
  char* text = static_cast<char*>(context_.arena->Allocate(size, 1));
  char* end = text;
  for (const auto piece : pieces) end = std::copy(piece.begin(), piece.end(), end);
  context_.error = {text, size};
  return false;
}

bool Evaluator::FailNull(const TreeNode& node) {
  return Fail("\"", program_.TextOf(node), "\" is null");
}

bool Evaluator::Evaluate(const TreeNode& node, Value& out) {
  switch (node.op) {
    case Op::kConstant: out = node.value; return true;
    case Op::kSlot: out = context_.slots[node.a]; return true;
    case Op::kCompareSlot: {
      const Value slot = context_.slots[node.a];
      const Type type = node.value.type();
      if (slot.type() == type && (type == Type::kInt || type == Type::kDuration)) [[likely]] {
        out = Value::Bool(CompareInts(node.compare, Raw(slot), Raw(node.value)));
        return true;
      }
      if (slot.is_null() && !IsEquality(node.compare)) return FailNull(NodeAt(node.b));
      if (Apply(node.compare, slot, node.value, context_.arena, out) == OperatorFailure::kNone)
        return true;
      return FailBinary(node, slot, node.value);
    }
    case Op::kPath: return EvaluatePath(node, out);
    case Op::kLocal: {
      const Local* local = local_;
      for (std::uint32_t hops = node.a; hops > 0; --hops) local = local->outer;
      out = local->value;
      return true;
    }
    case Op::kMember: {
      if (!Evaluate(NodeAt(node.a), out)) return false;
      out = out.Get(node.value.AsString());
      return true;
    }
    case Op::kIndex: return EvaluateIndex(node, out);
    case Op::kNot: {
      bool condition = false;
      if (!EvaluateCondition(NodeAt(node.a), condition)) return false;
      out = Value::Bool(!condition);
      return true;
    }
    case Op::kNegate: return EvaluateNegate(node, out);
    case Op::kAnd:
    case Op::kOr: return EvaluateLogic(node, out);
    case Op::kCoalesce:
      if (!Evaluate(NodeAt(node.a), out)) return false;
      return !out.is_null() || Evaluate(NodeAt(node.b), out);
    case Op::kIf: {
      bool condition = false;
      if (!EvaluateCondition(NodeAt(node.a), condition)) return false;
      return Evaluate(NodeAt(condition ? node.b : node.c), out);
    }
    case Op::kList: return EvaluateList(node, out);
    case Op::kMap: return EvaluateMap(node, out);
    case Op::kCall: return EvaluateCall(node, out);
    case Op::kAny:
    case Op::kAll:
    case Op::kFilter:
    case Op::kCollect:
    case Op::kCount: return EvaluateComprehension(node, out);
    default: return EvaluateBinary(node, out);
  }
}

bool Evaluator::EvaluatePath(const TreeNode& node, Value& out) {
  out = context_.slots[node.a];
  for (std::uint32_t i = 0; i < node.c; ++i) out = Step(out, program_.keys[node.b + i]);
  return true;
}

bool Evaluator::EvaluateIndex(const TreeNode& node, Value& out) {
  Value key;
  if (!Evaluate(NodeAt(node.a), out) || !Evaluate(NodeAt(node.b), key)) return false;
  if (out.is_null()) return true;
  if (key.is_null()) return FailNull(NodeAt(node.b));
  if (out.type() == Type::kList && key.type() == Type::kInt) {
    out = Item(out.AsList(), key.AsInt());
    return true;
  }
  if (out.type() == Type::kMap && key.type() == Type::kString) {
    out = out.Get(key.AsString());
    return true;
  }
  if (out.type() != Type::kList && out.type() != Type::kMap) {
    return Fail("\"", program_.TextOf(NodeAt(node.a)), "\" is a ", NameOf(out.type()),
                ", which has no items");
  }
  return Fail("the index of \"", program_.TextOf(NodeAt(node.a)), "\" has to be a",
              out.type() == Type::kList ? "n int, not " : " string, not ", NameOf(key.type()));
}

bool Evaluator::EvaluateCondition(const TreeNode& node, bool& out) {
  Value value;
  if (!Evaluate(node, value)) return false;
  if (value.type() == Type::kBool) [[likely]] {
    out = value.AsBool();
    return true;
  }
  if (value.is_null()) return FailNull(node);
  return Fail("\"", program_.TextOf(node), "\" is a ", NameOf(value.type()), ", not a bool");
}

bool Evaluator::EvaluateLogic(const TreeNode& node, Value& out) {
  const bool decisive = node.op == Op::kOr;
  for (std::uint32_t i = 0; i < node.child_count; ++i) {
    bool condition = false;
    if (!EvaluateCondition(NodeAt(program_.children[node.first_child + i]), condition))
      return false;
    if (condition == decisive) {
      out = Value::Bool(decisive);
      return true;
    }
  }
  out = Value::Bool(!decisive);
  return true;
}

bool Evaluator::EvaluateNegate(const TreeNode& node, Value& out) {
  const TreeNode& operand = NodeAt(node.a);
  if (!Evaluate(operand, out)) return false;
  constexpr auto kLeast = std::numeric_limits<std::int64_t>::min();
  switch (out.type()) {
    case Type::kInt:
      if (out.AsInt() == kLeast) break;
      out = Value::Int(-out.AsInt());
      return true;
    case Type::kDuration:
      if (out.AsDurationNs() == kLeast) break;
      out = Value::DurationNs(-out.AsDurationNs());
      return true;
    case Type::kFloat: out = Value::Float(-out.AsFloat()); return true;
    case Type::kNull: return FailNull(operand);
    default:
      return Fail("\"", program_.TextOf(operand), "\" is a ", NameOf(out.type()),
                  ", which has no negative");
  }
  return Fail("\"", program_.TextOf(node), "\" overflows");
}

bool Evaluator::EvaluateBinary(const TreeNode& node, Value& out) {
  Value left;
  Value right;
  if (!Evaluate(NodeAt(node.a), left) || !Evaluate(NodeAt(node.b), right)) return false;
  if (!IsEquality(node.op)) {
    if (left.is_null()) return FailNull(NodeAt(node.a));
    if (right.is_null()) return FailNull(NodeAt(node.b));
  }
  const auto cost = [](Value v) -> std::int64_t {
    switch (v.type()) {
      case Type::kString: return static_cast<std::int64_t>(v.AsString().size() / 16);
      case Type::kList: return static_cast<std::int64_t>(v.AsList().size());
      case Type::kMap: return static_cast<std::int64_t>(v.AsMap().size());
      default: return 0;
    }
  };
  if (!Charge(cost(left) + cost(right))) return false;
  const OperatorFailure failure = Apply(node.op, left, right, context_.arena, out);
  switch (failure) {
    case OperatorFailure::kNone: return true;
    case OperatorFailure::kMeaningless: return FailBinary(node, left, right);
    case OperatorFailure::kOverflow: return Fail("\"", program_.TextOf(node), "\" overflows");
    case OperatorFailure::kDivisionByZero:
      return Fail("\"", program_.TextOf(NodeAt(node.b)),
                  "\" is zero: nothing can be divided by it");
    case OperatorFailure::kTooLong:
      return Fail("\"", program_.TextOf(node), "\" is too long a text");
  }
  return false;
}

bool Evaluator::FailBinary(const TreeNode& node, Value left, Value right) {
  const Op op = node.op == Op::kCompareSlot ? node.compare : node.op;
  return Fail("\"", program_.TextOf(node), "\": ", SymbolOf(op), " has no meaning between ",
              NameOf(left.type()), " and ", NameOf(right.type()));
}

bool Evaluator::EvaluateList(const TreeNode& node, Value& out) {
  if (context_.arena == nullptr) return Fail("");
  const auto items = context_.arena->AllocateArray<Value>(node.child_count);
  for (std::uint32_t i = 0; i < node.child_count; ++i) {
    if (!Evaluate(NodeAt(program_.children[node.first_child + i]), items[i])) return false;
  }
  out = Value::List(items);
  return true;
}

bool Evaluator::EvaluateMap(const TreeNode& node, Value& out) {
  if (context_.arena == nullptr) return Fail("");
  const auto members = context_.arena->AllocateArray<Member>(node.child_count / 2);
  for (std::uint32_t i = 0; i < members.size(); ++i) {
    const std::uint32_t* pair = &program_.children[node.first_child + 2 * i];
    members[i].key = NodeAt(pair[0]).value.AsString();
    if (!Evaluate(NodeAt(pair[1]), members[i].value)) return false;
  }
  out = Value::Map(members);
  return true;
}

bool Evaluator::EvaluateCall(const TreeNode& node, Value& out) {
  Value arguments[kMaxArguments];
  const Function& function = *node.function;
  for (std::uint32_t i = 0; i < node.child_count; ++i) {
    const TreeNode& child = NodeAt(program_.children[node.first_child + i]);
    if (!Evaluate(child, arguments[i])) return false;
    const auto& parameter =
        function.parameters[std::min<std::size_t>(i, function.parameters.size() - 1)];
    const Value& value = arguments[i];
    if ((parameter.types & MaskOf(value.type())) != 0) [[likely]]
      continue;
    if (value.is_null()) return FailNull(child);
    return Fail(function.name, "(): \"", program_.TextOf(child), "\" may not be a ",
                NameOf(value.type()));
  }
  if (context_.arena == nullptr) return Fail("");
  return function.call(Call(*this, node, {arguments, node.child_count}), out);
}

bool Evaluator::EvaluateComprehension(const TreeNode& node, Value& out) {
  const TreeNode& source = NodeAt(node.a);
  Value list;
  if (!Evaluate(source, list)) return false;
  if (list.is_null()) return FailNull(source);
  if (list.type() != Type::kList) {
    return Fail("\"", program_.TextOf(source), "\" is a ", NameOf(list.type()), ", not a list");
  }
  Local local{{}, local_};
  local_ = &local;
  const bool ok = node.op == Op::kFilter || node.op == Op::kCollect
                      ? CollectItems(node, list.AsList(), local.value, out)
                      : CountItems(node, list.AsList(), local.value, out);
  local_ = local.outer;
  return ok;
}

bool Evaluator::CountItems(const TreeNode& node, std::span<const Value> items, Value& variable,
                           Value& out) {
  const TreeNode& body = NodeAt(node.b);
  std::int64_t count = 0;
  for (const Value& item : items) {
    variable = item;
    bool condition = false;
    if (!Charge(body.size) || !EvaluateCondition(body, condition)) return false;
    count += condition ? 1 : 0;
    if (condition ? node.op == Op::kAny : node.op == Op::kAll) {
      out = Value::Bool(condition);
      return true;
    }
  }
  out = node.op == Op::kCount ? Value::Int(count) : Value::Bool(node.op == Op::kAll);
  return true;
}

bool Evaluator::CollectItems(const TreeNode& node, std::span<const Value> items, Value& variable,
                             Value& out) {
  const TreeNode& body = NodeAt(node.b);
  if (context_.arena == nullptr) return Fail("");
  if (!Charge(static_cast<std::int64_t>(items.size() * (body.size + 1)))) return false;
  const auto kept = context_.arena->AllocateArray<Value>(items.size());
  std::size_t count = 0;
  for (const Value& item : items) {
    variable = item;
    if (node.op == Op::kCollect) {
      if (!Evaluate(body, kept[count++])) return false;
      continue;
    }
    bool condition = false;
    if (!EvaluateCondition(body, condition)) return false;
    if (condition) kept[count++] = item;
  }
  out = Value::List(kept.first(count));
  return true;
}

}  // namespace ronda::model
