#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include "api/metric_routes.h"
#include "api/router.h"
#include "base/core/clock.h"
#include "series/metric_value.h"
#include "series/metrics.h"

namespace ronda::api {
namespace {

using series::Kind;
using ::testing::HasSubstr;

constexpr std::uint64_t kNs = 1'000'000'000;
constexpr std::uint64_t kBegin = 1'700'000'000;

class MetricApiTest : public ::testing::Test, public series::Source {
 protected:
  void SetUp() override {
    for (std::uint64_t i = 0; i < 3; ++i) {
      const std::uint64_t at_s = kBegin + 20 * i;
      Put(Kind::kCounter, "http/requests",
          {{"route", "/cart"}, {series::metrics::kService, "shop"}}, at_s,
          series::Counted<series::Amount>::Of(1, at_s * kNs,
                                              {.whole = static_cast<std::int64_t>(60 * i)}));
      Put(Kind::kGauge, "heap",
          {{series::metrics::kUnit, "By"}, {series::metrics::kService, "shop"}}, at_s,
          series::Gauge::Of(at_s * kNs, 0.0000125));
    }
    series::Distribution sizes = series::Distribution::Explicit(
        std::vector<double>{10, 20}, std::vector<std::uint64_t>{0, 4, 0});
    sizes.set_sum(60);
    Put(Kind::kDistribution, "size", {}, kBegin, series::Delta<series::Distribution>{1, sizes});
    routes_.AddTo(router_);
  }
  Files Snapshot(const ReadOpen& read) override {
    read(open_);
    return {};
  }
  template <typename Value>
  void Put(Kind kind, std::string_view name, std::vector<series::Label> labels, std::uint64_t at_s,
           const Value& value) {
    std::string key, bytes;
    std::ranges::sort(labels, {}, &series::Label::name);
    PutKey(kind, name, labels, key);
    value.Encode(bytes);
    open_.AddValue(open_.SeriesOf(key), at_s, bytes);
  }
  std::string Get(const std::string& target, int status = 200) {
    const http::Response response = router_.Handle(
        {.method = "GET", .target = target, .headers = {}, .body = "", .memory = {}});
    EXPECT_EQ(response.status, status) << target << ": " << response.body;
    EXPECT_EQ(parser_.parse(response.body).get(json_), simdjson::SUCCESS) << response.body;
    return response.body;
  }
  std::string At(std::string_view pointer) {
    std::string_view text;
    if (json_.at_pointer(pointer).get_string().get(text) == simdjson::SUCCESS) {
      return std::string(text);
    }
    return simdjson::minify(json_.at_pointer(pointer).value_unsafe());
  }

  double Real(std::string_view pointer) {
    double number = 0;
    EXPECT_EQ(json_.at_pointer(pointer).get(number), simdjson::SUCCESS) << pointer;
    return number;
  }

  series::OpenPoints open_;
  base::FakeClock clock_{(kBegin + 100) * kNs};
  MetricRoutes routes_{*this, clock_};
  Router router_;
  simdjson::dom::parser parser_;
  simdjson::dom::element json_;
};

TEST_F(MetricApiTest, MetricsAndTheirAttributesAreListed) {
  Get("/api/v1/metrics");
  EXPECT_EQ(At("/metrics/0/name"), "heap");
  EXPECT_EQ(At("/metrics/0/type"), "gauge");
  EXPECT_EQ(At("/metrics/0/units/0"), "By");
  EXPECT_EQ(At("/metrics/1/name"), "http/requests");
  EXPECT_EQ(At("/metrics/1/attributes/0"), "route");
  EXPECT_EQ(At("/metrics/2/type"), "histogram");
  EXPECT_THAT(Get("/api/v1/metrics?service=nobody"), HasSubstr("\"metrics\":[]"));
  Get("/api/v1/metrics/http%2Frequests/attributes");
  EXPECT_EQ(At("/attributes/0/name"), "route");
  EXPECT_EQ(At("/attributes/0/values/0"), "/cart");
}

TEST_F(MetricApiTest, FiguresByStepAndAttribute) {
  const std::string window =
      "start=" + std::to_string(kBegin * kNs) + "&end=" + std::to_string((kBegin + 60) * kNs);
  Get("/api/v1/metrics/http%2Frequests?by=route,service.name&step=20s&" + window);
  EXPECT_EQ(At("/groups/0/by/route"), "/cart");
  EXPECT_EQ(At("/groups/0/by/service.name"), "shop");
  EXPECT_DOUBLE_EQ(Real("/groups/0/increase"), 120.0);
  EXPECT_DOUBLE_EQ(Real("/groups/0/steps/1/rate"), 3.0);
  EXPECT_EQ(At("/start_unix_ns"), std::to_string(kBegin * kNs));
  Get("/api/v1/metrics/heap?" + window);
  EXPECT_DOUBLE_EQ(Real("/groups/0/mean"), 0.0000125);
  Get("/api/v1/metrics/size?" + window);
  EXPECT_DOUBLE_EQ(Real("/groups/0/p50"), 15.0);
  EXPECT_EQ(At("/groups/0/count"), "4");
  EXPECT_DOUBLE_EQ(Real("/groups/0/mean"), 15.0);
  EXPECT_EQ(At("/groups/0/max"), "null");
  Get("/api/v1/metrics/http%2Frequests?where=route%3D%2Fother&" + window);
  EXPECT_EQ(At("/total_groups"), "0");
}

TEST_F(MetricApiTest, WhatIsWrongIsSaid) {
  EXPECT_THAT(Get("/api/v1/metrics/heap?where=route", 400), HasSubstr("ATTRIBUTE=VALUE"));
  EXPECT_THAT(Get("/api/v1/metrics/heap?step=7s", 400), HasSubstr("whole 10s"));
  EXPECT_THAT(Get("/api/v1/metrics/heap?start=9&end=9", 400), HasSubstr("empty"));
  EXPECT_THAT(Get("/api/v1/metrics/heap?limit=0", 400), HasSubstr("limit"));
}

}  // namespace
}  // namespace ronda::api
