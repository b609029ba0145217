#include "model/expression_compiler.h"

#include <re2/re2.h>

#include <algorithm>
#include <utility>

#include "model/functions.h"
#include "model/source.h"

namespace ronda::model {
namespace {

using NodeId = std::uint32_t;
using MaybeNode = std::optional<NodeId>;

constexpr std::size_t kMaxNodes = 16 * 1024;

// The binding strength of binary operators, loosest first; ?: is looser than all of them.
enum Strength {
  kOrStrength = 1,
  kAndStrength,
  kComparison,
  kCoalescing,
  kAdditive,
  kMultiplicative
};

struct BinaryOperator {
  std::string_view symbol;
  Op op;
  int strength;
};
constexpr BinaryOperator kBinaryOperators[] = {
    {"or", Op::kOr, kOrStrength},        {"and", Op::kAnd, kAndStrength},
    {"==", Op::kEqual, kComparison},     {"!=", Op::kNotEqual, kComparison},
    {"<", Op::kLess, kComparison},       {"<=", Op::kLessEqual, kComparison},
    {">", Op::kGreater, kComparison},    {">=", Op::kGreaterEqual, kComparison},
    {"in", Op::kIn, kComparison},        {"not", Op::kNotIn, kComparison},
    {"??", Op::kCoalesce, kCoalescing},  {"+", Op::kAdd, kAdditive},
    {"-", Op::kSubtract, kAdditive},     {"*", Op::kMultiply, kMultiplicative},
    {"/", Op::kDivide, kMultiplicative}, {"%", Op::kModulo, kMultiplicative}};

// "an int or a string"
std::string Describe(TypeMask mask) {
  std::string text;
  for (unsigned i = 0; i < 8; ++i) {
    if ((mask >> i & 1) == 0) continue;
    if (!text.empty()) text += " or ";
    text += NameOf(static_cast<Type>(i));
  }
  return text;
}

template <typename Function>
void ForEachType(TypeMask mask, Function&& function) {
  for (unsigned i = 0; i < 8; ++i) {
    if ((mask >> i & 1) != 0) function(static_cast<Type>(i));
  }
}

std::string Quote(std::string_view text) { return "\"" + std::string(text) + "\""; }

class Compiler {
 public:
  Compiler(Program& program, Names& names, LoadError& error)
      : program_(program), names_(names), error_(error) {}

  MaybeNode Run(std::uint32_t begin, std::uint32_t end) {
    if (!Lex(program_.text, begin, end, program_.arena, tokens_, error_)) return std::nullopt;
    if (Peek().kind == TokenKind::kEnd) return FailAt(Peek(), "expected an expression");
    const MaybeNode root = Expression();
    if (!root) return std::nullopt;
    if (Peek().kind != TokenKind::kEnd) return Unexpected("an operator or the end");
    return root;
  }

 private:
  // ---- tokens
  const Token& Peek(std::size_t ahead = 0) const {
    return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
  }
  bool Is(std::string_view text, std::size_t ahead = 0) const {
    const Token& token = Peek(ahead);
    return (token.kind == TokenKind::kSymbol || token.kind == TokenKind::kKeyword) &&
           token.text == text;
  }
  bool Take(std::string_view text) {
    if (!Is(text)) return false;
    ++at_;
    return true;
  }
  bool Expect(std::string_view text) {
    if (Take(text)) return true;
    Unexpected(Quote(text));
    return false;
  }

  // ---- errors
  std::nullopt_t Fail(std::uint32_t offset, std::uint32_t length, std::string message,
                      std::string hint = {}) {
    error_ = {offset, std::max<std::uint32_t>(length, 1), std::move(message), std::move(hint)};
    return std::nullopt;
  }
  std::nullopt_t FailAt(const Token& token, std::string message, std::string hint = {}) {
    return Fail(token.offset, token.length, std::move(message), std::move(hint));
  }
  std::nullopt_t FailAt(NodeId id, std::string message, std::string hint = {}) {
    return Fail(program_.nodes[id].offset, program_.nodes[id].length, std::move(message),
                std::move(hint));
  }
  std::nullopt_t Unexpected(std::string_view expected) {
    const Token& token = Peek();
    std::string message = "expected " + std::string(expected);
    message +=
        token.kind == TokenKind::kEnd ? ", but here is the end" : ", not " + Quote(token.text);
    return FailAt(token, std::move(message));
  }

