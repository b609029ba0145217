#include "model/reference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "model/expression_json.h"
#include "model/value.h"

namespace ronda::model {
namespace {

using ::testing::HasSubstr;

TEST(Reference, NamesEveryActionParameterAndOutput) {
  const std::string page = ActionsReference(Catalog::BuiltIn());
  for (const ActionSchema& action : Catalog::BuiltIn().all()) {
    EXPECT_THAT(page, HasSubstr("## " + action.code + "\n"));
    for (const FieldSpec& param : action.params)
      EXPECT_THAT(page, HasSubstr("| `" + param.name + "` |"));
    for (const FieldSpec& output : action.outputs)
      EXPECT_THAT(page, HasSubstr("| `" + output.name + "` |"));
  }
  EXPECT_THAT(page, HasSubstr("| `tls.verify` | bool | `true` |"));
  EXPECT_THAT(page, HasSubstr("| `multipart[].name` | string | required |"));
}

TEST(Reference, EveryObjectThatAFieldRefersToIsThere) {
  std::set<std::string> names;
  for (const ObjectSpec& object : Objects()) names.insert(object.name);
  for (const ObjectSpec& object : Objects()) {
    for (const FieldSpec& field : object.fields) {
      EXPECT_TRUE(field.see.empty() || names.contains(field.see))
          << object.name << '.' << field.name;
    }
  }
}

TEST(Reference, SaysTypesDefaultsAndBounds) {
  const std::string page = DefinitionsReference();
  EXPECT_THAT(page, HasSubstr("| `gracefulStop` | duration | `30s` |"));
  EXPECT_THAT(page, HasSubstr("Of: `ramping-vus`."));
  EXPECT_THAT(page, HasSubstr("map from names to [Feed](#feed)"));
  EXPECT_THAT(page, HasSubstr("Short form: expression"));
}

TEST(JsonSchema, IsJsonWithARuleForEachTypedKind) {
  const std::string schema = JsonSchema(Catalog::BuiltIn());
  Arena arena;
  Value value;
  std::string_view why;
  ASSERT_TRUE(ParseJson(schema, arena, value, why)) << why;
  EXPECT_EQ(value.Get("allOf").AsList().size(), 7u);
  const Value load = value.Get("definitions").Get("Load").Get("properties");
  EXPECT_EQ(load.AsMap().size(), 19u);
}

TEST(JsonSchema, RefersOnlyToDefinitionsThatItHas) {
  const std::string schema = JsonSchema(Catalog::BuiltIn());
  const std::string mark = "\"#/definitions/";
  std::size_t refs = 0;
  for (auto at = schema.find(mark); at != std::string::npos;
       at = schema.find(mark, at + 1), ++refs) {
    const auto start = at + mark.size();
    const std::string name = schema.substr(start, schema.find('"', start) - start);
    EXPECT_THAT(schema, HasSubstr('"' + name + "\":{\"")) << name;
  }
  EXPECT_GT(refs, 20u);
}

}  // namespace
}  // namespace ronda::model
