#include "model/expression.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "model/expression_testing.h"

namespace ronda::model {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ExpressionTest : public ::testing::Test {
 protected:
  ExpressionTest() {
    names_.Set("status", Value::Int(200), Type::kInt);
    names_.Set("latency", Value::DurationNs(120'000'000), Type::kDuration);
    names_.Set("body", Value::String("hello"), Type::kString);
    names_.Set("fatal", Value::Bool(false), Type::kBool);
    names_.Set("gone", Value(), Type::kInt);
    names_.Set("env.shop", Value::String("http://shop"), Type::kString);
    names_.Set("order.id", Value::Int(42));
    names_.Set("buyer.user", Value::String("ann"));
    const Value items =
        maker_.List({maker_.Map({{"sku", Value::String("a-1")}, {"price", Value::Float(1.5)}}),
                     maker_.Map({{"sku", Value::String("b-2")}, {"price", Value::Int(3)}})});
    names_.Set(
        "json",
        maker_.Map({{"items", items}, {"0", Value::String("zero")}, {"a b", Value::Int(7)}}));
    names_.Set("words", maker_.List({Value::String("x"), Value::String("y")}), Type::kList);
    names_.Set("any", Value::String("5"));
  }

  // The value as JSON; or "error: ..." of the evaluation, or "load: ...".
  std::string Eval(std::string_view text) {
    const auto expression = Expression::Compile(text, names_, error_);
    if (expression == nullptr) return "load: " + error_.message;
    arena_.Reset();
    EvalContext context{names_.values(), &arena_, &random_, 1'700'000'000'123'000'000, {}};
    Value value;
    if (!expression->Evaluate(context, value)) return "error: " + std::string(context.error);
    std::string json;
    if (value.type() == Type::kDuration) {
      AppendText(value, json);
    } else {
      AppendJson(value, json);
    }
    return json;
  }

  // The part of the text that the last load error points at.
  std::string_view Pointed(std::string_view text) const {
    return text.substr(error_.offset, error_.length);
  }

