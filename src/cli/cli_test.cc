#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/commands/commands.h"
#include "cli/testing.h"

namespace ronda::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::vector<Command> Commands() {
  std::vector<Command> commands = BuiltInCommands();
  // The test's own commands stand in for these.
  std::erase_if(commands,
                [](const Command& c) { return c.name == "bench" || c.name == "report compare"; });
  commands.push_back(EchoCommand());
  commands.push_back(CompareCommand());
  return commands;
}

class CliTest : public ::testing::Test {
 protected:
  int Run(const std::vector<std::string>& arguments) { return world_.Run(commands_, arguments); }

  std::vector<Command> commands_ = Commands();
  TestWorld world_;
};

TEST_F(CliTest, OptionsAndArgumentsMixInAnyOrder) {
  for (const std::vector<std::string>& line : std::vector<std::vector<std::string>>{
           {"bench", "u", "-c", "8", "--json"},
           {"bench", "--json", "-c8", "u"},
           {"bench", "--connections=8", "u", "--json=true"},
           {"bench", "-c", "7", "--json", "--connections", "8", "--", "u"}}) {
    EXPECT_EQ(Run(line), 0) << world_.err();
    EXPECT_EQ(world_.out(), "u 8 json");
  }
}

TEST_F(CliTest, AListOptionTakesOneValueEachTimeAndLeavesTheRest) {
  EXPECT_EQ(Run({"bench", "-H", "A: 1", "u", "-H", "B: 2,3"}), 0) << world_.err();
  EXPECT_EQ(world_.out(), "u 64 [A: 1] [B: 2,3]");
}

TEST_F(CliTest, AnArgumentAfterTwoDashesMayBeginWithADash) {
  EXPECT_EQ(Run({"bench", "--", "-u"}), 0) << world_.err();
  EXPECT_EQ(world_.out(), "-u 64");
}

TEST_F(CliTest, AnUnknownOptionIsAUsageErrorWithTheNearestOne) {
  EXPECT_EQ(Run({"bench", "u", "--conections", "8"}), 2);
  EXPECT_THAT(world_.err(), HasSubstr("bench has no option --conections; did you mean "
                                      "--connections?"));
  EXPECT_THAT(world_.err(), HasSubstr("see 'ronda help bench'"));
  EXPECT_EQ(world_.out(), "");
}

TEST_F(CliTest, AnUnknownCommandIsAUsageErrorWithTheNearestOne) {
  EXPECT_EQ(Run({"bennch"}), 2);
  EXPECT_THAT(world_.err(), HasSubstr("did you mean \"bench\"?"));
  EXPECT_EQ(Run({"report", "compute"}), 2);
  EXPECT_THAT(world_.err(), HasSubstr("report is: report compare"));
  EXPECT_EQ(Run({"--json", "bench"}), 2);
}

TEST_F(CliTest, AMissingOrSuperfluousArgumentIsAUsageError) {
  EXPECT_EQ(Run({"bench"}), 2);
  EXPECT_THAT(world_.err(), HasSubstr("bench needs URL"));
  EXPECT_EQ(Run({"bench", "u", "v"}), 2);
  EXPECT_THAT(world_.err(), HasSubstr("takes no argument \"v\""));
  EXPECT_EQ(Run({"bench", "u", "-c"}), 2);
  EXPECT_THAT(world_.err(), HasSubstr("value is missing"));
  EXPECT_EQ(Run({"completion", "bsh"}), 2);
  EXPECT_THAT(world_.err(), HasSubstr("did you mean \"bash\"?"));
}

TEST_F(CliTest, AFlagOutOfBoundsIsAUsageErrorThatNamesTheBounds) {
  EXPECT_EQ(Run({"bench", "u", "-c", "0"}), 2);
  EXPECT_THAT(world_.err(),
              HasSubstr("--connections: \"0\" for connections: out of range: 1 to 1000"));
}

TEST_F(CliTest, ABadVariableIsAConfigurationError) {
  world_.environment["RONDA_CONNECTIONS"] = "many";
  EXPECT_EQ(Run({"bench", "u"}), 104);
  EXPECT_THAT(world_.err(), HasSubstr("RONDA_CONNECTIONS"));
}

TEST_F(CliTest, TheEnvironmentWinsOverTheDefaultAndTheFlagOverBoth) {
  world_.environment["RONDA_CONNECTIONS"] = "5";
  EXPECT_EQ(Run({"bench", "u"}), 0);
  EXPECT_EQ(world_.out(), "u 5");
  EXPECT_EQ(Run({"bench", "u", "-c", "6"}), 0);
  EXPECT_EQ(world_.out(), "u 6");
}

