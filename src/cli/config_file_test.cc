#include "cli/config_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "cli/command_line.h"
#include "cli/testing.h"

namespace ronda::cli {
namespace {

using ::testing::HasSubstr;

// Applies a configuration text to EchoCommand's options.
struct Applied {
  explicit Applied(std::string text)
      : commands{EchoCommand(), CompareCommand()}, options(OptionTableOf(commands[0])) {
    auto source = std::make_shared<model::Source>();
    source->name = "ronda.yaml";
    source->text = std::move(text);
    status = ApplyConfig(std::move(source), commands[0], commands, options);
  }

  std::vector<Command> commands;
  base::Options options;
  base::Status status;
};

TEST(ConfigFileTest, AValueCarriesItsPlace) {
  const Applied applied("color: never\nconnections: 8\n");
  ASSERT_EQ(applied.status, base::Ok());
  EXPECT_EQ(applied.options.Int("connections"), 8);
  EXPECT_EQ(applied.options.OriginOf("connections").place, "ronda.yaml:2:14");
  EXPECT_EQ(applied.options.String("color"), "never");
}

TEST(ConfigFileTest, ACommandsSectionWinsOverTheGeneralValueWhateverTheOrder) {
  EXPECT_EQ(Applied("bench: {connections: 9}\nconnections: 8\n").options.Int("connections"), 9);
  EXPECT_EQ(Applied("connections: 8\nbench:\n  connections: 9\n").options.Int("connections"), 9);
}

TEST(ConfigFileTest, AListIsReadItemByItem) {
  const Applied applied("header: [\"A: 1\", \"B: 2\"]\n");
  ASSERT_EQ(applied.status, base::Ok());
  EXPECT_EQ(applied.options.List("header"), (std::vector<std::string>{"A: 1", "B: 2"}));
}

TEST(ConfigFileTest, AnUnknownKeyIsAnErrorWithPlaceAndNearestNameInAnyCommandsSection) {
  EXPECT_THAT(Applied("conections: 8\n").status.message(), HasSubstr("ronda.yaml:1:1"));
  EXPECT_THAT(Applied("conections: 8\n").status.message(),
              HasSubstr("did you mean \"connections\""));
  EXPECT_EQ(Applied("report compare: {colour: never}\n").status.code(),
            base::Code::kInvalidArgument);
  EXPECT_EQ(Applied("json: true\n").status.code(), base::Code::kInvalidArgument);  // a flag only
}

TEST(ConfigFileTest, AWrongValueIsAnErrorWithItsPlace) {
  EXPECT_THAT(Applied("\nconnections: 0\n").status.message(), HasSubstr("ronda.yaml:2:14"));
  EXPECT_THAT(Applied("connections: 0\n").status.message(), HasSubstr("out of range: 1 to 1000"));
  EXPECT_EQ(Applied("connections: [1]\n").status.code(), base::Code::kInvalidArgument);
  EXPECT_EQ(Applied("- a\n").status.code(), base::Code::kInvalidArgument);
  EXPECT_EQ(Applied("bench: 5\n").status.code(), base::Code::kInvalidArgument);
  EXPECT_EQ(Applied("a: [\n").status.code(), base::Code::kInvalidArgument);
}

TEST(ConfigFileTest, AnEmptyFileSaysNothing) {
  const Applied applied("# nothing\n");
  EXPECT_EQ(applied.status, base::Ok());
  EXPECT_FALSE(applied.options.IsSet("connections"));
}

TEST(ConfigFileTest, TheFileIsFoundByFlagByVariableAndByDefaultPath) {
  const std::string folder = ::testing::TempDir() + "ronda_config_file_test";
  const std::string path = folder + ".yaml";
  std::ofstream(path) << "bench: {connections: 7}\n";
  const std::vector<Command> commands = {EchoCommand()};

  TestWorld world;
  EXPECT_EQ(world.Run(commands, {"bench", "u", "--config", path}), 0) << world.err();
  EXPECT_EQ(world.out(), "u 7");
  world.environment["RONDA_CONFIG"] = path;
  EXPECT_EQ(world.Run(commands, {"bench", "u"}), 0) << world.err();
  EXPECT_EQ(world.out(), "u 7");
  world.environment = {{"RONDA_CONFIG", path + ".gone"}};
  EXPECT_EQ(world.Run(commands, {"bench", "u"}), 104);
  EXPECT_THAT(world.err(), HasSubstr("RONDA_CONFIG"));
  world.environment = {{"HOME", folder + "/nowhere"}};
  EXPECT_EQ(world.Run(commands, {"bench", "u"}), 0);
  EXPECT_EQ(world.out(), "u 64");
}

TEST(ConfigFileTest, TheDefaultPathFollowsTheXdgRules) {
  std::map<std::string, std::string> environment = {{"HOME", "/h"}};
  const auto get = [&](const char* name) -> const char* {
    const auto found = environment.find(name);
    return found == environment.end() ? nullptr : found->second.c_str();
  };
  EXPECT_EQ(DefaultConfigPath(get), "/h/.config/ronda/config.yaml");
  environment["XDG_CONFIG_HOME"] = "/x";
  EXPECT_EQ(DefaultConfigPath(get), "/x/ronda/config.yaml");
  environment.clear();
  EXPECT_EQ(DefaultConfigPath(get), "");
}

}  // namespace
}  // namespace ronda::cli
