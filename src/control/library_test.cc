#include "control/library.h"

#include <gtest/gtest.h>

#include <string>

#include "control/control_test_util.h"
#include "model/catalog/catalog.h"
#include "model/load.h"

namespace ronda::control {
namespace {

using Change = Applied::Change;

std::string Scenario(const std::string& name, const std::string& more = "") {
  return "kind: Scenario\nname: " + name + "\nsteps: [{id: w, action: wait, with: {for: 1s}}]\n" +
         more;
}
const char kUser[] = "kind: Scenario\nname: user\nsteps: [{id: s, scenario: inner}]\n";

class LibraryTest : public testing::Test, public ControlFixture {};

TEST_F(LibraryTest, AnApplyMakesVersionsOnlyWhereSomethingChanged) {
  const auto first = Apply("# the first\n" + Scenario("a") + "---\n" + Scenario("b"));
  ASSERT_EQ(first.size(), 2u);
  EXPECT_EQ(first[0].change, Change::kCreated);
  EXPECT_EQ(first[0].version, 1);
  const auto second = Apply(Scenario("a") + "---\n" + Scenario("b", "title: new\n"));
  EXPECT_EQ(second[0].change, Change::kUnchanged) << "comments are no change";
  EXPECT_EQ(second[0].rev, first[0].rev);
  EXPECT_EQ(second[1].change, Change::kUpdated);
  EXPECT_EQ(second[1].version, 2);
  EXPECT_GT(second[1].rev, first[1].rev);
  EXPECT_EQ(second[1].before, "\n" + Scenario("b"));
  EXPECT_EQ(library.History("Scenario", "b")->size(), 2u);
  EXPECT_EQ(library.Get("Scenario", "b", 1)->version.text, "\n" + Scenario("b"));
}

TEST_F(LibraryTest, AWrongDocumentStopsAllAndShowsItsPlace) {
  const auto applied = library.Apply(
      {.files = {{"good.yaml", Scenario("a")}, {"bad.yaml", Scenario("b") + "titel: x\n"}}},
      {"ann"});
  EXPECT_EQ(applied.status().code(), base::Code::kInvalidArgument);
  EXPECT_NE(applied.status().message().find("bad.yaml:4:1"), std::string::npos)
      << applied.status().message();
  EXPECT_NE(applied.status().message().find("title"), std::string::npos);
  EXPECT_TRUE(library.List({})->empty());
}

TEST_F(LibraryTest, WhatIsNamedIsFoundAmongTheStored) {
  const auto missing = library.Apply({.files = {{"t.yaml", kUser}}}, {"ann"});
  EXPECT_EQ(missing.status().code(), base::Code::kInvalidArgument);
  EXPECT_NE(missing.status().message().find("inner"), std::string::npos);
  Apply(Scenario("inner"));
  EXPECT_EQ(Apply(kUser).at(0).change, Change::kCreated);
}

TEST_F(LibraryTest, AVersionThatIsNamedIsTheOneThatIsLoaded) {
  Apply(Scenario("inner"));
  Apply(Scenario("inner", "title: second\n"));
  Apply(
      "kind: Scenario\nname: user\nsteps: [{id: s, scenario: inner@1}, {id: t, scenario: "
      "inner}]\n");
  const auto closure = library.Load({model::Kind::kScenario, "user", 0}, {});
  ASSERT_TRUE(closure.ok()) << closure.status().ToString();
  ASSERT_EQ(closure->set->all.size(), 3u);
  EXPECT_EQ(closure->set->Find(model::Kind::kScenario, {"inner", 1, {}})->title, "");
  EXPECT_EQ(closure->set->Find(model::Kind::kScenario, {"inner", 2, {}})->title, "second");
  EXPECT_EQ(
      library
          .Apply({.files = {{"t.yaml",
                             "kind: Scenario\nname: x\nsteps: [{id: s, scenario: inner@9}]\n"}}},
                 {"ann"})
          .status()
          .code(),
      base::Code::kInvalidArgument);
}

TEST_F(LibraryTest, ASnapshotLoadsAgainAndHasTheSameDigestForTheSameContent) {
  Apply(Scenario("inner") + "---\n" + kUser);
  const auto closure = library.Load({model::Kind::kScenario, "user", 0}, {});
  ASSERT_TRUE(closure.ok());
  model::DefinitionSet again;
  model::Diagnostics diagnostics;
  model::LoadDefinitions(
      std::make_shared<const model::Source>(model::Source{"snapshot", closure->text}),
      model::Catalog::BuiltIn(), again, diagnostics);
  EXPECT_FALSE(diagnostics.has_errors()) << diagnostics.Render();
  ASSERT_EQ(again.all.size(), 2u);
  EXPECT_EQ(again.all[0]->name, "user");
  EXPECT_EQ(again.all[0]->version, 1);
  EXPECT_EQ(library.Load({model::Kind::kScenario, "user", 1}, {})->digest, closure->digest);
  Apply(Scenario("inner", "title: other\n"));
  EXPECT_NE(library.Load({model::Kind::kScenario, "user", 1}, {})->digest, closure->digest);
}

TEST_F(LibraryTest, TwoWhoSaveTheSameDoNotOverwriteOneAnother) {
  const auto first = Apply(Scenario("a"));
  Apply(Scenario("a", "title: bob's\n"));
  const auto late = library.Apply({.files = {{"t.yaml", Scenario("a", "title: ann's\n")}},
                                   .expected = {{"Scenario/a", first[0].rev}}},
                                  {"ann"});
  EXPECT_EQ(late.status().code(), base::Code::kAborted);
  EXPECT_NE(late.status().message().find("was changed by ann"), std::string::npos);
  const auto fresh = library.Apply(
      {.files = {{"t.yaml", Scenario("a", "title: x\n")}}, .expected = {{"Scenario/a", 0}}},
      {"ann"});
  EXPECT_EQ(fresh.status().code(), base::Code::kAborted) << "it is there already";
}

TEST_F(LibraryTest, WhatGitManagesIsNotChangedByHand) {
  ASSERT_TRUE(
      library.Apply({.files = {{"t.yaml", Scenario("a")}}, .managed_by = "git"}, {"ci"}).ok());
  const ApplyRequest by_hand{.files = {{"t.yaml", Scenario("a", "title: x\n")}}};
  const auto refused = library.Apply(by_hand, {"ann"});
  EXPECT_EQ(refused.status().code(), base::Code::kFailedPrecondition);
  EXPECT_NE(refused.status().message().find("git"), std::string::npos);
  ApplyRequest taken = by_hand;
  taken.take_over = true;
  EXPECT_TRUE(library.Apply(taken, {"ann"}).ok());
  EXPECT_TRUE(library.Apply(by_hand, {"ann"}).ok()) << "taken over: nobody manages it";
}

TEST_F(LibraryTest, ADryRunChangesNothingAndTellsWhatItWould) {
  Apply(Scenario("a"));
  const auto dry = library.Apply(
      {.files = {{"t.yaml", Scenario("a", "title: x\n")}}, .run = ApplyRequest::Run::kDry},
      {"ann"});
  ASSERT_TRUE(dry.ok()) << dry.status().ToString();
  EXPECT_EQ(dry->at(0).change, Change::kUpdated);
  EXPECT_EQ(dry->at(0).before, Scenario("a"));
  EXPECT_EQ(library.History("Scenario", "a")->size(), 1u);
}

TEST_F(LibraryTest, ADraftIsNotWhatRunsUntilItIsPublished) {
  Apply(Scenario("a"));
  ASSERT_TRUE(library
                  .Apply({.files = {{"t.yaml", Scenario("a", "title: draft\n")}},
                          .into = ApplyRequest::Into::kDraft},
                         {"ann"})
                  .ok());
  EXPECT_EQ(library.Get("Scenario", "a", 0)->head.version, 1);
  EXPECT_EQ(library.Load({model::Kind::kScenario, "a", 0}, {})->root->title, "");
  EXPECT_EQ(*library.Draft("Scenario", "a"), Scenario("a", "title: draft\n"));
  Apply(*library.Draft("Scenario", "a"));
  EXPECT_EQ(library.Load({model::Kind::kScenario, "a", 0}, {})->root->title, "draft");
  EXPECT_EQ(library.Draft("Scenario", "a").status().code(), base::Code::kNotFound);
}

TEST_F(LibraryTest, ARollbackIsANewVersionWithTheOldText) {
  Apply(Scenario("a"));
  Apply(Scenario("a", "title: bad\n"));
  const auto back = library.RollBack("Scenario", "a", 1, {"ann"});
  ASSERT_TRUE(back.ok()) << back.status().ToString();
  EXPECT_EQ(back->version, 3);
  EXPECT_EQ(library.Get("Scenario", "a", 0)->version.text, Scenario("a"));
  EXPECT_EQ(library.History("Scenario", "a")->front().note, "rollback to version 1");
  EXPECT_EQ(library.RollBack("Scenario", "a", 9, {"ann"}).status().code(), base::Code::kNotFound);
}

TEST_F(LibraryTest, ADeletedOneKeepsItsHistoryAndComesBackAsItsNextVersion) {
  Apply(Scenario("inner") + "---\n" + kUser);
  const base::Status refused = library.Delete("Scenario", "inner", std::nullopt, {"ann"});
  EXPECT_EQ(refused.code(), base::Code::kFailedPrecondition);
  EXPECT_NE(refused.message().find("Scenario/user"), std::string::npos);
  ASSERT_TRUE(library.Delete("Scenario", "user", std::nullopt, {"ann"}).ok());
  ASSERT_TRUE(library.Delete("Scenario", "inner", std::nullopt, {"ann"}).ok());
  EXPECT_EQ(library.Get("Scenario", "inner", 0).status().code(), base::Code::kNotFound);
  EXPECT_EQ(library.Delete("Scenario", "inner", std::nullopt, {"ann"}).code(),
            base::Code::kNotFound);
  EXPECT_EQ(library.Get("Scenario", "inner", 1)->version.text, Scenario("inner"));
  EXPECT_EQ(Apply(Scenario("inner", "title: again\n")).at(0).version, 2);
}

TEST_F(LibraryTest, ANumberInTheDocumentMustBeTheOneItGets) {
  Apply(Scenario("a", "version: 1\n"));
  EXPECT_EQ(Apply(Scenario("a", "version: 1\n")).at(0).change, Change::kUnchanged);
  const auto twice =
      library.Apply({.files = {{"t.yaml", Scenario("a", "version: 1\ntitle: x\n")}}}, {"ann"});
  EXPECT_EQ(twice.status().code(), base::Code::kInvalidArgument);
  EXPECT_NE(twice.status().message().find("write 2"), std::string::npos);
  EXPECT_EQ(Apply(Scenario("a", "version: 2\ntitle: x\n")).at(0).version, 2);
}

TEST_F(LibraryTest, TheSameOneTwiceInARequestIsRefused) {
  const auto twice =
      library.Apply({.files = {{"t.yaml", Scenario("a") + "---\n" + Scenario("a")}}}, {"ann"});
  EXPECT_EQ(twice.status().code(), base::Code::kInvalidArgument);
  EXPECT_NE(twice.status().message().find("t.yaml:5"), std::string::npos)
      << twice.status().message();
}

TEST_F(LibraryTest, TheAuditStandsInTheSameTransaction) {
  std::vector<std::string> told;
  library.set_audit([&](store::Transaction&, const Actor& actor, const Library::Changed& changed) {
    told.push_back(actor.name + " " + changed.action + " " + PathOf(changed.kind, changed.name));
    return changed.name == "refused" ? base::Unavailable("no audit, no change") : base::Ok();
  });
  Apply(Scenario("a"));
  Apply(Scenario("a"));
  EXPECT_EQ(told, std::vector<std::string>{"ann apply Scenario/a"});
  EXPECT_FALSE(library.Apply({.files = {{"t.yaml", Scenario("refused")}}}, {"ann"}).ok());
  EXPECT_EQ(library.Get("Scenario", "refused", 0).status().code(), base::Code::kNotFound);
}

// Invariant 1: the digest of a definition is the same before and after it was loaded to run.
TEST_F(LibraryTest, LoadingChangesNoDigest) {
  const auto applied = Apply(Scenario("a"));
  ASSERT_TRUE(library.Load({model::Kind::kScenario, "a", 0}, {}).ok());
  EXPECT_EQ(library.Get("Scenario", "a", 0)->head.digest, applied[0].digest);
}

}  // namespace
}  // namespace ronda::control
