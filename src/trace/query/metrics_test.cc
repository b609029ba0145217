#include "trace/query/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "series/metric_value.h"
#include "series/metrics.h"

namespace ronda::trace::query {
namespace {

using series::Amount;
using series::Counted;
using series::Delta;
using series::Distribution;
using series::Gauge;
using series::Kind;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::uint64_t kNs = 1'000'000'000;
constexpr std::uint64_t kBegin = 1'700'000'000;  // a whole 100 s

class MetricsTest : public ::testing::Test, public series::Source {
 protected:
  Files Snapshot(const ReadOpen& read) override {
    read(open_);
    return {};
  }
  template <typename Value>
  void Put(Kind kind, std::string_view name, std::vector<series::Label> labels, std::uint64_t at_s,
           const Value& value) {
    std::string key, bytes;
    PutKey(kind, name, labels, key);
    value.Encode(bytes);
    open_.AddValue(open_.SeriesOf(key), at_s - at_s % 10, bytes);
  }
  void Count(std::uint64_t start_s, std::uint64_t at_s, std::int64_t total,
             std::string_view service = "shop") {
    Put(Kind::kCounter, "requests", {{series::metrics::kService, service}}, at_s,
        Counted<Amount>::Of(start_s * kNs, at_s * kNs, {.whole = total}));
  }
  void Say(std::uint64_t at_s, double value, std::string_view host = "a") {
    Put(Kind::kGauge, "queue", {{"host", host}}, at_s, Gauge::Of(at_s * kNs, value));
  }
  MetricAnswer Read(std::string metric, std::uint64_t from_s, std::uint64_t to_s,
                    std::uint64_t step_s = 0, std::vector<std::string> by = {},
                    std::vector<MetricFilter> where = {}) {
    auto answer = ReadMetric(*this, {.metric = std::move(metric),
                                     .from_s = from_s,
                                     .to_s = to_s,
                                     .step_s = step_s,
                                     .where = std::move(where),
                                     .by = std::move(by),
                                     .now_s = to_s});
    EXPECT_TRUE(answer.ok()) << answer.status().message();
    return answer.ok() ? *std::move(answer) : MetricAnswer();
  }
  std::vector<double> Growths(std::uint64_t from_s, std::uint64_t to_s) {
    std::vector<double> growths;
    const MetricAnswer answer = Read("requests", from_s, to_s, 10);
    for (const MetricGroup& group : answer.groups) {
      for (const MetricCell& cell : group.steps) growths.push_back(cell.growth);
      EXPECT_EQ(Read("requests", from_s, to_s).groups.at(0).total.growth, group.total.growth);
    }
    return growths;
  }