  // ---- nodes
  const TreeNode& At(NodeId id) const { return program_.nodes[id]; }
  std::string_view TextOf(NodeId id) const { return program_.TextOf(At(id)); }

  // Adds the node, whose text is that of the tokens [first, at_), and folds it when it is constant.
  MaybeNode Add(TreeNode node, std::size_t first, std::span<const NodeId> below) {
    const Token& begin = tokens_[first];
    const Token& last = tokens_[at_ - 1];
    node.offset = begin.offset;
    node.length = last.offset + last.length - begin.offset;
    bool constant = node.pure;
    for (const NodeId id : below) {
      constant = constant && At(id).op == Op::kConstant;
      node.depth = std::max<std::uint16_t>(node.depth, At(id).depth + 1);
      node.size += At(id).size;
    }
    if (node.depth > kMaxDepth || program_.nodes.size() >= kMaxNodes) {
      return Fail(node.offset, node.length, "this expression is too large",
                  "compute parts of it in steps of their own");
    }
    program_.nodes.push_back(node);
    const auto id = static_cast<NodeId>(program_.nodes.size() - 1);
    return constant ? Fold(id) : MaybeNode(id);
  }

  MaybeNode Fold(NodeId id) {
    EvalContext context;
    context.arena = &program_.arena;
    Value value;
    Evaluator evaluator(program_, context, budget_);
    const bool ok = evaluator.Evaluate(id, value);
    budget_ = evaluator.budget();
    if (!ok) {
      return FailAt(id, "this can never be evaluated: " + std::string(context.error));
    }
    TreeNode& node = program_.nodes[id];
    node.op = Op::kConstant;
    node.value = value;
    node.types = MaskOf(value.type());
    node.size = 1;
    node.depth = 1;
    return id;
  }

  void SetChildren(TreeNode& node, std::span<const NodeId> children) {
    node.first_child = static_cast<std::uint32_t>(program_.children.size());
    node.child_count = static_cast<std::uint32_t>(children.size());
    program_.children.insert(program_.children.end(), children.begin(), children.end());
  }

  // A load error unless the node may be one of `allowed`.
  bool Require(NodeId id, TypeMask allowed, std::string_view who) {
    if ((At(id).types & allowed) != 0) return true;
    FailAt(id, std::string(who) + " needs " + Describe(allowed) + ", but this is " +
                   Describe(At(id).types));
    return false;
  }

  // ---- grammar
  MaybeNode Expression() {
    if (++nesting_ > kMaxNesting) return FailAt(Peek(), "brackets are nested too deeply");
    const MaybeNode result = Conditional();
    --nesting_;
    return result;
  }

  MaybeNode Conditional() {
    const std::size_t first = at_;
    const MaybeNode condition = Binary(kOrStrength);
    if (!condition || !Take("?")) return condition;
    const MaybeNode yes = Expression();
    if (!yes || !Expect(":")) return std::nullopt;
    const MaybeNode no = Expression();
    if (!no) return std::nullopt;
    return If(first, *condition, *yes, *no);
  }

  MaybeNode If(std::size_t first, NodeId condition, NodeId yes, NodeId no) {
    if (!Require(condition, kBoolMask, "a condition")) return std::nullopt;
    TreeNode node;
    node.op = Op::kIf;
    node.pure = true;
    node.types = At(yes).types | At(no).types;
    node.a = condition;
    node.b = yes;
    node.c = no;
    const NodeId below[] = {condition, yes, no};
    return Add(node, first, below);
  }

