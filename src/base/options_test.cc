#include "base/options.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace ronda::base {
namespace {

std::vector<OptionSpec> Table() {
  return {
      {.name = "threads", .type = OptionType::kInt, .default_text = "4", .min = "1", .max = "64"},
      {.name = "rate", .type = OptionType::kFloat, .min = "0", .unit = "requests/s"},
      {.name = "connect-timeout",
       .type = OptionType::kDuration,
       .default_text = "10s",
       .min = "1ms",
       .max = "1h"},
      {.name = "buffer", .type = OptionType::kSize, .default_text = "64KiB"},
      {.name = "color",
       .type = OptionType::kChoice,
       .default_text = "auto",
       .choices = {"auto", "always", "never"}},
      {.name = "json", .type = OptionType::kSwitch, .scope = OptionScope::kFlagOnly},
      {.name = "set", .type = OptionType::kList},
      {.name = "token", .type = OptionType::kString, .secrecy = Secrecy::kSecret},
  };
}

const OptionOrigin kFile{OptionSource::kFile, "ronda.yaml:3:1"};
const OptionOrigin kFlag{OptionSource::kFlag, "--flag"};

TEST(OptionsTest, ADefaultHoldsUntilSomethingIsSet) {
  Options options(Table());
  EXPECT_EQ(options.Int("threads"), 4);
  EXPECT_TRUE(options.Has("threads"));
  EXPECT_FALSE(options.IsSet("threads"));
  EXPECT_FALSE(options.Has("rate"));
  EXPECT_EQ(options.DurationNs("connect-timeout"), 10'000'000'000);
  EXPECT_EQ(options.SizeBytes("buffer"), 65'536);
  EXPECT_FALSE(options.Switch("json"));
  EXPECT_TRUE(options.List("set").empty());
}

TEST(OptionsTest, TheStrongerSourceWinsInWhateverOrderTheyAreSet) {
  const std::vector<std::pair<OptionSource, const char*>> kSources = {
      {OptionSource::kFile, "5"}, {OptionSource::kEnvironment, "6"}, {OptionSource::kFlag, "7"}};
  std::vector<int> order = {0, 1, 2};
  do {
    Options options(Table());
    for (const int i : order) {
      const auto& [source, text] = kSources[static_cast<std::size_t>(i)];
      ASSERT_TRUE(options.Set("threads", text, {source, "x"}).ok());
    }
    EXPECT_EQ(options.Int("threads"), 7);
    EXPECT_EQ(options.OriginOf("threads").source, OptionSource::kFlag);
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(OptionsTest, TheLastValueOfOneSourceReplacesTheOneBefore) {
  Options options(Table());
  ASSERT_TRUE(options.Set("threads", "5", kFlag).ok());
  ASSERT_TRUE(options.Set("threads", "6", kFlag).ok());
  EXPECT_EQ(options.Int("threads"), 6);
}

TEST(OptionsTest, AListCollectsWithinItsSourceAndIsReplacedByAStrongerOne) {
  Options options(Table());
  ASSERT_TRUE(options.Set("set", "a=1", kFile).ok());
  ASSERT_TRUE(options.Set("set", "b=2", kFlag).ok());
  ASSERT_TRUE(options.Set("set", "c=3,4", kFlag).ok());
  EXPECT_EQ(options.List("set"), (std::vector<std::string>{"b=2", "c=3,4"}));
}

TEST(OptionsTest, AWrongValueIsRefusedWithItsPlaceAndWhatWouldBeRight) {
  Options options(Table());
  EXPECT_EQ(options.Set("threads", "65", kFile),
            InvalidArgument("ronda.yaml:3:1: \"65\" for threads: out of range: 1 to 64"));
  EXPECT_EQ(options.Set("rate", "-1", kFlag),
            InvalidArgument("--flag: \"-1\" for rate: out of range: at least 0 requests/s"));
  EXPECT_EQ(options.Set("color", "red", kFlag),
            InvalidArgument("--flag: \"red\" for color: expected one of auto, always, never"));
  EXPECT_EQ(options.Set("threads", "4x", kFlag),
            InvalidArgument("--flag: \"4x\" for threads: expected a whole number"));
  EXPECT_FALSE(options.Set("connect-timeout", "2h", kFlag).ok());
  EXPECT_FALSE(options.Set("rate", "nan", kFlag).ok());
  EXPECT_FALSE(options.Set("json", "maybe", kFlag).ok());
  EXPECT_EQ(options.Set("thread", "1", kFlag).code(), Code::kNotFound);
  EXPECT_EQ(options.Int("threads"), 4);  // nothing changed
}

TEST(OptionsTest, TheEnvironmentIsReadByTheTablesNames) {
  const std::map<std::string, std::string> environment = {{"RONDA_CONNECT_TIMEOUT", "3s"},
                                                          {"RONDA_SET", "a=1,b=2"},
                                                          {"RONDA_THREADS", ""},
                                                          {"RONDA_JSON", "true"}};
  const auto get = [&](const char* name) -> const char* {
    const auto found = environment.find(name);
    return found == environment.end() ? nullptr : found->second.c_str();
  };
  Options options(Table());
  ASSERT_TRUE(options.ReadEnvironment(get).ok());
  EXPECT_EQ(options.DurationNs("connect-timeout"), 3'000'000'000);
  EXPECT_EQ(options.OriginOf("connect-timeout").place, "RONDA_CONNECT_TIMEOUT");
  EXPECT_EQ(options.List("set"), (std::vector<std::string>{"a=1", "b=2"}));
  EXPECT_FALSE(options.IsSet("threads"));  // empty is not set
  EXPECT_FALSE(options.Switch("json"));    // a flag only
}

TEST(OptionsTest, ABadVariableIsNamed) {
  Options options(Table());
  const auto get = [](const char* name) -> const char* {
    return std::string_view(name) == "RONDA_THREADS" ? "many" : nullptr;
  };
  EXPECT_EQ(options.ReadEnvironment(get),
            InvalidArgument("RONDA_THREADS: \"many\" for threads: expected a whole number"));
}

TEST(OptionsTest, ExplainShowsEverySourceStrongestFirst) {
  Options options(Table());
  ASSERT_TRUE(options.Set("threads", "5", kFile).ok());
  ASSERT_TRUE(options.Set("threads", "7", kFlag).ok());
  const auto all = options.Explain();
  ASSERT_EQ(all.size(), Table().size());
  ASSERT_EQ(all[0].layers.size(), 3u);
  EXPECT_EQ(all[0].layers[0].text, "7");
  EXPECT_EQ(all[0].layers[1].origin.place, "ronda.yaml:3:1");
  EXPECT_EQ(all[0].layers[2].origin.source, OptionSource::kDefault);
  EXPECT_TRUE(all[1].layers.empty());
}

TEST(OptionsTest, ASecretIsNeverShown) {
  std::vector<OptionSpec> table = Table();
  table.push_back({.name = "pin", .type = OptionType::kInt, .secrecy = Secrecy::kSecret});
  Options options(table);
  ASSERT_TRUE(options.Set("token", "s3cret", kFlag).ok());
  EXPECT_EQ(options.String("token"), "s3cret");
  for (const auto& explained : options.Explain()) {
    for (const auto& layer : explained.layers) EXPECT_NE(layer.text, "s3cret");
  }
  const Status status = options.Set("pin", "s3cret", kFlag);
  EXPECT_EQ(status.message().find("s3cret"), std::string::npos) << status.message();
}

TEST(OptionsDeathTest, ATableThatIsWrongInItselfIsABug) {
  EXPECT_DEATH(Options({{.name = "a"}, {.name = "a"}}), "CHECK");
  EXPECT_DEATH(Options({{.name = "a", .type = OptionType::kInt, .default_text = "0", .min = "1"}}),
               "CHECK");
}

}  // namespace
}  // namespace ronda::base
