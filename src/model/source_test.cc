#include "model/source.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "model/definitions.h"
#include "model/places.h"
#include "model/testing.h"
#include "model/text_width.h"

namespace ronda::model {
namespace {

std::string Shown(const std::string& text, int line, int column, int length = 1) {
  Diagnostics diagnostics;
  diagnostics.Error({SourceOf(text), line, column}, "wrong", "do this", length);
  return diagnostics.Render();
}

TEST(Diagnostics, SayWhereWithTheLineAndACaret) {
  EXPECT_EQ(Shown("a\nbcd ef\n", 2, 5, 2),
            "t.yaml:2:5: error: wrong\n  bcd ef\n      ^~\n  do this\n");
}

TEST(Diagnostics, TabsBeforeTheCaretStayTabs) {
  EXPECT_EQ(Shown("\tx: y", 1, 5), "t.yaml:1:5: error: wrong\n  \tx: y\n  \t   ^\n  do this\n");
}

TEST(Diagnostics, WideCharactersTakeTwoColumns) {
  EXPECT_EQ(Shown("名: y", 1, 4), "t.yaml:1:4: error: wrong\n  名: y\n      ^\n  do this\n");
  EXPECT_EQ(Shown("é: y", 1, 4), "t.yaml:1:4: error: wrong\n  é: y\n     ^\n  do this\n");
}

TEST(Diagnostics, TheEndOfALineCanBeBlamed) {
  EXPECT_EQ(Shown("ab\r\n", 1, 3), "t.yaml:1:3: error: wrong\n  ab\n    ^\n  do this\n");
}

TEST(Diagnostics, AFileWithoutALineHasNoCaret) {
  EXPECT_EQ(Shown("ab", 0, 0), "t.yaml: error: wrong\n  do this\n");
}

TEST(Diagnostics, ControlCharactersOfALineAreNotPrinted) {
  EXPECT_EQ(Shown("a\x1b[31m", 1, 1).find('\x1b'), std::string::npos);
}

TEST(Diagnostics, ALongLineIsCutAroundTheCaret) {
  const std::string shown =
      Shown(std::string(10'000, 'x') + "!" + std::string(9'000, 'y'), 1, 10'001);
  EXPECT_LT(shown.size(), 600u);
  EXPECT_NE(shown.find('!'), std::string::npos);
}

TEST(Diagnostics, ComeInTheOrderOfTheFile) {
  Diagnostics diagnostics;
  const auto source = SourceOf("a\nb\n");
  diagnostics.Error({source, 2, 1}, "second");
  diagnostics.Warning({source, 1, 1}, "first");
  const std::string text = diagnostics.Render();
  EXPECT_LT(text.find("first"), text.find("second"));
}

TEST(Diagnostics, WarningsAreNoFailure) {
  Diagnostics diagnostics;
  diagnostics.Warning({}, "odd");
  EXPECT_TRUE(diagnostics.ToStatus().ok());
  diagnostics.Error({}, "wrong");
  EXPECT_EQ(diagnostics.ToStatus().code(), base::Code::kInvalidArgument);
}

TEST(Nearest, FindsTheWordThatWasMeant) {
  const std::vector<std::string> words = {"timeout", "think", "checks"};
  EXPECT_EQ(Nearest("timout", words), "timeout");
  EXPECT_EQ(Nearest("tiemout", words), "timeout") << "a swap is one mistake";
  EXPECT_EQ(Nearest("Checks", words), "checks");
  EXPECT_EQ(Nearest("parallel", words), "");
  EXPECT_EQ(Nearest("", words), "");
}

using base::EditDistance;

TEST(EditDistance, CountsInsertionsDeletionsChangesAndSwaps) {
  EXPECT_EQ(EditDistance("", "abc"), 3u);
  EXPECT_EQ(EditDistance("abc", "abd"), 1u);
  EXPECT_EQ(EditDistance("abc", "acb"), 1u);
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3u);
}

TEST(Utf8, RefusesOverlongSurrogateAndCutSequences) {
  EXPECT_EQ(FirstInvalidUtf8("aé名😀"), std::string::npos);
  EXPECT_EQ(FirstInvalidUtf8("a\xc0\x80"), 1u);
  EXPECT_EQ(FirstInvalidUtf8("\xed\xa0\x80"), 0u);
  EXPECT_EQ(FirstInvalidUtf8("ab\xe5\x90"), 2u);
  EXPECT_EQ(FirstInvalidUtf8("\xf4\x90\x80\x80"), 0u);
}

TEST(Places, ColumnsCountCharactersAndComeBackToTheSameByte) {
  const auto source = SourceOf("ab\n名x: y\n");
  Places places(source);
  const std::size_t x = source->text.find('x');
  EXPECT_EQ(places.At(x).line, 2);
  EXPECT_EQ(places.At(x).column, 2);
  EXPECT_EQ(places.OffsetOf(places.At(x)), x);
}

TEST(Places, AnswersDoNotDependOnWhatWasAskedBefore) {
  const auto source = SourceOf("名a\n名bcd\n");
  for (std::size_t first = 0; first < source->text.size(); ++first) {
    for (std::size_t second = 0; second < source->text.size(); ++second) {
      Places fresh(source), used(source);
      (void)used.At(first);
      const Location want = fresh.At(second), got = used.At(second);
      EXPECT_EQ(std::pair(got.line, got.column), std::pair(want.line, want.column))
          << first << ' ' << second;
    }
  }
}

// The place of `needle` as LocationOf finds it from the text of the first key.
Location Found(const std::string& yaml, const std::string& needle) {
  Diagnostics diagnostics;
  const auto documents = ParseYaml(SourceOf(yaml), diagnostics);
  EXPECT_FALSE(diagnostics.has_errors()) << diagnostics.Render();
  const Node& value = documents.at(0).members.at(0).second;
  Text text{value.scalar, value.where};
  if (value.quoted && !value.block) ++text.where.column;
  return LocationOf(text, value.scalar.find(needle));
}

TEST(LocationOf, PointsIntoPlainQuotedAndBlockText) {
  EXPECT_EQ(Found("when: a > bad", "bad").column, 11);
  EXPECT_EQ(Found("when: \"a > bad\"", "bad").column, 12);
  EXPECT_EQ(Found("when: 'it''s bad'", "bad").column, 14) << "a doubled quote is one character";
  EXPECT_EQ(Found("when: \"\\u540d\\n bad\"", "bad").column, 17)
      << "escapes are longer than their text";
  EXPECT_EQ(Found("when: &x \"a > bad\"", "bad").column, 15) << "behind an anchor";
  const Location block = Found("when: |\n  first\n  a > bad\n", "bad");
  EXPECT_EQ(block.line, 3);
  EXPECT_EQ(block.column, 7);
}

}  // namespace
}  // namespace ronda::model
