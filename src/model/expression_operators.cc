#include <algorithm>
#include <cmath>

#include "model/expression_program.h"
#include "model/functions.h"

namespace ronda::model {
namespace {

bool IsNumber(Type t) { return t == Type::kInt || t == Type::kFloat; }
bool IsOrdered(Type a, Type b) {
  return (IsNumber(a) && IsNumber(b)) || (a == b && (a == Type::kString || a == Type::kDuration));
}

TypeMask NumberOf(Type a, Type b) {
  return a == Type::kInt && b == Type::kInt ? kIntMask : kFloatMask;
}

double ToDouble(Value v) {
  return v.type() == Type::kInt ? static_cast<double>(v.AsInt()) : v.AsFloat();
}

// -1, 0, 1; both are of one order (IsOrdered). NaN compares as equal to nothing: 2.
int Order(Value a, Value b) {
  switch (a.type()) {
    case Type::kString: {
      const int order = a.AsString().compare(b.AsString());
      return (order > 0) - (order < 0);
    }
    case Type::kDuration:
      return (a.AsDurationNs() > b.AsDurationNs()) - (a.AsDurationNs() < b.AsDurationNs());
    default: break;
  }
  if (a.type() == Type::kInt && b.type() == Type::kInt)
    return (a.AsInt() > b.AsInt()) - (a.AsInt() < b.AsInt());
  // A long double holds every int and every double exactly.
  const auto exact = [](Value v) -> long double {
    return v.type() == Type::kInt ? static_cast<long double>(v.AsInt()) : v.AsFloat();
  };
  const long double x = exact(a);
  const long double y = exact(b);
  if (x != x || y != y) return 2;
  return (x > y) - (x < y);
}

OperatorFailure ApplyOrder(Op op, Value a, Value b, Value& out) {
  if (!IsOrdered(a.type(), b.type())) return OperatorFailure::kMeaningless;
  const int order = Order(a, b);
  bool holds = false;
  switch (op) {
    case Op::kLess: holds = order == -1; break;
    case Op::kLessEqual: holds = order == -1 || order == 0; break;
    case Op::kGreater: holds = order == 1; break;
    default: holds = order == 1 || order == 0; break;
  }
  out = Value::Bool(holds);
  return OperatorFailure::kNone;
}

OperatorFailure ApplyIn(Op op, Value a, Value b, Value& out) {
  bool found = false;
  if (b.type() == Type::kList) {
    for (const Value& item : b.AsList()) found = found || Equal(a, item);
  } else if (a.type() == Type::kString && b.type() == Type::kString) {
    found = b.AsString().find(a.AsString()) != std::string_view::npos;
  } else if (a.type() == Type::kString && b.type() == Type::kMap) {
    for (const Member& member : b.AsMap()) found = found || member.key == a.AsString();
  } else {
    return OperatorFailure::kMeaningless;
  }
  out = Value::Bool(found == (op == Op::kIn));
  return OperatorFailure::kNone;
}

OperatorFailure Finite(double d, Value& out) {
  out = Value::Float(d);
  return std::isfinite(d) ? OperatorFailure::kNone : OperatorFailure::kOverflow;
}

OperatorFailure ToDuration(double ns, Value& out) {
  if (!(std::fabs(ns) < 9.2e18)) return OperatorFailure::kOverflow;
  out = Value::DurationNs(std::llround(ns));
  return OperatorFailure::kNone;
}

// a op b of two int64s, which ints and durations are; not for division.
OperatorFailure ApplyInteger(Op op, std::int64_t a, std::int64_t b, std::int64_t& out) {
  bool overflow = false;
  switch (op) {
    case Op::kAdd: overflow = __builtin_add_overflow(a, b, &out); break;
    case Op::kSubtract: overflow = __builtin_sub_overflow(a, b, &out); break;
    case Op::kMultiply: overflow = __builtin_mul_overflow(a, b, &out); break;
    default:
      if (b == 0) return OperatorFailure::kDivisionByZero;
      out = b == -1 ? 0 : a % b;
  }
  return overflow ? OperatorFailure::kOverflow : OperatorFailure::kNone;
}

OperatorFailure ApplyNumbers(Op op, Value a, Value b, Value& out) {
  if (op != Op::kDivide && a.type() == Type::kInt && b.type() == Type::kInt) {
    std::int64_t i = 0;
    const OperatorFailure failure = ApplyInteger(op, a.AsInt(), b.AsInt(), i);
    out = Value::Int(i);
    return failure;
  }
  const double x = ToDouble(a);
  const double y = ToDouble(b);
  switch (op) {
    case Op::kAdd: return Finite(x + y, out);
    case Op::kSubtract: return Finite(x - y, out);
    case Op::kMultiply: return Finite(x * y, out);
    default:
      if (y == 0) return OperatorFailure::kDivisionByZero;
      return Finite(op == Op::kDivide ? x / y : std::fmod(x, y), out);
  }
}

// Either operand is a duration, and ResultOf says that it means something.
OperatorFailure ApplyDurations(Op op, Value a, Value b, Value& out) {
  if (a.type() == Type::kDuration && b.type() == Type::kDuration) {
    const std::int64_t x = a.AsDurationNs();
    const std::int64_t y = b.AsDurationNs();
    if (op == Op::kDivide) {
      if (y == 0) return OperatorFailure::kDivisionByZero;
      return Finite(static_cast<double>(x) / static_cast<double>(y), out);
    }
    std::int64_t ns = 0;
    const OperatorFailure failure = ApplyInteger(op, x, y, ns);
    out = Value::DurationNs(ns);
    return failure;
  }
  const Value duration = a.type() == Type::kDuration ? a : b;
  const Value factor = a.type() == Type::kDuration ? b : a;
  if (op == Op::kMultiply && factor.type() == Type::kInt) {
    std::int64_t ns = 0;
    const OperatorFailure failure = ApplyInteger(op, duration.AsDurationNs(), factor.AsInt(), ns);
    out = Value::DurationNs(ns);
    return failure;
  }
  const double ns = static_cast<double>(duration.AsDurationNs());
  const double by = ToDouble(factor);
  if (op == Op::kMultiply) return ToDuration(ns * by, out);
  if (by == 0) return OperatorFailure::kDivisionByZero;
  return ToDuration(ns / by, out);
}

OperatorFailure Concatenate(std::string_view a, std::string_view b, Arena* arena, Value& out) {
  if (arena == nullptr || a.size() + b.size() > kMaxText) return OperatorFailure::kTooLong;
  char* text = static_cast<char*>(arena->Allocate(a.size() + b.size(), 1));
  std::copy(a.begin(), a.end(), text);  // unlike memcpy, it takes an empty text without memory
  std::copy(b.begin(), b.end(), text + a.size());
  out = Value::String({text, a.size() + b.size()});
  return OperatorFailure::kNone;
}

TypeMask ArithmeticResult(Op op, Type a, Type b) {
  constexpr Type kD = Type::kDuration;
  if (IsNumber(a) && IsNumber(b)) return op == Op::kDivide ? kFloatMask : NumberOf(a, b);
  if (a == Type::kString && b == Type::kString) return op == Op::kAdd ? kStringMask : 0;
  if (a == kD && b == kD) {
    if (op == Op::kMultiply) return 0;
    return op == Op::kDivide ? kFloatMask : kDurationMask;
  }
  if (a == kD && IsNumber(b)) return op == Op::kMultiply || op == Op::kDivide ? kDurationMask : 0;
  if (IsNumber(a) && b == kD) return op == Op::kMultiply ? kDurationMask : 0;
  return 0;
}

}  // namespace

TypeMask ResultOf(Op op, Type a, Type b) {
  const bool null = a == Type::kNull || b == Type::kNull;
  switch (op) {
    case Op::kEqual:
    case Op::kNotEqual: return null || a == b || (IsNumber(a) && IsNumber(b)) ? kBoolMask : 0;
    case Op::kLess:
    case Op::kLessEqual:
    case Op::kGreater:
    case Op::kGreaterEqual: return IsOrdered(a, b) ? kBoolMask : 0;
    case Op::kIn:
    case Op::kNotIn:
      if (null) return 0;
      return b == Type::kList || (a == Type::kString && (b == Type::kString || b == Type::kMap))
                 ? kBoolMask
                 : 0;
    default: return ArithmeticResult(op, a, b);
  }
}

std::string_view SymbolOf(Op op) {
  switch (op) {
    case Op::kNot: return "not";
    case Op::kNegate: return "-";
    case Op::kAnd: return "and";
    case Op::kOr: return "or";
    case Op::kEqual: return "==";
    case Op::kNotEqual: return "!=";
    case Op::kLess: return "<";
    case Op::kLessEqual: return "<=";
    case Op::kGreater: return ">";
    case Op::kGreaterEqual: return ">=";
    case Op::kIn: return "in";
    case Op::kNotIn: return "not in";
    case Op::kAdd: return "+";
    case Op::kSubtract: return "-";
    case Op::kMultiply: return "*";
    case Op::kDivide: return "/";
    case Op::kModulo: return "%";
    case Op::kCoalesce: return "??";
    default: return "?";
  }
}

std::string_view AdviceFor(Op op, Type a, Type b) {
  const auto one_of = [&](Type t) { return a == t || b == t; };
  const bool number = IsNumber(a) || IsNumber(b);
  if (op == Op::kIn || op == Op::kNotIn) return "the right side is a list, a map's keys or a text";
  if (one_of(Type::kDuration) && number && op != Op::kModulo) {
    return op == Op::kDivide ? "divide durations: latency / 1ms" : "write a unit: 800ms";
  }
  if (one_of(Type::kString) && number) {
    return op == Op::kAdd
               ? "nothing is converted by itself: use string(...), int(...) or float(...)"
               : "nothing is converted by itself: use int(...) or float(...)";
  }
  if (one_of(Type::kString) && one_of(Type::kDuration))
    return "use duration(...) to read it from text";
  return "";
}

OperatorFailure Apply(Op op, Value a, Value b, Arena* arena, Value& out) {
  switch (op) {
    case Op::kEqual: out = Value::Bool(Equal(a, b)); return OperatorFailure::kNone;
    case Op::kNotEqual: out = Value::Bool(!Equal(a, b)); return OperatorFailure::kNone;
    case Op::kLess:
    case Op::kLessEqual:
    case Op::kGreater:
    case Op::kGreaterEqual: return ApplyOrder(op, a, b, out);
    case Op::kIn:
    case Op::kNotIn: return ApplyIn(op, a, b, out);
    default: break;
  }
  if (ArithmeticResult(op, a.type(), b.type()) == 0) return OperatorFailure::kMeaningless;
  if (a.is_number() && b.is_number()) return ApplyNumbers(op, a, b, out);
  if (a.type() == Type::kString) return Concatenate(a.AsString(), b.AsString(), arena, out);
  return ApplyDurations(op, a, b, out);
}

}  // namespace ronda::model