TEST_F(CliTest, AVerdictIsTheExitCodeAndAStatusAlsoItsMessage) {
  EXPECT_EQ(Run({"bench", "red"}), 99);
  EXPECT_EQ(world_.err(), "");
  EXPECT_EQ(Run({"report", "compare", "a", "b"}), 5);
  EXPECT_EQ(world_.err(), "ronda: cannot compare with b\n");
}

TEST_F(CliTest, HelpIsReachedFromEverywhere) {
  for (const std::vector<std::string>& line : std::vector<std::vector<std::string>>{
           {"help", "bench"}, {"bench", "--help"}, {"bench", "-h", "--wrong"}}) {
    EXPECT_EQ(Run(line), 0) << world_.err();
    EXPECT_THAT(world_.out(), StartsWith("usage: ronda bench [options] URL"));
  }
  for (const std::vector<std::string>& line :
       std::vector<std::vector<std::string>>{{}, {"help"}, {"--help"}, {"-h"}}) {
    EXPECT_EQ(Run(line), 0);
    EXPECT_THAT(world_.out(), HasSubstr("exit-codes"));
    EXPECT_THAT(world_.out(), Not(HasSubstr("\n  complete ")));  // hidden
  }
  EXPECT_EQ(Run({"help", "report"}), 0);
  EXPECT_THAT(world_.out(), HasSubstr("report compare"));
  EXPECT_EQ(Run({"help", "exit-code"}), 2);
  EXPECT_THAT(world_.err(), HasSubstr("did you mean \"exit-codes\"?"));
}

TEST_F(CliTest, EveryExitCodeIsPublished) {
  EXPECT_EQ(Run({"help", "exit-codes"}), 0);
  for (const base::ExitCode code :
       {base::ExitCode::kOk, base::ExitCode::kFailure, base::ExitCode::kUsage,
        base::ExitCode::kUnauthenticated, base::ExitCode::kUnreachable,
        base::ExitCode::kCheckFailed, base::ExitCode::kBadConfig, base::ExitCode::kAborted,
        base::ExitCode::kBreaker, base::ExitCode::kInterrupted}) {
    EXPECT_THAT(world_.out(), HasSubstr("\n| " + std::to_string(static_cast<int>(code)) + " |"));
  }
}

TEST_F(CliTest, ColourNeedsATerminalAndHonoursNoColor) {
  const auto coloured = [&](const std::vector<std::string>& line) {
    EXPECT_EQ(Run(line), 0);
    return world_.out().find('\x1b') != std::string::npos;
  };
  EXPECT_FALSE(coloured({"help"}));
  EXPECT_TRUE(coloured({"help", "--color", "always"}));
  world_.terminal = StreamKind::kTerminal;
  EXPECT_FALSE(coloured({"help"}));  // no TERM
  world_.environment["TERM"] = "xterm";
  EXPECT_TRUE(coloured({"help"}));
  EXPECT_FALSE(coloured({"help", "--color", "never"}));
  world_.environment["NO_COLOR"] = "1";
  EXPECT_FALSE(coloured({"help"}));
  EXPECT_TRUE(coloured({"help", "--color", "always"}));
}

TEST_F(CliTest, VersionPrintsOneLineOrOneObject) {
  EXPECT_EQ(Run({"--version"}), 0);
  EXPECT_THAT(world_.out(), StartsWith("ronda "));
  EXPECT_EQ(Run({"version", "--json"}), 0);
  EXPECT_THAT(world_.out(), StartsWith("{\"version\":\""));
}

TEST_F(CliTest, ConfigExplainShowsWhatWonAndWhatItHides) {
  world_.environment["RONDA_CONNECTIONS"] = "5";
  EXPECT_EQ(Run({"config", "explain", "bench", "--", "-c", "6"}), 0) << world_.err();
  const std::string& out = world_.out();
  const auto flag = out.find("flag --connections");
  const auto environment = out.find("environment RONDA_CONNECTIONS (hidden)");
  const auto fallback = out.find("default (hidden)", environment);
  EXPECT_NE(flag, std::string::npos) << out;
  EXPECT_LT(flag, environment) << out;
  EXPECT_LT(environment, fallback) << out;
  EXPECT_THAT(out, Not(HasSubstr("json")));  // a flag only
}

TEST_F(CliTest, ConfigExplainAsJsonIsOneObjectAnOption) {
  EXPECT_EQ(Run({"config", "explain", "bench", "--json"}), 0) << world_.err();
  EXPECT_THAT(world_.out(),
              HasSubstr("{\"command\":\"bench\",\"option\":\"connections\",\"values\":[{\"value\":"
                        "\"64\",\"source\":\"default\",\"place\":\"default\"}]}\n"));
}

}  // namespace
}  // namespace ronda::cli
