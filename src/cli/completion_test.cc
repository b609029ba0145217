#include "cli/completion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/commands/commands.h"
#include "cli/testing.h"

namespace ronda::cli {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

std::vector<std::string> Texts(const std::vector<std::string>& words) {
  std::vector<Command> commands = BuiltInCommands();
  // The test's own commands stand in for these.
  std::erase_if(commands,
                [](const Command& c) { return c.name == "bench" || c.name == "report compare"; });
  commands.push_back(EchoCommand());
  commands.push_back(CompareCommand());
  std::vector<std::string> texts;
  for (const Candidate& candidate : Complete(commands, words)) texts.push_back(candidate.text);
  return texts;
}

TEST(CompletionTest, TheFirstWordIsACommandOrAGroupOnce) {
  EXPECT_THAT(Texts({"be"}), ElementsAre("bench"));
  EXPECT_THAT(Texts({"re"}), ElementsAre("report"));
  EXPECT_THAT(Texts({""}), Contains("config"));
  EXPECT_THAT(Texts({""}), Not(Contains("complete")));  // hidden
}

TEST(CompletionTest, TheSecondWordOfAGroupIsItsCommand) {
  EXPECT_THAT(Texts({"report", ""}), ElementsAre("compare"));
  EXPECT_THAT(Texts({"report", "x"}), IsEmpty());
}

TEST(CompletionTest, ADashAsksForOptions) {
  EXPECT_THAT(Texts({"bench", "--con"}), ElementsAre("--connections", "--config"));
  EXPECT_THAT(Texts({"report", "compare", "--he"}), ElementsAre("--help"));
}

TEST(CompletionTest, AnOptionWithChoicesOffersThem) {
  EXPECT_THAT(Texts({"bench", "--color", "a"}), ElementsAre("auto", "always"));
  EXPECT_THAT(Texts({"bench", "--color=n"}), ElementsAre("--color=never"));
  EXPECT_THAT(Texts({"bench", "--connections", ""}), IsEmpty());
}

TEST(CompletionTest, ArgumentsOfferTheirChoicesElseFiles) {
  EXPECT_THAT(Texts({"completion", "z"}), ElementsAre("zsh"));
  EXPECT_THAT(Texts({"completion", "--color", "never", "f"}), ElementsAre("fish"));
  EXPECT_THAT(Texts({"bench", "x"}), IsEmpty());
  EXPECT_THAT(Texts({"help", "exit"}), ElementsAre("exit-codes"));
}

TEST(CompletionTest, EveryShellsScriptAsksTheBinary) {
  for (const Shell shell : {Shell::kBash, Shell::kZsh, Shell::kFish}) {
    EXPECT_NE(CompletionScript(shell).find(" complete -- "), std::string_view::npos);
  }
}

}  // namespace
}  // namespace ronda::cli
