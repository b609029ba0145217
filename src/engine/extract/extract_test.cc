#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/core/random.h"
#include "engine/extract/css.h"
#include "engine/extract/extractor.h"

namespace ronda::engine::extract {
namespace {

// RFC 9535, figure 1.
constexpr const char* kStore = R"({"store": {"book": [
  {"category": "reference", "author": "Nigel Rees", "title": "Sayings of the Century", "price": 8.95},
  {"category": "fiction", "author": "Evelyn Waugh", "title": "Sword of Honour", "price": 12.99},
  {"category": "fiction", "author": "Herman Melville", "title": "Moby Dick", "isbn": "0-553-21311-3", "price": 8.99},
  {"category": "fiction", "author": "J. R. R. Tolkien", "title": "The Lord of the Rings", "isbn": "0-395-19395-8", "price": 22.99}],
  "bicycle": {"color": "red", "price": 399}}})";

std::string Padded(std::string text) {
  text.reserve(text.size() + 128);
  return text;
}

std::string Json(const std::string& body, const std::string& path) {
  model::LoadError error;
  const auto compiled = JsonPath::Compile(path, error);
  if (compiled == nullptr) return "error at " + std::to_string(error.offset);
  const std::string padded = Padded(body);
  Reader reader;
  reader.Load({padded, {}});
  model::Arena arena;
  model::Value value;
  std::string_view why;
  if (!compiled->Read(reader, arena, value, why)) return std::string(why);
  std::string out;
  model::AppendJson(value, out);
  return out;
}

TEST(JsonPathTest, TheRfcsExamplesOfTheStore) {
  EXPECT_EQ(Json(kStore, "$.store.book[*].author"),
            R"(["Nigel Rees","Evelyn Waugh","Herman Melville","J. R. R. Tolkien"])");
  EXPECT_EQ(Json(kStore, "$..author"),
            R"(["Nigel Rees","Evelyn Waugh","Herman Melville","J. R. R. Tolkien"])");
  EXPECT_EQ(Json(kStore, "$.store..price"), "[8.95,12.99,8.99,22.99,399]");
  EXPECT_EQ(Json(kStore, "$..book[2].title"), R"("Moby Dick")");
  EXPECT_EQ(Json(kStore, "$..book[2].publisher"), "null");
  EXPECT_EQ(Json(kStore, "$..book[-1].title"), R"("The Lord of the Rings")");
  EXPECT_EQ(Json(kStore, "$..book[0,1].price"), "[8.95,12.99]");
  EXPECT_EQ(Json(kStore, "$..book[:2].price"), "[8.95,12.99]");
  EXPECT_EQ(Json(kStore, "$..book[?@.isbn].price"), "[8.99,22.99]");
  EXPECT_EQ(Json(kStore, "$..book[?@.price<10].title"),
            R"(["Sayings of the Century","Moby Dick"])");
}