  series::OpenPoints open_;
};

TEST_F(MetricsTest, ACounterGrowsFromTheStateBeforeTheTimeAskedFor) {
  for (std::uint64_t i = 0; i < 6; ++i) {
    Count(1, kBegin + 10 * i, static_cast<std::int64_t>(1000 + i * i));
  }
  EXPECT_THAT(Growths(kBegin + 20, kBegin + 50), ElementsAre(3, 5, 7));
  // Of the first state nobody knows since when it grew.
  EXPECT_THAT(Growths(kBegin, kBegin + 30), ElementsAre(0, 1, 3));
}

TEST_F(MetricsTest, ACounterThatBeginsOrBeginsAnewCountsAllThatItHas) {
  Count(kBegin + 1, kBegin + 5, 40);
  Count(kBegin + 1, kBegin + 15, 50);
  Count(kBegin + 18, kBegin + 25, 60);  // it was started again, and is past where it was
  Count(kBegin + 18, kBegin + 35, 5);  // less: started again, whatever it says
  EXPECT_THAT(Growths(kBegin, kBegin + 40), ElementsAre(40, 10, 60, 5));
}

TEST_F(MetricsTest, CountersOfSeveralSeriesAddUpOrStayApart) {
  Count(1, kBegin, 0);
  Count(1, kBegin + 10, 10);
  Count(1, kBegin, 100, "stock");
  Count(1, kBegin + 10, 107, "stock");
  EXPECT_THAT(Growths(kBegin, kBegin + 20), ElementsAre(0, 17));
  const MetricAnswer by = Read("requests", kBegin, kBegin + 20, 0, {"service.name"});
  ASSERT_EQ(by.groups.size(), 2u);
  EXPECT_THAT(by.groups[0].values, ElementsAre("shop"));
  EXPECT_EQ(by.groups[0].total.growth, 10);
  EXPECT_EQ(by.groups[1].total.growth, 7);
  const MetricAnswer one =
      Read("requests", kBegin, kBegin + 20, 0, {}, {{"service.name", "stock"}});
  EXPECT_EQ(one.groups.at(0).total.growth, 7);
  EXPECT_EQ(one.groups.at(0).total.series, 1u);
}

TEST_F(MetricsTest, AGaugeHasMeanExtremesAndTheSumOfItsSeries) {
  Say(kBegin + 1, 10);
  Say(kBegin + 5, 20);
  Say(kBegin + 15, 40);
  Say(kBegin + 3, 100, "b");
  const MetricAnswer answer = Read("queue", kBegin, kBegin + 30, 10);
  ASSERT_EQ(answer.groups.size(), 1u);
  const MetricGroup& group = answer.groups[0];
  ASSERT_EQ(group.steps.size(), 3u);
  EXPECT_EQ(group.steps[0].samples, 3u);
  EXPECT_EQ(group.steps[0].series, 2u);
  EXPECT_DOUBLE_EQ(group.steps[0].mean, 130.0 / 3);
  EXPECT_EQ(group.steps[0].sum, 115);
  EXPECT_EQ(group.steps[0].most, 100);
  EXPECT_EQ(group.steps[1].sum, 40);
  EXPECT_EQ(group.steps[2].samples, 0u);
  EXPECT_EQ(group.total.series, 2u);
  EXPECT_EQ(group.total.least, 10);
  EXPECT_DOUBLE_EQ(group.total.sum, 70.0 / 3 + 100);
  EXPECT_DOUBLE_EQ(Read("queue", kBegin, kBegin + 30).groups.at(0).total.sum, 70.0 / 3 + 100);
}

TEST_F(MetricsTest, HistogramsOfBothTemporalitiesHavePercentiles) {
  const auto of = [](std::vector<std::uint64_t> counts) {
    return Distribution::Explicit(std::vector<double>{10, 20}, counts);
  };
  Put(Kind::kDistribution, "size", {}, kBegin + 1, Delta<Distribution>{1, of({1, 0, 0})});
  Put(Kind::kDistribution, "size", {}, kBegin + 11, Delta<Distribution>{1, of({0, 3, 0})});
  const MetricAnswer delta = Read("size", kBegin, kBegin + 20, 10);
  EXPECT_EQ(delta.groups.at(0).total.spread.count(), 4u);
  EXPECT_EQ(delta.groups[0].steps[1].spread.Quantile(1), 20);
  const auto counted = [&](std::uint64_t at_s, std::vector<std::uint64_t> counts) {
    Put(Kind::kCountedDistribution, "time", {}, at_s,
        Counted<Distribution>::Of(1, at_s * kNs, of(std::move(counts))));
  };
  counted(kBegin, {5, 5, 5});
  counted(kBegin + 12, {5, 9, 5});
  counted(kBegin + 22, {6, 9, 5});
  const MetricAnswer cumulative = Read("time", kBegin + 10, kBegin + 30, 10);
  EXPECT_EQ(cumulative.groups.at(0).steps[0].spread, of({0, 4, 0}));
  EXPECT_EQ(cumulative.groups[0].steps[1].spread, of({1, 0, 0}));
  EXPECT_EQ(cumulative.groups[0].type, MetricType::kHistogram);
}

TEST_F(MetricsTest, OneNameOfTwoTypesIsTwoGroups) {
  Say(kBegin, 1);
  Put(Kind::kSum, "queue", {}, kBegin, Delta<Amount>{1, {.whole = 5}});
  const MetricAnswer answer = Read("queue", kBegin, kBegin + 10);
  ASSERT_EQ(answer.groups.size(), 2u);
  EXPECT_EQ(answer.groups[0].type, MetricType::kGauge);
  EXPECT_EQ(answer.groups[1].total.growth, 5);
}

TEST_F(MetricsTest, TheListNamesWhatThereIs) {
  Count(1, kBegin, 5);
  Count(1, kBegin, 5, "stock");
  Put(Kind::kGauge, "queue", {{"host", "a"}, {series::metrics::kUnit, "{job}"}}, kBegin,
      Gauge::Of(1, 1));
  const auto all = ListMetrics(*this, 0, kBegin + 10, "");
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].name, "queue");
  EXPECT_THAT(all[0].units, ElementsAre("{job}"));
  EXPECT_THAT(all[0].attributes, ElementsAre("host"));
  EXPECT_EQ(all[1].series, 2u);
  EXPECT_THAT(all[1].services, ElementsAre("shop", "stock"));
  const auto of_stock = ListMetrics(*this, 0, kBegin + 10, "stock");
  ASSERT_EQ(of_stock.size(), 1u);
  EXPECT_EQ(of_stock[0].series, 1u);
  const auto attributes = AttributesOf(*this, "requests", 0, kBegin + 10, "");
  ASSERT_EQ(attributes.size(), 1u);
  EXPECT_THAT(attributes[0].values, ElementsAre("shop", "stock"));
  EXPECT_EQ(attributes[0].total, 2u);
}

TEST_F(MetricsTest, TooMuchIsRefusedAndWhatWasNotKeptIsSaid) {
  for (int i = 0; i < 60; ++i) Say(kBegin, 1, std::to_string(i));
  EXPECT_TRUE(Read("queue", kBegin, kBegin + 10).groups.size() == 1);
  for (std::uint64_t s = 0; s < 10'000; s += 10) {
    for (int i = 0; i < 60; ++i) Say(kBegin + s, 1, std::to_string(i));
  }
  const auto much = ReadMetric(
      *this, {.metric = "queue", .from_s = kBegin, .to_s = kBegin + 10'000, .step_s = 10});
  EXPECT_THAT(much.status().message(), HasSubstr("longer step"));
  EXPECT_FALSE(ReadMetric(*this, {.metric = "queue", .from_s = 5, .to_s = 5}).ok());
  std::string key;
  const series::Label labels[] = {{series::metrics::kService, "shop"}};
  PutKey(Kind::kCount, series::metrics::kNotKept, labels, key);
  open_.Add(open_.SeriesOf(key), kBegin, 7);
  const auto notices = NotKept(*this, kBegin, kBegin + 10);
  ASSERT_TRUE(notices.ok());
  EXPECT_THAT(*notices, ElementsAre(HasSubstr("7 data points of \"shop\"")));
}

}  // namespace
}  // namespace ronda::trace::query