  const BinaryOperator* NextOperator() const {
    for (const auto& candidate : kBinaryOperators) {
      if (!Is(candidate.symbol)) continue;
      if (candidate.op == Op::kNotIn && !Is("in", 1)) return nullptr;
      return &candidate;
    }
    return nullptr;
  }

  MaybeNode Binary(int least_strength) {
    const std::size_t first = at_;
    MaybeNode left = Unary(least_strength);
    while (left) {
      const BinaryOperator* op = NextOperator();
      if (op == nullptr || op->strength < least_strength) return left;
      if (op->op == Op::kAnd || op->op == Op::kOr) {
        left = Logic(first, *left, *op);
        continue;
      }
      at_ += op->op == Op::kNotIn ? 2 : 1;
      // a ?? b ?? c is read from the right, all others from the left.
      const MaybeNode right = Binary(op->op == Op::kCoalesce ? op->strength : op->strength + 1);
      if (!right) return std::nullopt;
      left = op->op == Op::kCoalesce ? Coalesce(first, *left, *right)
                                     : Apply(first, op->op, *left, *right);
      if (left && op->strength == kComparison && NextOperator() != nullptr &&
          NextOperator()->strength == kComparison) {
        return FailAt(Peek(), "comparisons do not chain", "write: a < b and b < c");
      }
    }
    return left;
  }

  // a and b and c: one node, so that long conditions are no deep trees.
  MaybeNode Logic(std::size_t first, NodeId left, const BinaryOperator& op) {
    std::vector<NodeId> children = {left};
    while (Take(op.symbol)) {
      const MaybeNode next = Binary(op.strength + 1);
      if (!next) return std::nullopt;
      children.push_back(*next);
    }
    for (const NodeId child : children) {
      if (!Require(child, kBoolMask, Quote(op.symbol))) return std::nullopt;
    }
    TreeNode node;
    node.op = op.op;
    node.pure = true;
    node.types = kBoolMask;
    SetChildren(node, children);
    return Add(node, first, children);
  }

  MaybeNode Coalesce(std::size_t first, NodeId left, NodeId right) {
    TreeNode node;
    node.op = Op::kCoalesce;
    node.pure = true;
    node.types = static_cast<TypeMask>((At(left).types & ~kNullMask) | At(right).types);
    node.a = left;
    node.b = right;
    const NodeId below[] = {left, right};
    return Add(node, first, below);
  }

  MaybeNode Apply(std::size_t first, Op op, NodeId left, NodeId right) {
    TreeNode node;
    node.op = op;
    node.pure = true;
    node.types = 0;
    node.a = left;
    node.b = right;
    ForEachType(At(left).types, [&](Type a) {
      ForEachType(At(right).types, [&](Type b) { node.types |= ResultOf(op, a, b); });
    });
    if (node.types == 0) return Meaningless(first, op, left, right);
    if (IsComparison(op) && At(left).op == Op::kSlot && At(right).op == Op::kConstant) {
      node.op = Op::kCompareSlot;
      node.compare = op;
      node.value = At(right).value;
      node.a = At(left).a;
      node.b = left;  // for its text
    }
    const NodeId below[] = {left, right};
    return Add(node, first, below);
  }

  static bool IsComparison(Op op) { return op >= Op::kEqual && op <= Op::kGreaterEqual; }

  MaybeNode Meaningless(std::size_t first, Op op, NodeId left, NodeId right) {
    const std::uint32_t from = tokens_[first].offset;
    const Token& last = tokens_[at_ - 1];
    const auto first_type = [&](NodeId id) {
      Type type = Type::kNull;
      ForEachType(At(id).types, [&](Type t) { type = type == Type::kNull ? t : type; });
      return type;
    };
    return Fail(from, last.offset + last.length - from,
                Quote(SymbolOf(op)) + " has no meaning between " + Describe(At(left).types) +
                    " and " + Describe(At(right).types),
                std::string(AdviceFor(op, first_type(left), first_type(right))));
  }

