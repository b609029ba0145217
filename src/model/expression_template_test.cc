#include <gtest/gtest.h>

#include <string>

#include "model/expression.h"
#include "model/expression_testing.h"

namespace ronda::model {
namespace {

class TemplateTest : public ::testing::Test {
 protected:
  TemplateTest() {
    names_.Set("user", Value::String("ann"));
    names_.Set("n", Value::Int(3), Type::kInt);
    names_.Set("gone", Value());
    names_.Set("wait", Value::DurationNs(1'500'000'000));
    names_.Set("m", maker_.Map({{"a", Value::Int(1)}}));
  }

  std::string Render(std::string_view text) {
    const auto compiled = Template::Compile(text, names_, error_);
    if (compiled == nullptr) return "load: " + error_.message;
    EvalContext context{names_.values(), &arena_, nullptr, 0, {}};
    std::string out;
    if (!compiled->Render(context, out)) return "error: " + std::string(context.error);
    return out;
  }

  Value Evaluate(std::string_view text) {
    const auto compiled = Template::Compile(text, names_, error_);
    EXPECT_NE(compiled, nullptr) << error_.message;
    EvalContext context{names_.values(), &arena_, nullptr, 0, {}};
    Value value;
    EXPECT_TRUE(compiled->Evaluate(context, value)) << context.error;
    return CopyInto(value, arena_);  // it may point into what `compiled` owns
  }

  ValueMaker maker_;
  TestNames names_;
  Arena arena_;
  LoadError error_;
};

TEST_F(TemplateTest, PartsAreJoinedAsText) {
  EXPECT_EQ(Render("/u/${user}/${n + 1}?w=${wait}"), "/u/ann/4?w=1.5s");
  EXPECT_EQ(Render("plain"), "plain");
  EXPECT_EQ(Render(""), "");
  EXPECT_EQ(Render("${m}"), R"({"a":1})");
  EXPECT_EQ(Render("${{a: '}'}.a}${user}"), "}ann");
}

TEST_F(TemplateTest, ADoubledDollarIsLiteral) {
  EXPECT_EQ(Render("$${user}"), "${user}");
  EXPECT_EQ(Render("cost $5 $ {x}"), "cost $5 $ {x}");
  EXPECT_EQ(Render("a$${b}${user}"), "a${b}ann");
}

TEST_F(TemplateTest, OneExpressionKeepsItsType) {
  EXPECT_EQ(Evaluate("${n}").type(), Type::kInt);
  EXPECT_EQ(Evaluate("${m}").type(), Type::kMap);
  EXPECT_EQ(Evaluate("${gone}").type(), Type::kNull);
  EXPECT_EQ(Evaluate("${n} ").type(), Type::kString);
  EXPECT_EQ(Evaluate("${n}${n}").AsString(), "33");
  EXPECT_EQ(Evaluate("abc").AsString(), "abc");
}

TEST_F(TemplateTest, NullInATextFails) {
  EXPECT_EQ(Render("/u/${gone}"), "error: \"gone\" is null");
  EXPECT_EQ(Render("/u/${gone ?? 'nobody'}"), "/u/nobody");
}

TEST_F(TemplateTest, LoadErrorsPointIntoTheWholeText) {
  EXPECT_EQ(Render("/u/${usr}/x"), "load: unknown name \"usr\"");
  EXPECT_EQ(error_.offset, 5u);
  EXPECT_EQ(error_.length, 3u);
  EXPECT_EQ(error_.hint, "did you mean \"user\"?");
  EXPECT_EQ(Render("abc${user"), "load: this \"${\" has no closing \"}\"");
  EXPECT_EQ(error_.offset, 3u);
  EXPECT_EQ(Render("abc${}"), "load: expected an expression");
  EXPECT_EQ(error_.offset, 5u);
}

TEST_F(TemplateTest, LiteralsAndSingleExpressionsAreTold) {
  const auto compile = [&](std::string_view text) {
    return Template::Compile(text, names_, error_);
  };
  EXPECT_EQ(compile("a$${b}")->literal(), "a${b}");
  EXPECT_EQ(compile("${n}")->literal(), std::nullopt);
  EXPECT_TRUE(compile("${n}")->is_single_expression());
  EXPECT_FALSE(compile("x${n}")->is_single_expression());
  EXPECT_EQ(compile("${n}${user}${n}")->slots().size(), 2u);
}

}  // namespace
}  // namespace ronda::model
