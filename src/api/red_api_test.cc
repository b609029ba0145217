#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include "api/red_routes.h"
#include "api/router.h"
#include "base/core/clock.h"
#include "disk/simulated_file_system.h"
#include "series/red.h"
#include "trace/query/trace_test_util.h"
#include "trace/segment/store.h"
#include "wire/otlp/encode.h"

namespace ronda::api {
namespace {

namespace red = series::red;
using ::testing::HasSubstr;
using trace::query::TraceBuilder;
using wire::otlp::Value;

constexpr std::uint64_t kBeginS = TraceBuilder::kEpochNs / 1'000'000'000;
constexpr std::uint64_t kMs = 1'000'000;

class OpenSeries : public series::Source {
 public:
  Files Snapshot(const ReadOpen& read) override {
    read(open);
    return {};
  }
  series::OpenPoints open;
};

class RedApiTest : public ::testing::Test {
 protected:
  void SetUp() override {
    store_ =
        *trace::segment::Store::Open(files_, {}, [](const auto&, auto&) { return base::Ok(); });
    TraceBuilder t;
    t.Service("shop").Trace(1).Span(1, 0, 0, 300, wire::otlp::kKindServer).Name("GET /cart");
    t.Span(2, 1, 10, 260, wire::otlp::kKindClient).Name("POST").Error();
    t.With("server.address", Value::String("10.0.0.1"));
    t.Span(4, 1, 270, 275, wire::otlp::kKindClient).Name("select");
    t.With("db.system.name", Value::String("mysql"))
        .With("db.query.text", Value::String("select ?"));
    t.Service("stock").Span(3, 2, 20, 250, wire::otlp::kKindServer).Name("take");
    std::string body;
    EncodeTraces(t.batch, body);
    ASSERT_TRUE(store_->Append({.received_ns = 1, .body = body}, t.batch).ok());
    Measure("shop", "GET /cart", "server", "", "", 0, 300);
    Measure("shop", "POST", "client", "10.0.0.1", "http", 0, 250, "1");
    Measure("shop", "POST", "client", "10.0.0.1", "http", 60, 50);
    Measure("stock", "take", "server", "", "", 0, 230);
    std::string key;
    const series::Label thrown[] = {{red::kException, "Timeout"},
                                    {red::kFingerprint, "00000000000000aa"},
                                    {red::kOperation, "POST"},
                                    {red::kService, "shop"}};
    PutKey(series::Kind::kCount, red::kExceptions, thrown, key);
    series_.open.Add(series_.open.SeriesOf(key), kBeginS + 10, 3);
    source_.emplace(*store_);
    routes_.emplace(series_, *source_, clock_);
    routes_->AddTo(router_);
  }
  void Measure(std::string_view service, std::string_view operation, std::string_view kind,
               std::string_view peer, std::string_view technology, std::uint64_t at_s,
               std::uint64_t ms, std::string_view error = "") {
    const series::Label labels[] = {{red::kError, error},         {red::kKind, kind},
                                    {red::kOperation, operation}, {red::kPeer, peer},
                                    {red::kService, service},     {red::kTechnology, technology}};
    std::string key;
    PutKey(series::Kind::kHistogram, red::kDuration, labels, key);
    series_.open.Add(series_.open.SeriesOf(key), kBeginS + at_s, ms * kMs);
  }

  // The answer's body; its status is as expected.
  std::string Get(const std::string& target, int status = 200) {
    const http::Response response = router_.Handle(
        {.method = "GET", .target = target, .headers = {}, .body = "", .memory = {}});
    EXPECT_EQ(response.status, status) << target << ": " << response.body;
    EXPECT_EQ(parser_.parse(response.body).get(json_), simdjson::SUCCESS) << response.body;
    return response.body;
  }
  std::string At(std::string_view pointer) {
    std::string_view text;
    if (json_.at_pointer(pointer).get_string().get(text) == simdjson::SUCCESS)
      return std::string(text);
    return simdjson::minify(json_.at_pointer(pointer).value_unsafe());
  }