  // `not` is looser than comparisons: "not a == b" is "not (a == b)".
  MaybeNode Unary(int least_strength) {
    const std::size_t first = at_;
    if (Is("not")) {
      if (least_strength > kComparison)
        return Unexpected("a value; put \"not ...\" into parentheses");
      return Nested(first, Op::kNot, kComparison);
    }
    if (Is("-")) return Nested(first, Op::kNegate, kMultiplicative + 1);
    return Postfix();
  }

  MaybeNode Nested(std::size_t first, Op op, int strength) {
    ++at_;
    if (++nesting_ > kMaxNesting) return FailAt(Peek(), "operators are nested too deeply");
    const MaybeNode operand = Binary(strength);
    --nesting_;
    if (!operand) return std::nullopt;
    TreeNode node;
    node.op = op;
    node.pure = true;
    node.a = *operand;
    const TypeMask allowed = op == Op::kNot ? kBoolMask : kNumberMask | kDurationMask;
    if (!Require(*operand, allowed, op == Op::kNot ? "\"not\"" : "\"-\"")) return std::nullopt;
    node.types = At(*operand).types & allowed;
    const NodeId below[] = {*operand};
    return Add(node, first, below);
  }

  MaybeNode Postfix() {
    const std::size_t first = at_;
    MaybeNode value = Primary();
    while (value) {
      if (Is(".")) {
        ++at_;
        value = Member(first, *value);
      } else if (Take("[")) {
        const MaybeNode index = Expression();
        if (!index || !Expect("]")) return std::nullopt;
        value = Index(first, *value, *index);
      } else if (Is("(")) {
        return FailAt(Peek(), "only a function can be called",
                      "functions have plain names: size(items)");
      } else {
        return value;
      }
    }
    return value;
  }

  MaybeNode Member(std::size_t first, NodeId object) {
    if (Peek().kind != TokenKind::kName && Peek().kind != TokenKind::kKeyword) {
      return Unexpected("a name after \".\"");
    }
    if (Is("(", 1)) {
      return FailAt(Peek(), "values have no methods",
                    "write " + std::string(Peek().text) + "(" + std::string(TextOf(object)) + ")");
    }
    if (!Require(object, kMapMask, "\".\"")) return std::nullopt;
    TreeNode node;
    node.op = Op::kMember;
    node.pure = true;
    node.a = object;
    node.value = Value::String(program_.arena.Copy(Peek().text));
    ++at_;
    const NodeId below[] = {object};
    return Add(node, first, below);
  }

  MaybeNode Index(std::size_t first, NodeId object, NodeId index) {
    if (!Require(object, kListMask | kMapMask, "\"[]\"")) return std::nullopt;
    TypeMask keys = 0;
    if ((At(object).types & kListMask) != 0) keys |= kIntMask;
    if ((At(object).types & kMapMask) != 0) keys |= kStringMask;
    if (!Require(index, keys, "the index")) return std::nullopt;
    TreeNode node;
    node.op = Op::kIndex;
    node.pure = true;
    node.a = object;
    node.b = index;
    const NodeId below[] = {object, index};
    return Add(node, first, below);
  }

  MaybeNode Primary() {
    const Token& token = Peek();
    const std::size_t first = at_;
    if (token.kind == TokenKind::kLiteral) return Constant(token.value);
    if (Is("true") || Is("false")) return Constant(Value::Bool(Is("true")));
    if (Is("null")) return Constant({});
    if (Take("(")) {
      const MaybeNode inner = Expression();
      if (!inner || !Expect(")")) return std::nullopt;
      return inner;
    }
    if (Take("[")) return List(first);
    if (Take("{")) return Map(first);
    if (token.kind != TokenKind::kName) return Unexpected("a value");
    if (Is("(", 1)) return Called(first);
    return Path(first);
  }

