#include "cli/text_diff.h"

#include <gtest/gtest.h>

namespace ronda::cli {
namespace {

TEST(UnifiedDiff, IsEmptyForTheSame) {
  EXPECT_EQ(UnifiedDiff("a\nb\n", "a\nb\n"), "");
  EXPECT_EQ(UnifiedDiff("", ""), "");
}

TEST(UnifiedDiff, ShowsChangesWithTheirSurroundings) {
  EXPECT_EQ(UnifiedDiff("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n"),
            "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n");
}

TEST(UnifiedDiff, FarChangesAreApart) {
  std::string before, after;
  for (int i = 0; i < 30; ++i) {
    before += std::to_string(i) + "\n";
    after += (i == 2 || i == 25 ? "x" : std::to_string(i)) + "\n";
  }
  const std::string diff = UnifiedDiff(before, after);
  EXPECT_NE(diff.find("@@ -1,6 +1,6 @@"), std::string::npos) << diff;
  EXPECT_NE(diff.find("@@ -23,7 +23,7 @@"), std::string::npos) << diff;
}

TEST(UnifiedDiff, OfSomethingNewIsAllOfIt) {
  EXPECT_EQ(UnifiedDiff("", "a\nb\n"), "@@ -1,0 +1,2 @@\n+a\n+b\n");
}

}  // namespace
}  // namespace ronda::cli
