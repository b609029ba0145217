#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "model/testing.h"

namespace ronda::model {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

Loaded LoadEnvironment(const std::string& more) {
  return LoadText("kind: Environment\nname: e\n" + more + "\n");
}

TEST(Environment, HasAStageSecretsAndEntries) {
  const Loaded loaded = LoadEnvironment(R"(
stage: pre-release
endpoints: {shop: "http://shop"}
secrets: {a: {env: A}, b: {file: b.txt}, c: {stored: true}}
entries:
  cart: {title: The cart, service: cart, method: GET, path: "/cart/{id}"}
  pay: {service: pay, operation: Pay/Charge}
  static: {service: web, path: /static/**}
)");
  ASSERT_THAT(loaded.Said(), IsEmpty());
  const Environment& environment = loaded.First<Environment>();
  EXPECT_EQ(environment.stage, EnvironmentStage::kPreRelease);
  EXPECT_EQ(NameOf(*environment.stage), "pre-release");
  ASSERT_EQ(environment.secrets.size(), 3u);
  EXPECT_TRUE(environment.secrets[2].stored);
  ASSERT_EQ(environment.entries.size(), 3u);
  EXPECT_EQ(environment.entries[0].name, "cart");
  EXPECT_EQ(environment.entries[0].method, "GET");
  EXPECT_EQ(environment.entries[0].path, "/cart/{id}");
  EXPECT_EQ(environment.entries[1].operation, "Pay/Charge");
}

TEST(Environment, NeedsNothing) {
  const Loaded loaded = LoadEnvironment("");
  ASSERT_THAT(loaded.Said(), IsEmpty());
  EXPECT_FALSE(loaded.First<Environment>().stage.has_value());
}

TEST(Environment, MistakesAreTold) {
  const auto said = [](const std::string& more) { return LoadEnvironment(more).Said(); };
  EXPECT_THAT(said("stage: grey"), HasSubstr("did you mean \"gray\"?"));
  EXPECT_THAT(said("secrets: {a: hunter2}"), HasSubstr("or {stored: true}"));
  EXPECT_THAT(said("secrets: {a: {stored: false}}"), HasSubstr("\"stored\" is true"));
  EXPECT_THAT(said("secrets: {a: {stored: true, env: A}}"), HasSubstr("one of env, file, stored"));
  EXPECT_THAT(said("entries: {a: {service: s}}"), HasSubstr("either \"operation\" or \"path\""));
  EXPECT_THAT(said("entries: {a: {service: s, operation: o, path: /}}"), HasSubstr("either"));
  EXPECT_THAT(said("entries: {a: {path: /}}"), HasSubstr("an entry needs \"service\""));
  EXPECT_THAT(said("entries: {a: {service: s, operation: o, method: GET}}"),
              HasSubstr("\"method\" belongs to \"path\""));
  EXPECT_THAT(said("entries: {a: {service: s, path: /, method: get}}"),
              HasSubstr("did you mean \"GET\"?"));
  for (const std::string path : {"cart", "\"/a{b}\"", "/**/a", "\"/a?b=c\"", "/a*"}) {
    EXPECT_THAT(said("entries: {a: {service: s, path: " + path + "}}"),
                HasSubstr("a path like /cart/{id}"))
        << path;
  }
}

}  // namespace
}  // namespace ronda::model