  MaybeNode Constant(Value value) {
    TreeNode node;
    node.value = value;
    node.types = MaskOf(value.type());
    return Add(node, at_++, {});
  }

  MaybeNode List(std::size_t first) {
    std::vector<NodeId> items;
    while (!Take("]")) {
      if (!items.empty() && !Take(",")) return Unexpected("\",\" or \"]\"");
      if (!items.empty() && Take("]")) break;
      const MaybeNode item = Expression();
      if (!item) return std::nullopt;
      items.push_back(*item);
    }
    TreeNode node;
    node.op = Op::kList;
    node.pure = true;
    node.types = kListMask;
    SetChildren(node, items);
    return Add(node, first, items);
  }

  MaybeNode Map(std::size_t first) {
    std::vector<NodeId> pairs;
    while (!Take("}")) {
      if (!pairs.empty() && !Take(",")) return Unexpected("\",\" or \"}\"");
      if (!pairs.empty() && Take("}")) break;
      const MaybeNode key = MapKey();
      if (!key || !Expect(":")) return std::nullopt;
      for (std::size_t i = 0; i < pairs.size(); i += 2) {
        if (At(pairs[i]).value.AsString() == At(*key).value.AsString()) {
          return FailAt(*key, "this key is in the map already");
        }
      }
      const MaybeNode value = Expression();
      if (!value) return std::nullopt;
      pairs.push_back(*key);
      pairs.push_back(*value);
    }
    TreeNode node;
    node.op = Op::kMap;
    node.pure = true;
    node.types = kMapMask;
    SetChildren(node, pairs);
    return Add(node, first, pairs);
  }

  MaybeNode MapKey() {
    const Token& token = Peek();
    if (token.kind == TokenKind::kName || token.kind == TokenKind::kKeyword) {
      return Constant(Value::String(program_.arena.Copy(token.text)));
    }
    if (token.kind == TokenKind::kLiteral && token.value.type() == Type::kString) {
      return Constant(token.value);
    }
    return Unexpected("a key");
  }

  // ---- names
  MaybeNode Path(std::size_t first) {
    const Token& token = Peek();
    for (std::size_t i = locals_.size(); i-- > 0;) {
      if (locals_[i] == token.text)
        return LocalVariable(static_cast<std::uint32_t>(locals_.size() - 1 - i));
    }
    std::vector<PathKey> keys = {{token.text, -1, false}};
    ++at_;
    while (PathStep(keys)) {
    }
    std::vector<std::string_view> path;
    for (const PathKey& key : keys) path.push_back(key.name);
    const auto binding = names_.Resolve(path);
    if (!binding) return UnknownName(first, path);
    return Bind(first, keys, *binding);
  }

  // Takes ".name", "['name']" or "[3]" if that comes next.
  bool PathStep(std::vector<PathKey>& keys) {
    if (Is(".") && (Peek(1).kind == TokenKind::kName || Peek(1).kind == TokenKind::kKeyword) &&
        !Is("(", 2)) {
      keys.push_back({Peek(1).text, -1, false});
      at_ += 2;
      return true;
    }
    const Token& key = Peek(1);
    if (!Is("[") || key.kind != TokenKind::kLiteral || !Is("]", 2)) return false;
    if (key.value.type() == Type::kString) {
      keys.push_back({key.value.AsString(), -1, false});
    } else if (key.value.type() == Type::kInt) {
      keys.push_back({key.text, key.value.AsInt(), true});
    } else {
      return false;
    }
    at_ += 3;
    return true;
  }

  MaybeNode LocalVariable(std::uint32_t hops) {
    TreeNode node;
    node.op = Op::kLocal;
    node.a = hops;
    return Add(node, at_++, {});
  }

