#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "base/core/random.h"
#include "disk/simulated_file_system.h"
#include "series/red.h"
#include "series/store.h"
#include "trace/query/red.h"
#include "trace/query/service_map.h"
#include "trace/query/trace_test_util.h"
#include "trace/segment/store.h"
#include "wire/otlp/encode.h"

namespace ronda::trace::query {
namespace {

namespace red = series::red;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::uint64_t kBeginS = TraceBuilder::kEpochNs / 1'000'000'000;

// A store of series and what is in no file yet.
class TestSeries : public series::Source {
 public:
  TestSeries() : store_(*series::Store::Open(files)) {}
  Files Snapshot(const ReadOpen& read) override {
    read(open);
    return store_->files();
  }
  void Measure(const std::vector<series::Label>& labels, std::uint64_t time_s, std::uint64_t value,
               series::Kind kind = series::Kind::kHistogram) {
    std::string key;
    PutKey(kind, kind == series::Kind::kCount ? red::kExceptions : red::kDuration, labels, key);
    open.Add(open.SeriesOf(key), time_s, value);
  }
  void Seal() {
    ASSERT_TRUE(store_->Add(open, store_->through() + 1).ok());
    open.Clear();
  }
  void Upkeep(std::uint64_t now_s) {
    while (const auto plan = store_->PlanUpkeep(now_s)) {
      ASSERT_TRUE(store_->FinishUpkeep(*plan, *series::RunUpkeep(files, *plan)).ok());
    }
  }

  disk::SimulatedFileSystem files;
  series::OpenPoints open;

