#include "net/codec/sse.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace ronda::net {
namespace {

struct Collector : SseHandler {
  void OnEvent(const SseEvent& e) override {
    events.push_back(std::string(e.type) + "|" + std::string(e.data) + "|" + std::string(e.id));
  }
  std::vector<std::string> events;
};

std::vector<std::string> Events(std::string_view text) {
  std::vector<std::string> whole;
  for (std::size_t step = text.size() + 1; step > 0; --step) {
    SseParser parser;
    Collector collector;
    for (std::size_t at = 0; at < text.size(); at += step) {
      EXPECT_TRUE(parser.Feed(text.substr(at, step), collector).ok());
    }
    if (step == text.size() + 1) whole = collector.events;
    EXPECT_EQ(collector.events, whole) << "pieces of " << step;
  }
  return whole;
}

using List = std::vector<std::string>;

// The examples of WHATWG HTML, 9.2.6.
TEST(SseParserTest, TheExamplesOfTheStandard) {
  EXPECT_EQ(Events("data: YHOO\ndata: +2\ndata: 10\n\n"), (List{"message|YHOO\n+2\n10|"}));
  EXPECT_EQ(Events(": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\n"
                   "data:  third event\n\n"),
            (List{"message|first event|1", "message|second event|", "message| third event|"}));
  EXPECT_EQ(Events("data\n\ndata\ndata\n\ndata:"), (List{"message||", "message|\n|"}));
  EXPECT_EQ(Events("data:test\n\ndata: test\n\n"), (List{"message|test|", "message|test|"}));
}

TEST(SseParserTest, LinesEndWithCrLfOrBoth) {
  EXPECT_EQ(Events("event: a\r\ndata: 1\r\n\r\nevent: b\rdata: 2\r\rdata: 3\n\n"),
            (List{"a|1|", "b|2|", "message|3|"}));
}

TEST(SseParserTest, OneByteOrderMarkIsSkipped) {
  EXPECT_EQ(Events("\xef\xbb\xbf"
                   "data: 1\n\n"),
            (List{"message|1|"}));
  EXPECT_EQ(Events("\xef\xbb\xbf\xef\xbb\xbf"
                   "data: 1\n\n"),
            List{});
  EXPECT_EQ(Events("\n\xef\xbb\xbf"
                   "data: 1\n\n"),
            List{});
}

TEST(SseParserTest, AnEventWithoutDataIsNone) {
  EXPECT_EQ(Events("event: a\nid: 7\n\ndata: x\n\n"), (List{"message|x|7"}));
}

TEST(SseParserTest, IdsWithNulAndUnknownFieldsAreIgnored) {
  EXPECT_EQ(Events(std::string("id: a\0b\nfoo: bar\ndata: x\n\n", 26)), (List{"message|x|"}));
}

TEST(SseParserTest, RetryIsKept) {
  SseParser parser;
  Collector collector;
  ASSERT_TRUE(parser.Feed("retry: 1500\nretry: x\nretry: 1.5\nid: 9\n\n", collector).ok());
  EXPECT_EQ(parser.retry_ms(), 1500u);
  EXPECT_EQ(parser.last_event_id(), "9");
  parser.Start();
  EXPECT_EQ(parser.retry_ms(), std::nullopt);
  EXPECT_EQ(parser.last_event_id(), "");
}

TEST(SseParserTest, AnEventHasALimit) {
  SseParser parser(100);
  Collector collector;
  EXPECT_TRUE(parser.Feed("data: " + std::string(80, 'x') + "\n\n", collector).ok());
  EXPECT_TRUE(parser.Feed("data: " + std::string(80, 'x') + "\n", collector).ok());
  EXPECT_EQ(parser.Feed("data: " + std::string(80, 'x') + "\n", collector).code(),
            base::Code::kResourceExhausted);
  parser.Start();
  EXPECT_TRUE(parser.Feed("data: 1\n\n", collector).ok());
  EXPECT_EQ(collector.events.size(), 2u);
}

}  // namespace
}  // namespace ronda::net
