#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "series/manifest.h"
#include "series/metric_value.h"
#include "series/metrics.h"
#include "series/read.h"
#include "trace/ingest/json.h"
#include "trace/ingest/lane_test_util.h"
#include "trace/ingest/metric_meter.h"
#include "wire/otlp/decode.h"

namespace ronda::trace::ingest {
namespace {

using series::Kind;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Metrics put together one by one.
class Metrics {
 public:
  explicit Metrics(const std::string& service = "shop") {
    batch_.resources.push_back(
        {.attributes = Text("service.name", service), .entity_refs = {}, .schema_url = {}});
    batch_.scopes.push_back({.name = "meter", .version = {}, .attributes = {}, .schema_url = {}});
  }
  otlp::MetricPoint& Point(std::string_view name, otlp::MetricType type,
                           otlp::Temporality temporality, std::uint64_t time_ns) {
    otlp::Metric metric;
    metric.name = name;
    metric.type = type;
    metric.temporality = temporality;
    metric.monotonic = true;
    metric.points = {static_cast<std::uint32_t>(batch_.points.size()), 1};
    batch_.metrics.push_back(metric);
    otlp::MetricPoint& point = batch_.points.emplace_back();
    point.start_ns = 1;
    point.time_ns = time_ns;
    return point;
  }
  void Integer(std::string_view name, otlp::MetricType type, otlp::Temporality temporality,
               std::uint64_t time_ns, std::int64_t value) {
    otlp::MetricPoint& point = Point(name, type, temporality, time_ns);
    point.has_number = point.is_integer = true;
    point.integer = value;
  }
  void Histogram(std::string_view name, otlp::Temporality temporality, std::uint64_t time_ns,
                 const std::vector<double>& bounds, const std::vector<std::uint64_t>& counts) {
    otlp::MetricPoint& point = Point(name, otlp::MetricType::kHistogram, temporality, time_ns);
    point.bounds = {static_cast<std::uint32_t>(batch_.numbers.size()),
                    static_cast<std::uint32_t>(bounds.size())};
    point.counts = {static_cast<std::uint32_t>(batch_.counts.size()),
                    static_cast<std::uint32_t>(counts.size())};
    batch_.numbers.insert(batch_.numbers.end(), bounds.begin(), bounds.end());
    batch_.counts.insert(batch_.counts.end(), counts.begin(), counts.end());
  }
  otlp::Range Text(std::string_view key, const std::string& value) {
    const otlp::Range range{static_cast<std::uint32_t>(batch_.attributes.size()), 1};
    batch_.attributes.emplace_back(key, otlp::Value::String(batch_.arena.Copy(value)));
    return range;
  }
  otlp::MetricBatch& batch() { return batch_; }
  std::string Request() const {
    std::string request;
    EncodeMetrics(batch_, request);
    return request;
  }

 private:
  otlp::MetricBatch batch_;
};

class LaneSource : public series::Source {
 public:
  explicit LaneSource(Lane& lane) : lane_(lane) {}
  Files Snapshot(const ReadOpen& read) override { return lane_.SeriesSnapshot(read); }

 private:
  Lane& lane_;
};

class OpenSource : public series::Source {
 public:
  explicit OpenSource(const MetricMeter& meter) : meter_(meter) {}
  Files Snapshot(const ReadOpen& read) override {
    read(meter_.open());
    return {};
  }