 private:
  std::unique_ptr<series::Store> store_;
};

// Measured spans of two services with errors, over an hour.
struct Measured {
  std::string service, operation;
  bool error = false;
  std::uint64_t time_s = 0, ns = 0;
};
std::vector<Measured> MeasureSome(TestSeries& series) {
  std::vector<Measured> all;
  base::Random random(4);
  for (int i = 0; i < 3000; ++i) {
    const Measured one{.service = random.Below(2) == 0 ? "shop" : "stock",
                       .operation = "op" + std::to_string(random.Below(3)),
                       .error = random.Below(5) == 0,
                       .time_s = kBeginS + 10 * random.Below(360),
                       .ns = 1 + random.Below(1'000'000'000)};
    series.Measure({{red::kError, one.error ? "1" : ""},
                    {red::kOperation, one.operation},
                    {red::kService, one.service}},
                   one.time_s, one.ns);
    all.push_back(one);
    if (i % 700 == 699) series.Seal();
  }
  return all;
}

RedRequest Hour(std::uint64_t step_s = 0) {
  return {.from_s = kBeginS, .to_s = kBeginS + 3600, .step_s = step_s};
}

TEST(RedQueryTest, GroupsAndStepsAreWhatWasMeasuredWhereverItIs) {
  TestSeries series;
  const std::vector<Measured> all = MeasureSome(series);
  for (int round = 0; round < 2; ++round) {
    RedRequest request = Hour(60);
    request.by = {std::string(red::kService), std::string(red::kOperation)};
    request.where = {{std::string(red::kOperation), {"op0", "op2"}}};
    const auto answer = ReadRed(series, request);
    ASSERT_TRUE(answer.ok());
    std::map<std::vector<std::string>, std::vector<RedCell>> wanted;
    for (const Measured& one : all) {
      if (one.operation == "op1") continue;
      auto& steps = wanted[{one.service, one.operation}];
      steps.resize(60);
      RedCell& cell = steps[(one.time_s - kBeginS) / 60];
      ++cell.spans;
      cell.errors += one.error ? 1 : 0;
    }
    ASSERT_EQ(answer->groups.size(), wanted.size());
    std::uint64_t spans = 0;
    for (const RedGroup& group : answer->groups) {
      const auto& steps = wanted.at(group.values);
      for (std::size_t i = 0; i < 60; ++i) {
        EXPECT_EQ(group.steps[i].spans, steps[i].spans);
        EXPECT_EQ(group.steps[i].errors, steps[i].errors);
        EXPECT_EQ(group.steps[i].durations.count(), steps[i].spans);
      }
      spans += group.total.spans;
    }
    EXPECT_EQ(spans, static_cast<std::uint64_t>(std::ranges::count_if(
                         all, [](const Measured& one) { return one.operation != "op1"; })));
    series.Upkeep(kBeginS + 86'400);  // minutes now: the same
  }
}

TEST(RedQueryTest, OneSumWithoutAStepAndOnlyTheTimeAskedFor) {
  TestSeries series;
  const std::vector<Measured> all = MeasureSome(series);
  RedRequest request = Hour();
  request.from_s += 603;
  request.to_s -= 1;  // both made whole steps
  const auto answer = ReadRed(series, request);
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->from_s, kBeginS + 600);
  EXPECT_EQ(answer->to_s, kBeginS + 3600);
  ASSERT_EQ(answer->groups.size(), 1u);
  base::Histogram wanted(series::kLayout);
  for (const Measured& one : all) {
    if (one.time_s >= kBeginS + 600) wanted.Record(one.ns);
  }
  EXPECT_EQ(answer->groups[0].total.durations, wanted);
  EXPECT_TRUE(answer->groups[0].steps.empty());
}

TEST(RedQueryTest, TooMuchIsRefusedNotGuessed) {
  TestSeries series;
  MeasureSome(series);
  RedRequest request = Hour(10);
  request.to_s = request.from_s;
  EXPECT_EQ(ReadRed(series, request).status().code(), base::Code::kInvalidArgument);
  request.to_s = request.from_s + 10 * 50'001;
  EXPECT_EQ(ReadRed(series, request).status().code(), base::Code::kInvalidArgument);
  request.to_s = request.from_s + 10 * 20'000;
  request.by = {std::string(red::kOperation)};
  EXPECT_EQ(ReadRed(series, request).status().code(), base::Code::kInvalidArgument);
}

TEST(RedQueryTest, ADamagedFileIsANotice) {
  TestSeries series;
  MeasureSome(series);
  for (int at = 20; at < 60; ++at) series.files.Bytes("series-000000000001")->at(at) ^= 0x55;
  const auto answer = ReadRed(series, Hour());
  ASSERT_TRUE(answer.ok());
  EXPECT_THAT(answer->notices, ElementsAre(HasSubstr("damaged")));
  EXPECT_GE(answer->groups[0].total.spans, 2300u);
}

TEST(RedQueryTest, ExceptionsAreGroupedByTypeAndPlace) {
  TestSeries series;
  const auto thrown = [&](std::string_view type, std::string_view print, std::string_view service,
                          std::uint64_t time_s, std::uint64_t count) {
    series.Measure({{red::kException, type},
                    {red::kFingerprint, print},
                    {red::kFrame, "at f"},
                    {red::kOperation, "GET /"},
                    {red::kService, service}},
                   time_s, count, series::Kind::kCount);
  };
  thrown("Timeout", "1", "shop", kBeginS + 20, 2);
  thrown("Timeout", "1", "stock", kBeginS, 3);
  thrown("Timeout", "2", "shop", kBeginS + 30, 1);
  series.Seal();
  thrown("Timeout", "1", "shop", kBeginS + 40, 4);
  thrown("Timeout", "1", "later", kBeginS + 3600, 4);
  std::vector<std::string> notices;
  const auto groups = ReadExceptions(series, Hour(), notices);
  ASSERT_TRUE(groups.ok());
  ASSERT_EQ(groups->size(), 2u);
  const ExceptionGroup& first = groups->front();
  EXPECT_EQ(first.count, 9u);
  EXPECT_EQ(first.first_s, kBeginS);
  EXPECT_EQ(first.last_s, kBeginS + 40);
  EXPECT_EQ(first.frame, "at f");
  EXPECT_THAT(first.services, ElementsAre("shop", "stock"));
  EXPECT_THAT(first.operations, ElementsAre("GET /"));
}

class ServiceMapTest : public ::testing::Test {
 protected:
  void SetUp() override {
    store_ = *segment::Store::Open(files_, {}, [](const auto&, auto&) { return base::Ok(); });
  }
  void Calls(std::string_view service, std::string_view kind, std::string_view peer,
             std::string_view technology, int count, bool error = false) {
    for (int i = 0; i < count; ++i) {
      series_.Measure({{red::kError, error ? "1" : ""},
                       {red::kKind, kind},
                       {red::kPeer, peer},
                       {red::kService, service},
                       {red::kTechnology, technology}},
                      kBeginS, 1000);
    }
  }
  // A trace in which `from` calls the address `peer`, where `to` answers.
  void Trace(std::uint64_t id, std::string_view from, std::string_view peer, std::string_view to) {
    TraceBuilder t;
    t.Service(from).Trace(id).Span(1, 0, 0, 100).Span(2, 1, 10, 60, wire::otlp::kKindClient);
    t.With("server.address", wire::otlp::Value::String(t.batch.arena.Copy(peer)));
    t.Service(to).Span(3, 2, 20, 50, wire::otlp::kKindServer);
    std::string body;
    EncodeTraces(t.batch, body);
    ASSERT_TRUE(store_->Append({.received_ns = 1, .body = body}, t.batch).ok());
  }
  ServiceMap Map() {
    segment::StoreSource source(*store_);
    const auto map = ReadMap(series_, source, clock_, Hour(), 0);
    EXPECT_TRUE(map.ok());
    return *map;
  }
  static std::vector<std::string> EdgesOf(const ServiceMap& map) {
    std::vector<std::string> edges;
    for (const MapEdge& edge : map.edges) {
      edges.push_back(edge.from + " > " + edge.to + " " + std::to_string(edge.calls.spans) + "/" +
                      std::to_string(edge.calls.errors));
    }
    return edges;
  }

  TestSeries series_;
  disk::SimulatedFileSystem files_;
  std::unique_ptr<segment::Store> store_;
  base::FakeClock clock_{TraceBuilder::kEpochNs};
};

TEST_F(ServiceMapTest, AddressesBecomeTheServicesThatAnsweredThere) {
  Calls("shop", "client", "10.0.0.7:8080", "http", 5);
  Calls("shop", "client", "10.0.0.7:8080", "http", 1, true);
  Calls("shop", "client", "db1", "db/postgresql", 4);
  Calls("shop", "client", "pay", "http", 3);
  Calls("shop", "server", "", "http", 2);
  Calls("stock", "server", "", "http", 6);
  Calls("pay", "server", "", "http", 3);
  EXPECT_THAT(EdgesOf(Map()),
              ElementsAre("shop > 10.0.0.7:8080 6/1", "shop > db1 4/0", "shop > pay 3/0"));
  Trace(1, "shop", "10.0.0.7:8080", "stock");
  const ServiceMap map = Map();
  EXPECT_EQ(map.traces, 1u);
  EXPECT_THAT(EdgesOf(map), ElementsAre("shop > stock 6/1", "shop > db1 4/0", "shop > pay 3/0"));
  std::vector<std::string> nodes;
  for (const MapNode& node : map.nodes) {
    nodes.push_back(node.name +
                    (node.kind == MapNode::Kind::kPeer ? " is " + node.technology : "") + " " +
                    std::to_string(node.served.spans));
  }
  EXPECT_THAT(nodes, ElementsAre("pay 3", "shop 2", "stock 6", "db1 is db/postgresql 0"));
}

TEST_F(ServiceMapTest, AProxyStaysANodeOfItsOwn) {
  Calls("shop", "client", "proxy", "http", 5);
  Trace(1, "shop", "proxy", "stock");
  Trace(2, "shop", "proxy", "pay");
  EXPECT_THAT(EdgesOf(Map()), ElementsAre("shop > proxy 5/0"));
}

TEST_F(ServiceMapTest, MessagesGoThroughTheirQueue) {
  Calls("shop", "producer", "orders", "messaging/kafka", 5);
  Calls("mail", "consumer", "orders", "messaging/kafka", 4);
  EXPECT_THAT(EdgesOf(Map()), ElementsAre("shop > orders 5/0", "orders > mail 4/0"));
}

}  // namespace
}  // namespace ronda::trace::query
