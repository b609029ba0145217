#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>

#include "model/functions.h"

namespace ronda::model {
namespace {

bool Size(const Call& call, Value& out) {
  const std::size_t size =
      call[0].type() == Type::kList ? call[0].AsList().size() : call[0].AsMap().size();
  out = Value::Int(static_cast<std::int64_t>(size));
  return true;
}

bool First(const Call& call, Value& out) {
  const auto items = call[0].AsList();
  out = items.empty() ? Value() : items.front();
  return true;
}

bool Last(const Call& call, Value& out) {
  const auto items = call[0].AsList();
  out = items.empty() ? Value() : items.back();
  return true;
}

bool Slice(const Call& call, Value& out) {
  const auto items = call[0].AsList();
  const auto size = static_cast<std::int64_t>(items.size());
  const auto bound = [&](std::int64_t i) {
    return std::clamp<std::int64_t>(i < 0 ? i + size : i, 0, size);
  };
  const std::int64_t from = bound(call[1].AsInt());
  const std::int64_t to = std::max(from, bound(call.Or(2, Value::Int(size)).AsInt()));
  out = Value::List(
      items.subspan(static_cast<std::size_t>(from), static_cast<std::size_t>(to - from)));
  return true;
}

bool Reverse(const Call& call, Value& out) {
  const auto items = call[0].AsList();
  std::span<Value> list;
  if (!call.NewList(items.size(), list)) return false;
  std::reverse_copy(items.begin(), items.end(), list.begin());
  out = Value::List(list);
  return true;
}

bool Sort(const Call& call, Value& out) {
  const auto items = call[0].AsList();
  std::span<Value> list;
  if (!call.NewList(items.size(), list) ||
      !call.Charge(items.size() * std::bit_width(items.size())))
    return false;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const bool ordered = ResultOf(Op::kLess, items[i].type(), items[0].type()) != 0;
    if (!ordered) return call.Fail("these values have no order among each other");
    if (items[i].type() == Type::kFloat && std::isnan(items[i].AsFloat()))
      return call.Fail("an item is not a number");
    list[i] = items[i];
  }
  // std::sort, for it needs no memory; equal values cannot be told apart but for 1 and 1.0.
  std::sort(list.begin(), list.end(), [](Value a, Value b) {
    Value less;
    return Apply(Op::kLess, a, b, nullptr, less) == OperatorFailure::kNone && less.AsBool();
  });
  out = Value::List(list);
  return true;
}

std::uint64_t HashOf(Value v) {
  constexpr std::uint64_t kPrime = 0x9e3779b97f4a7c15;
  std::uint64_t h = static_cast<std::uint64_t>(v.type()) * kPrime;
  switch (v.type()) {
    case Type::kNull: return h;
    case Type::kBool: return h + (v.AsBool() ? 1 : 0);
    // Equal numbers have equal hashes, whatever their type.
    case Type::kInt: return std::hash<double>()(static_cast<double>(v.AsInt())) * kPrime;
    case Type::kFloat: return std::hash<double>()(v.AsFloat()) * kPrime;
    case Type::kDuration: return h ^ static_cast<std::uint64_t>(v.AsDurationNs());
    case Type::kString: return h ^ std::hash<std::string_view>()(v.AsString());
    case Type::kList:
      for (const Value& item : v.AsList()) h = (std::rotl(h, 7) ^ HashOf(item)) * kPrime;
      return h;
    case Type::kMap:  // in any order
      for (const Member& m : v.AsMap())
        h += (std::hash<std::string_view>()(m.key) ^ HashOf(m.value)) * kPrime;
      return h;
  }
  return h;
}

// Keeps the first of equal items, in order. An open-addressed table over the arena.
bool Distinct(const Call& call, Value& out) {
  const auto items = call[0].AsList();
  std::span<Value> list;
  if (!call.NewList(items.size(), list) || !call.Charge(4 * items.size())) return false;
  const std::size_t slots = std::bit_ceil(items.size() * 2 + 1);
  const auto table =
      call.arena().AllocateArray<std::uint32_t>(slots);  // 1 + index into list; 0 is free
  std::uint32_t kept = 0;
  for (const Value& item : items) {
    std::size_t at = HashOf(item) >> 7 & (slots - 1);
    while (table[at] != 0 && !Equal(list[table[at] - 1], item)) {
      at = (at + 1) & (slots - 1);
      if (!call.Charge(1)) return false;
    }
    if (table[at] != 0) continue;
    list[kept] = item;
    table[at] = ++kept;
  }
  out = Value::List(list.first(kept));
  return true;
}

bool Sum(const Call& call, Value& out) {
  const auto items = call[0].AsList();
  if (!call.Charge(items.size())) return false;
  out = items.empty() ? Value::Int(0) : items[0];
  if (!items.empty() && !out.is_number() && out.type() != Type::kDuration)
    return call.Fail("the items have to be numbers or durations");
  for (std::size_t i = 1; i < items.size(); ++i) {
    const OperatorFailure failure = Apply(Op::kAdd, out, items[i], nullptr, out);
    if (failure == OperatorFailure::kOverflow) return call.Fail("the sum overflows");
    if (failure != OperatorFailure::kNone)
      return call.Fail("the items have to be all numbers or all durations");
  }
  return true;
}

bool Average(const Call& call, Value& out) {
  const auto items = call[0].AsList();
  out = {};
  if (items.empty()) return true;
  Value sum;
  if (!Sum(call, sum)) return false;
  const auto count = Value::Int(static_cast<std::int64_t>(items.size()));
  return Apply(Op::kDivide, sum, count, nullptr, out) == OperatorFailure::kNone ||
         call.Fail("it overflows");
}

bool Range(const Call& call, Value& out) {
  const std::int64_t from = call[0].AsInt();
  const std::int64_t to = call[1].AsInt();
  std::int64_t size = 0;
  if (__builtin_sub_overflow(to, from, &size) || size > 1'000'000)
    return call.Fail("the list would be longer than a million items");
  std::span<Value> list;
  if (!call.NewList(static_cast<std::size_t>(std::max<std::int64_t>(size, 0)), list)) return false;
  for (std::size_t i = 0; i < list.size(); ++i)
    list[i] = Value::Int(from + static_cast<std::int64_t>(i));
  out = Value::List(list);
  return true;
}

bool Keys(const Call& call, Value& out) {
  const auto members = call[0].AsMap();
  std::span<Value> list;
  if (!call.NewList(members.size(), list)) return false;
  std::transform(members.begin(), members.end(), list.begin(),
                 [](const Member& m) { return Value::String(m.key); });
  out = Value::List(list);
  return true;
}

bool Values(const Call& call, Value& out) {
  const auto members = call[0].AsMap();
  std::span<Value> list;
  if (!call.NewList(members.size(), list)) return false;
  std::transform(members.begin(), members.end(), list.begin(),
                 [](const Member& m) { return m.value; });
  out = Value::List(list);
  return true;
}

bool Pick(const Call& call, Value& out) {
  base::Random* random = call.context().random;
  if (random == nullptr) return call.Fail("there is no randomness here");
  const auto items = call[0].AsList();
  out = items.empty() ? Value() : items[random->Below(items.size())];
  return true;
}

bool Default(const Call& call, Value& out) {
  out = call[0].is_null() ? call[1] : call[0];
  return true;
}

bool Coalesce(const Call& call, Value& out) {
  out = {};
  for (const Value& argument : call.arguments()) {
    if (out.is_null()) out = argument;
  }
  return true;
}

bool Absent(const Call& call, Value& out) {
  out = Value::Bool(call[0].is_null());
  return true;
}

bool Exists(const Call& call, Value& out) {
  out = Value::Bool(!call[0].is_null());
  return true;
}

}  // namespace

