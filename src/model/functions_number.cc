#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "model/functions.h"

namespace ronda::model {
namespace {

double ToDouble(Value v) {
  return v.type() == Type::kInt ? static_cast<double>(v.AsInt()) : v.AsFloat();
}

bool ToInt(const Call& call, double d, Value& out) {
  if (!(d >= -0x1p63 && d < 0x1p63)) return call.Fail("the number is outside the range of an int");
  out = Value::Int(static_cast<std::int64_t>(d));
  return true;
}

std::string_view WithoutPlus(std::string_view text) {
  return text.size() > 1 && text[0] == '+' && text[1] != '-' ? text.substr(1) : text;
}

bool IntOf(const Call& call, Value& out) {
  if (call[0].type() == Type::kInt) {
    out = call[0];
    return true;
  }
  if (call[0].type() == Type::kFloat) return ToInt(call, std::trunc(call[0].AsFloat()), out);
  const std::string_view text = WithoutPlus(call.String(0));
  std::int64_t i = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), i);
  if (code == std::errc::result_out_of_range)
    return call.Fail("the number is outside the range of an int");
  if (code != std::errc() || end != text.data() + text.size())
    return call.Fail("the text is no integer");
  out = Value::Int(i);
  return true;
}

bool FloatOf(const Call& call, Value& out) {
  if (call[0].is_number()) {
    out = Value::Float(ToDouble(call[0]));
    return true;
  }
  const std::string_view text = WithoutPlus(call.String(0));
  double d = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), d);
  if (code != std::errc() || end != text.data() + text.size() || !std::isfinite(d)) {
    return call.Fail("the text is no number");
  }
  out = Value::Float(d);
  return true;
}

bool StringOf(const Call& call, Value& out) {
  if (call[0].type() == Type::kString) {
    out = call[0];
    return true;
  }
  std::string text;
  AppendText(call[0], text);
  char* copy = call.NewText(text.size());
  if (copy == nullptr) return false;
  std::copy(text.begin(), text.end(), copy);
  out = Value::String({copy, text.size()});
  return true;
}

bool TypeOf(const Call& call, Value& out) {
  out = Value::String(NameOf(call[0].type()));
  return true;
}

bool RoundWith(const Call& call, double (*round)(double), Value& out) {
  if (call[0].type() == Type::kInt) {
    out = call[0];
    return true;
  }
  return ToInt(call, round(call[0].AsFloat()), out);
}

bool Round(const Call& call, Value& out) {
  if (call.count() == 1) return RoundWith(call, std::round, out);
  const std::int64_t digits = call[1].AsInt();
  if (digits < 0 || digits > 15) return call.Fail("the number of digits has to be 0 to 15");
  const double scale = std::pow(10.0, static_cast<double>(digits));
  const double scaled = ToDouble(call[0]) * scale;
  out = Value::Float(std::fabs(scaled) < 1e15 ? std::round(scaled) / scale : ToDouble(call[0]));
  return true;
}

bool Floor(const Call& call, Value& out) { return RoundWith(call, std::floor, out); }
bool Ceil(const Call& call, Value& out) { return RoundWith(call, std::ceil, out); }

bool FormatNumber(const Call& call, Value& out) {
  const std::int64_t digits = call[1].AsInt();
  if (digits < 0 || digits > 15) return call.Fail("the number of digits has to be 0 to 15");
  char buffer[400];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, ToDouble(call[0]),
                                 std::chars_format::fixed, static_cast<int>(digits))
                       .ptr;
  const auto size = static_cast<std::size_t>(end - buffer);
  char* copy = call.NewText(size);
  if (copy == nullptr) return false;
  std::copy(buffer, end, copy);
  out = Value::String({copy, size});
  return true;
}

bool Abs(const Call& call, Value& out) {
  if (call[0].type() == Type::kFloat) {
    out = Value::Float(std::fabs(call[0].AsFloat()));
    return true;
  }
  const bool is_int = call[0].type() == Type::kInt;
  const std::int64_t i = is_int ? call[0].AsInt() : call[0].AsDurationNs();
  if (i == std::numeric_limits<std::int64_t>::min()) return call.Fail("it overflows");
  const std::int64_t size = i < 0 ? -i : i;
  out = is_int ? Value::Int(size) : Value::DurationNs(size);
  return true;
}

bool Divide(const Call& call, Value& out) {
  const std::int64_t a = call[0].AsInt();
  const std::int64_t b = call[1].AsInt();
  if (b == 0) return call.Fail("nothing can be divided by zero");
  if (b == -1 && a == std::numeric_limits<std::int64_t>::min()) return call.Fail("it overflows");
  out = Value::Int(a / b);
  return true;
}

