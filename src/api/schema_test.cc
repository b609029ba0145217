#include "api/schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ronda::api {
namespace {

using ::testing::HasSubstr;

Schema Person() {
  return schema::Object(
      {{"name", schema::Within(schema::Text(), 1, 5)},
       {"age", schema::Within(schema::Integer(), 0, 150), Required::kNo},
       {"role", schema::Choice({"viewer", "operator"}), Required::kNo},
       {"tags", schema::Within(schema::ListOf(schema::Text()), 0, 2), Required::kNo},
       {"marks", schema::MapOf(schema::Number()), Required::kNo},
       {"note", schema::Nullable(schema::Text()), Required::kNo},
       {"login", schema::Matching(schema::Text(), "[a-z]+"), Required::kNo}});
}

std::string CheckOf(std::string_view json) {
  simdjson::dom::parser parser;
  return Check(Person(), parser.parse(json).value_unsafe(), "body").message();
}

TEST(ApiSchema, TakesWhatFits) {
  EXPECT_EQ(CheckOf(R"({"name":"Ann"})"), "");
  EXPECT_EQ(CheckOf(R"({"name":"ännué","age":150,"role":"viewer","tags":["a","b"],)"
                    R"("marks":{"x":1,"y":2.5},"note":null,"login":"ann"})"),
            "")
      << "lengths are in characters";
}

TEST(ApiSchema, SaysWhereAndWhatIsWrong) {
  EXPECT_THAT(CheckOf("[]"), HasSubstr("body: an object is expected"));
  EXPECT_THAT(CheckOf("{}"), HasSubstr("body: \"name\" is missing"));
  EXPECT_THAT(CheckOf(R"({"nane":"x"})"), HasSubstr("did you mean name?"));
  EXPECT_THAT(CheckOf(R"({"name":"x","name":"y"})"), HasSubstr("\"name\" is given twice"));
  EXPECT_THAT(CheckOf(R"({"name":""})"), HasSubstr("body.name: 1 to 5 characters"));
  EXPECT_THAT(CheckOf(R"({"name":"x","age":151})"), HasSubstr("body.age: 0 to 150"));
  EXPECT_THAT(CheckOf(R"({"name":"x","age":-1})"), HasSubstr("body.age: 0 to 150"));
  EXPECT_THAT(CheckOf(R"({"name":"x","age":1.5})"), HasSubstr("a whole number"));
  EXPECT_THAT(CheckOf(R"({"name":"x","age":18446744073709551615})"), HasSubstr("0 to 150"));
  EXPECT_THAT(CheckOf(R"({"name":"x","role":"viewr"})"), HasSubstr("did you mean viewer?"));
  EXPECT_THAT(CheckOf(R"({"name":"x","tags":["a",1]})"), HasSubstr("body.tags[1]: a text"));
  EXPECT_THAT(CheckOf(R"({"name":"x","tags":["a","b","c"]})"), HasSubstr("0 to 2 items"));
  EXPECT_THAT(CheckOf(R"({"name":"x","marks":{"y":"z"}})"), HasSubstr("body.marks.y: a number"));
  EXPECT_THAT(CheckOf(R"({"name":null})"), HasSubstr("body.name: a text"));
  EXPECT_THAT(CheckOf(R"({"name":"x","login":"Ann1"})"), HasSubstr("is not like [a-z]+"));
}

TEST(ApiSchema, ParametersAreTexts) {
  const auto check = [](const Schema& schema, std::string_view text) {
    return CheckText(schema, text, "p").message();
  };
  EXPECT_EQ(check(schema::Integer(), "-5"), "");
  EXPECT_EQ(check(schema::Integer(), "18446744073709551615"), "");
  EXPECT_THAT(check(schema::Integer(), "5x"), HasSubstr("p is a whole number, not \"5x\""));
  EXPECT_THAT(check(schema::Integer(), "99999999999999999999"), HasSubstr("whole number"));
  EXPECT_THAT(check(schema::Within(schema::Integer(), 1, {}), "0"), HasSubstr("at least 1"));
  EXPECT_EQ(check(schema::Bool(), "true"), "");
  EXPECT_THAT(check(schema::Bool(), "1"), HasSubstr("true or false"));
  EXPECT_EQ(check(schema::Number(), "2.5"), "");
  EXPECT_THAT(check(schema::ListOf(schema::Choice({"apple", "pear"})), "x"),
              HasSubstr("there are: apple, pear"));
}

TEST(ApiSchema, TheDocumentShowsIt) {
  base::JsonWriter json;
  std::map<std::string, Schema> components;
  const Schema named = schema::Named("Person", Person());
  PutSchema(schema::ListOf(named), components, json);
  EXPECT_EQ(json.out, R"({"type":"array","items":{"$ref":"#/components/schemas/Person"}})");
  base::JsonWriter whole;
  PutSchemaWhole(named, components, whole);
  EXPECT_THAT(whole.out, HasSubstr(R"("name":{"type":"string","minLength":1,"maxLength":5})"));
  EXPECT_THAT(whole.out, HasSubstr(R"("note":{"type":["string","null"]})"));
  EXPECT_THAT(whole.out, HasSubstr(R"("required":["name"],"additionalProperties":false)"));
  EXPECT_THAT(whole.out, HasSubstr(R"("pattern":"^([a-z]+)$")"));
}

}  // namespace
}  // namespace ronda::api