  MaybeNode Bind(std::size_t first, std::span<const PathKey> keys, const Binding& binding) {
    CHECK(binding.segments <= keys.size());
    const auto rest = keys.subspan(binding.segments);
    TreeNode node;
    node.op = rest.empty() ? Op::kSlot : Op::kPath;
    node.a = binding.slot;
    if (binding.type && rest.empty()) node.types = MaskOf(*binding.type);
    const bool has_members =
        !binding.type || *binding.type == Type::kMap || *binding.type == Type::kList;
    if (!rest.empty() && !has_members) {
      return FailAt(tokens_[at_ - 1], std::string(NameOf(*binding.type)) + " has no members");
    }
    node.b = static_cast<std::uint32_t>(program_.keys.size());
    node.c = static_cast<std::uint32_t>(rest.size());
    for (PathKey key : rest) {
      key.name = program_.arena.Copy(key.name);
      program_.keys.push_back(key);
    }
    program_.slots.push_back(binding.slot);
    return Add(node, first, {});
  }

  std::nullopt_t UnknownName(std::size_t first, std::span<const std::string_view> path) {
    std::string full(path[0]);
    for (const auto segment : path.subspan(1)) (full += '.') += segment;
    std::vector<std::string> known;
    names_.List(known);
    known.insert(known.end(), locals_.begin(), locals_.end());
    std::string nearest = NearestPrefix(path, known);
    std::string hint = nearest.empty() ? "" : "did you mean " + Quote(nearest) + "?";
    if (nearest.empty() && path.size() == 1 && IsFunction(path[0])) {
      hint = "a function is called with parentheses: " + full + "()";
    }
    const Token& last = tokens_[at_ - 1];
    const std::uint32_t from = tokens_[first].offset;
    return Fail(from, last.offset + last.length - from, "unknown name " + Quote(full),
                std::move(hint));
  }

  static bool IsFunction(std::string_view name) { return FindFunction(name) != nullptr; }

  // The known name nearest to the longest beginning of the path that has one.
  static std::string NearestPrefix(std::span<const std::string_view> path,
                                   const std::vector<std::string>& known) {
    for (std::size_t n = path.size(); n > 0; --n) {
      std::string prefix(path[0]);
      for (const auto segment : path.subspan(1, n - 1)) (prefix += '.') += segment;
      std::string nearest = Nearest(prefix, known);
      if (!nearest.empty()) return nearest;
    }
    std::vector<std::string> roots;
    for (const auto& name : known) roots.push_back(name.substr(0, name.find('.')));
    return Nearest(path[0], roots);
  }

  // ---- calls
  MaybeNode Called(std::size_t first) {
    const Token name = Peek();
    at_ += 2;
    if (name.text == "if") return IfCall(first);
    for (const auto& comprehension : Comprehensions()) {
      if (comprehension.name == name.text) return OverList(first, comprehension);
    }
    const Function* function = FindFunction(name.text);
    if (function == nullptr) return UnknownFunction(name);
    std::vector<NodeId> arguments;
    while (!Take(")")) {
      if (!arguments.empty() && !Take(",")) return Unexpected("\",\" or \")\"");
      const MaybeNode argument = Expression();
      if (!argument) return std::nullopt;
      arguments.push_back(*argument);
    }
    return CallFunction(first, name, *function, arguments);
  }

  MaybeNode IfCall(std::size_t first) {
    const MaybeNode condition = Expression();
    if (!condition || !Expect(",")) return std::nullopt;
    const MaybeNode yes = Expression();
    if (!yes || !Expect(",")) return std::nullopt;
    const MaybeNode no = Expression();
    if (!no || !Expect(")")) return std::nullopt;
    return If(first, *condition, *yes, *no);
  }

  std::nullopt_t UnknownFunction(const Token& name) {
    std::vector<std::string> known = {"if"};
    for (const auto& function : Functions()) known.emplace_back(function.name);
    for (const auto& comprehension : Comprehensions()) known.emplace_back(comprehension.name);
    const std::string nearest = Nearest(name.text, known);
    return FailAt(name, "unknown function " + Quote(name.text),
                  nearest.empty() ? "" : "did you mean " + Quote(nearest) + "?");
  }

