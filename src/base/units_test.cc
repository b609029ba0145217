#include "base/units.h"

#include <gtest/gtest.h>

#include <limits>
#include <utility>

namespace ronda::base {
namespace {

TEST(UnitsTest, DurationsReadAsTheyAreWritten) {
  const std::pair<const char*, std::int64_t> kCases[] = {
      {"0", 0},
      {"0s", 0},
      {"1ns", 1},
      {"250us", 250'000},
      {"800ms", 800'000'000},
      {"2.5s", 2'500'000'000},
      {"1h30m", 5'400'000'000'000},
      {"1d", 86'400'000'000'000},
      {"1m0.000000001s", 60'000'000'001},
  };
  for (const auto& [text, ns] : kCases) {
    ASSERT_TRUE(ParseDuration(text).ok()) << text;
    EXPECT_EQ(ParseDuration(text).value(), ns) << text;
  }
}

TEST(UnitsTest, WhatIsNoDurationIsRefused) {
  for (const char* text : {"", "5", "s", "-1s", "1.s", "1..5s", "1x", "1s1m", "1s1s", "1 s", "1e3s",
                           "9999999999999999999s", "200000d", "1s "}) {
    EXPECT_FALSE(ParseDuration(text).ok()) << text;
  }
}

TEST(UnitsTest, AFormattedDurationReadsBackToTheSameValue) {
  for (const std::int64_t ns :
       {std::int64_t{0}, std::int64_t{1}, std::int64_t{999}, std::int64_t{1'500},
        std::int64_t{1'250'000}, std::int64_t{999'999'999}, std::int64_t{60'000'000'000},
        std::int64_t{5'400'000'000'001}, std::numeric_limits<std::int64_t>::max()}) {
    const std::string text = FormatDuration(ns);
    ASSERT_TRUE(ParseDuration(text).ok()) << text;
    EXPECT_EQ(ParseDuration(text).value(), ns) << text;
  }
  EXPECT_EQ(FormatDuration(90'000'000'000), "1m30s");
  EXPECT_EQ(FormatDuration(-1'500'000'000), "-1.5s");
}

TEST(UnitsTest, SizesReadAsTheyAreWritten) {
  EXPECT_EQ(ParseSize("512").value(), 512);
  EXPECT_EQ(ParseSize("64KiB").value(), 65'536);
  EXPECT_EQ(ParseSize("1.5MB").value(), 1'500'000);
  EXPECT_EQ(ParseSize("2GiB").value(), std::int64_t{2} << 30);
  for (const char* text : {"", "KiB", "-1", "1 KiB", "1TiB", "99999999999GiB", "0x10"}) {
    EXPECT_FALSE(ParseSize(text).ok()) << text;
  }
}

TEST(UnitsTest, AFormattedSizeReadsBackToTheSameValue) {
  for (const std::int64_t bytes : {0, 1, 1000, 1024, 65'536, 1'048'577}) {
    EXPECT_EQ(ParseSize(FormatSize(bytes)).value(), bytes);
  }
  EXPECT_EQ(FormatSize(65'536), "64KiB");
}

}  // namespace
}  // namespace ronda::base
