#include "trace/query/query_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace ronda::trace::query {
namespace {

using ::testing::HasSubstr;

// The tree in one line.
std::string Tree(const Condition& c) {
  std::string out;
  switch (c.kind) {
    case Condition::Kind::kTest: {
      static constexpr std::string_view kFields[] = {
          "service", "name", "kind", "status", "message", "duration", "any:", "span:", "resource:"};
      static constexpr std::string_view kCompares[] = {
          "exists", "=", "<", "<=", ">", ">=", "contains", "startswith", "~"};
      out = std::string(kFields[static_cast<int>(c.test.field)]) + c.test.key + " " +
            std::string(kCompares[static_cast<int>(c.test.compare)]);
      if (c.test.compare == Compare::kExists) return out;
      if (const auto* text = std::get_if<std::string>(&c.test.literal))
        return out + " '" + *text + "'";
      if (const auto* whole = std::get_if<std::int64_t>(&c.test.literal))
        return out + " " + std::to_string(*whole);
      if (const auto* real = std::get_if<double>(&c.test.literal))
        return out + " " + std::to_string(*real);
      return out + (std::get<bool>(c.test.literal) ? " true" : " false");
    }
    case Condition::Kind::kNot: return "not " + Tree(c.parts[0]);
    case Condition::Kind::kAll: out = "all("; break;
    case Condition::Kind::kAny: out = "any("; break;
  }
  for (const Condition& part : c.parts) out += (out.back() == '(' ? "" : ", ") + Tree(part);
  return out + ")";
}

std::string Parsed(std::string_view text) {
  const auto parsed = ParseQuery(text);
  if (const auto* error = std::get_if<QueryError>(&parsed)) return Render(*error, text);
  return Tree(std::get<Condition>(parsed));
}

QueryError Wrong(std::string_view text) {
  const auto parsed = ParseQuery(text);
  const auto* error = std::get_if<QueryError>(&parsed);
  EXPECT_NE(error, nullptr) << text;
  return error == nullptr ? QueryError() : *error;
}

TEST(QueryTextTest, FieldsValuesAndUnits) {
  EXPECT_EQ(Parsed(""), "all()");
  EXPECT_EQ(
      Parsed("service = \"checkout\" and duration > 200ms and http.response.status_code >= 500"),
      "all(service = 'checkout', duration > 200000000, any:http.response.status_code >= 500)");
  EXPECT_EQ(Parsed("operation = 'GET \\'x\\''"), "name = 'GET 'x''");
  EXPECT_EQ(Parsed("kind = server"), "kind = 2");
  EXPECT_EQ(Parsed("status == error"), "status = 2");
  EXPECT_EQ(Parsed("status.message contains \"time\""), "message contains 'time'");
  EXPECT_EQ(Parsed("run = r-17"), "any:ronda.run = 'r-17'");
  EXPECT_EQ(Parsed("span.name = x"), "span:name = 'x'");
  EXPECT_EQ(Parsed("resource.host.name startswith \"eu\""), "resource:host.name startswith 'eu'");
  EXPECT_EQ(Parsed("`my key` = true"), "any:my key = true");
  EXPECT_EQ(Parsed("a.b = -1.5e3"), "any:a.b = -1500.000000");
  EXPECT_EQ(Parsed("a.b = 9007199254740993"), "any:a.b = 9007199254740993");
  EXPECT_EQ(Parsed("duration <= 1m30s"), "duration <= 90000000000");
  EXPECT_EQ(Parsed("name = true"), "name = 'true'");
  EXPECT_EQ(Parsed("name ~ \"^a+$\""), "name ~ '^a+$'");
}

TEST(QueryTextTest, NotBindsBeforeAndBeforeOr) {
  EXPECT_EQ(Parsed("a.a exists or b.b exists and not c.c exists"),
            "any(any:a.a exists, all(any:b.b exists, not any:c.c exists))");
  EXPECT_EQ(Parsed("not (a.a exists or b.b exists)"), "not any(any:a.a exists, any:b.b exists)");
  EXPECT_EQ(Parsed("kind in (server, client)"), "any(kind = 2, kind = 3)");
}

TEST(QueryTextTest, UnequalMeansThereIsOneAndItDiffers) {
  EXPECT_EQ(Parsed("a.a != 1"), "all(any:a.a exists, not any:a.a = 1)");
  EXPECT_EQ(Parsed("status != ok"), "all(not status = 1)");
  EXPECT_EQ(Parsed("name !~ \"x\""), "all(not name ~ 'x')");
}

TEST(QueryTextTest, ErrorsNameThePlaceAndTheNearestWord) {
  const auto wrong = [](std::string_view text, std::size_t column, std::string_view message,
                        std::string_view hint) {
    const QueryError error = Wrong(text);
    EXPECT_EQ(error.column, column) << text;
    EXPECT_THAT(error.message, HasSubstr(message)) << text;
    EXPECT_THAT(error.hint, HasSubstr(hint)) << text;
  };
  wrong("servce = \"a\"", 1, "unknown field \"servce\"", "\"service\"");
  wrong("service = a adn kind = server", 13, "\"and\", \"or\"", "\"and\"");
  wrong("name contans \"x\"", 6, "an operator", "\"contains\"");
  wrong("kind = sever", 8, "one of these", "\"server\"");
  wrong("status = eror", 10, "unset, ok, error", "\"error\"");
  wrong("duration > 200", 12, "a duration", "200ms");
  wrong("duration > soon", 12, "a duration", "");
  wrong("http.size > 5kb", 13, "no number", "quotes");
  wrong("http.time > 5ms", 13, "no number", "units are for");
  wrong("service = 5", 11, "a text", "\"5\"");
  wrong("status > ok", 8, "only", "");
  wrong("(service = a", 1, "not closed", "");
  wrong("service = a)", 12, "a ) without", "");
  wrong("service = \"a", 11, "does not end", "close it with \"");
  wrong("service = \"a\\q\"", 13, "unknown escape", "");
  wrong("service exists", 9, "every span has", "");
  wrong("name ~ \"(\"", 8, "cannot be read", "");
  wrong("name ~ x", 8, "text in quotes", "");
  wrong("\"a b\" = 1", 1, "a field", "`a b`");
  wrong("service = a && kind = server", 13, "means nothing", "\"and\"");
  wrong("and service = a", 1, "before \"and\"", "");
  wrong("service = a and", 16, "a field", "");
  wrong("k\xc3\xb6ln.x = 1 # 2", 12, "means nothing", "");
  wrong("a.b > true", 5, "equal only", "");
  wrong("span. = 1", 1, "missing", "");
  wrong("kind in server", 9, "a list", "");
}

TEST(QueryTextTest, TheCaretStandsUnderThePlace) {
  EXPECT_EQ(Parsed("a.b = 1 and servce = 2"),
            "column 13: unknown field \"servce\"\n"
            "  a.b = 1 and servce = 2\n"
            "              ^\n"
            "did you mean \"service\"? An attribute of that name is `servce`");
}

TEST(QueryTextTest, SizeAndDepthAreBounded) {
  EXPECT_THAT(Wrong(std::string(200, '(')).message, HasSubstr("too deep"));
  std::string many = "a.b = 1";
  for (int i = 0; i < 300; ++i) many += " or a.b = 1";
  EXPECT_THAT(Wrong(many).message, HasSubstr("too many"));
  EXPECT_THAT(Wrong(std::string(20'000, ' ')).message, HasSubstr("too long"));
  std::string nots;
  for (int i = 0; i < 1000; ++i) nots += "not ";
  EXPECT_THAT(Wrong(nots + "a.b = 1").message, HasSubstr("too deep"));
}

}  // namespace
}  // namespace ronda::trace::query