  MaybeNode CallFunction(std::size_t first, const Token& name, const Function& function,
                         std::span<const NodeId> arguments) {
    if (arguments.size() < function.least_arguments() ||
        arguments.size() > function.most_arguments()) {
      return FailAt(name, "wrong number of arguments: " + std::to_string(arguments.size()),
                    "it is " + function.Signature());
    }
    TreeNode node;
    node.op = Op::kCall;
    node.pure = function.purity == Purity::kPure;
    node.types = function.result;
    node.function = &function;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      const Parameter& parameter = function.parameters[std::min(i, function.parameters.size() - 1)];
      if (!Argument(function, parameter, arguments[i], node)) return std::nullopt;
    }
    SetChildren(node, arguments);
    return Add(node, first, arguments);
  }

  bool Argument(const Function& function, const Parameter& parameter, NodeId argument,
                TreeNode& node) {
    const std::string who = std::string(function.name) + "(): " + std::string(parameter.name);
    if (!Require(argument, parameter.types, who)) return false;
    if (parameter.kind == ParameterKind::kName) {
      const Op op = At(argument).op;
      if (op == Op::kSlot || op == Op::kPath || op == Op::kLocal || op == Op::kMember ||
          op == Op::kIndex)
        return true;
      FailAt(argument, who + " has to be a name");
      return false;
    }
    if (parameter.kind != ParameterKind::kPattern) return true;
    if (At(argument).op != Op::kConstant) {
      FailAt(argument, who + " has to be a constant text", "patterns are compiled once, at load");
      return false;
    }
    re2::RE2::Options options;
    options.set_log_errors(false);
    const std::string_view text = At(argument).value.AsString();
    auto pattern = std::make_unique<re2::RE2>(re2::StringPiece(text.data(), text.size()), options);
    if (!pattern->ok()) {
      FailAt(argument, "this is no regular expression: " + pattern->error(), "the syntax is RE2's");
      return false;
    }
    node.pattern = pattern.get();
    program_.patterns.push_back(std::move(pattern));
    return true;
  }

  // any(x in list: condition)
  MaybeNode OverList(std::size_t first, const Comprehension& comprehension) {
    const std::string form = std::string(comprehension.name) + "(x in items: ...)";
    if (Peek().kind != TokenKind::kName || !Is("in", 1)) {
      return FailAt(Peek(), "expected a variable and \"in\"", "the form is " + form);
    }
    const std::string variable(Peek().text);
    at_ += 2;
    const MaybeNode list = Binary(kOrStrength);
    if (!list || !Require(*list, kListMask, comprehension.name) || !Expect(":"))
      return std::nullopt;
    locals_.push_back(variable);
    const MaybeNode body = Expression();
    locals_.pop_back();
    if (!body || !Expect(")")) return std::nullopt;
    if (comprehension.op != Op::kCollect && !Require(*body, kBoolMask, "the condition"))
      return std::nullopt;
    TreeNode node;
    node.op = comprehension.op;
    node.types = comprehension.result;
    node.a = *list;
    node.b = *body;
    const NodeId below[] = {*list, *body};
    return Add(node, first, below);
  }

  Program& program_;
  Names& names_;
  LoadError& error_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int nesting_ = 0;
  std::int64_t budget_ = Evaluator::kBudget;  // for all constants together
  std::vector<std::string> locals_;
};

}  // namespace

std::optional<std::uint32_t> CompileInto(Program& program, std::uint32_t begin, std::uint32_t end,
                                         Names& names, LoadError& error) {
  if (program.text.size() > kMaxTextLength) {
    error = {0, 1, "this text is longer than 64 KiB", ""};
    return std::nullopt;
  }
  return Compiler(program, names, error).Run(begin, end);
}

void FinishProgram(Program& program) {
  std::sort(program.slots.begin(), program.slots.end());
  program.slots.erase(std::unique(program.slots.begin(), program.slots.end()), program.slots.end());
}

}  // namespace ronda::model