TEST(JsonPathTest, NamesAreQuotedAndEscaped) {
  constexpr const char* kDoc = R"({"o": {"j j": {"k.k": 3}}, "'": {"@": 2}})";
  EXPECT_EQ(Json(kDoc, "$.o['j j']['k.k']"), "3");
  EXPECT_EQ(Json(kDoc, "$.o[\"j j\"][\"k.k\"]"), "3");
  EXPECT_EQ(Json(kDoc, R"($["'"]["@"])"), "2");
  EXPECT_EQ(Json(R"({"☺": 1})", R"($["\u263A"])"), "1");
}

TEST(JsonPathTest, SlicesFollowTheRfc) {
  constexpr const char* kDoc = R"(["a","b","c","d","e","f","g"])";
  EXPECT_EQ(Json(kDoc, "$[1:3]"), R"(["b","c"])");
  EXPECT_EQ(Json(kDoc, "$[5:]"), R"(["f","g"])");
  EXPECT_EQ(Json(kDoc, "$[1:5:2]"), R"(["b","d"])");
  EXPECT_EQ(Json(kDoc, "$[5:1:-2]"), R"(["f","d"])");
  EXPECT_EQ(Json(kDoc, "$[::-1]"), R"(["g","f","e","d","c","b","a"])");
  EXPECT_EQ(Json(kDoc, "$[0:7:0]"), "null");
  EXPECT_EQ(Json(kDoc, "$[0:100:9007199254740991]"), R"("a")");
  EXPECT_EQ(Json(kDoc, "$[-2]"), R"("f")");
  EXPECT_EQ(Json(kDoc, "$[-8]"), "null");
}

TEST(JsonPathTest, FiltersCompareAsTheRfcSays) {
  constexpr const char* kDoc =
      R"({"a": [3, 5, 1, 2, 4, 6, {"b": "j"}, {"b": "k"}, {"b": {}}, {"b": "kilo"}], "o": {"p": 1, "q": 2, "r": 3, "s": 5, "t": {"u": 6}}, "e": "f"})";
  EXPECT_EQ(Json(kDoc, "$.a[?@.b == 'kilo']"), R"({"b":"kilo"})");
  EXPECT_EQ(Json(kDoc, "$.a[?(@.b == 'kilo')]"), R"({"b":"kilo"})");
  EXPECT_EQ(Json(kDoc, "$.a[?@>3.5]"), "[5,4,6]");
  EXPECT_EQ(Json(kDoc, "$.a[?@<2 || @.b == \"k\"]"), R"([1,{"b":"k"}])");
  EXPECT_EQ(Json(kDoc, "$.a[?match(@.b, \"[jk]\")]"), R"([{"b":"j"},{"b":"k"}])");
  EXPECT_EQ(Json(kDoc, "$.a[?search(@.b, \"[jk]\")]"), R"([{"b":"j"},{"b":"k"},{"b":"kilo"}])");
  EXPECT_EQ(Json(kDoc, "$.o[?@>1 && @<4]"), "[2,3]");
  EXPECT_EQ(Json(kDoc, "$.o[?@.u || @.x]"), R"({"u":6})");
  EXPECT_EQ(Json(kDoc, "$.a[?@.b == $.x]"), "[3,5,1,2,4,6]");
  EXPECT_EQ(Json(kDoc, "$.a[?length(@.b) == 4]"), R"({"b":"kilo"})");
  EXPECT_EQ(Json(kDoc, "$.a[?count(@.*) == 1][?@ == 'j']"), R"("j")");
  EXPECT_EQ(Json(kDoc, "$.a[?!@.b]"), "[3,5,1,2,4,6]");
}

TEST(JsonPathTest, WhatIsWrongIsPointedAt) {
  EXPECT_EQ(Json("{}", "a.b"), "error at 0");
  EXPECT_EQ(Json("{}", "$.a["), "error at 4");
  EXPECT_EQ(Json("{}", "$.a[01]"), "error at 4");
  EXPECT_EQ(Json("{}", "$.a b"), "error at 3");
  EXPECT_EQ(Json("{}", "$[?@.a == @..b]"), "error at 10");
  EXPECT_EQ(Json("{}", "$[?foo(@.a)]"), "error at 3");
  EXPECT_EQ(Json("{\"a\":", "$.a"), "the body is no JSON");
  EXPECT_EQ(Json("", "$.a"), "the body is empty, not JSON");
}

TEST(JsonPathTest, SegmentsOfAnExpressionAreNamesAndIndexes) {
  const std::string body = Padded(R"({"items": [{"sku": "s1"}, {"sku": "s2"}]})");
  Reader reader;
  reader.Load({body, {}});
  const std::vector<std::string_view> segments = {"items", "1", "sku"};
  const auto path = JsonPath::FromSegments(segments);
  model::Arena arena;
  model::Value value;
  std::string_view why;
  ASSERT_TRUE(path->Read(reader, arena, value, why));
  EXPECT_EQ(value.AsString(), "s2");
}

std::string Extracted(model::Extract::Kind kind, const std::string& pattern,
                      const std::string& body, std::vector<HeaderField> headers = {},
                      std::optional<int> index = std::nullopt) {
  model::Extract spec;
  spec.kind = kind;
  spec.pattern.text = pattern;
  spec.index = index;
  model::LoadError error;
  const auto extractor = Extractor::Compile(spec, error);
  if (extractor == nullptr)
    return "error at " + std::to_string(error.offset) + ": " + error.message;
  const std::string padded = Padded(body);
  Reader reader;
  reader.Load({padded, headers});
  model::Arena arena;
  base::Random random(1);
  model::Value value;
  std::string_view why;
  if (!extractor->Read(reader, arena, random, value, why)) return std::string(why);
  std::string out;
  model::AppendJson(value, out);
  return out;
}

using Kind = model::Extract::Kind;

TEST(ExtractorTest, RegexTakesTheGroupAndTheIndex) {
  EXPECT_EQ(Extracted(Kind::kRegex, "id=(\\d+)", "id=1 id=22"), R"(["1","22"])");
  EXPECT_EQ(Extracted(Kind::kRegex, "id=(\\d+)", "id=1 id=22", {}, -1), R"("22")");
  EXPECT_EQ(Extracted(Kind::kRegex, "id=\\d+", "id=1"), R"("id=1")");
  EXPECT_EQ(Extracted(Kind::kRegex, "x", "abc"), "null");
  EXPECT_EQ(Extracted(Kind::kRegex, "x*", "axa"), R"(["","x","",""])");
  EXPECT_TRUE(Extracted(Kind::kRegex, "(", "").starts_with("error"));
}

TEST(ExtractorTest, HeadersAndCookiesAreFoundByName) {
  const std::vector<HeaderField> headers = {
      {"Location", "/a"}, {"Set-Cookie", "sid=abc; Path=/"}, {"set-cookie", "t=1"}};
  EXPECT_EQ(Extracted(Kind::kHeader, "location", "", headers), R"("/a")");
  EXPECT_EQ(Extracted(Kind::kCookie, "sid", "", headers), R"("abc")");
  EXPECT_EQ(Extracted(Kind::kCookie, "none", "", headers), "null");
}

constexpr const char* kPage =
    "<html><body><div id=main class='a box'><p class=price>5</p><p class='price big'>7</p>"
    "<a href='/x?a=1&amp;b=2'>go <b>on</b></a></div><input name=csrf value=\"t'k\"></body></html>";

TEST(ExtractorTest, XPathReadsNodesAndValues) {
  EXPECT_EQ(Extracted(Kind::kXPath, "//p[@class='price']", kPage), R"("5")");
  EXPECT_EQ(Extracted(Kind::kXPath, "//a/@href", kPage), R"("/x?a=1&b=2")");
  EXPECT_EQ(Extracted(Kind::kXPath, "count(//p)", kPage), "2");
  EXPECT_EQ(Extracted(Kind::kXPath, "//nothing", kPage), "null");
  EXPECT_TRUE(Extracted(Kind::kXPath, "//p[", kPage).starts_with("error"));
}

TEST(ExtractorTest, CssReadsNodes) {
  EXPECT_EQ(Extracted(Kind::kCss, "p.price", kPage), R"(["5","7"])");
  EXPECT_EQ(Extracted(Kind::kCss, "#main > p.big", kPage), R"("7")");
  EXPECT_EQ(Extracted(Kind::kCss, "div.box a@href", kPage), R"("/x?a=1&b=2")");
  EXPECT_EQ(Extracted(Kind::kCss, "a::text", kPage), R"("go on")");
  EXPECT_EQ(Extracted(Kind::kCss, "input[name=csrf]@value", kPage), R"("t'k")");
  EXPECT_EQ(Extracted(Kind::kCss, "p:first-child", kPage), R"("5")");
  EXPECT_EQ(Extracted(Kind::kCss, "p:nth-child(2)", kPage), R"("7")");
  EXPECT_EQ(Extracted(Kind::kCss, "p:not(.big)", kPage), R"("5")");
  EXPECT_EQ(Extracted(Kind::kCss, "p + a", kPage), R"("go on")");
  EXPECT_EQ(Extracted(Kind::kCss, "[href^='/x'], .big", kPage), R"(["7","go on"])");
  EXPECT_TRUE(Extracted(Kind::kCss, "p >", kPage).starts_with("error at 3"));
  EXPECT_TRUE(Extracted(Kind::kCss, "p:hover", kPage).starts_with("error"));
}

}  // namespace
}  // namespace ronda::engine::extract
