#include "model/value.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>

#include "model/expression.h"
#include "model/expression_duration.h"
#include "model/expression_json.h"
#include "model/expression_testing.h"

namespace ronda::model {
namespace {

std::string Text(Value value) {
  std::string text;
  AppendText(value, text);
  return text;
}

std::string Json(Value value) {
  std::string json;
  AppendJson(value, json);
  return json;
}

TEST(ValueTest, NumbersAreEqualByValueAndTypesOtherwiseDiffer) {
  EXPECT_TRUE(Equal(Value::Int(1), Value::Float(1.0)));
  EXPECT_FALSE(Equal(Value::Int(9007199254740993), Value::Float(9007199254740992.0)));
  EXPECT_FALSE(Equal(Value::Int(1), Value::String("1")));
  EXPECT_FALSE(Equal(Value::Int(1), Value::DurationNs(1)));
  EXPECT_FALSE(Equal(Value(), Value::Bool(false)));
  EXPECT_TRUE(Equal(Value(), Value()));
}

TEST(ValueTest, MapsAreEqualInAnyOrderAndListsInTheirs) {
  ValueMaker make;
  const Value a = Value::Int(1);
  const Value b = Value::Int(2);
  EXPECT_TRUE(Equal(make.Map({{"a", a}, {"b", b}}), make.Map({{"b", b}, {"a", a}})));
  EXPECT_FALSE(Equal(make.Map({{"a", a}, {"b", b}}), make.Map({{"b", a}, {"a", b}})));
  EXPECT_FALSE(Equal(make.Map({{"a", a}}), make.Map({{"a", a}, {"b", b}})));
  EXPECT_FALSE(Equal(make.List({a, b}), make.List({b, a})));
  EXPECT_TRUE(Equal(make.List({a, b}), make.List({a, b})));
}

TEST(ValueTest, TextIsWhatPeopleWrite) {
  EXPECT_EQ(Text(Value::Float(100000)), "100000");
  EXPECT_EQ(Text(Value::Float(0.1)), "0.1");
  EXPECT_EQ(Text(Value::Float(1e300)), "1e+300");
  EXPECT_EQ(Text(Value::Float(0.00001)), "0.00001");
  EXPECT_EQ(Text(Value::Int(std::numeric_limits<std::int64_t>::min())), "-9223372036854775808");
  EXPECT_EQ(Text(Value()), "");
  EXPECT_EQ(Text(Value::DurationNs(90'500'000'000)), "1m30.5s");
}

TEST(ValueTest, JsonIsEscapedAndHasNoNaN) {
  ValueMaker make;
  EXPECT_EQ(Json(Value::String("a\"\\\n\x01é")), "\"a\\\"\\\\\\n\\u0001é\"");
  EXPECT_EQ(Json(Value::Float(std::numeric_limits<double>::infinity())), "null");
  EXPECT_EQ(Json(Value::DurationNs(1'500'000'000)), "1.5");
  EXPECT_EQ(Json(make.List({})), "[]");
  EXPECT_EQ(Json(make.Map({{"a", make.Map({})}})), R"({"a":{}})");
}

TEST(ValueTest, JsonSurvivesTheWayInAndOut) {
  Arena arena;
  Value value;
  std::string_view why;
  const std::string text = R"({"a":[1,-2,2.5,"x\"é",true,null],"b":{},"big":9223372036854775807})";
  ASSERT_TRUE(ParseJson(text, arena, value, why));
  EXPECT_EQ(Json(value), text);
  EXPECT_FALSE(ParseJson("{\"a\":", arena, value, why));
  EXPECT_FALSE(why.empty());
  EXPECT_FALSE(ParseJson(std::string(kMaxJsonDepth + 1, '[') + std::string(kMaxJsonDepth + 1, ']'),
                         arena, value, why));
}

TEST(ValueTest, ACopyLivesAlone) {
  Arena arena;
  Value copy;
  {
    std::string text = "a text that is long enough to lie on the heap";
    ValueMaker make;
    copy = CopyInto(make.Map({{"k", make.List({Value::String(text), Value::Int(1)})}}), arena);
    text.assign(text.size(), 'x');
  }
  EXPECT_EQ(Json(copy), R"({"k":["a text that is long enough to lie on the heap",1]})");
}

TEST(ArenaTest, RoundsOfTheSameSizeAllocateOnlyAtFirst) {
  Arena arena;
  const auto round = [&] {
    arena.Reset();
    for (int i = 0; i < 100; ++i) static_cast<void>(arena.Copy(std::string(100, 'x')));
  };
  round();
  round();
  const std::size_t capacity = arena.capacity();
  const void* first = (arena.Reset(), arena.Allocate(1));
  for (int i = 0; i < 10; ++i) round();
  EXPECT_EQ(arena.capacity(), capacity);
  arena.Reset();
  EXPECT_EQ(arena.Allocate(1), first);
}

TEST(ArenaTest, KeepsNoMoreThanItsBound) {
  Arena arena;
  static_cast<void>(arena.Allocate(50u << 20));
  arena.Reset();
  EXPECT_LE(arena.capacity(), 1u << 20);
}

TEST(ArenaTest, PiecesAreAlignedAndApart) {
  Arena arena;
  for (const std::size_t alignment : {1, 2, 4, 8, 16}) {
    char* a = static_cast<char*>(arena.Allocate(3, alignment));
    char* b = static_cast<char*>(arena.Allocate(3, alignment));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(a) % alignment, 0u);
    EXPECT_GE(b, a + 3);
  }
}

TEST(DurationTest, TextReadsBackToTheSameDuration) {
  for (const std::int64_t ns :
       {std::int64_t{0}, std::int64_t{1}, std::int64_t{1'500}, std::int64_t{800'000'000},
        std::int64_t{999'999'999}, std::int64_t{1'000'000'001}, std::int64_t{5'400'000'000'000},
        std::int64_t{90'000'000'123}, std::numeric_limits<std::int64_t>::max()}) {
    std::string text;
    AppendDuration(ns, text);
    const auto parsed = ParseDuration(text);
    ASSERT_TRUE(parsed.ok()) << text;
    EXPECT_EQ(*parsed, ns) << text;
  }
}

TEST(DurationTest, OnlyNumbersWithUnitsAreDurations) {
  EXPECT_EQ(*ParseDuration("0"), 0);
  EXPECT_EQ(*ParseDuration("1d2h3m4s5ms6us7ns"), 93'784'005'006'007);
  EXPECT_EQ(*ParseDuration("1.5h"), 5'400'000'000'000);
  for (const char* text :
       {"", "5", "s", "5 s", "5x", "-5s", "1m1h", "1s1s", ".5s", "1.s", "300y", "999999d"}) {
    EXPECT_FALSE(ParseDuration(text).ok()) << text;
  }
}

}  // namespace
}  // namespace ronda::model