 private:
  const MetricMeter& meter_;
};

// All of a metric, whatever its labels and times.
series::Sum TotalOf(series::Source& source, std::string_view metric) {
  series::Sum sum;
  std::vector<std::string> notices;
  const series::Visitor visitor{
      .number_of = [](const series::Key&) { return std::optional<std::uint32_t>(0); },
      .sum_of = [&](std::uint32_t, std::uint64_t) -> series::Sum& { return sum; }};
  EXPECT_TRUE(Read(source, metric, 0, ~std::uint64_t{0}, visitor, notices).ok());
  EXPECT_THAT(notices, IsEmpty());
  return sum;
}

LaneOptions MetricOptions() {
  LaneOptions options = Rig::kSmall;
  options.store.signal = segment::Signal::kMetrics;
  options.metric_bytes = 300;  // a file every few requests
  return options;
}

// Requests, each sent twice: a counter that has counted `i`, and 3 of a histogram. Returns how many points
// were acknowledged.
constexpr std::uint64_t kRequests = 12;
std::uint64_t Live(Rig& rig) {
  std::uint64_t acked = 0;
  for (std::uint64_t i = 1; i <= kRequests; ++i) {
    Metrics metrics(i % 3 == 0 ? "mall" : "shop");
    rig.clock.Set(rig.clock.WallNs() + 4 * kSecond);
    const std::uint64_t now = rig.clock.WallNs();
    metrics.Integer("delta", otlp::MetricType::kSum, otlp::kTemporalityDelta, now, 7);
    metrics.Integer("counted", otlp::MetricType::kSum, otlp::kTemporalityCumulative, now,
                    static_cast<std::int64_t>(10 * i));
    metrics.Histogram("spread", otlp::kTemporalityDelta, now, {1, 2}, {1, 1, 1});
    const std::string body = metrics.Request();
    auto first = rig.Submit(body, "test", segment::Signal::kMetrics);
    auto again = rig.Submit(body, "test", segment::Signal::kMetrics);
    if (first.get().ok()) acked += 3;
    again.wait();
    if (i % 4 == 3) rig.lane->Upkeep();
  }
  return acked;
}

// What is in series is what the ledger says was accepted.
void ExpectExact(Rig& rig, std::uint64_t acked) {
  const Standing standing = rig.lane->standing();
  const Tally total = standing.ledger.Total();
  EXPECT_TRUE(total.balanced());
  const std::uint64_t points = total.accepted - total.deduplicated;
  EXPECT_GE(points, acked);
  EXPECT_EQ(points % 3, 0u);
  const std::uint64_t requests = points / 3;
  LaneSource source(*rig.lane);
  const series::Sum delta = TotalOf(source, "delta"), counted = TotalOf(source, "counted"),
                    spread = TotalOf(source, "spread");
  if (requests == 0) return;
  ASSERT_TRUE(delta.metric() != nullptr && counted.metric() != nullptr &&
              spread.metric() != nullptr);
  EXPECT_EQ(delta.metric()->sum().samples, requests);
  EXPECT_EQ(delta.metric()->sum().total.whole, static_cast<std::int64_t>(7 * requests));
  EXPECT_EQ(counted.metric()->counter().samples, requests);
  EXPECT_EQ(
      counted.metric()->counter().growth.whole,
      counted.metric()->counter().last.total.whole - counted.metric()->counter().first.total.whole);
  EXPECT_EQ(spread.metric()->histogram().total.count(), 3 * requests);
  std::uint64_t stored = 0;
  for (const auto& [key, place] : standing.places) stored += place.stored;
  EXPECT_EQ(stored, points);
}

TEST(MetricLaneTest, KilledAtEveryStepEveryAcknowledgedPointIsThereOnce) {
  Rig counting;
  ASSERT_TRUE(counting.Open(MetricOptions()).ok());
  const std::uint64_t begin = counting.files.steps();
  EXPECT_EQ(Live(counting), 3 * kRequests);
  ExpectExact(counting, 3 * kRequests);
  // Files were made, and joined.
  const auto names = counting.files.List();
  EXPECT_TRUE(std::ranges::any_of(*names, [](const std::string& name) {
    return name.starts_with(series::kFilePrefix) && name > series::FileName(3);
  }));
  const std::uint64_t end = counting.files.steps();
  ASSERT_GT(end, begin + 60);
  for (std::uint64_t step = begin; step < end; ++step) {
    SCOPED_TRACE(step);
    Rig rig(step);
    ASSERT_TRUE(rig.Open(MetricOptions()).ok());
    rig.files.DieAt(step);
    const std::uint64_t acked = Live(rig);
    rig.lane.reset();
    rig.files.Reboot();
    ASSERT_TRUE(rig.Open(MetricOptions()).ok());
    ExpectExact(rig, acked);
    rig.lane->Upkeep();
    ExpectExact(rig, acked);
  }
}

// What a start reads back stays in the log until it is in a file: metrics have no rows that would say so.
TEST(MetricLaneTest, KilledAgainAndAgainBeforeItSealsNothingIsLost) {
  Rig rig;
  for (std::int64_t round = 0; round < 4; ++round) {
    ASSERT_TRUE(rig.Open(MetricOptions()).ok());
    LaneSource source(*rig.lane);
    EXPECT_EQ(rig.lane->standing().ledger.Total().accepted, static_cast<std::uint64_t>(round));
    if (round > 0) {
      const series::Sum sold = TotalOf(source, "sold");
      ASSERT_NE(sold.metric(), nullptr);
      EXPECT_EQ(sold.metric()->sum().total.whole, round);
    }
    Metrics metrics;
    metrics.Integer("sold", otlp::MetricType::kSum, otlp::kTemporalityDelta,
                    rig.clock.WallNs() + static_cast<std::uint64_t>(round), 1);
    ASSERT_TRUE(rig.Submit(metrics.Request(), "test", segment::Signal::kMetrics).get().ok());
    rig.files.DieAt(rig.files.steps());
    rig.lane.reset();
    rig.files.Reboot();
  }
}

TEST(MetricLaneTest, AFullDiskRefusesAndLosesNothing) {
  for (std::uint64_t from = 5; from < 90; from += 3) {
    SCOPED_TRACE(from);
    Rig rig(from);
    ASSERT_TRUE(rig.Open(MetricOptions()).ok());
    rig.files.FailSteps(from, from + 9);
    const std::uint64_t acked = Live(rig);
    ExpectExact(rig, acked);
    rig.files.FailSteps(0, 0);
    ASSERT_TRUE(rig.Open(MetricOptions()).ok());
    ExpectExact(rig, acked);
  }
}

TEST(MetricLaneTest, WhatIsMaskedReachesNeitherLogNorSeries) {
  Rig rig(1, {.keys = {"user"}});
  ASSERT_TRUE(rig.Open(MetricOptions()).ok());
  Metrics metrics;
  metrics.Integer("delta", otlp::MetricType::kSum, otlp::kTemporalityDelta, rig.clock.WallNs(), 1);
  metrics.batch().points[0].attributes = metrics.Text("user", "the-secret-name");
  ASSERT_TRUE(rig.Submit(metrics.Request(), "test", segment::Signal::kMetrics).get().ok());
  EXPECT_EQ(rig.lane->standing().ledger.Total().masked_values, 1u);
  rig.lane->Stop();
  const auto names = rig.files.List();
  for (const std::string& name : *names) {
    EXPECT_EQ(rig.files.Bytes(name)->find("the-secret-name"), std::string::npos) << name;
  }
  ASSERT_TRUE(rig.Open(MetricOptions()).ok());
  LaneSource source(*rig.lane);
  std::vector<std::string> users;
  ReadKeys(source, 0, ~std::uint64_t{0},
           [&](const series::Key& key) { users.emplace_back(key.At("user")); });
  EXPECT_THAT(users, ElementsAre("***"));
}

TEST(MetricMeterTest, ASeriesHasTheAttributesOfPointAndResource) {
  Metrics metrics;
  metrics.Integer("g", otlp::MetricType::kGauge, otlp::kTemporalityUnspecified,
                  1'700'000'003 * kSecond, 4);
  metrics.Text("route", "/cart");
  metrics.batch().attributes.emplace_back("status", otlp::Value::Int(200));
  metrics.batch().attributes.emplace_back("ok", otlp::Value::Bool(true));
  metrics.batch().attributes.emplace_back("list", otlp::Value::Array(""));
  metrics.batch().points[0].attributes = {1, 4};
  metrics.batch().metrics[0].unit = "1";
  MetricMeter meter;
  meter.Measure(metrics.batch(), 1'700'000'005 * kSecond);
  OpenSource source(meter);
  std::map<std::string, std::string> labels;
  ReadKeys(source, 0, ~std::uint64_t{0}, [&](const series::Key& key) {
    EXPECT_EQ(key.kind, Kind::kGauge);
    for (const auto& label : key.labels) labels[std::string(label.name)] = label.value;
  });
  EXPECT_THAT(labels, ::testing::UnorderedElementsAre(
                          std::pair("route", "/cart"), std::pair("status", "200"),
                          std::pair("ok", "true"), std::pair("service.name", "shop"),
                          std::pair("otel.scope.name", "meter"), std::pair("otel.unit", "1")));
  ASSERT_EQ(meter.open().value_rows().size(), 1u);
  EXPECT_EQ(meter.open().value_rows()[0].time_s, 1'700'000'000u);
}

// A sum that goes up and down and says where it stands is a gauge.
TEST(MetricMeterTest, EachTypeBecomesTheKindThatAddsUpAsItMeans) {
  Metrics metrics;
  const std::uint64_t now = 1'700'000'000 * kSecond;
  metrics.Integer("up_down", otlp::MetricType::kSum, otlp::kTemporalityCumulative, now, 4);
  metrics.batch().metrics[0].monotonic = false;
  metrics.Integer("counter", otlp::MetricType::kSum, otlp::kTemporalityCumulative, now, 4);
  metrics.Histogram("counted", otlp::kTemporalityCumulative, now, {}, {});
  metrics.batch().points.back().count = 9;
  otlp::MetricPoint& exponential =
      metrics.Point("exponential", otlp::MetricType::kExponential, otlp::kTemporalityDelta, now);
  exponential.zero_count = 2;
  exponential.has_max = true;
  exponential.max = 5;
  otlp::MetricPoint& summary =
      metrics.Point("summary", otlp::MetricType::kSummary, otlp::kTemporalityUnspecified, now);
  summary.count = 3;
  summary.sum = 4.5;
  metrics.batch().numbers = {0.5, 7};
  summary.quantiles = {0, 2};
  metrics.Integer("none", otlp::MetricType::kGauge, otlp::kTemporalityUnspecified, now, 4);
  metrics.batch().points.back().flags = otlp::kNoRecordedValue;
  MetricMeter meter;
  meter.Measure(metrics.batch(), now);
  OpenSource source(meter);
  std::map<std::string, Kind> kinds;
  ReadKeys(source, 0, ~std::uint64_t{0},
           [&](const series::Key& key) { kinds[std::string(key.metric)] = key.kind; });
  EXPECT_THAT(
      kinds,
      ::testing::UnorderedElementsAre(
          std::pair("up_down", Kind::kGauge), std::pair("counter", Kind::kCounter),
          std::pair("counted", Kind::kCountedDistribution),
          std::pair("exponential", Kind::kDistribution), std::pair("summary", Kind::kGauge),
          std::pair("summary.count", Kind::kCounter), std::pair("summary.sum", Kind::kCounter)));
  EXPECT_EQ(TotalOf(source, "counted").metric()->counted_histogram().last.total.count(), 9u);
  EXPECT_EQ(TotalOf(source, "exponential").metric()->histogram().total.max(), 5);
  EXPECT_EQ(TotalOf(source, "summary").metric()->gauge().last, 7);
  EXPECT_EQ(TotalOf(source, "summary.sum").metric()->counter().last.total.value(), 4.5);
}

TEST(MetricMeterTest, PastTheMostSeriesPointsAreCountedInsteadOfKept) {
  MetricMeter meter({.series = 3, .labels = 2});
  const std::uint64_t now = 1'700'000'000 * kSecond;
  for (int i = 0; i < 10; ++i) {
    Metrics metrics;
    metrics.Integer("delta", otlp::MetricType::kSum, otlp::kTemporalityDelta, now, 1);
    metrics.batch().points[0].attributes = metrics.Text("user", std::to_string(i % 5));
    metrics.batch().scopes[0].name = "";
    meter.Measure(metrics.batch(), now);
  }
  OpenSource source(meter);
  EXPECT_EQ(TotalOf(source, "delta").metric()->sum().samples, 6u);
  EXPECT_EQ(TotalOf(source, series::metrics::kNotKept).count(), 4u);
  Metrics next_hour;
  next_hour.Integer("delta", otlp::MetricType::kSum, otlp::kTemporalityDelta, now, 1);
  next_hour.batch().points[0].attributes = next_hour.Text("user", "another");
  meter.Measure(next_hour.batch(), now + kHour);
  EXPECT_EQ(TotalOf(source, "delta").metric()->sum().samples, 7u);
}

TEST(MetricJsonTest, JsonBecomesTheSameAsProtobuf) {
  const std::string json = R"({"resourceMetrics":[{"resource":{"attributes":[
      {"key":"service.name","value":{"stringValue":"shop"}}]},"scopeMetrics":[{"scope":{"name":"m"},
      "metrics":[
      {"name":"g","unit":"By","gauge":{"dataPoints":[{"timeUnixNano":"20","asInt":"-3","exemplars":[{}]}]}},
      {"name":"c","sum":{"aggregationTemporality":"AGGREGATION_TEMPORALITY_CUMULATIVE",
        "isMonotonic":true,"dataPoints":[{"startTimeUnixNano":10,"timeUnixNano":"20","asDouble":0.5,
        "attributes":[{"key":"a","value":{"boolValue":true}}]}]}},
      {"name":"h","histogram":{"aggregationTemporality":1,"dataPoints":[{"timeUnixNano":"20",
        "count":"3","sum":4,"min":0,"max":2.5,"bucketCounts":["1",2],"explicitBounds":[1.5]}]}},
      {"name":"e","exponentialHistogram":{"aggregationTemporality":2,"dataPoints":[
        {"timeUnixNano":"20","count":4,"scale":-2,"zeroCount":"1","zeroThreshold":0.25,
        "positive":{"offset":-1,"bucketCounts":["3"]},"negative":{}}]}},
      {"name":"s","summary":{"dataPoints":[{"timeUnixNano":"20","count":"1","sum":"NaN",
        "quantileValues":[{"quantile":0.5,"value":7}]},{"timeUnixNano":"20","count":"1","sum":2,
        "quantileValues":[{"quantile":0.5,"value":7}]}]}}]}]}]})";
  JsonReader reader;
  std::string request;
  ASSERT_TRUE(reader.ReadMetrics(json, request).ok());
  otlp::Decoder decoder{otlp::Limits()};
  otlp::MetricBatch batch;
  ASSERT_TRUE(decoder.DecodeMetrics(request, batch).ok());
  EXPECT_EQ(decoder.report().accepted, 5u);
  EXPECT_THAT(decoder.report().Describe(), HasSubstr("1 of 6 refused: bad data point 1"));
  ASSERT_EQ(batch.points.size(), 5u);
  EXPECT_EQ(batch.points[0].integer, -3);
  EXPECT_EQ(batch.metrics[0].unit, "By");
  EXPECT_EQ(batch.points[1].number, 0.5);
  EXPECT_EQ(batch.points[1].start_ns, 10u);
  EXPECT_TRUE(batch.metrics[1].monotonic);
  EXPECT_EQ(batch.metrics[1].temporality, otlp::kTemporalityCumulative);
  EXPECT_THAT(batch.CountsAt(batch.points[2].counts), ElementsAre(1, 2));
  EXPECT_THAT(batch.NumbersAt(batch.points[2].bounds), ElementsAre(1.5));
  EXPECT_EQ(batch.points[2].max, 2.5);
  EXPECT_EQ(batch.points[3].scale, -2);
  EXPECT_EQ(batch.points[3].positive.offset, -1);
  EXPECT_THAT(batch.CountsAt(batch.points[3].positive.counts), ElementsAre(3));
  EXPECT_EQ(batch.points[3].zero_threshold, 0.25);
  EXPECT_THAT(batch.NumbersAt(batch.points[4].quantiles), ElementsAre(0.5, 7));
  for (const auto& [bad, why] :
       {std::pair<std::string, std::string>{R"({"name":"g","gauge":{"dataPoints":{}}})", "array"},
        {R"({"name":"g","gauge":{"dataPoints":[{"asInt":1.5}]}})", "64-bit integer"},
        {R"({"name":"h","histogram":{"dataPoints":[{"bucketCounts":[-1]}]}})", "unsigned integer"},
        {R"({"name":"h","sum":{"isMonotonic":1}})", "boolean"}}) {
    const base::Status status = reader.ReadMetrics(
        R"({"resourceMetrics":[{"scopeMetrics":[{"metrics":[)" + bad + "]}]}]}", request);
    EXPECT_EQ(status.code(), base::Code::kInvalidArgument);
    EXPECT_THAT(status.message(), HasSubstr(why));
  }
}

}  // namespace
}  // namespace ronda::trace::ingest
