#include "model/documents.h"

#include <gtest/gtest.h>

#include <string>

#include "model/load.h"
#include "model/testing.h"

namespace ronda::model {
namespace {

TEST(SplitDocuments, GivesEachWithItsLineAndComments) {
  const auto documents = SplitDocuments("# first\nkind: A\n---\n# second\nkind: B\nx: |\n  ---\n");
  ASSERT_EQ(documents.size(), 2u);
  EXPECT_EQ(documents[0].text, "# first\nkind: A\n");
  EXPECT_EQ(documents[0].line, 1);
  EXPECT_EQ(documents[1].text, "\n# second\nkind: B\nx: |\n  ---\n");
  EXPECT_EQ(documents[1].line, 3) << "so that lines of the whole stay lines of the part";
}

TEST(SplitDocuments, LeavesOutWhatIsEmptyAndEndsAtDots) {
  const auto documents =
      SplitDocuments("---\n# nothing\n---\r\n{kind: A}\n...\n--- {kind: B}\n---\n");
  ASSERT_EQ(documents.size(), 2u);
  EXPECT_EQ(documents[0].text, "\r\n{kind: A}\n");
  EXPECT_EQ(documents[1].text, " {kind: B}\n");
  EXPECT_TRUE(SplitDocuments("").empty());
}

std::string VersionAndDigest(const std::string& text) {
  const Loaded loaded = LoadText(text);
  EXPECT_EQ(loaded.Said(), "") << text;
  if (loaded.set.all.size() != 1) return "not one";
  return std::to_string(loaded.set.all[0]->version);
}

TEST(WithVersion, IsReadBackInBlockAndFlowStyle) {
  EXPECT_EQ(VersionAndDigest(WithVersion("# c\nkind: Feed\nname: f\ninline: [{a: 1}]\n", 7)), "7");
  EXPECT_EQ(VersionAndDigest(WithVersion("{kind: Feed, name: f, inline: [{a: 1}]}", 7)), "7");
  EXPECT_EQ(VersionAndDigest(WithVersion("  kind: Feed\n  name: f\n  inline: [{a: 1}]\n", 7)), "7");
}

TEST(WithoutVersion, TakesOnlyTheTopLevelLine) {
  EXPECT_EQ(WithoutVersion("kind: A\nversion: 3  # three\nx:\n  version: 4\n"),
            "kind: A\nx:\n  version: 4\n");
}

TEST(ReferencesOf, NamesWhatStepsAndFeedsNameOnce) {
  const Loaded loaded = LoadText(
      "kind: Scenario\nname: s\nfeeds: {b: buyers@2}\nsteps:\n- {id: a, use: login}\n- {id: g, "
      "steps: "
      "[{id: d, use: login}, {id: c, scenario: other@3}]}\n");
  ASSERT_EQ(loaded.Said(), "");
  EXPECT_EQ(ReferencesOf(*loaded.set.all.at(0)),
            (std::vector<NamedRef>{{Kind::kFeed, "buyers", 2},
                                   {Kind::kComponent, "login", 0},
                                   {Kind::kScenario, "other", 3}}));
}

TEST(ReferencesOf, NamesWhatPatrolsAndTriggersName) {
  const Loaded loaded = LoadText(
      "kind: Patrol\nname: p\nscenarios: [a, b@2]\nenvironment: prod\n---\n"
      "kind: Trigger\nname: t\npatrol: p@3\nevery: 1h\n");
  ASSERT_EQ(loaded.Said(), "");
  EXPECT_EQ(
      ReferencesOf(*loaded.set.all.at(0)),
      (std::vector<NamedRef>{
          {Kind::kScenario, "a", 0}, {Kind::kScenario, "b", 2}, {Kind::kEnvironment, "prod", 0}}));
  EXPECT_EQ(ReferencesOf(*loaded.set.all.at(1)), (std::vector<NamedRef>{{Kind::kPatrol, "p", 3}}));
}

}  // namespace
}  // namespace ronda::model
