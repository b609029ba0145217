#include "apps/ronda/sampling_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace ronda::apps {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string Said(const std::string& text) {
  return ReadSampling("s.yaml", text).status().message();
}

TEST(SamplingFileTest, AServiceBeginsWithWhatAllHave) {
  const auto rules = ReadSampling("s.yaml",
                                  "services:\n"
                                  "  checkout: {oneIn: 1, marked: [vip]}\n"
                                  "after: 5m\n"
                                  "remember: 2h\n"
                                  "keep:\n"
                                  "  errors: false\n"
                                  "  slow: 0.999\n"
                                  "  marked: [drill.run, keep=true]\n"
                                  "  rare: 3\n"
                                  "  oneIn: 100\n");
  ASSERT_TRUE(rules.ok()) << rules.status().message();
  EXPECT_TRUE(rules->on);
  EXPECT_EQ(rules->after_ns, 300'000'000'000u);
  EXPECT_EQ(rules->remember_ns, 7'200'000'000'000u);
  EXPECT_FALSE(rules->rest.errors);
  EXPECT_EQ(rules->rest.slow, 0.999);
  EXPECT_THAT(rules->rest.marked, ElementsAre("drill.run", "keep=true"));
  EXPECT_EQ(rules->rest.rare, 3u);
  EXPECT_EQ(rules->rest.one_in, 100u);
  const auto& checkout = rules->Of("checkout");
  EXPECT_EQ(checkout.one_in, 1u);
  EXPECT_THAT(checkout.marked, ElementsAre("vip"));
  EXPECT_EQ(checkout.slow, 0.999);
  EXPECT_EQ(rules->Of("other").one_in, 100u);
}

TEST(SamplingFileTest, EveryErrorNamesItsPlace) {
  EXPECT_THAT(Said("keep: {oneinn: 5}\n"),
              HasSubstr("s.yaml:1:8: error: a policy has no key \"oneinn\""));
  EXPECT_THAT(Said("keep:\n  oneIn: -1\n  slow: 2\n"), HasSubstr("s.yaml:2:10:"));
  EXPECT_THAT(Said("keep:\n  oneIn: -1\n  slow: 2\n"), HasSubstr("s.yaml:3:9:"));
  EXPECT_THAT(Said("keep: {}\nservices: {a: {errors: maybe}}\n"), HasSubstr("s.yaml:2:24:"));
  EXPECT_THAT(Said("keep: {marked: [=x]}\n"), HasSubstr("a mark is an attribute's key"));
  EXPECT_THAT(Said("after: 5m\n"), HasSubstr("keep"));
  EXPECT_THAT(Said(""), HasSubstr("one document"));
  EXPECT_THAT(Said("keep: [\n"), HasSubstr("s.yaml:"));
}

}  // namespace
}  // namespace ronda::apps
