#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "model/testing.h"

namespace ronda::model {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string Check(const std::string& text) {
  const Loaded loaded = LoadText(text);
  EXPECT_THAT(loaded.Said(), IsEmpty());
  Diagnostics diagnostics;
  CheckReferences(loaded.set, *loaded.set.all.at(0), diagnostics);
  return diagnostics.Render();
}

const char kComponent[] =
    "---\nkind: Component\nname: browse\nparams: {token: {type: string}, n: 3}\n"
    "steps: [{id: a, action: wait, with: {for: 1s}}]\n";

std::string Uses(const std::string& step) {
  return "kind: Scenario\nname: s\nsteps: [" + step + "]\n" + kComponent;
}

TEST(CheckReferences, WhatIsNamedHasToExist) {
  EXPECT_THAT(Check(Uses("{id: b, use: browse, with: {token: x}}")), IsEmpty());
  EXPECT_THAT(Check(Uses("{id: b, use: brwse, with: {token: x}}")),
              HasSubstr("did you mean \"browse\"?"));
  EXPECT_THAT(Check(Uses("{id: b, scenario: other}")), HasSubstr("there is no Scenario \"other\""));
  EXPECT_THAT(Check(Uses("{id: b, action: shadow.clean}")), HasSubstr("there is no action"));
  EXPECT_THAT(Check("kind: Drill\nname: d\nmix: [{scenario: a@2}]\n---\nkind: Scenario\nname: a\n"
                    "version: 1\nsteps: [{use: b}]\n"),
              HasSubstr("has no version 2"));
}

TEST(CheckReferences, ArgumentsFitTheParameters) {
  EXPECT_THAT(Check(Uses("{id: b, use: browse}")), HasSubstr("\"browse\" needs \"token\""));
  EXPECT_THAT(Check(Uses("{id: b, use: browse, with: {token: x, m: 1}}")),
              HasSubstr("has no key \"m\""));
  EXPECT_THAT(Check(Uses("{id: b, use: browse, with: {token: x, n: many}}")),
              HasSubstr("\"n\" is an int"));
  EXPECT_THAT(Check(Uses("{id: b, use: browse, with: {token: x, n: \"${vu.id}\"}}")), IsEmpty());
}

TEST(CheckReferences, APatrolNamesScenariosAndEnvironmentsThatExist) {
  const std::string others =
      "---\nkind: Scenario\nname: buy-one\nparams: {sku: {type: string}}\nsteps: [{action: wait, "
      "with: "
      "{for: 1s}}]\n---\nkind: Environment\nname: prod\n";
  const std::string head = "kind: Patrol\nname: p\n";
  EXPECT_THAT(Check(head + "scenario: buy-one\nwith: {sku: a}\nenvironment: prod\n" + others),
              IsEmpty());
  EXPECT_THAT(Check(head + "scenario: buy-onee\n" + others),
              HasSubstr("did you mean \"buy-one\"?"));
  EXPECT_THAT(Check(head + "scenario: buy-one\n" + others), HasSubstr("\"buy-one\" needs \"sku\""));
  EXPECT_THAT(Check(head + "scenarios: [{scenario: buy-one, with: {sku: a, n: 1}}]\n" + others),
              HasSubstr("has no key \"n\""));
  EXPECT_THAT(
      Check(head + "scenario: buy-one\nwith: {sku: a}\nenvironments: [prod, prd]\n" + others),
      HasSubstr("there is no Environment \"prd\""));
}

TEST(CheckReferences, WhatAPatrolCoversAreEntriesOfItsEnvironments) {
  const std::string others =
      "---\nkind: Scenario\nname: s\nsteps: [{action: wait, with: {for: 1s}}]\n"
      "---\nkind: Environment\nname: gray\n"
      "---\nkind: Environment\nname: prod\nentries: {checkout: {service: s, path: /}}\n";
  const std::string head = "kind: Patrol\nname: p\nscenario: s\n";
  EXPECT_THAT(Check(head + "environments: [gray, prod]\ncovers: checkout\n" + others), IsEmpty());
  EXPECT_THAT(
      Check(head + "environment: prod\ncovers: [chekout]\n" + others),
      HasSubstr("t.yaml:5:10: error: no environment of the patrol has an entry \"chekout\""));
  EXPECT_THAT(Check(head + "environment: gray\ncovers: checkout\n" + others),
              HasSubstr("name it under `entries:`"));
}

TEST(CheckReferences, ATriggerNamesWhatItStarts) {
  const std::string patrol = "---\nkind: Patrol\nname: p\nscenario: s\n";
  EXPECT_THAT(Check("kind: Trigger\nname: t\npatrol: q\nevery: 1h\n" + patrol),
              HasSubstr("there is no Patrol \"q\""));
  EXPECT_THAT(Check("kind: Trigger\nname: t\npatrol: p\nevery: 1h\n" + patrol),
              HasSubstr("there is no Scenario \"s\""));
}

TEST(CheckReferences, NothingContainsItself) {
  const std::string circle =
      "kind: Component\nname: a\nsteps: [{use: b}]\n---\n"
      "kind: Component\nname: b\nsteps: [{steps: [{use: a}]}]\n";
  EXPECT_THAT(Check(circle), HasSubstr("a -> b -> a"));
}

TEST(CheckReferences, AChainIsFollowedToABound) {
  std::string text;
  for (int i = 0; i < 40; ++i) {
    text += "---\nkind: Component\nname: c" + std::to_string(i) + "\nsteps: [{use: c" +
            std::to_string(i + 1) + "}]\n";
  }
  EXPECT_THAT(Check(text), HasSubstr("deeper than 32"));
}

TEST(CheckReferences, AMeetingThatNobodyAttendsIsAWarning) {
  EXPECT_THAT(Check("kind: Scenario\nname: s\nmeets: {m: {users: 2}}\n"
                    "steps: [{action: wait, with: {for: 1s}}]\n"),
              HasSubstr("warning: no step meets at \"m\""));
}

}  // namespace
}  // namespace ronda::model
