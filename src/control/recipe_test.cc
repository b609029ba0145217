#include "control/recipe.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "control/control_test_util.h"

namespace ronda::control {
namespace {

class RecipeTest : public testing::Test, public ControlFixture {
 protected:
  std::shared_ptr<Recipe> Make(const std::string& name, const std::string& environment = "",
                               const SecretsOf& secrets = {}) {
    auto recipe = RecipeOf(library, secrets, {model::Kind::kScenario, name, 0}, environment);
    EXPECT_TRUE(recipe.ok()) << recipe.status().ToString();
    return recipe.ok() ? *recipe : std::make_shared<Recipe>();
  }
  // A scenario that posts in one of its parts, and one that uses it.
  bool IsRepeatableWith(const std::string& part) {
    Apply(
        "kind: Component\nname: c\nsteps: [{id: post, action: http.request, with: {method: POST, "
        "url: "
        "\"http://x/\"}}]\n---\nkind: Scenario\nname: s\n" +
        part + ": [{id: u, use: c}]\n" +
        (part == "steps" ? "" : "steps: [{id: w, action: wait, with: {for: 1s}}]\n"));
    return Make("s")->repeatable;
  }
};

TEST_F(RecipeTest, NodesHaveThePathsThatTheEngineTells) {
  Apply(
      "kind: Scenario\nname: s\nsetup: [{id: seed, action: wait, with: {for: 1s}}]\n"
      "steps: [{id: g, steps: [{id: w, action: wait, with: {for: 1s}}]}]\n");
  EXPECT_EQ(Make("s")->paths, (std::vector<std::string>{"setup.seed", "g", "w"}));
}

TEST_F(RecipeTest, OneStepThatWritesAnywhereIsEnough) {
  for (const char* part : {"setup", "steps", "finally"})
    EXPECT_FALSE(IsRepeatableWith(part)) << part;
  Apply(
      "kind: Scenario\nname: reads\nsteps: [{id: g, action: http.request, with: {url: "
      "\"http://x/\"}}]\n");
  EXPECT_TRUE(Make("reads")->repeatable);
}

TEST_F(RecipeTest, SecretsAreThoseOfItsEnvironment) {
  Apply(
      "kind: Scenario\nname: s\nsteps: [{id: w, action: wait, with: {for: 1s}}]\n---\n"
      "kind: Environment\nname: e\nsecrets: {token: {env: X}}\n");
  const SecretsOf secrets =
      [](const model::Definition& environment) -> base::Result<std::map<std::string, std::string>> {
    return std::map<std::string, std::string>{{"token", "of " + environment.name}};
  };
  EXPECT_EQ(Make("s", "e", secrets)->secrets.at("token"), "of e");
  EXPECT_TRUE(Make("s", "", secrets)->secrets.empty());
}

}  // namespace
}  // namespace ronda::control
