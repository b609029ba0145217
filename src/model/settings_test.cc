#include "model/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "model/expression_json.h"
#include "model/load.h"
#include "model/reference.h"
#include "model/testing.h"
#include "model/value.h"

namespace ronda::model {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

SettingSchema Mail() {
  return {.name = "mail",
          .title = "Mail",
          .description = "A server for mail.",
          .group = "notifications",
          .value = {.name = "mail",
                    .type = FieldType::kMap,
                    .fields = {{.name = "host", .type = FieldType::kString, .required = true},
                               {.name = "port", .type = FieldType::kInt, .min = 1, .max = 65'535},
                               {.name = "tls", .type = FieldType::kBool}}},
          .default_text = {}};
}

// A map from names: to a map, or to text.
SettingSchema Named(FieldSpec each) {
  SettingSchema schema = Mail();
  schema.name = schema.value.name = "channels";
  schema.value.fields = {std::move(each)};
  return schema;
}

std::string Read(const SettingSchema& schema, const std::string& text) {
  Diagnostics diagnostics;
  const auto value = ReadSetting(schema, SourceOf(text, "setting"), diagnostics);
  return value.has_value() ? CanonicalForm(*value) : diagnostics.Render();
}

TEST(ReadSetting, TakesYamlAndJson) {
  EXPECT_EQ(Read(Mail(), "host: a\nport: 25\n"), R"({"host":"a","port":25})");
  EXPECT_EQ(Read(Mail(), R"({"host": "a", "tls": true})"), R"({"host":"a","tls":true})");
}

TEST(ReadSetting, SaysWhatIsWrongAndWhere) {
  EXPECT_THAT(Read(Mail(), "host: a\nprot: 25\n"), HasSubstr("setting:2:1"));
  EXPECT_THAT(Read(Mail(), "host: a\nprot: 25\n"), HasSubstr("did you mean \"port\"?"));
  EXPECT_THAT(Read(Mail(), "port: 25\n"), HasSubstr("needs \"host\""));
  EXPECT_THAT(Read(Mail(), "host: a\nport: 70000\n"), HasSubstr("at most 65535"));
  EXPECT_THAT(Read(Mail(), "host: \"${env.a}\"\n"), HasSubstr("takes no ${...}"));
  EXPECT_THAT(Read(Mail(), "[1]"), HasSubstr("\"mail\" is a map"));
  EXPECT_THAT(Read(Mail(), ""), HasSubstr("one value"));
  EXPECT_THAT(Read(Mail(), "host: a\n---\nhost: b\n"), HasSubstr("one value"));
  EXPECT_THAT(Read(Mail(), "host: [\n"), HasSubstr("setting:"));
}

TEST(ReadSetting, AMapFromNamesMayComeAsTheListThatFormsShow) {
  const SettingSchema maps =
      Named({.type = FieldType::kMap, .fields = {{.name = "url", .type = FieldType::kString}}});
  EXPECT_EQ(Read(maps, "[{name: ops, url: u}, {name: dev, url: v}]"),
            Read(maps, "{ops: {url: u}, dev: {url: v}}"));
  EXPECT_THAT(Read(maps, "[{name: ops, ulr: u}]"), HasSubstr("did you mean \"url\"?"));
  EXPECT_THAT(Read(maps, "[{name: ops}, {name: ops}]"), HasSubstr("named twice"));
  EXPECT_THAT(Read(maps, "[{url: u}]"), HasSubstr("a map with \"name\""));
  const SettingSchema texts = Named({.type = FieldType::kString});
  EXPECT_EQ(Read(texts, "[{name: a, value: b}]"), R"({"a":"b"})");
  EXPECT_THAT(Read(texts, "[{name: a}]"), HasSubstr("{name: ..., value: ...}"));
}

TEST(SettingCatalog, EverySettingHasASoundDefaultOrNone) {
  for (const SettingSchema& setting : SettingCatalog::BuiltIn().all()) {
    EXPECT_EQ(setting.default_text.has_value(), DefaultOf(setting).has_value()) << setting.name;
    EXPECT_EQ(setting.value.name, setting.name);
    EXPECT_FALSE(setting.description.empty()) << setting.name;
    EXPECT_EQ(SettingCatalog::BuiltIn().Find(setting.name), &setting);
    EXPECT_THAT(SettingsReference(SettingCatalog::BuiltIn()), HasSubstr("## " + setting.name));
  }
  EXPECT_EQ(SettingCatalog::BuiltIn().Find("nothing"), nullptr);
}

TEST(SettingCatalog, AFormsSchemaIsJson) {
  for (const SettingSchema& setting : {Mail(), Named({.type = FieldType::kInt})}) {
    Arena arena;
    Value value;
    std::string_view why;
    ASSERT_TRUE(ParseJson(SettingJsonSchema(setting), arena, value, why)) << why;
    EXPECT_EQ(value.Get("title").AsString(), "Mail");
  }
  EXPECT_THAT(SettingJsonSchema(Named({.type = FieldType::kInt})),
              HasSubstr("\"additionalProperties\":{"))
      << "any name";
}

TEST(MissingSettings, AreThoseThatAnActionRequiresAndNobodySet) {
  ActionSchema action;
  action.required_settings = {"mail", "channels"};
  EXPECT_THAT(MissingSettings(action, {"retention"}), ElementsAre("mail", "channels"));
  EXPECT_THAT(MissingSettings(action, {"channels"}), ElementsAre("mail"));
  EXPECT_THAT(MissingSettings(action, {"channels", "mail"}), IsEmpty());
}

TEST(Reference, SaysWhereAnActionMayStandAndWhatItNeeds) {
  ActionSchema action;
  action.code = "mail.send";
  action.use_in.drill = false;
  action.scenes.self_recovery = false;
  action.visible = false;
  action.required_settings = {"mail"};
  const std::string page = ActionReference(action);
  EXPECT_THAT(page, HasSubstr("For: patrol, plan."));
  EXPECT_THAT(page, HasSubstr("In plans of: emergency, disaster-recovery."));
  EXPECT_THAT(page, HasSubstr("Needs the settings `mail`."));
  EXPECT_THAT(page, HasSubstr("Not shown"));
}

}  // namespace
}  // namespace ronda::model
