#include "model/functions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "model/expression_testing.h"

namespace ronda::model {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

class FunctionsTest : public ::testing::Test {
 protected:
  // The value as JSON (durations as text), or "error: ...", "load: ...".
  std::string Eval(std::string_view text) {
    LoadError error;
    const auto expression = Expression::Compile(text, names_, error);
    if (expression == nullptr) return "load: " + error.message;
    EvalContext context{names_.values(), &arena_, &random_, 1'700'000'000'123'456'789, {}};
    Value value;
    if (!expression->Evaluate(context, value)) return "error: " + std::string(context.error);
    std::string json;
    if (value.type() == Type::kDuration) {
      AppendText(value, json);
    } else {
      AppendJson(value, json);
    }
    return json;
  }

  TestNames names_;
  Arena arena_;
  base::Random random_{7};
};

TEST_F(FunctionsTest, Text) {
  EXPECT_EQ(Eval("len('aé😀')"), "3");
  EXPECT_EQ(Eval("lower('ABcÉ') + upper('abcé')"), "\"abcÉABCé\"");
  EXPECT_EQ(Eval("trim(' \\t a b \\n')"), R"("a b")");
  EXPECT_EQ(Eval("trim('  ')"), R"("")");
  EXPECT_EQ(Eval("contains('abc', 'bc')"), "true");
  EXPECT_EQ(Eval("startsWith('abc', 'bc')"), "false");
  EXPECT_EQ(Eval("endsWith('abc', 'bc')"), "true");
  EXPECT_EQ(Eval("replace('a.b..c', '.', '--')"), R"("a--b----c")");
  EXPECT_EQ(Eval("replace('.a.', '.', '')"), R"("a")");
  EXPECT_EQ(Eval("replace('..', '.', 'x')"), R"("xx")");
  EXPECT_THAT(Eval("replace('a', '', 'b')"), HasSubstr("the text to replace is empty"));
  EXPECT_EQ(Eval("split('a,b,,', ',')"), R"(["a","b","",""])");
  EXPECT_EQ(Eval("join([1, 'a', 2s], '-')"), R"("1-a-2s")");
  EXPECT_EQ(Eval("join([])"), R"("")");
  EXPECT_EQ(Eval("substr('aé😀z', 1, 2)"), "\"é😀\"");
  EXPECT_EQ(Eval("substr('abc', -2)"), R"("bc")");
  EXPECT_EQ(Eval("substr('abc', 9)"), R"("")");
  EXPECT_EQ(Eval("padLeft(string(7), 3, '0')"), R"("007")");
  EXPECT_EQ(Eval("padRight('é', 3)"), "\"é  \"");
  EXPECT_EQ(Eval("padLeft('long', 2)"), R"("long")");
  EXPECT_EQ(Eval("repeat('ab', 3)"), R"("ababab")");
  EXPECT_EQ(Eval("repeat('', 99999999999)"), R"("")");
}

TEST_F(FunctionsTest, RegularExpressions) {
  EXPECT_EQ(Eval("matches('order-42', '[0-9]+')"), "true");
  EXPECT_EQ(Eval("matches('order-42', '^[0-9]+$')"), "false");
  EXPECT_EQ(Eval("capture('order-42', 'order-([0-9]+)')"), R"("42")");
  EXPECT_EQ(Eval("capture('order-42', '[0-9]+')"), R"("42")");
  EXPECT_EQ(Eval("capture('a1b2', '([a-z])([0-9])', 2)"), R"("1")");
  EXPECT_EQ(Eval("capture('x', '[0-9]+')"), "null");
  EXPECT_THAT(Eval("capture('x', '[0-9]+', 1)"), HasSubstr("no such group"));
  EXPECT_EQ(Eval("replaceRegex('a1b22', '([0-9]+)', '<\\\\1>')"), R"("a<1>b<22>")");
  EXPECT_THAT(Eval("replaceRegex('a', 'a', '\\\\3')"), HasSubstr("names a group"));
}

TEST_F(FunctionsTest, Numbers) {
  EXPECT_EQ(Eval("int('-42')"), "-42");
  EXPECT_EQ(Eval("int('+7')"), "7");
  EXPECT_EQ(Eval("int(-2.9)"), "-2");
  EXPECT_THAT(Eval("int('4x')"), HasSubstr("no integer"));
  EXPECT_THAT(Eval("int('')"), HasSubstr("no integer"));
  EXPECT_THAT(Eval("int(1e300)"), HasSubstr("outside the range"));
  EXPECT_THAT(Eval("int(9.3e18)"), HasSubstr("outside the range"));
  EXPECT_EQ(Eval("float('1e2')"), "100");
  EXPECT_THAT(Eval("float('nan')"), HasSubstr("no number"));
  EXPECT_EQ(Eval("string(1.5) + string(true)"), R"("1.5true")");
  EXPECT_EQ(Eval("[type(1), type(1.0), type(null), type(1s), type([])]"),
            R"(["int","float","null","duration","list"])");
  EXPECT_EQ(Eval("[round(2.5), round(-2.5), floor(-1.5), ceil(1.2)]"), "[3,-3,-2,2]");
  EXPECT_EQ(Eval("round(3.14159, 2)"), "3.14");
  EXPECT_EQ(Eval("formatNumber(1, 2)"), R"("1.00")");
  EXPECT_EQ(Eval("[abs(-3), abs(-0.5)]"), "[3,0.5]");
  EXPECT_EQ(Eval("abs(1s - 3s)"), "2s");
  EXPECT_EQ(Eval("div(-7, 2)"), "-3");
  EXPECT_EQ(Eval("min(3, 1.5, 2)"), "1.5");
  EXPECT_EQ(Eval("max([1s, 3s, 2s])"), "3s");
  EXPECT_EQ(Eval("max([])"), "null");
  EXPECT_THAT(Eval("max(1, 'a')"), HasSubstr("no order"));
}

TEST_F(FunctionsTest, RandomStaysWithinItsBounds) {
  bool least = false;
  bool most = false;
  for (int i = 0; i < 200; ++i) {
    const std::string value = Eval("random(1, 3)");
    ASSERT_THAT(value, MatchesRegex("[123]"));
    least = least || value == "1";
    most = most || value == "3";
  }
  EXPECT_TRUE(least && most);
  EXPECT_EQ(Eval("random(5, 5)"), "5");
  EXPECT_EQ(Eval("random(-9223372036854775807, 9223372036854775807) < 0").size() >= 4, true);
  EXPECT_THAT(Eval("random(2, 1)"), HasSubstr("below the smallest"));
  EXPECT_THAT(Eval("random(1.0, 2.0)"), MatchesRegex("1(\\.[0-9]+)?"));
  EXPECT_EQ(Eval("random(1s, 1s)"), "1s");
  EXPECT_THAT(Eval("randomString(12)"), MatchesRegex("\"[A-Za-z0-9]{12}\""));
  EXPECT_THAT(Eval("randomString(4, 'ab')"), MatchesRegex("\"[ab]{4}\""));
  EXPECT_THAT(Eval("pick(['a', 'b'])"), MatchesRegex("\"[ab]\""));
  EXPECT_EQ(Eval("pick([])"), "null");
  EXPECT_THAT(
      Eval("uuid()"),
      MatchesRegex("\"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\""));
  EXPECT_NE(Eval("uuid()"), Eval("uuid()"));
}

TEST_F(FunctionsTest, Time) {
  EXPECT_EQ(Eval("unix()"), "1700000000");
  EXPECT_EQ(Eval("unixMs()"), "1700000000123");
  EXPECT_EQ(Eval("unix(-1ms)"), "-1");
  EXPECT_EQ(Eval("formatTime(now())"), R"("2023-11-14T22:13:20.123Z")");
  EXPECT_EQ(Eval("formatTime(now(), '%Y-%m-%d %H:%M', '+08:00')"), R"("2023-11-15 06:13")");
  EXPECT_EQ(Eval("formatTime(now(), '', '-05:30')"), R"("2023-11-14T16:43:20.123-05:30")");
  EXPECT_THAT(Eval("formatTime(now(), '', 'Mars')"), HasSubstr("a zone is written like"));
  EXPECT_EQ(Eval("unixMs(parseTime('2023-11-14T22:13:20.5Z'))"), "1700000000500");
  EXPECT_EQ(Eval("unix(parseTime('2023-11-15T06:13:20+08:00'))"), "1700000000");
  EXPECT_EQ(Eval("unix(parseTime('14/11/2023', '%d/%m/%Y'))"), "1699920000");
  EXPECT_THAT(Eval("parseTime('yesterday')"), HasSubstr("no time"));
  EXPECT_THAT(Eval("parseTime('2023-11-14T22:13:20')"), HasSubstr("no time"));
  EXPECT_EQ(Eval("duration('1h30m') == 90m"), "true");
  EXPECT_EQ(Eval("[milliseconds(1.5s), seconds(90s), minutes(90s), hours(90m)]"),
            "[1500,90,1.5,1.5]");
}

TEST_F(FunctionsTest, HashesMatchTheirStandards) {
  EXPECT_EQ(Eval("md5('abc')"), R"("900150983cd24fb0d6963f7d28e17f72")");
  EXPECT_EQ(Eval("sha1('abc')"), R"("a9993e364706816aba3e25717850c26c9cd0d89d")");
  EXPECT_EQ(Eval("sha256('abc')"),
            R"("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")");
  EXPECT_THAT(Eval("sha512('abc')"), HasSubstr("ddaf35a193617abacc417349ae204131"));
  // RFC 4231, case 2.
  EXPECT_EQ(Eval("hmac('sha256', 'Jefe', 'what do ya want for nothing?')"),
            R"("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")");
  EXPECT_THAT(Eval("hmac('crc', 'k', 't')"), HasSubstr("algorithm"));
}

TEST_F(FunctionsTest, EncodingsMatchTheirStandards) {
  // RFC 4648, section 10.
  for (const auto& [plain, encoded] : {std::pair{"", ""},
                                       {"f", "Zg=="},
                                       {"fo", "Zm8="},
                                       {"foo", "Zm9v"},
                                       {"foob", "Zm9vYg=="},
                                       {"fooba", "Zm9vYmE="},
                                       {"foobar", "Zm9vYmFy"}}) {
    EXPECT_EQ(Eval("base64Encode('" + std::string(plain) + "')"),
              "\"" + std::string(encoded) + "\"");
    EXPECT_EQ(Eval("base64Decode('" + std::string(encoded) + "')"),
              "\"" + std::string(plain) + "\"");
  }
  EXPECT_EQ(Eval("base64Decode('Zg')"), R"("f")");
  EXPECT_THAT(Eval("base64Decode('Z')"), HasSubstr("no base64"));
  EXPECT_THAT(Eval("base64Decode('Zh')"), HasSubstr("no base64"));
  EXPECT_EQ(Eval("base64UrlEncode('\\u00ff\\u00fe?')"), R"("w7_Dvj8")");
  EXPECT_EQ(Eval("base64UrlDecode('w7_Dvj8')"), Eval("'\\u00ff\\u00fe?'"));
  EXPECT_EQ(Eval("base64UrlDecode('w7_Dvj8=')"), Eval("'\\u00ff\\u00fe?'"));
  EXPECT_EQ(Eval("hexEncode('az')"), R"("617a")");
  EXPECT_EQ(Eval("hexDecode('617A')"), R"("az")");
  EXPECT_THAT(Eval("hexDecode('6')"), HasSubstr("no hex"));
  EXPECT_EQ(Eval("urlEncode('a b/é~')"), R"("a%20b%2F%C3%A9~")");
  EXPECT_EQ(Eval("urlDecode('a+b%2f')"), R"("a b/")");
  EXPECT_THAT(Eval("urlDecode('%2')"), HasSubstr("two hex digits"));
  EXPECT_EQ(Eval("parseJson('{\"a\": [1, 2.5]}').a[1]"), "2.5");
  EXPECT_THAT(Eval("parseJson('{')"), HasSubstr("no JSON"));
  EXPECT_EQ(Eval("toJson({a: [1, null]})"), R"("{\"a\":[1,null]}")");
}

TEST_F(FunctionsTest, ListsAndMaps) {
  EXPECT_EQ(Eval("[size([1, 2]), size({a: 1})]"), "[2,1]");
  EXPECT_EQ(Eval("[first([1, 2]), last([1, 2]), first([])]"), "[1,2,null]");
  EXPECT_EQ(Eval("slice([1, 2, 3, 4], 1, -1)"), "[2,3]");
  EXPECT_EQ(Eval("slice([1, 2], 5, 1)"), "[]");
  EXPECT_EQ(Eval("reverse([1, 2, 3])"), "[3,2,1]");
  EXPECT_EQ(Eval("sort([3, 1.5, 2])"), "[1.5,2,3]");
  EXPECT_THAT(Eval("sort([3, 'a'])"), HasSubstr("no order"));
  EXPECT_EQ(Eval("distinct([1, 'a', 1.0, 'a', null, null, [1], [1]])"), R"([1,"a",null,[1]])");
  EXPECT_EQ(Eval("size(distinct(range(0, 1000)))"), "1000");
  EXPECT_EQ(Eval("sum([1, 2.5])"), "3.5");
  EXPECT_EQ(Eval("sum([])"), "0");
  EXPECT_EQ(Eval("sum([1s, 2s])"), "3s");
  EXPECT_EQ(Eval("average([1, 2])"), "1.5");
  EXPECT_THAT(Eval("sum(['a'])"), HasSubstr("numbers or durations"));
  EXPECT_EQ(Eval("range(2, 5)"), "[2,3,4]");
  EXPECT_EQ(Eval("range(5, 2)"), "[]");
  EXPECT_EQ(Eval("keys({a: 1, b: 2})"), R"(["a","b"])");
  EXPECT_EQ(Eval("values({a: 1, b: 2})"), "[1,2]");
  EXPECT_EQ(Eval("default(null, 3) + coalesce(null, null, 4)"), "7");
}

TEST_F(FunctionsTest, NamesAreUniqueAndEveryFunctionIsCallable) {
  for (const Function& function : Functions()) {
    EXPECT_EQ(FindFunction(function.name), &function) << function.name;
    EXPECT_NE(function.call, nullptr);
    EXPECT_FALSE(function.summary.empty());
    EXPECT_LE(function.parameters.size(), kMaxArguments);
  }
}

TEST_F(FunctionsTest, TheDocumentListsExactlyTheFunctionsThatExist) {
  std::ifstream file("docs/formats/expressions.md");
  std::stringstream document;
  document << file.rdbuf();
  EXPECT_THAT(document.str(), HasSubstr(FunctionTable()))
      << "the table that docs/formats/expressions.md has to hold:\n"
      << FunctionTable();
}

}  // namespace
}  // namespace ronda::model
