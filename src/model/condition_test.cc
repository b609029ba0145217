#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>

#include "base/core/random.h"
#include "model/expression_json.h"
#include "model/trigger.h"
#include "model/value.h"

namespace ronda::model {
namespace {

using ::testing::HasSubstr;

// What the condition says of the record, "error: why" when it cannot be evaluated.
std::string Evaluate(std::string_view condition, const std::string& json) {
  LoadError error;
  const auto expression = CompileCondition(condition, "event", error);
  if (expression == nullptr) return "no expression: " + error.message;
  Arena arena;
  std::string_view why;
  std::array<Value, 1> slots;
  EXPECT_TRUE(ParseJson(json, arena, slots[0], why)) << why;
  base::Random random(1);
  EvalContext context;
  context.slots = slots;
  context.arena = &arena;
  context.random = &random;
  bool result = false;
  if (!expression->Test(context, result)) return "error: " + std::string(context.error);
  return result ? "true" : "false";
}

TEST(CompileCondition, AFieldIsReadByTheRecordsNameOrBare) {
  const std::string record = R"({"service":"cart","tags":{"zone":"bj"},"list":[7,8]})";
  EXPECT_EQ(Evaluate("event.service == 'cart'", record), "true");
  EXPECT_EQ(Evaluate("service == 'cart'", record), "true");
  EXPECT_EQ(Evaluate("service in ['order','pay']", record), "false");
  EXPECT_EQ(Evaluate("tags.zone == event.tags.zone and list[1] == 8", record), "true");
  EXPECT_EQ(Evaluate("event != null", record), "true");
}

TEST(CompileCondition, AFieldThatTheRecordLacksIsNull) {
  EXPECT_EQ(Evaluate("nothing == null and event.no.thing == null", "{}"), "true");
}

TEST(CompileCondition, WhatIsNoExpressionSaysWhere) {
  LoadError error;
  EXPECT_EQ(CompileCondition("service ==", "event", error), nullptr);
  EXPECT_FALSE(error.message.empty());
  EXPECT_EQ(CompileCondition("lenght(service) > 1", "event", error), nullptr);
  EXPECT_THAT(error.message + error.hint, HasSubstr("lenght"));
}

TEST(CompileKey, RendersTheRecord) {
  LoadError error;
  const auto key = CompileKey("${event.service}/${version}", "event", error);
  ASSERT_NE(key, nullptr) << error.message;
  Arena arena;
  std::string_view why;
  std::array<Value, 1> slots;
  ASSERT_TRUE(ParseJson(R"({"service":"cart","version":7})", arena, slots[0], why)) << why;
  EvalContext context;
  context.slots = slots;
  context.arena = &arena;
  std::string out;
  ASSERT_TRUE(key->Render(context, out)) << context.error;
  EXPECT_EQ(out, "cart/7");
}

}  // namespace
}  // namespace ronda::model
