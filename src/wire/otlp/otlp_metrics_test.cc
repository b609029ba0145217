#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <string>

#include "wire/otlp/decode.h"
#include "wire/otlp/encode.h"

namespace ronda::wire::otlp {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Writes protobuf by hand, so that nothing of what is tested makes its own input.
std::string Number(std::uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
  return out;
}
std::string Sized(std::uint64_t field, const std::string& body) {
  return Number(field << 3 | 2) + Number(body.size()) + body;
}
std::string Varint(std::uint64_t field, std::uint64_t value) {
  return Number(field << 3) + Number(value);
}
std::string Eight(std::uint64_t bits) {
  std::string out;
  for (int i = 0; i < 8; ++i) out += static_cast<char>(bits >> (8 * i));
  return out;
}
std::string Fixed64(std::uint64_t field, std::uint64_t bits) {
  return Number(field << 3 | 1) + Eight(bits);
}
std::string Double(std::uint64_t field, double value) {
  return Fixed64(field, std::bit_cast<std::uint64_t>(value));
}
std::string Text(const std::string& key, const std::string& value) {
  return Sized(1, key) + Sized(2, Sized(1, value));
}
std::string Times() { return Fixed64(2, 10) + Fixed64(3, 20); }
std::string Named(const std::string& name, const std::string& rest) {
  return Sized(2, Sized(1, name) + rest);
}
// A request of one scope with these metrics.
std::string Request(const std::string& metrics) {
  return Sized(1, Sized(1, Sized(1, Text("service.name", "shop"))) +
                      Sized(2, Sized(1, Sized(1, "meter")) + metrics));
}

class MetricsTest : public ::testing::Test {
 protected:
  base::Status Decode(const std::string& request, const Limits& limits = {}) {
    request_ = request;
    decoder_ = Decoder(limits);
    return decoder_.DecodeMetrics(request_, batch_);
  }
  const DecodeReport& report() const { return decoder_.report(); }
  std::uint64_t RefusedAs(Refusal why) const {
    return report().refused[static_cast<std::size_t>(why)];
  }