void AddListFunctions(std::vector<Function>& table) {
  std::string_view group = "Lists and maps";
  const Parameter list{"list", kListMask};
  const Parameter map{"map", kMapMask};
  const Parameter anything{"x", kAnyType};
  const auto add = [&](std::string_view name, std::vector<Parameter> parameters, TypeMask result,
                       bool (*call)(const Call&, Value&), std::string_view summary,
                       Purity purity = Purity::kPure) {
    table.push_back({name, group, std::move(parameters), result, purity, call, summary});
  };
  add("size", {{"x", kListMask | kMapMask}}, kIntMask, Size, "the number of items or members");
  add("first", {list}, kAnyType, First, "the first item; null of an empty list");
  add("last", {list}, kAnyType, Last, "the last item; null of an empty list");
  add("slice", {list, {"from", kIntMask}, {"to", kIntMask, ParameterKind::kOptional}}, kListMask,
      Slice,
      "the items from index `from` up to but without `to`; negative ones count from the end");
  add("reverse", {list}, kListMask, Reverse, "the items from the last to the first");
  add("sort", {list}, kListMask, Sort,
      "the items in ascending order: all numbers, all texts or all durations");
  add("distinct", {list}, kListMask, Distinct, "the first of equal items each");
  add("sum", {list}, kNumberMask | kDurationMask, Sum,
      "the sum of numbers or durations; 0 of an empty list");
  add("average", {list}, kFloatMask | kDurationMask | kNullMask, Average,
      "sum / size; null of an empty list");
  add("range", {{"from", kIntMask}, {"to", kIntMask}}, kListMask, Range,
      "the ints from `from` up to but without `to`");
  add("keys", {map}, kListMask, Keys, "the keys, in the order of the map");
  add("values", {map}, kListMask, Values, "the values, in the order of the map");
  add("pick", {list}, kAnyType, Pick, "a random item; null of an empty list", Purity::kImpure);
  group = "Null";
  add("default", {anything, {"otherwise", kAnyType}}, kAnyType, Default,
      "x, or `otherwise` when x is null; like `x ?? otherwise`");
  add("coalesce", {{"x", kAnyType, ParameterKind::kRepeated}}, kAnyType, Coalesce,
      "the first argument that is not null");
  add("absent", {{"x", kAnyType, ParameterKind::kName}}, kBoolMask, Absent,
      "whether the name has no value: silence of a metric, a missing member");
  add("exists", {{"x", kAnyType, ParameterKind::kName}}, kBoolMask, Exists,
      "whether the name has a value");
}

}  // namespace ronda::model