  ValueMaker maker_;
  TestNames names_;
  Arena arena_;
  base::Random random_{7};
  LoadError error_;
};

TEST_F(ExpressionTest, LiteralsHaveTheirTypes) {
  EXPECT_EQ(Eval("1"), "1");
  EXPECT_EQ(Eval("1.5"), "1.5");
  EXPECT_EQ(Eval("2.5e3"), "2500");
  EXPECT_EQ(Eval("'it''s'"), "load: expected an operator or the end, not \"'s'\"");
  EXPECT_EQ(Eval(R"('it\'s')"), R"("it's")");
  EXPECT_EQ(Eval(R"("\u00e9\ud83d\ude00\n\$")"), "\"é😀\\n$\"");
  EXPECT_EQ(Eval("true"), "true");
  EXPECT_EQ(Eval("null"), "null");
  EXPECT_EQ(Eval("800ms"), "800ms");
  EXPECT_EQ(Eval("1h30m"), "1h30m");
  EXPECT_EQ(Eval("2.5s"), "2.5s");
  EXPECT_EQ(Eval("[1, 'a', [true]]"), R"([1,"a",[true]])");
  EXPECT_EQ(Eval("{a: 1, 'b c': {d: null}}"), R"({"a":1,"b c":{"d":null}})");
  EXPECT_EQ(Eval("[]"), "[]");
  EXPECT_EQ(Eval("{}"), "{}");
}

TEST_F(ExpressionTest, PercentIsALiteralOnlyWhereNothingFollowsToDivideBy) {
  EXPECT_EQ(Eval("5%"), "0.05");
  EXPECT_EQ(Eval("0.5% < 1%"), "true");
  EXPECT_EQ(Eval("(5%) + 1"), "1.05");
  EXPECT_EQ(Eval("5% + 1"), "1.05");
  EXPECT_EQ(Eval("[5%, 10%]"), "[0.05,0.1]");
  EXPECT_EQ(Eval("1% in [1%] and true"), "true");
  EXPECT_EQ(Eval("7%4"), "3");
  EXPECT_EQ(Eval("7 % 4"), "3");
  EXPECT_EQ(Eval("7% (4)"), "3");
  EXPECT_EQ(Eval("300%status"), "100");
  EXPECT_THAT(Eval("10%-3"), HasSubstr("load: this can be read as"));
  EXPECT_EQ(Eval("status < 5 %"), "load: expected a value, but here is the end");
}

TEST_F(ExpressionTest, OperatorsBindAsTheGrammarSays) {
  EXPECT_EQ(Eval("1 + 2 * 3"), "7");
  EXPECT_EQ(Eval("(1 + 2) * 3"), "9");
  EXPECT_EQ(Eval("10 - 3 - 2"), "5");
  EXPECT_EQ(Eval("-2 * -3"), "6");
  EXPECT_EQ(Eval("not true or true"), "true");
  EXPECT_EQ(Eval("true or false and false"), "true");
  EXPECT_EQ(Eval("not 1 == 2"), "true");
  EXPECT_EQ(Eval("gone ?? 5 > 3"), "true");
  EXPECT_EQ(Eval("gone ?? 2 + 3"), "5");
  EXPECT_EQ(Eval("gone ?? null ?? 3"), "3");
  EXPECT_EQ(Eval("true ? 1 : false ? 2 : 3"), "1");
  EXPECT_EQ(Eval("if(status == 200, 'ok', 'bad')"), R"("ok")");
  EXPECT_EQ(Eval("2 not in [1, 3]"), "true");
}

TEST_F(ExpressionTest, IntsOverflowLoudlyAndMixWithFloats) {
  EXPECT_EQ(Eval("9223372036854775807 + 1"),
            "load: this can never be evaluated: \"9223372036854775807 + 1\" overflows");
  EXPECT_EQ(Eval("status * 9223372036854775807"),
            "error: \"status * 9223372036854775807\" overflows");
  EXPECT_EQ(Eval("1 + 0.5"), "1.5");
  EXPECT_EQ(Eval("7 / 2"), "3.5");
  EXPECT_EQ(Eval("6 / 2"), "3");
  EXPECT_EQ(Eval("status / 0"), "error: \"0\" is zero: nothing can be divided by it");
  EXPECT_EQ(Eval("-7 % 3"), "-1");
  EXPECT_EQ(Eval("1 == 1.0"), "true");
  EXPECT_EQ(Eval("9007199254740993 == 9007199254740992.0"), "false");
  EXPECT_EQ(Eval("9007199254740993 > 9007199254740992.0"), "true");
  EXPECT_EQ(Eval("1e308 * status"), "error: \"1e308 * status\" overflows");
}

TEST_F(ExpressionTest, DurationsComputeWithDurationsAndFactors) {
  EXPECT_EQ(Eval("1s + 500ms"), "1.5s");
  EXPECT_EQ(Eval("1s - 1m"), "-59s");
  EXPECT_EQ(Eval("2 * 3s"), "6s");
  EXPECT_EQ(Eval("3s * 0.5"), "1.5s");
  EXPECT_EQ(Eval("1m / 4"), "15s");
  EXPECT_EQ(Eval("1s / 250ms"), "4");
  EXPECT_EQ(Eval("7s % 2s"), "1s");
  EXPECT_EQ(Eval("latency < 800ms"), "true");
  EXPECT_EQ(Eval("-latency"), "-120ms");
  EXPECT_EQ(Eval("1h * 1h"), R"(load: "*" has no meaning between duration and duration)");
}

TEST_F(ExpressionTest, NothingIsConvertedByItself) {
  EXPECT_EQ(Eval("status == '200'"), R"(load: "==" has no meaning between int and string)");
  EXPECT_THAT(error_.hint, HasSubstr("int(...)"));
  EXPECT_EQ(Eval("latency < 800"), R"(load: "<" has no meaning between duration and int)");
  EXPECT_EQ(error_.hint, "write a unit: 800ms");
  EXPECT_EQ(Eval("'a' + 1"), R"(load: "+" has no meaning between string and int)");
  EXPECT_EQ(Eval("not status"), R"(load: "not" needs bool, but this is int)");
  EXPECT_EQ(Eval("any == 5"), "false");
  EXPECT_EQ(Eval("any < 5"), R"(error: "any < 5": < has no meaning between string and int)");
  EXPECT_EQ(Eval("int(any) == 5"), "true");
}

TEST_F(ExpressionTest, NullFailsEverythingButEquality) {
  EXPECT_EQ(Eval("gone == null"), "true");
  EXPECT_EQ(Eval("gone != 3"), "true");
  EXPECT_EQ(Eval("gone < 3"), "error: \"gone\" is null");
  EXPECT_EQ(Eval("3 > gone"), "error: \"gone\" is null");
  EXPECT_EQ(Eval("json.nothing.here > 3"), "error: \"json.nothing.here\" is null");
  EXPECT_EQ(Eval("gone + 1"), "error: \"gone\" is null");
  EXPECT_EQ(Eval("gone in [1]"), "error: \"gone\" is null");
  EXPECT_EQ(Eval("len(json.x)"), "error: \"json.x\" is null");
  EXPECT_EQ(Eval("absent(gone) or gone > 3"), "true");
  EXPECT_EQ(Eval("exists(status)"), "true");
  EXPECT_EQ(Eval("absent(1)"), "load: absent(): x has to be a name");
}

TEST_F(ExpressionTest, PathsReachIntoValuesAndMissingPartsAreNull) {
  EXPECT_EQ(Eval("json.items[0].sku"), R"("a-1")");
  EXPECT_EQ(Eval("json['items'][1]['price']"), "3");
  EXPECT_EQ(Eval("json.items[-1].sku"), R"("b-2")");
  EXPECT_EQ(Eval("json['0']"), R"("zero")");
  EXPECT_EQ(Eval("json['a b']"), "7");
  EXPECT_EQ(Eval("json.items[9].sku"), "null");
  EXPECT_EQ(Eval("json.items[status - 199].sku"), R"("b-2")");
  EXPECT_EQ(Eval("json.items['0']"), "null");
  EXPECT_EQ(Eval("[1, 2][1]"), "2");
  EXPECT_EQ(Eval("{a: {b: 4}}.a.b"), "4");
  EXPECT_EQ(Eval("status.x"), "load: int has no members");
}

TEST_F(ExpressionTest, UnknownNamesSuggestTheNearest) {
  const std::string_view text = "200 == staus";
  EXPECT_EQ(Eval(text), "load: unknown name \"staus\"");
  EXPECT_EQ(error_.hint, "did you mean \"status\"?");
  EXPECT_EQ(Pointed(text), "staus");
  EXPECT_EQ(Eval("env.shpo"), "load: unknown name \"env.shpo\"");
  EXPECT_EQ(error_.hint, "did you mean \"env.shop\"?");
  EXPECT_EQ(Eval("lenn(body)"), "load: unknown function \"lenn\"");
  EXPECT_EQ(error_.hint, "did you mean \"len\"?");
  EXPECT_EQ(Eval("uuid"), "load: unknown name \"uuid\"");
  EXPECT_EQ(error_.hint, "a function is called with parentheses: uuid()");
}

TEST_F(ExpressionTest, SyntaxErrorsSayWhatWasExpectedAndWhere) {
  const auto fails = [&](std::string_view text, std::string_view message,
                         std::string_view pointed) {
    EXPECT_EQ(Eval(text), "load: " + std::string(message)) << text;
    EXPECT_EQ(Pointed(text), pointed) << text;
  };
  fails("status == ", "expected a value, but here is the end", "");
  fails("(status", "expected \")\", but here is the end", "");
  fails("status = 200", "\"=\" is no operator", "=");
  fails("fatal && true", "\"&&\" is no operator", "&&");
  fails("1 < 2 < 3", "comparisons do not chain", "<");
  fails("body.size()", "values have no methods", "size");
  fails("5x", "this is neither a number nor a duration", "5x");
  fails("'abc", "this text has no closing quote", "'abc");
  fails("30m1h", "a duration's units go from the largest to the smallest, each once", "30m1");
  fails("99999999999999999999", "this integer is larger than 9223372036854775807",
        "99999999999999999999");
  fails("len()", "wrong number of arguments: 0", "len");
  fails("matches(body, body)", "matches(): pattern has to be a constant text", "body");
  fails("matches(body, '(')", "this is no regular expression: missing ): (", "'('");
  fails("{a: 1, a: 2}", "this key is in the map already", "a");
  fails("é", "this character has no meaning here", "é");
}

TEST_F(ExpressionTest, ComprehensionsBindTheirVariable) {
  EXPECT_EQ(Eval("any(i in json.items: i.price > 2)"), "true");
  EXPECT_EQ(Eval("all(i in json.items: i.price > 2)"), "false");
  EXPECT_EQ(Eval("all(i in []: false)"), "true");
  EXPECT_EQ(Eval("count(i in json.items: i.price > 1)"), "2");
  EXPECT_EQ(Eval("map(i in json.items: i.sku)"), R"(["a-1","b-2"])");
  EXPECT_EQ(Eval("filter(x in [1, 2, 3]: x % 2 == 1)"), "[1,3]");
  EXPECT_EQ(Eval("map(x in [1, 2]: map(y in [10, 20]: x * y))"), "[[10,20],[20,40]]");
  EXPECT_EQ(Eval("any(x in words: x == 'y' and any(x in [1]: x == 1))"), "true");
  EXPECT_EQ(Eval("any(x in [1]: x == 1) and x == 1"), "load: unknown name \"x\"");
  EXPECT_EQ(Eval("any(words)"), "load: expected a variable and \"in\"");
  EXPECT_EQ(Eval("any(x in status: true)"), "load: any needs list, but this is int");
}

TEST_F(ExpressionTest, WorkAndSizeAreBounded) {
  EXPECT_EQ(Eval("count(a in range(0, 100000): any(b in range(0, 100000): a + b + status == 0))"),
            "error: it would take too long: the expression does too much work");
  EXPECT_THAT(Eval("repeat('x', 99999999)"), HasSubstr("longer than 16 MiB"));
  EXPECT_THAT(Eval(std::string(500, '(') + "1"), HasSubstr("nested too deeply"));
  EXPECT_THAT(Eval(std::string(500, '-') + "1"), HasSubstr("nested too deeply"));
  std::string sum = "status";
  for (int i = 0; i < 500; ++i) sum += "+status";
  EXPECT_EQ(Eval(sum), "load: this expression is too large");
  std::string condition = "fatal";
  for (int i = 0; i < 500; ++i) condition += " or fatal";
  EXPECT_EQ(Eval(condition), "false");
  EXPECT_EQ(Eval(std::string(70'000, ' ')), "load: this text is longer than 64 KiB");
}

TEST_F(ExpressionTest, ConstantsFoldAndTypesAreInferred) {
  const auto compile = [&](std::string_view text) {
    return Expression::Compile(text, names_, error_);
  };
  EXPECT_EQ(compile("2 * 3 + 1")->constant()->AsInt(), 7);
  EXPECT_EQ(compile("sha256('')")->constant()->AsString(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_FALSE(compile("uuid()")->constant());
  EXPECT_FALSE(compile("now()")->constant());
  EXPECT_EQ(compile("status + 1")->type(), Type::kInt);
  EXPECT_EQ(compile("latency / 2")->type(), Type::kDuration);
  EXPECT_EQ(compile("status == 200")->type(), Type::kBool);
  EXPECT_EQ(compile("json.a")->type(), std::nullopt);
  EXPECT_THAT(compile("status == 200 and json.a == 1 or status < 2")->slots(), ElementsAre(0, 8));
  EXPECT_THAT(compile("1 + 1")->slots(), IsEmpty());
}

TEST_F(ExpressionTest, AConditionHasToBeABool) {
  const auto test = [&](std::string_view text) {
    const auto expression = Expression::Compile(text, names_, error_);
    EvalContext context{names_.values(), &arena_, nullptr, 0, {}};
    bool result = false;
    if (!expression->Test(context, result)) return std::string(context.error);
    return std::string(result ? "true" : "false");
  };
  EXPECT_EQ(test("status == 200"), "true");
  EXPECT_EQ(test("status == 201"), "false");
  EXPECT_EQ(test("any"), "the condition is no bool");
  EXPECT_EQ(test("json.x"), "the condition is null");
}

TEST_F(ExpressionTest, TheExamplesOfTheModelCompile) {
  names_.Set("drill", Value());
  names_.Set("real", Value());
  names_.Set("isolation.leaks", Value::Int(0));
  EXPECT_EQ(Eval("absent(drill) or isolation.leaks > 0"), "true");
  EXPECT_EQ(Eval("drill.errors < 1%"), "error: \"drill.errors\" is null");
  EXPECT_EQ(Eval("real.p95 > 400ms or real.errors > 0.5%"), "error: \"real.p95\" is null");
  EXPECT_EQ(Eval("body in ['cart', 'hello']"), "true");
}

}  // namespace
}  // namespace ronda::model