  std::string request_;
  Decoder decoder_{Limits()};
  MetricBatch batch_;
};

TEST_F(MetricsTest, EveryFieldOfASumIsRead) {
  const std::string point = Sized(7, Text("route", "/")) + Times() +
                            Fixed64(6, static_cast<std::uint64_t>(-5)) + Varint(8, 2) +
                            Sized(5, "");
  ASSERT_TRUE(Decode(Request(Named("requests",
                                   Sized(2, "how many") + Sized(3, "{request}") +
                                       Sized(7, Sized(1, point) + Varint(2, 2) + Varint(3, 1)))))
                  .ok());
  ASSERT_EQ(batch_.metrics.size(), 1u);
  const Metric& metric = batch_.metrics[0];
  EXPECT_EQ(metric.name, "requests");
  EXPECT_EQ(metric.description, "how many");
  EXPECT_EQ(metric.unit, "{request}");
  EXPECT_EQ(metric.type, MetricType::kSum);
  EXPECT_EQ(metric.temporality, kTemporalityCumulative);
  EXPECT_TRUE(metric.monotonic);
  ASSERT_EQ(batch_.PointsOf(metric).size(), 1u);
  const MetricPoint& read = batch_.PointsOf(metric)[0];
  EXPECT_EQ(read.start_ns, 10u);
  EXPECT_EQ(read.time_ns, 20u);
  EXPECT_TRUE(read.is_integer);
  EXPECT_EQ(read.integer, -5);
  EXPECT_EQ(read.flags, 2u);
  EXPECT_EQ(batch_.At(read.attributes)[0].key(), "route");
  EXPECT_EQ(batch_.At(batch_.resources[0].attributes)[0].value().bytes(), "shop");
  EXPECT_EQ(batch_.scopes[metric.scope].name, "meter");
  EXPECT_EQ(report().accepted, 1u);
}

// Packed, as every SDK writes them, and one by one, as protobuf allows.
TEST_F(MetricsTest, AHistogramsCountsAndBoundsAreReadHoweverTheyAreWritten) {
  const std::string packed =
      Sized(6, Eight(1) + Eight(2) + Eight(3)) +
      Sized(7, Eight(std::bit_cast<std::uint64_t>(0.5)) + Eight(std::bit_cast<std::uint64_t>(2.0)));
  const std::string single =
      Fixed64(6, 1) + Double(7, 0.5) + Fixed64(6, 2) + Double(7, 2) + Fixed64(6, 3);
  for (const std::string& buckets : {packed, single}) {
    const std::string point = Times() + Fixed64(4, 6) + Double(5, 7.5) + buckets +
                              Double(11, 0.25) + Double(12, 9) + Sized(9, Text("a", "b"));
    ASSERT_TRUE(Decode(Request(Named("h", Sized(9, Sized(1, point) + Varint(2, 1))))).ok());
    ASSERT_EQ(batch_.points.size(), 1u);
    const MetricPoint& read = batch_.points[0];
    EXPECT_THAT(batch_.CountsAt(read.counts), ElementsAre(1, 2, 3));
    EXPECT_THAT(batch_.NumbersAt(read.bounds), ElementsAre(0.5, 2));
    EXPECT_EQ(read.count, 6u);
    EXPECT_TRUE(read.has_sum && read.has_min && read.has_max);
    EXPECT_EQ(read.sum, 7.5);
    EXPECT_EQ(read.min, 0.25);
    EXPECT_EQ(read.max, 9);
    EXPECT_EQ(read.attributes.count, 1u);
    EXPECT_EQ(batch_.metrics[0].temporality, kTemporalityDelta);
  }
}

TEST_F(MetricsTest, BothSidesOfAnExponentialHistogramAreRead) {
  // sint32: -3 is 5.
  const std::string point = Sized(1, Text("a", "b")) + Times() + Fixed64(4, 7) + Double(5, 1) +
                            Varint(6, 5) + Fixed64(7, 1) +
                            Sized(8, Varint(1, 4) + Sized(2, Number(1) + Number(300))) +
                            Sized(9, Varint(1, 1) + Sized(2, Number(5))) + Double(12, -1) +
                            Double(13, 4) + Double(14, 0.125);
  ASSERT_TRUE(Decode(Request(Named("e", Sized(10, Sized(1, point) + Varint(2, 2))))).ok());
  ASSERT_EQ(batch_.points.size(), 1u);
  const MetricPoint& read = batch_.points[0];
  EXPECT_EQ(read.scale, -3);
  EXPECT_EQ(read.zero_count, 1u);
  EXPECT_EQ(read.zero_threshold, 0.125);
  EXPECT_EQ(read.positive.offset, 2);
  EXPECT_THAT(batch_.CountsAt(read.positive.counts), ElementsAre(1, 300));
  EXPECT_EQ(read.negative.offset, -1);
  EXPECT_THAT(batch_.CountsAt(read.negative.counts), ElementsAre(5));
}

TEST_F(MetricsTest, ASummarysQuantilesAreRead) {
  const std::string point = Times() + Fixed64(4, 7) + Double(5, 1) +
                            Sized(6, Double(1, 0.5) + Double(2, 3)) +
                            Sized(6, Double(1, 1) + Double(2, 9)) + Sized(7, Text("a", "b"));
  ASSERT_TRUE(Decode(Request(Named("s", Sized(11, Sized(1, point))))).ok());
  ASSERT_EQ(batch_.points.size(), 1u);
  EXPECT_THAT(batch_.NumbersAt(batch_.points[0].quantiles), ElementsAre(0.5, 3, 1, 9));
}

TEST_F(MetricsTest, APointThatSaysNothingIsRefusedAndTheOthersStay) {
  const std::string good = Sized(1, Times() + Double(4, 1));
  const std::string no_time = Sized(1, Double(4, 1));
  const std::string no_number = Sized(1, Times());
  const std::string not_finite = Sized(1, Times() + Double(4, std::nan("")));
  const std::string said_so = Sized(1, Times() + Varint(8, 1));
  ASSERT_TRUE(
      Decode(Request(Named("g", Sized(5, no_time + good + no_number + not_finite + said_so)) +
                     Sized(2, Sized(5, good))))
          .ok());
  EXPECT_EQ(report().accepted, 2u);
  EXPECT_EQ(RefusedAs(Refusal::kPoint), 4u);
  EXPECT_THAT(report().Describe(), HasSubstr("4 of 6 refused: bad data point 4"));
  EXPECT_EQ(batch_.metrics.size(), 1u);
}

TEST_F(MetricsTest, AHistogramThatContradictsItselfIsRefused) {
  const auto histogram = [](const std::string& rest) {
    return Request(Named("h", Sized(9, Sized(1, Times() + Fixed64(4, 1) + rest) + Varint(2, 1))));
  };
  for (const std::string& bad :
       {Fixed64(6, 1) + Double(7, 1),
        Fixed64(6, 1) + Fixed64(6, 1) + Fixed64(6, 1) + Double(7, 2) + Double(7, 2),
        Fixed64(6, 1) + Fixed64(6, 1) + Double(7, std::numeric_limits<double>::infinity()),
        Double(7, 1), Double(5, std::nan(""))}) {
    ASSERT_TRUE(Decode(histogram(bad)).ok());
    EXPECT_EQ(RefusedAs(Refusal::kPoint), 1u);
    EXPECT_TRUE(batch_.points.empty() && batch_.counts.empty() && batch_.numbers.empty());
  }
  ASSERT_TRUE(Decode(histogram("")).ok());
  EXPECT_EQ(report().accepted, 1u);
  // Without temporality nobody knows what it counts.
  ASSERT_TRUE(Decode(Request(Named("h", Sized(9, Sized(1, Times() + Fixed64(4, 1)))))).ok());
  EXPECT_EQ(RefusedAs(Refusal::kPoint), 1u);
}

TEST_F(MetricsTest, PastALimitPointsAreRefusedAndAttributesCut) {
  const std::string point =
      Sized(1, Times() + Double(4, 1) + Sized(7, Text("a", "1")) + Sized(7, Text("b", "2")));
  const std::string two = Request(Named("gauge.of.many", Sized(5, point + point)));
  ASSERT_TRUE(Decode(two, {.attributes = 1, .points = 1, .key_bytes = 12}).ok());
  EXPECT_EQ(report().accepted, 1u);
  EXPECT_EQ(RefusedAs(Refusal::kTooLarge), 1u);
  EXPECT_EQ(report().attributes_cut, 1u);
  EXPECT_EQ(batch_.metrics[0].name, "gauge.of.man");
  std::string counts, bounds;
  for (int i = 0; i < 5; ++i) bounds += Double(7, i);
  for (int i = 0; i < 6; ++i) counts += Fixed64(6, 1);
  const std::string histogram =
      Request(Named("h", Sized(9, Sized(1, Times() + counts + bounds) + Varint(2, 1))));
  ASSERT_TRUE(Decode(histogram, {.buckets = 5}).ok());
  EXPECT_EQ(report().accepted, 1u);
  ASSERT_TRUE(Decode(histogram, {.buckets = 4}).ok());
  EXPECT_EQ(RefusedAs(Refusal::kTooLarge), 1u);
  const std::string exponential = Request(Named(
      "e", Sized(10, Sized(1, Times() + Sized(8, Sized(2, std::string(5, '\1')))) + Varint(2, 1))));
  ASSERT_TRUE(Decode(exponential, {.buckets = 5}).ok());
  EXPECT_EQ(report().accepted, 1u);
  ASSERT_TRUE(Decode(exponential, {.buckets = 4}).ok());
  EXPECT_EQ(RefusedAs(Refusal::kTooLarge), 1u);
}

TEST_F(MetricsTest, MalformedBytesRefuseTheWholeRequest) {
  const std::string good = Request(Named("g", Sized(5, Sized(1, Times() + Double(4, 1)))));
  for (std::size_t cut = 1; cut < good.size(); ++cut) {
    const base::Status status = Decode(good.substr(0, cut));
    EXPECT_EQ(status.code(), base::Code::kInvalidArgument) << cut;
    EXPECT_TRUE(batch_.metrics.empty() && batch_.points.empty());
  }
  // Packed counts that are no whole numbers.
  EXPECT_FALSE(Decode(Request(Named("h", Sized(9, Sized(1, Times() + Sized(6, "123")))))).ok());
}

TEST_F(MetricsTest, EncodingAndDecodingGivesTheSameMetrics) {
  const std::string number = Times() + Double(4, 0.5) + Sized(7, Text("a", "b"));
  const std::string histogram = Times() + Fixed64(4, 3) + Double(5, 1) + Fixed64(6, 1) +
                                Fixed64(6, 2) + Double(7, 1.5) + Double(11, 0) + Double(12, 4);
  const std::string exponential = Times() + Fixed64(4, 1) + Varint(6, 7) + Fixed64(7, 1) +
                                  Sized(8, Varint(1, 9) + Varint(2, 300)) + Sized(9, "");
  const std::string summary = Times() + Fixed64(4, 1) + Sized(6, Double(1, 0.5));
  ASSERT_TRUE(Decode(Request(Named("g", Sized(5, Sized(1, number) + Sized(1, number))) +
                             Named("c", Sized(3, "s") + Sized(7, Sized(1, number) + Varint(2, 1))) +
                             Named("h", Sized(9, Sized(1, histogram) + Varint(2, 2))) +
                             Named("e", Sized(10, Sized(1, exponential) + Varint(2, 1))) +
                             Named("s", Sized(11, Sized(1, summary)))))
                  .ok());
  ASSERT_EQ(report().accepted, 6u);
  std::string once, twice;
  EncodeMetrics(batch_, once);
  ASSERT_TRUE(Decode(once).ok());
  EXPECT_EQ(report().accepted, 6u);
  EXPECT_TRUE(report().clean());
  EncodeMetrics(batch_, twice);
  EXPECT_EQ(once, twice);
  ASSERT_EQ(batch_.metrics.size(), 5u);
  EXPECT_EQ(batch_.points[0].number, 0.5);
  EXPECT_EQ(batch_.points[3].max, 4);
  EXPECT_TRUE(batch_.points[3].has_min);
  EXPECT_EQ(batch_.points[4].scale, -4);
  EXPECT_THAT(batch_.CountsAt(batch_.points[4].positive.counts), ElementsAre(300));
}

}  // namespace
}  // namespace ronda::wire::otlp
