#include "series/metric_value.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "base/core/random.h"

namespace ronda::series {
namespace {

using ::testing::ElementsAre;

Distribution Of(std::vector<double> bounds, std::vector<std::uint64_t> counts, double sum = 0) {
  Distribution made = Distribution::Explicit(bounds, counts);
  made.set_sum(sum);
  return made;
}

template <typename T>
T Again(const T& value) {
  std::string bytes;
  value.Encode(bytes);
  base::VarintReader reader(bytes);
  T again;
  EXPECT_TRUE(again.Decode(reader));
  EXPECT_TRUE(reader.at_end());
  return again;
}

TEST(DistributionTest, EqualBoundsAddBucketByBucket) {
  Distribution sum = Of({1, 2}, {1, 2, 3}, 10);
  sum.Add(Of({1, 2}, {10, 20, 30}, 100));
  EXPECT_EQ(sum, Of({1, 2}, {11, 22, 33}, 110));
  EXPECT_EQ(sum.count(), 66u);
}

// What lies at or below a bound that both have is known exactly; the other bounds go.
TEST(DistributionTest, OtherBoundsAddInThoseThatBothHave) {
  Distribution sum = Of({1, 2, 5}, {1, 2, 3, 4});
  sum.Add(Of({2, 3, 5}, {10, 20, 30, 40}));
  EXPECT_EQ(sum, Of({2, 5}, {13, 53, 44}));
  Distribution known = Of({1}, {1, 1}), counted;
  counted.set_count(5);
  known.Add(counted);
  EXPECT_EQ(known.count(), 7u);
  EXPECT_THAT(known.counts(), ElementsAre(7));
}

TEST(DistributionTest, ExponentialOnesAddAtTheCoarserScale) {
  // At scale 1 the buckets 4 and 5 are bucket 2 of scale 0.
  Distribution fine = Distribution::Exponential(1, 1, 0, {4, {7, 8}}, {-3, {1}});
  fine.Add(Distribution::Exponential(0, 2, 0, {2, {100}}, {-2, {5}}));
  EXPECT_EQ(fine, Distribution::Exponential(0, 3, 0, {2, {115}}, {-2, {6}}));
}

TEST(DistributionTest, FarApartExponentialOnesBecomeCoarserInsteadOfHuge) {
  Distribution sum = Distribution::Exponential(20, 0, 0, {-2'000'000'000, {3}}, {});
  sum.Add(Distribution::Exponential(20, 0, 0, {2'000'000'000, {4}}, {}));
  EXPECT_EQ(sum.count(), 7u);
  std::string bytes;
  sum.Encode(bytes);
  EXPECT_LT(bytes.size(), 4096u);
  EXPECT_EQ(Again(sum), sum);
}

TEST(DistributionTest, TheOrderOfAddingDoesNotMatter) {
  base::Random random(7);
  for (int round = 0; round < 200; ++round) {
    std::vector<Distribution> parts;
    for (int i = 0; i < 4; ++i) {
      if (round % 2 == 0) {
        std::vector<double> bounds;
        for (int b = 1; b < 6; ++b) {
          if (b == 3 || random.Below(3) > 0) bounds.push_back(b);
        }
        std::vector<std::uint64_t> counts(bounds.size() + 1);
        for (auto& count : counts) count = random.Below(9) + 1;
        parts.push_back(Of(bounds, counts, static_cast<double>(random.Below(100))));
      } else {
        std::vector<std::uint64_t> counts(random.Below(5) + 1, 2);
        parts.push_back(Distribution::Exponential(
            static_cast<std::int32_t>(random.Below(4)), 1, 0,
            {static_cast<std::int64_t>(random.Below(20)) - 10, counts}, {}));
      }
    }
    Distribution forward, backward;
    for (int i = 0; i < 4; ++i) {
      forward.Add(parts[static_cast<std::size_t>(i)]);
      backward.Add(parts[static_cast<std::size_t>(3 - i)]);
    }
    for (const double q : {0.1, 0.5, 0.9}) {
      EXPECT_DOUBLE_EQ(forward.Quantile(q), backward.Quantile(q)) << round;
    }
    EXPECT_EQ(forward.count(), backward.count());
    EXPECT_EQ(Again(forward), forward);
  }
}

TEST(DistributionTest, AQuantileLiesInItsBucketInProportion) {
  EXPECT_DOUBLE_EQ(Of({10, 20}, {10, 10, 0}).Quantile(0.75), 15);
  EXPECT_DOUBLE_EQ(Of({10, 20}, {10, 0, 0}).Quantile(0.5), 5);
  EXPECT_DOUBLE_EQ(Of({10, 20}, {0, 0, 4}).Quantile(0.5), 20);
  Distribution bounded = Of({10, 20}, {0, 0, 4});
  bounded.set_max(40);
  bounded.set_min(30);
  EXPECT_DOUBLE_EQ(bounded.Quantile(0.01), 30);
  EXPECT_DOUBLE_EQ(bounded.Quantile(1), 40);
  const Distribution powers = Distribution::Exponential(0, 0, 0, {3, {1, 1}}, {});
  EXPECT_DOUBLE_EQ(powers.Quantile(0.5), 16);
  EXPECT_DOUBLE_EQ(powers.Quantile(1), 32);
  const Distribution signs = Distribution::Exponential(0, 2, 0, {0, {1}}, {0, {1}});
  EXPECT_DOUBLE_EQ(signs.Quantile(0.5), 0);
  EXPECT_LT(signs.Quantile(0.1), -1);
  EXPECT_TRUE(std::isnan(Distribution().Quantile(0.5)));
}

TEST(CountedTest, GrowthIsWhatCameBetweenStatesAndAllOfItAfterANewStart) {
  const auto at = [](std::uint64_t start, std::uint64_t time, std::int64_t total) {
    return Counted<Amount>::Of(start, time, {.whole = total});
  };
  Counted<Amount> counter = at(1, 10, 100);
  counter.Add(at(1, 20, 130));
  EXPECT_EQ(counter.growth.whole, 30);
  counter.Add(at(25, 30, 7));  // a new start
  EXPECT_EQ(counter.growth.whole, 37);
  counter.Add(at(25, 40, 2));  // less than before: it began anew, whatever it says
  EXPECT_EQ(counter.growth.whole, 39);
  EXPECT_EQ(counter.samples, 4u);
  EXPECT_EQ(Again(counter).growth.whole, 39);
  EXPECT_EQ(Again(counter).last.total.whole, 2);
}

// A step's states come in several files, which are read in any order.
TEST(CountedTest, PartsAddInAnyOrderAndAStateTwiceIsOne) {
  const auto part = [](std::uint64_t from, std::uint64_t to) {
    Counted<Amount> made;
    for (std::uint64_t t = from; t <= to; ++t) {
      made.Add(Counted<Amount>::Of(1, t, {.whole = static_cast<std::int64_t>(t * t)}));
    }
    return made;
  };
  Counted<Amount> sum = part(30, 40);
  sum.Add(part(10, 20));
  EXPECT_EQ(sum.growth.whole, 40 * 40 - 10 * 10);
  sum.Add(part(40, 40));
  EXPECT_EQ(sum.growth.whole, 40 * 40 - 10 * 10);
  sum.Add(part(35, 50));
  EXPECT_EQ(sum.growth.whole, 50 * 50 - 10 * 10);
}

TEST(CountedTest, HistogramsGrowByBucket) {
  const auto at = [](std::uint64_t time, std::vector<std::uint64_t> counts, double sum) {
    return Counted<Distribution>::Of(1, time, Of({1, 2}, std::move(counts), sum));
  };
  Counted<Distribution> histogram = at(10, {1, 1, 1}, 5);
  histogram.Add(at(20, {2, 4, 1}, 11));
  EXPECT_EQ(histogram.growth, Of({1, 2}, {1, 3, 0}, 6));
  histogram.Add(at(30, {1, 0, 0}, 1));
  EXPECT_EQ(histogram.growth.count(), 5u);
  EXPECT_THAT(Again(histogram).growth.counts(), ElementsAre(2, 3, 0));
}

TEST(AmountTest, IntegersStayExactAndDoNotOverflow) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  Amount amount{.whole = kMost - 1};
  amount.Add({.whole = 1});
  EXPECT_EQ(amount.whole, kMost);
  amount.Add({.whole = 5});
  EXPECT_DOUBLE_EQ(amount.value(), static_cast<double>(kMost) + 5);
  EXPECT_EQ(Again(amount), amount);
  EXPECT_DOUBLE_EQ(Amount{.whole = kMost}.Since({.whole = -5}).value(),
                   static_cast<double>(kMost) + 5);
}

TEST(GaugeTest, TheLastIsLastWhateverTheOrder) {
  Gauge gauge = Gauge::Of(20, 2);
  gauge.Add(Gauge::Of(10, 9));
  gauge.Add(Gauge::Of(30, 1));
  gauge.Add(Gauge::Of(25, 4));
  const Gauge again = Again(gauge);
  EXPECT_EQ(again.last, 1);
  EXPECT_EQ(again.least, 1);
  EXPECT_EQ(again.most, 9);
  EXPECT_EQ(again.sum, 16);
  EXPECT_EQ(again.samples, 4u);
}

}  // namespace
}  // namespace ronda::series
