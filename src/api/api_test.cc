#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include "api/router.h"
#include "api/trace_routes.h"
#include "base/core/clock.h"
#include "disk/simulated_file_system.h"
#include "trace/query/trace_test_util.h"
#include "trace/segment/store.h"
#include "wire/otlp/encode.h"

namespace ronda::api {
namespace {

using ::testing::HasSubstr;
using trace::query::TraceBuilder;
using wire::otlp::Value;

class ApiTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened =
        trace::segment::Store::Open(files_, {}, [](const auto&, auto&) { return base::Ok(); });
    ASSERT_TRUE(opened.ok());
    store_ = *std::move(opened);
    TraceBuilder t;
    t.Service("shop").Trace(1).Span(1, 0, 0, 100, wire::otlp::kKindServer).Name("GET /cart");
    t.Span(2, 1, 10, 60, wire::otlp::kKindClient).With("http.status", Value::Int(500));
    t.Service("stock").Span(3, 2, 20, 50, wire::otlp::kKindServer).Error().Name("take");
    t.Service("shop").Trace(2).Span(1, 0, 200, 205).Name("GET /");
    std::string body;
    EncodeTraces(t.batch, body);
    ASSERT_TRUE(store_->Append({.received_ns = 1, .body = body}, t.batch).ok());
    source_.emplace(*store_);
    routes_.emplace(*source_, clock_);
    routes_->AddTo(router_);
  }

  // The answer's body, parsed; its status is as expected.
  simdjson::dom::element Get(const std::string& target, int status = 200) {
    const http::Response response = router_.Handle(
        {.method = "GET", .target = target, .headers = {}, .body = "", .memory = {}});
    EXPECT_EQ(response.status, status) << target << ": " << response.body;
    body_ = response.body;
    simdjson::dom::element json;
    EXPECT_EQ(parser_.parse(body_).get(json), simdjson::SUCCESS) << body_;
    return json;
  }
  static std::string Text(simdjson::dom::element json, std::string_view pointer) {
    std::string_view text;
    if (json.at_pointer(pointer).get_string().get(text) == simdjson::SUCCESS)
      return std::string(text);
    return simdjson::minify(json.at_pointer(pointer).value_unsafe());
  }
  static std::size_t Size(simdjson::dom::element json, std::string_view pointer) {
    simdjson::dom::array array;
    EXPECT_EQ(json.at_pointer(pointer).get_array().get(array), simdjson::SUCCESS) << pointer;
    return array.size();
  }

