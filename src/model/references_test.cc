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