  disk::SimulatedFileSystem files_;
  std::unique_ptr<trace::segment::Store> store_;
  OpenSeries series_;
  base::FakeClock clock_{TraceBuilder::kEpochNs + 120'000'000'000};
  std::optional<trace::segment::StoreSource> source_;
  std::optional<RedRoutes> routes_;
  Router router_;
  simdjson::dom::parser parser_;
  simdjson::dom::element json_;
};

TEST_F(RedApiTest, RedByServiceOfTheLastHour) {
  Get("/api/v1/red");
  EXPECT_EQ(At("/groups/0/service"), "shop");
  EXPECT_EQ(At("/groups/0/spans"), "3");
  EXPECT_EQ(At("/groups/0/errors"), "1");
  EXPECT_EQ(At("/groups/0/max_ns"), "300000000");
  EXPECT_EQ(At("/groups/1/service"), "stock");
  EXPECT_EQ(At("/total_groups"), "2");
  Get("/api/v1/red?kind=entry&by=operation,kind&limit=1");
  EXPECT_EQ(At("/groups/0/spans"), "1");
  EXPECT_EQ(At("/groups/0/kind"), "server");
  EXPECT_EQ(At("/total_groups"), "2");
}

TEST_F(RedApiTest, RedByStep) {
  const std::string start = std::to_string(TraceBuilder::kEpochNs);
  const std::string end = std::to_string(TraceBuilder::kEpochNs + 120'000'000'000);
  Get("/api/v1/red?by=operation&operation=POST&step=1m&start=" + start + "&end=" + end);
  EXPECT_EQ(At("/start_unix_ns"), start);
  EXPECT_EQ(At("/step_ns"), "60000000000");
  EXPECT_EQ(At("/groups/0/steps/0/errors"), "1");
  EXPECT_EQ(At("/groups/0/steps/1/errors"), "0");
  EXPECT_EQ(At("/groups/0/steps/1/max_ns"), "50000000");
  EXPECT_EQ(At("/groups/0/rate"), "0.016667");
}

TEST_F(RedApiTest, WhatIsWrongIsSaid) {
  EXPECT_THAT(Get("/api/v1/red?by=colour", 400), HasSubstr("colour"));
  EXPECT_THAT(Get("/api/v1/red?step=3s", 400), HasSubstr("whole 10s"));
  EXPECT_THAT(Get("/api/v1/red?limit=0", 400), HasSubstr("limit"));
  EXPECT_THAT(Get("/api/v1/red?start=9&end=5", 400), HasSubstr("empty"));
  EXPECT_THAT(Get("/api/v1/red?start=yesterday", 400), HasSubstr("start"));
  EXPECT_THAT(Get("/api/v1/slow?what=all", 400), HasSubstr("calls or sql"));
  EXPECT_THAT(Get("/api/v1/slow?threshold=long", 400), HasSubstr("threshold"));
}

TEST_F(RedApiTest, TheMapNamesWhoAnswered) {
  Get("/api/v1/map");
  EXPECT_EQ(At("/edges/0/from"), "shop");
  EXPECT_EQ(At("/edges/0/to"), "stock");
  EXPECT_EQ(At("/edges/0/spans"), "2");
  EXPECT_EQ(At("/edges/0/errors"), "1");
  EXPECT_EQ(At("/nodes/1/name"), "stock");
  EXPECT_EQ(At("/nodes/1/spans"), "1");
  EXPECT_EQ(At("/traces"), "1");
  Get("/api/dependencies?endTs=1767225720000&lookback=3600000");
  EXPECT_EQ(At("/data"), R"([{"parent":"shop","child":"stock","callCount":2}])");
  Get("/api/dependencies?endTs=18446744073709551615&lookback=18446744073709551615");
}

TEST_F(RedApiTest, ExceptionsAndSlowCalls) {
  Get("/api/v1/exceptions?service=shop");
  EXPECT_EQ(At("/exceptions/0/type"), "Timeout");
  EXPECT_EQ(At("/exceptions/0/count"), "3");
  EXPECT_EQ(At("/exceptions/0/services"), R"(["shop"])");
  EXPECT_THAT(Get("/api/v1/exceptions?service=stock"), HasSubstr("\"exceptions\":[]"));
  Get("/api/v1/slow");
  EXPECT_EQ(At("/spans/0/operation"), "POST");
  EXPECT_EQ(At("/spans/0/error"), "true");
  EXPECT_EQ(At("/all"), "true");
  EXPECT_THAT(Get("/api/v1/slow?threshold=1s"), HasSubstr("\"spans\":[]"));
  Get("/api/v1/slow?what=sql&threshold=1ms");
  EXPECT_EQ(At("/spans/0/statement"), "select ?");
  EXPECT_EQ(At("/spans/0/technology"), "db/mysql");
  EXPECT_THAT(Get("/api/v1/slow?what=sql&threshold=1ms&service=stock"), HasSubstr("\"spans\":[]"));
}

}  // namespace
}  // namespace ronda::api