  const std::string id_ = "0000000000000001" + std::string("0000000000000001");
  disk::SimulatedFileSystem files_;
  std::unique_ptr<trace::segment::Store> store_;
  base::FakeClock clock_{TraceBuilder::kEpochNs + 1'000'000'000};
  std::optional<trace::segment::StoreSource> source_;
  std::optional<TraceRoutes> routes_;
  Router router_;
  std::string body_;
  simdjson::dom::parser parser_;
};

TEST_F(ApiTest, ATraceComesAsItIsDrawn) {
  const auto json = Get("/api/v1/traces/" + id_);
  EXPECT_EQ(Size(json, "/spans"), 3u);
  EXPECT_EQ(Text(json, "/spans/1/path"), "1.1");
  EXPECT_EQ(Text(json, "/spans/2/path"), "1.1");
  EXPECT_EQ(Text(json, "/spans/2/half"), "callee");
  EXPECT_EQ(Text(json, "/spans/1/request_gap_ns"), "10000000");
  EXPECT_EQ(Text(json, "/spans/2/status"), "error");
  EXPECT_EQ(Text(json, "/spans/1/attributes/0/value"), "500");
  EXPECT_EQ(Text(json, "/duration_ns"), "100000000");
  EXPECT_EQ(Text(Get("/api/v1/traces/" + std::string(32, '9'), 404), "/code"), "not-found");
  EXPECT_EQ(Text(Get("/api/v1/traces/xyz", 400), "/code"), "invalid-argument");
}

TEST_F(ApiTest, ASearchPagesAndSaysWhatIsWrongWithAQuery) {
  auto json = Get("/api/v1/traces?limit=1");
  EXPECT_EQ(Text(json, "/traces/0/root_name"), "GET /");
  const std::string next = Text(json, "/next");
  json = Get("/api/v1/traces?limit=1&cursor=" + next);
  EXPECT_EQ(Text(json, "/traces/0/trace_id"), id_);
  EXPECT_EQ(Text(json, "/traces/0/services/1/errors"), "1");
  EXPECT_NE(json.at_pointer("/next").error(), simdjson::SUCCESS);
  json = Get("/api/v1/traces?q=service%20%3D%20stock+and+status=error");
  EXPECT_EQ(Size(json, "/traces"), 1u);
  json = Get("/api/v1/traces?q=servce%3Da", 400);
  EXPECT_EQ(Text(json, "/column"), "1");
  EXPECT_THAT(Text(json, "/hint"), HasSubstr("service"));
  Get("/api/v1/traces?limit=0", 400);
  Get("/api/v1/traces?limit=many", 400);
  Get("/api/v1/traces?cursor=zz", 400);
}

TEST_F(ApiTest, ServicesAndOperations) {
  EXPECT_EQ(Text(Get("/api/v1/services"), "/services/1"), "stock");
  const auto json = Get("/api/v1/services/stock/operations");
  EXPECT_EQ(Text(json, "/operations/0/name"), "take");
  EXPECT_EQ(Text(json, "/operations/0/kind"), "server");
  Get("/api/v1/services/none/operations", 404);
}

TEST_F(ApiTest, JaegerShapes) {
  auto json = Get("/api/services");
  EXPECT_EQ(Text(json, "/data/0"), "shop");
  EXPECT_EQ(Text(json, "/total"), "2");
  EXPECT_EQ(Text(json, "/errors"), "null");
  EXPECT_EQ(Text(Get("/api/services/shop/operations"), "/data/1"), "GET /cart");
  EXPECT_EQ(Text(Get("/api/operations?service=stock"), "/data/0/spanKind"), "server");
  Get("/api/operations", 400);
  json = Get("/api/traces/1" + std::string(15, '0') + "1");  // without leading zeros
  EXPECT_EQ(Text(json, "/data/0/traceID"), id_);
  EXPECT_EQ(Text(json, "/data/0/spans/1/references/0/refType"), "CHILD_OF");
  EXPECT_EQ(Text(json, "/data/0/spans/1/references/0/spanID"), "0000000000000001");
  EXPECT_EQ(Text(json, "/data/0/spans/1/duration"), "50000");
  EXPECT_EQ(Text(json, "/data/0/spans/1/startTime"),
            std::to_string(TraceBuilder::kEpochNs / 1000 + 10'000));
  EXPECT_EQ(Text(json, "/data/0/spans/1/tags/0/type"), "int64");
  EXPECT_EQ(Text(json, "/data/0/processes/p2/serviceName"), "stock");
  json = Get("/api/traces/" + std::string(32, '9'), 404);
  EXPECT_EQ(Text(json, "/errors/0/code"), "404");
  EXPECT_EQ(Text(json, "/errors/0/msg"), "trace not found");
}

TEST_F(ApiTest, JaegerSearchTakesTagsDurationsAndTimes) {
  const auto found = [&](const std::string& parameters) {
    return Size(Get("/api/traces?" + parameters), "/data");
  };
  EXPECT_EQ(found(""), 2u);
  EXPECT_EQ(found("service=shop&operation=GET+%2Fcart"), 1u);
  EXPECT_EQ(found("tags=%7B%22http.status%22%3A%22500%22%7D"), 1u) << "a text finds the integer";
  EXPECT_EQ(found("tag=error:true"), 1u);
  EXPECT_EQ(found("tag=http.status:501"), 0u);
  EXPECT_EQ(found("minDuration=90ms"), 1u);
  EXPECT_EQ(found("maxDuration=5000%C2%B5s"), 1u);
  EXPECT_EQ(found("start=1767225600100000"), 1u);
  EXPECT_EQ(found("end=1767225600000000"), 1u);
  EXPECT_EQ(found("lookback=850ms"), 1u);
  EXPECT_EQ(found("traceID=" + id_ + "&traceID=" + std::string(32, '9')), 1u);
  Get("/api/traces?tags=%7B", 400);
  Get("/api/traces?tag=novalue", 400);
  Get("/api/traces?minDuration=soon", 400);
}

TEST_F(ApiTest, AnEntrysLinkHasItsBranchesWithTheirShares) {
  const auto json = Get("/api/v1/services/shop/link?operation=GET%20%2Fcart");
  EXPECT_EQ(Text(json, "/requests"), "1");
  EXPECT_EQ(Size(json, "/steps"), 2u);
  EXPECT_EQ(Text(json, "/steps/0/name"), "GET /cart");
  EXPECT_EQ(Text(json, "/steps/1/service"), "stock");
  EXPECT_EQ(Text(json, "/steps/1/name"), "take");
  EXPECT_EQ(Text(json, "/steps/1/parent"), "0");
  EXPECT_EQ(Text(json, "/steps/1/errors"), "1");
  EXPECT_EQ(Text(json, "/steps/1/probability").substr(0, 1), "1");
  EXPECT_EQ(Text(json, "/steps/1/max_ns"), "50000000");
  EXPECT_THAT(Text(Get("/api/v1/services/shop/link", 400), "/message"), HasSubstr("operations"));
  Get("/api/v1/services/shop/link?operation=x", 404);
  Get("/api/v1/services/shop/link?operation=GET%20%2Fcart&traces=0", 400);
}

TEST_F(ApiTest, TheDocumentListsEveryRoute) {
  const auto json = Get("/api/v1/openapi.json");
  EXPECT_EQ(Text(json, "/openapi"), "3.1.0");
  const std::string paths = simdjson::minify(json["paths"].value_unsafe());
  for (const char* path :
       {"/api/v1/traces\"", "/api/v1/services/{service}/operations", "/api/operations"}) {
    EXPECT_THAT(paths, HasSubstr(path));
  }
  EXPECT_THAT(paths, HasSubstr(R"("name":"cursor","in":"query")"));
}

TEST_F(ApiTest, OtherMethodsAndPathsAreJsonErrors) {
  http::Response response = router_.Handle(
      {.method = "POST", .target = "/api/services", .headers = {}, .body = "", .memory = {}});
  EXPECT_EQ(response.status, 405);
  EXPECT_THAT(Text(Get("/nowhere", 404), "/message"), HasSubstr("openapi.json"));
}

}  // namespace
}  // namespace ronda::api
