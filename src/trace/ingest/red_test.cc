#include "trace/ingest/red.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "series/red.h"
#include "trace/ingest/stack.h"

namespace ronda::trace::ingest {
namespace {

namespace otlp = wire::otlp;
namespace red = series::red;
using otlp::Value;
using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kNow = 1'700'000'003 * kSecond;
using Texts = std::vector<std::pair<std::string, std::string>>;

// Batches by hand; texts live as long as this.
class Batch {
 public:
  Batch& Resource(const Texts& attributes) {
    batch_.resources.push_back(
        {.attributes = Put(attributes), .entity_refs = {}, .schema_url = {}});
    batch_.scopes.emplace_back().resource = static_cast<std::uint32_t>(batch_.resources.size() - 1);
    return *this;
  }
  otlp::Span& Span(const std::string& name, const Texts& attributes = {}) {
    otlp::Span span;
    span.name = Keep(name);
    span.attributes = Put(attributes);
    span.scope = static_cast<std::uint32_t>(batch_.scopes.size() - 1);
    span.start_ns = kNow - 5'000'000;
    span.end_ns = kNow;
    batch_.spans.push_back(span);
    return batch_.spans.back();
  }
  void Exception(otlp::Span& span, const std::string& type, const std::string& stack) {
    otlp::Event event;
    event.name = "exception";
    event.attributes = Put({{"exception.type", type}, {"exception.stacktrace", stack}});
    if (span.events.count++ == 0)
      span.events.begin = static_cast<std::uint32_t>(batch_.events.size());
    batch_.events.push_back(event);
  }
  [[nodiscard]] const otlp::SpanBatch& get() const { return batch_; }

 private:
  std::string_view Keep(const std::string& text) { return texts_.emplace_back(text); }
  otlp::Range Put(const Texts& attributes) {
    const otlp::Range range{static_cast<std::uint32_t>(batch_.attributes.size()),
                            static_cast<std::uint32_t>(attributes.size())};
    for (const auto& [key, value] : attributes) {
      batch_.attributes.emplace_back(Keep(key), Value::String(Keep(value)));
    }
    return range;
  }

