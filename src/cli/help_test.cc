#include "cli/help.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/commands/commands.h"
#include "cli/reference.h"
#include "cli/testing.h"
#include "cli/topics.h"

namespace ronda::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(HelpTest, WrappedLinesStayWithinTheWidthAndKeepEveryWord) {
  EXPECT_EQ(Wrap("one two three", 2, 9), "one two\n  three");
  EXPECT_EQ(Wrap("averylongword x", 0, 5), "averylongword\nx");
  EXPECT_EQ(Wrap("a\n\nb", 2, 80), "a\n\n  b");
  EXPECT_EQ(Wrap("text:\n  kept as   it is\nnext", 0, 10), "text:\n  kept as   it is\nnext");
}

TEST(HelpTest, AnOptionSaysItsDefaultAndBounds) {
  const std::string help = RenderCommandHelp(EchoCommand(), Color::kOff);
  EXPECT_THAT(help, HasSubstr("-c, --connections N"));
  EXPECT_THAT(help, HasSubstr("Connections. [1 to 1000; default 64]"));
  EXPECT_THAT(help, HasSubstr("may be repeated"));
  EXPECT_THAT(help, HasSubstr("--log-level LEVEL"));
}

TEST(HelpTest, NoLineOfAnyBuiltInHelpIsWiderThanATerminal) {
  for (const Command& command : BuiltInCommands()) {
    std::istringstream help(RenderCommandHelp(command, Color::kOff));
    for (std::string line; std::getline(help, line);) EXPECT_LE(line.size(), 80u) << line;
  }
}

TEST(HelpTest, EveryTopicHasATitleAndAText) {
  ASSERT_NE(FindTopic("exit-codes"), nullptr);
  ASSERT_NE(FindTopic("config"), nullptr);
  for (const Topic& topic : Topics()) {
    EXPECT_FALSE(topic.title.empty()) << topic.name;
    EXPECT_GT(topic.text.size(), topic.title.size()) << topic.name;
  }
}

TEST(HelpTest, CodeOfATopicIsIndentedAndItsFencesAreGone) {
  EXPECT_EQ(RenderTopic("# T\n\n```sh\nronda run\n```\nend\n", Color::kOff),
            "T\n\n    ronda run\nend\n");
}

TEST(ReferenceTest, PagesNameEveryShownCommandAndEverySetting) {
  std::vector<Command> commands = BuiltInCommands();
  // The test's own commands stand in for these.
  std::erase_if(commands,
                [](const Command& c) { return c.name == "bench" || c.name == "report compare"; });
  commands.push_back(EchoCommand());
  const std::vector<Page> pages = ReferencePages(commands);
  std::vector<std::string> names;
  for (const Page& page : pages) names.push_back(page.name);
  ASSERT_THAT(names, ElementsAre("commands.md", "configuration.md", "actions.md", "definitions.md",
                                 "definitions.schema.json"));
  EXPECT_THAT(pages[0].text, HasSubstr("## ronda bench"));
  EXPECT_THAT(pages[0].text, Not(HasSubstr("## ronda complete\n")));
  EXPECT_THAT(pages[1].text,
              HasSubstr("| `connections` | `RONDA_CONNECTIONS` | int | 64 | 1 to 1000 |"));
  EXPECT_THAT(pages[1].text, Not(HasSubstr("`json`")));
  EXPECT_THAT(pages[2].text, HasSubstr("http.request"));
  EXPECT_THAT(pages[3].text, HasSubstr("Scenario"));
}

}  // namespace
}  // namespace ronda::cli