// The first of the arguments (or of the one list) of which none is `less`.
bool Extreme(const Call& call, Op less, Value& out) {
  const bool is_list = call.count() == 1 && call[0].type() == Type::kList;
  const std::span<const Value> items = is_list ? call[0].AsList() : call.arguments();
  out = {};
  if (items.empty()) return true;
  if (!call.Charge(items.size())) return false;
  out = items[0];
  for (const Value& item : items) {
    Value is_less;
    if (Apply(less, item, out, nullptr, is_less) != OperatorFailure::kNone) {
      return call.Fail("these values have no order among each other");
    }
    if (is_less.AsBool()) out = item;
  }
  return true;
}

bool Min(const Call& call, Value& out) { return Extreme(call, Op::kLess, out); }
bool Max(const Call& call, Value& out) { return Extreme(call, Op::kGreater, out); }

bool RandomOf(const Call& call, Value& out) {
  base::Random* random = call.context().random;
  if (random == nullptr) return call.Fail("there is no randomness here");
  if (call[0].type() == Type::kInt && call[1].type() == Type::kInt) {
    const std::int64_t least = call[0].AsInt();
    const std::int64_t most = call[1].AsInt();
    if (most < least) return call.Fail("the largest value is below the smallest");
    const std::uint64_t width =
        static_cast<std::uint64_t>(most) - static_cast<std::uint64_t>(least) + 1;
    const std::uint64_t offset = width == 0 ? (*random)() : random->Below(width);
    out = Value::Int(static_cast<std::int64_t>(static_cast<std::uint64_t>(least) + offset));
    return true;
  }
  if (call[0].type() == Type::kDuration && call[1].type() == Type::kDuration) {
    const std::int64_t least = call[0].AsDurationNs();
    if (call[1].AsDurationNs() < least) return call.Fail("the largest value is below the smallest");
    const auto width =
        static_cast<std::uint64_t>(call[1].AsDurationNs()) - static_cast<std::uint64_t>(least);
    const std::uint64_t offset = width == 0 ? 0 : random->Below(width);
    out = Value::DurationNs(static_cast<std::int64_t>(static_cast<std::uint64_t>(least) + offset));
    return true;
  }
  if (!call[0].is_number() || !call[1].is_number())
    return call.Fail("both bounds have to be numbers, or both durations");
  const double least = ToDouble(call[0]);
  const double most = ToDouble(call[1]);
  if (!(least <= most) || !std::isfinite(most - least))
    return call.Fail("the largest value is below the smallest");
  out = Value::Float(least + random->Unit() * (most - least));
  return true;
}

}  // namespace

void AddNumberFunctions(std::vector<Function>& table) {
  constexpr std::string_view kGroup = "Numbers";
  constexpr TypeMask kOrdered = kNumberMask | kDurationMask | kStringMask;
  const Parameter number{"x", kNumberMask};
  const Parameter digits{"digits", kIntMask};
  const auto add = [&](std::string_view name, std::vector<Parameter> parameters, TypeMask result,
                       bool (*call)(const Call&, Value&), std::string_view summary,
                       Purity purity = Purity::kPure) {
    table.push_back({name, kGroup, std::move(parameters), result, purity, call, summary});
  };
  add("int", {{"x", kNumberMask | kStringMask}}, kIntMask, IntOf,
      "an int from text or from a float, whose fraction is cut off");
  add("float", {{"x", kNumberMask | kStringMask}}, kFloatMask, FloatOf,
      "a float from text or an int");
  add("string", {{"x", kNotNullMask}}, kStringMask, StringOf, "the value as `${x}` would write it");
  add("type", {{"x", kAnyType}}, kStringMask, TypeOf, "the type's name: 'null', 'int', ...");
  add("round", {number, {"digits", kIntMask, ParameterKind::kOptional}}, kNumberMask, Round,
      "the nearest int, halves away from zero; with digits a float");
  add("floor", {number}, kIntMask, Floor, "the largest int that is not above x");
  add("ceil", {number}, kIntMask, Ceil, "the smallest int that is not below x");
  add("formatNumber", {number, digits}, kStringMask, FormatNumber,
      "with that many digits behind the point");
  add("abs", {{"x", kNumberMask | kDurationMask}}, kNumberMask | kDurationMask, Abs,
      "without its sign");
  add("div", {{"a", kIntMask}, {"b", kIntMask}}, kIntMask, Divide,
      "a / b as an int, cut off towards zero");
  add("min", {{"x", kOrdered | kListMask, ParameterKind::kRepeated}}, kOrdered | kNullMask, Min,
      "the smallest of the arguments or of one list; null of an empty list");
  add("max", {{"x", kOrdered | kListMask, ParameterKind::kRepeated}}, kOrdered | kNullMask, Max,
      "the largest");
  add("random", {{"least", kNumberMask | kDurationMask}, {"most", kNumberMask | kDurationMask}},
      kNumberMask | kDurationMask, RandomOf,
      "uniform: of ints both bounds included, of floats and durations the upper one not",
      Purity::kImpure);
}

}  // namespace ronda::model
