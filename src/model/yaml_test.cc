#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "model/node.h"
#include "model/testing.h"

namespace ronda::model {
namespace {

struct Parsed {
  std::vector<Node> documents;
  Diagnostics diagnostics;
  [[nodiscard]] const Node& root() const { return documents.at(0); }
};

Parsed Parse(std::string text) {
  Parsed parsed;
  parsed.documents = ParseYaml(SourceOf(std::move(text)), parsed.diagnostics);
  return parsed;
}

std::string Error(const std::string& text) {
  const Parsed parsed = Parse(text);
  EXPECT_TRUE(parsed.diagnostics.has_errors()) << text;
  return parsed.diagnostics.Render();
}

Literal::Type TypeOf(const std::string& value) {
  const Parsed parsed = Parse("v: " + value);
  return LiteralOf(parsed.root().members.at(0).second).type;
}

TEST(Yaml, KeepsOrderAndPlaces) {
  const Parsed parsed = Parse("b: 1\na: [x, {c: 2}]\n");
  const Node& root = parsed.root();
  EXPECT_EQ(root.members[0].first.scalar, "b");
  const Node& c = *root.Find("a")->items[1].Find("c");
  EXPECT_EQ(c.where.line, 2);
  EXPECT_EQ(c.where.column, 12);
}

TEST(Yaml, ColumnsCountCharactersBehindUtf8AndAByteOrderMark) {
  const Parsed parsed = Parse("\xef\xbb\xbf{名: 1, é: v}");
  EXPECT_EQ(parsed.root().Find("é")->where.column, 11);
}

TEST(Yaml, ReadsAllDocumentsAndLeavesEmptyOnesOut) {
  EXPECT_EQ(Parse("a: 1\n---\n# nothing\n---\nb: 2\n").documents.size(), 2u);
  EXPECT_EQ(Parse("# nothing\n").documents.size(), 0u);
}

TEST(Yaml, OnlyTrueAndFalseAreBools) {
  EXPECT_EQ(TypeOf("true"), Literal::Type::kBool);
  EXPECT_EQ(TypeOf("yes"), Literal::Type::kString);
  EXPECT_EQ(TypeOf("on"), Literal::Type::kString);
  EXPECT_EQ(TypeOf("True"), Literal::Type::kString);
  EXPECT_EQ(TypeOf("'true'"), Literal::Type::kString);
}

TEST(Yaml, NumbersThatWouldLoseSomethingAreText) {
  EXPECT_EQ(TypeOf("12"), Literal::Type::kInt);
  EXPECT_EQ(TypeOf("-1.5e3"), Literal::Type::kFloat);
  EXPECT_EQ(TypeOf("007"), Literal::Type::kString);
  EXPECT_EQ(TypeOf("123456789012345678901"), Literal::Type::kString);
  EXPECT_EQ(TypeOf("\"12\""), Literal::Type::kString);
  EXPECT_EQ(TypeOf(".inf"), Literal::Type::kString);
  EXPECT_EQ(TypeOf("~"), Literal::Type::kNull);
}

TEST(Yaml, DuplicateKeysAreErrors) {
  const std::string error = Error("a: 1\nb: 2\na: 3\n");
  EXPECT_NE(error.find("t.yaml:3:1: error: the key \"a\" is written twice"), std::string::npos)
      << error;
  EXPECT_NE(error.find("line 1"), std::string::npos);
}

TEST(Yaml, AnchorsAndMergeKeysAreExpanded) {
  const Parsed parsed = Parse("base: &b {x: 1, y: 2}\nuse: {<<: *b, y: 3}\nlist: [*b]\n");
  const Node& use = *parsed.root().Find("use");
  EXPECT_EQ(use.Find("x")->scalar, "1");
  EXPECT_EQ(use.Find("y")->scalar, "3") << "what the map says itself wins";
  EXPECT_EQ(use.Find("<<"), nullptr);
  EXPECT_EQ(parsed.root().Find("list")->items[0].Find("y")->scalar, "2");
}

TEST(Yaml, AliasBombsAreRefused) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) bomb += (j > 0 ? ", " : "") + last;
    bomb += "]\n";
  }
  EXPECT_NE(Error(bomb).find("aliases are expanded"), std::string::npos);
}

TEST(Yaml, AnAliasInsideOfItselfIsRefused) {
  EXPECT_NE(Error("a: &a [*a]\n").find("inside of what it names"), std::string::npos);
}

TEST(Yaml, DepthIsBounded) {
  EXPECT_NE(Error(std::string(100, '[') + std::string(100, ']')).find("deeper than 64"),
            std::string::npos);
  Error(std::string(100'000, '['));
}

TEST(Yaml, SizeIsBounded) {
  EXPECT_NE(Error("a: " + std::string(5u << 20, 'x')).find("larger than 4 MiB"), std::string::npos);
}

// Quadratic work in its length would take hours.
TEST(Yaml, AnEndlessLineIsReadInLinearTime) {
  std::string text = "rows: [";
  for (int i = 0; i < 240'000; ++i) text += "\"value\", ";
  const Parsed parsed = Parse(text + "é]\n");
  ASSERT_FALSE(parsed.diagnostics.has_errors());
  EXPECT_EQ(parsed.root().Find("rows")->items.back().where.column,
            static_cast<int>(text.size()) + 1);
}

TEST(Yaml, TabsAreNamed) {
  EXPECT_NE(Error("steps:\n\t- id: a\n").find("tab"), std::string::npos);
  EXPECT_NE(Error("a:\n  b: 1\n\tc: 2\n").find("tab"), std::string::npos);
}

TEST(Yaml, TabsInBlockTextAndFlowAreFine) {
  EXPECT_FALSE(Parse("a: |\n  x\n  \ty\nb: {c: 1,\n\td: 2}\n").diagnostics.has_errors());
}

TEST(Yaml, UnquotedTemplatesInFlowAreExplained) {
  EXPECT_NE(Error("with: {url: ${env.shop}/x}\n").find("double quotes"), std::string::npos);
}

TEST(Yaml, AStrayCommaOrBracketEndsTheReading) {
  EXPECT_NE(Error(", a: b\n").find("1:1: error: not valid YAML: a value cannot begin with this"),
            std::string::npos);
  EXPECT_NE(Error("a: b\n}\n").find("2:1: error: not valid YAML"), std::string::npos);
}

TEST(Yaml, ForeignBytesAreRefusedWithTheirPlace) {
  EXPECT_NE(Error("a: \xff\n").find("1:4: error: this is not UTF-8"), std::string::npos);
  EXPECT_NE(Error(std::string("a: b\x04"
                              "c\n"))
                .find("control character"),
            std::string::npos);
  EXPECT_NE(Error(std::string("a: \0b\n", 6)).find("control character"), std::string::npos);
}

TEST(Yaml, TagsAndKeysThatAreNoTextAreRefused) {
  EXPECT_NE(Error("a: !!binary aGk=\n").find("tags"), std::string::npos);
  EXPECT_NE(Error("{[a]: 1}\n").find("a key has to be text"), std::string::npos);
}

TEST(Yaml, BlockTextKnowsItsSign) {
  const Parsed parsed = Parse("a: |\n  x\nb: '|x'\n");
  EXPECT_TRUE(parsed.root().Find("a")->block);
  EXPECT_FALSE(parsed.root().Find("b")->block);
}

}  // namespace
}  // namespace ronda::model