  std::deque<std::string> texts_;
  otlp::SpanBatch batch_;
};

// The rows of one metric as "label=value ..." → how many rows and the sum of their values.
std::map<std::string, std::pair<int, std::uint64_t>> Rows(
    const series::OpenPoints& open, std::string_view metric = red::kDuration) {
  std::map<std::string, std::pair<int, std::uint64_t>> rows;
  for (const auto& row : open.rows()) {
    series::Key key;
    EXPECT_TRUE(series::ReadKey(open.KeyAt(row.series), key));
    if (key.metric != metric) continue;
    std::string text;
    for (const auto& label : key.labels) {
      text += (text.empty() ? "" : " ") + std::string(label.name) + "=" + std::string(label.value);
    }
    ++rows[text].first;
    rows[text].second += row.value;
  }
  return rows;
}

TEST(RedMeterTest, ASpanIsMeasuredByAllThatItIsOf) {
  Batch batch;
  batch.Resource({{"service.name", "shop"}, {"deployment.environment.name", "test"}});
  batch.Span("GET /", {{"http.request.method", "GET"}}).kind = otlp::kKindServer;
  batch.Span("GET /", {{"http.method", "GET"}}).kind = otlp::kKindServer;
  otlp::Span& failed = batch.Span(
      "select", {{"db.system.name", "postgresql"}, {"server.address", "db1"}, {"ronda.run", "r7"}});
  failed.kind = otlp::kKindClient;
  failed.status = otlp::kStatusError;
  RedMeter meter;
  meter.Measure(batch.get(), kNow);
  const series::OpenPoints& open = meter.open();
  EXPECT_THAT(
      Rows(open),
      UnorderedElementsAre(
          Pair("environment=test kind=server operation=GET / service=shop technology=http",
               std::pair(2, 10'000'000u)),
          Pair("environment=test error=1 kind=client operation=select peer=db1 run=r7 service=shop "
               "technology=db/postgresql",
               std::pair(1, 5'000'000u))));
}

TEST(RedMeterTest, AgentsThatMeasureThemselvesAreNotCountedAgain) {
  Batch batch;
  batch.Resource({{"service.name", "a"}, {"ronda.red", "agent"}}).Span("x");
  batch.Resource({{"service.name", "b"}, {"ronda.run", "r1"}}).Span("x");
  RedMeter meter;
  meter.Measure(batch.get(), kNow);
  const series::OpenPoints& open = meter.open();
  EXPECT_THAT(Rows(open), ElementsAre(Pair("kind=unspecified operation=x run=r1 service=b",
                                           std::pair(1, 5'000'000u))));
}

TEST(RedMeterTest, ASpanCountsWhereItEndedUnlessItsClockIsWrong) {
  Batch batch;
  batch.Resource({});
  for (const std::uint64_t end :
       {kNow, kNow - 3600 * kSecond, kNow - 3601 * kSecond, kNow + 60 * kSecond,
        kNow + 61 * kSecond, std::uint64_t{0}, ~std::uint64_t{0}}) {
    batch.Span("x").end_ns = end;
  }
  batch.Span("before its start").start_ns = kNow + 1;
  RedMeter meter;
  meter.Measure(batch.get(), kNow);
  const series::OpenPoints& open = meter.open();
  std::vector<std::uint64_t> times;
  for (const auto& row : open.rows()) times.push_back(row.time_s);
  EXPECT_THAT(times, ElementsAre(1'700'000'000, 1'699'996'400, 1'700'000'000, 1'700'000'060,
                                 1'700'000'000, 1'700'000'000, 1'700'000'000, 1'700'000'000));
  EXPECT_EQ(open.rows().back().value, 0u);
}

TEST(RedMeterTest, PastTheLimitsSpansCountAsOtherAndNoneIsMissing) {
  RedMeter meter({.services = 2, .values = {3, 50, 2, 20, 20, 20, 20}});
  const series::OpenPoints& open = meter.open();
  for (int i = 0; i < 10; ++i) {
    Batch batch;
    batch.Resource({{"service.name", "s" + std::to_string(i % 4)}});
    for (int k = 0; k < 10; ++k) batch.Span("op" + std::to_string(k));
    meter.Measure(batch.get(), kNow);
  }
  const auto rows = Rows(open);
  EXPECT_EQ(open.rows().size(), 100u);
  EXPECT_EQ(rows.at("kind=unspecified operation=(other) service=s0").first, 3 * 7);
  EXPECT_EQ(rows.at("kind=unspecified operation=op0 service=s0").first, 3);
  EXPECT_EQ(rows.at("kind=unspecified operation=(other) service=(other)").first, 4 * 7);
  EXPECT_EQ(rows.size(), 12u);
  // The next hour may have others.
  Batch batch;
  batch.Resource({{"service.name", "new"}}).Span("new");
  meter.Measure(batch.get(), kNow + 3600 * kSecond);
  EXPECT_TRUE(Rows(open).contains("kind=unspecified operation=new service=new"));
}

TEST(RedMeterTest, ExceptionsAreCountedByTypeAndFrames) {
  const std::string stack =
      "java.lang.IllegalStateException: order 17\n\tat shop.Cart.add(Cart.java:41)\n"
      "\tat shop.Main.run(Main.java:7)\n\t... 3 more";
  const std::string same =
      "java.lang.IllegalStateException: order 99\n\tat shop.Cart.add(Cart.java:44)\n"
      "\tat shop.Main.run(Main.java:7)";
  Batch batch;
  batch.Resource({{"service.name", "shop"}});
  otlp::Span& span = batch.Span("add");
  batch.Exception(span, "java.lang.IllegalStateException", stack);
  batch.Exception(span, "java.lang.IllegalStateException", same);
  RedMeter meter;
  meter.Measure(batch.get(), kNow);
  const series::OpenPoints& open = meter.open();
  const auto rows = Rows(open, red::kExceptions);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows.begin()->second, std::pair(1, std::uint64_t{2}));
  EXPECT_THAT(rows.begin()->first, ::testing::HasSubstr("frame=at shop.Cart.add(Cart.java:)"));
  EXPECT_THAT(rows.begin()->first, ::testing::HasSubstr("operation=add service=shop"));
}

TEST(StackTest, MessagesNumbersAndAddressesDoNotCountFramesDo) {
  const auto of = [](std::string_view text) { return ReadStack(text).fingerprint; };
  EXPECT_EQ(of("E: a\n at f (x.js:1:2)\n at g (y.js:3:4)"),
            of("E: b\n  at f (x.js:9:9)\n  at g (y.js:8:8)"));
  EXPECT_NE(of("E: a\n at f (x.js:1:2)"), of("E: a\n at g (x.js:1:2)"));
  EXPECT_NE(of("E\n at f (x)\n at g (x)"), of("E\n at g (x)\n at f (x)"));
  EXPECT_EQ(of(" at A$$Lambda/0x00007f3a.run(A)"), of(" at A$$Lambda/0x0000beef.run(A)"));
  const Stack python = ReadStack(
      "Traceback (most recent call last):\n  File \"a.py\", line 3, in run\n    go()\n"
      "  File \"b.py\", line 9, in go\nKeyError: 'x'");
  EXPECT_EQ(python.innermost, "File \"b.py\", line , in go");
  EXPECT_EQ(ReadStack("panic\nmain.f(0x1)\n\tmain.go:3 +0x1d").innermost, "main.go: +");
  EXPECT_EQ(ReadStack("oops\nframe of some language 7").innermost, "frame of some language ");
  EXPECT_EQ(ReadStack("").innermost, "");
}

}  // namespace
}  // namespace ronda::trace::ingest
