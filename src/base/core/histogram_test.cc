#include "base/core/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace ronda::base {
namespace {

std::uint64_t ExactQuantile(std::vector<std::uint64_t> values, double q) {
  std::ranges::sort(values);
  const auto rank = std::max(1.0, std::ceil(q * static_cast<double>(values.size())));
  return values[static_cast<std::size_t>(rank) - 1];
}

TEST(HistogramTest, SmallValuesAreExact) {
  Histogram h;
  for (std::uint64_t ns = 0; ns < 1024; ++ns) h.Record(ns);
  EXPECT_EQ(h.Quantile(0.0), 0u);
  EXPECT_EQ(h.Quantile(0.5), 511u);
  EXPECT_EQ(h.Quantile(1.0), 1023u);
}

TEST(HistogramTest, QuantilesStayWithinTheLayoutsRelativeError) {
  std::mt19937_64 random(7);
  std::lognormal_distribution<double> latency(14.0, 2.0);  // median about 1.2 ms, long tail
  Histogram h;
  std::vector<std::uint64_t> values;
  for (int i = 0; i < 200'000; ++i) {
    values.push_back(
        std::min<std::uint64_t>(static_cast<std::uint64_t>(latency(random)), h.layout().max_ns));
    h.Record(values.back());
  }
  for (double q : {0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const auto exact = static_cast<double>(ExactQuantile(values, q));
    EXPECT_NEAR(static_cast<double>(h.Quantile(q)), exact, exact / 1024 + 1) << "q = " << q;
  }
}

TEST(HistogramTest, MergedEqualsRecordedTogether) {
  std::mt19937_64 random(11);
  Histogram left, right, both;
  for (int i = 0; i < 100'000; ++i) {
    const std::uint64_t ns = random() >> (random() % 64);
    (i % 3 == 0 ? left : right).Record(ns);
    both.Record(ns);
  }
  ASSERT_TRUE(left.Merge(right).ok());
  EXPECT_EQ(left, both);
}

TEST(HistogramTest, MergingAnotherLayoutChangesNothing) {
  Histogram coarse(Histogram::Layout{.precision_bits = 5}), fine;
  coarse.Record(10);
  const Histogram before = coarse;
  EXPECT_FALSE(coarse.Merge(fine).ok());
  EXPECT_EQ(coarse, before);
}

TEST(HistogramTest, ValuesBeyondTheMaximumAreClampedAndCounted) {
  Histogram h(Histogram::Layout{.max_ns = 1'000});
  h.Record(999);
  h.Record(5'000);
  EXPECT_EQ(h.clamped(), 1u);
  EXPECT_LE(h.Quantile(1.0), 1'000u);
}

TEST(HistogramTest, EmptyHasZeroQuantilesAndMean) {
  const Histogram h;
  EXPECT_EQ(h.Quantile(0.5), 0u);
  EXPECT_EQ(h.MeanNs(), 0.0);
}

TEST(HistogramTest, ExtremesAreExact) {
  Histogram h;
  h.Record(1'234'567);
  h.Record(987'654'321, 3);
  EXPECT_EQ(h.MinNs(), 1'234'567u);
  EXPECT_EQ(h.MaxNs(), 987'654'321u);
  EXPECT_EQ(h.Quantile(0.0), 1'234'567u);
  EXPECT_LE(h.Quantile(1.0), 987'654'321u);
  EXPECT_EQ(h.count(), 4u);
  EXPECT_EQ(h.SumNs(), 1'234'567u + 3 * 987'654'321u);
}

TEST(HistogramTest, QuantilesInOnePassEqualThoseOneByOne) {
  std::mt19937_64 random(5);
  Histogram h;
  for (int i = 0; i < 10'000; ++i) h.Record(random() >> (20 + random() % 40));
  const std::vector<double> q = {0, 0.5, 0.5, 0.9, 0.99, 0.999, 1};
  std::vector<std::uint64_t> out(q.size());
  h.Quantiles(q, out);
  for (std::size_t i = 0; i < q.size(); ++i) EXPECT_EQ(out[i], h.Quantile(q[i])) << q[i];
}

TEST(HistogramTest, ClearedEqualsNewAndGivesItsBlocksBack) {
  HistogramPool pool;
  Histogram h(&pool);
  for (int round = 0; round < 100; ++round) {
    for (std::uint64_t ns = 1; ns < 1'000'000'000; ns *= 3) h.Record(ns + 64u * round);
    h.Clear();
    ASSERT_EQ(h, Histogram());
  }
  EXPECT_LE(pool.bytes(), 2 * 32 * sizeof(HistogramPool::Block));
}

TEST(HistogramTest, DecodedEqualsEncoded) {
  std::mt19937_64 random(13);
  Histogram empty, full(Histogram::Layout{.precision_bits = 6, .max_ns = 1'000'000'000});
  for (int i = 0; i < 5'000; ++i) full.Record(random() >> (random() % 64));
  for (const Histogram* h : {&empty, &full}) {
    std::string bytes;
    h->Encode(bytes);
    auto decoded = Histogram::Decode(bytes);
    ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
    EXPECT_EQ(*decoded, *h);
  }
}

TEST(HistogramTest, MergedAsBytesEqualsMerged) {
  std::mt19937_64 random(17);
  Histogram a, b, c(Histogram::Layout{.precision_bits = 6});
  for (int i = 0; i < 3'000; ++i) a.Record(random() >> (random() % 64));
  for (int i = 0; i < 3'000; ++i) b.Record(random() >> (random() % 64), 1 + random() % 3);
  std::string bytes, none;
  b.Encode(bytes);
  Histogram().Encode(none);
  Histogram together = a, as_bytes = a;
  ASSERT_TRUE(together.Merge(b).ok());
  ASSERT_TRUE(as_bytes.MergeEncoded(bytes).ok());
  ASSERT_TRUE(as_bytes.MergeEncoded(none).ok());
  EXPECT_EQ(as_bytes, together);
  EXPECT_FALSE(c.MergeEncoded(bytes).ok());
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    EXPECT_FALSE(as_bytes.MergeEncoded(std::string_view(bytes).substr(0, n)).ok()) << n;
  }
  EXPECT_EQ(as_bytes, together);
}

TEST(HistogramTest, CutShortNeverDecodesToSomethingElse) {
  Histogram h;
  for (std::uint64_t ns : {5u, 70'000u, 70'001u, 4'000'000u}) h.Record(ns);
  std::string bytes;
  h.Encode(bytes);
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    EXPECT_FALSE(Histogram::Decode(std::string_view(bytes).substr(0, n)).ok()) << n;
  }
}

TEST(HistogramTest, CountUpToCountsWholeBuckets) {
  Histogram h;
  for (std::uint64_t ns = 1; ns <= 1000; ++ns) h.Record(ns);
  EXPECT_EQ(h.CountUpTo(0), 0u);
  EXPECT_EQ(h.CountUpTo(500), 500u);
  EXPECT_EQ(h.CountUpTo(5'000'000), 1000u);
}

}  // namespace
}  // namespace ronda::base
