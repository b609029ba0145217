#include "trace/ingest/sampling.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "trace/ingest/dropped_traces.h"
#include "trace/ingest/lane_test_util.h"
#include "trace/ingest/tail_sampler.h"

namespace ronda::trace::ingest {
namespace {

using disk::SimulatedFileSystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::uint64_t kMinute = 60 * kSecond;

// One span as a test says it.
struct Sent {
  std::uint64_t trace = 0;
  std::string service = "shop";
  std::string operation = "buy";
  std::uint64_t took_ns = 1000;
  bool error = false;
  std::string mark = "";  // value of the attribute "mark"
};

std::uint64_t LastSpan() {
  static std::uint64_t last = 0;
  return ++last;
}

otlp::SpanBatch BatchOf(const std::vector<Sent>& sent) {
  otlp::SpanBatch batch;
  for (const Sent& one : sent) {
    const auto number = static_cast<std::uint32_t>(batch.resources.size());
    const auto at = static_cast<std::uint32_t>(batch.attributes.size());
    batch.attributes.emplace_back("service.name",
                                  otlp::Value::String(batch.arena.Copy(one.service)));
    batch.attributes.emplace_back("mark", otlp::Value::String(batch.arena.Copy(one.mark)));
    batch.resources.push_back({.attributes = {at, 1}, .entity_refs = {}, .schema_url = {}});
    batch.scopes.push_back({});
    batch.scopes.back().resource = number;
    otlp::Span span;
    span.trace = {.high = 7, .low = one.trace};
    span.span = LastSpan();
    span.name = batch.arena.Copy(one.operation);
    span.kind = otlp::kKindServer;
    span.start_ns = 100;
    span.end_ns = 100 + one.took_ns;
    span.status = one.error ? otlp::kStatusError : otlp::kStatusUnset;
    span.attributes = {at + 1, one.mark.empty() ? 0u : 1u};
    span.scope = number;
    batch.spans.push_back(span);
  }
  return batch;
}

std::string BodyOf(const std::vector<Sent>& sent) {
  std::string body;
  EncodeTraces(BatchOf(sent), body);
  return body;
}

// Only what policies keep.
SamplingRules Strict() {
  SamplingRules rules{.on = true, .after_ns = 10 * kMinute, .remember_ns = 100 * kHour};
  rules.rest = {.errors = true, .slow = 1, .marked = {}, .rare = 0, .one_in = 0};
  return rules;
}

// Two lanes on simulated disks, and the sampler over them on a third.
class SamplingRig {
 public:
  explicit SamplingRig(std::uint64_t seed = 1) : verdicts(seed + 2) {
    for (std::uint64_t i = 0; i < 2; ++i) disks.push_back(SimulatedFileSystem(seed + i));
  }

  base::Status Open(const SamplingRules& rules = Strict()) {
    Close();
    for (SimulatedFileSystem& disk : disks) {
      ASSIGN_OR_RETURN(auto lane, Lane::Open(disk, Rig::kSmall, masker_, clock, log_, nullptr));
      lanes.push_back(std::move(lane));
    }
    ASSIGN_OR_RETURN(sampler, TailSampler::Open(verdicts, rules, clock, log_));
    return base::Ok();
  }
  void Close() {
    sampler.reset();
    lanes.clear();
  }
  void Reboot() {
    Close();
    for (SimulatedFileSystem& disk : disks) disk.Reboot();
    verdicts.Reboot();
  }

  bool Send(std::size_t lane, const std::vector<Sent>& sent) {
    DeliveryReader reader(otlp::Limits(), masker_);
    auto delivery = std::make_unique<Delivery>();
    EXPECT_TRUE(reader.Read({.receiver = "test"}, BodyOf(sent), {}, *delivery).ok());
    auto told = std::make_shared<std::promise<base::Status>>();
    delivery->done = [told](const base::Status& status) { told->set_value(status); };
    lanes[lane]->Submit(std::move(delivery));
    if (!told->get_future().get().ok()) return false;
    for (const Sent& one : sent) ++acked[one.trace];
    return true;
  }
  // Makes the open blocks segments: as when their partitions are over.
  void Seal() {
    clock.Set(clock.WallNs() + 2 * kHour);
    for (const auto& lane : lanes) lane->Upkeep();
  }
  // Until nothing is due. False after a failure.
  bool Sample() {
    while (true) {
      const auto done = sampler->Round(lanes);
      if (!done.ok()) return false;
      if (!*done) return true;
    }
  }
  // How many spans of each trace are stored.
  std::map<std::uint64_t, std::size_t> Stored() {
    std::map<std::uint64_t, std::size_t> stored;
    otlp::SpanBatch batch;
    for (const auto& lane : lanes) {
      const auto segments = lane->Snapshot([&](const segment::Block& block) {
        std::vector<std::uint32_t> rows(block.rows());
        std::iota(rows.begin(), rows.end(), 0u);
        block.Read(rows, batch);
      });
      for (const auto& segment : segments) {
        EXPECT_TRUE(
            segment->Read({0, static_cast<std::uint32_t>(segment->info().rows)}, batch).ok());
      }
    }
    for (const otlp::Span& span : batch.spans) ++stored[span.trace.low];
    return stored;
  }
  // accepted = stored + sampled out, for each service; returns how many were sampled out.
  std::uint64_t ExpectBalanced() {
    std::uint64_t out = 0;
    for (const auto& lane : lanes) {
      const Standing standing = lane->standing();
      for (const auto& [key, tally] : standing.ledger.tallies()) {
        const auto place = standing.places.find(key);
        const Place at = place == standing.places.end() ? Place() : place->second;
        EXPECT_EQ(at.stored + at.sampled_out, tally.accepted - tally.deduplicated) << key.second;
        out += at.sampled_out;
      }
    }
    return out;
  }

  std::map<std::uint64_t, std::size_t> acked;  // spans of each trace
  std::vector<SimulatedFileSystem> disks;
  SimulatedFileSystem verdicts;
  TestClock clock;
  std::vector<std::unique_ptr<Lane>> lanes;
  std::unique_ptr<TailSampler> sampler;

 private:
  Masker masker_{MaskRules{}};
  base::Log log_{base::LogLevel::kError};
};

TEST(SamplingTest, EverythingIsKeptUntilItIsOldEnough) {
  SamplingRig rig;
  ASSERT_TRUE(rig.Open().ok());
  ASSERT_TRUE(rig.Send(0, std::vector<Sent>(25, Sent{.trace = 1})));
  ASSERT_TRUE(rig.Send(0, {{.trace = 2}}));  // seals what came before
  ASSERT_TRUE(rig.Sample());
  EXPECT_EQ(rig.Stored().at(1), 25u);
  rig.clock.Set(rig.clock.WallNs() + 10 * kMinute);
  ASSERT_TRUE(rig.Sample());
  EXPECT_FALSE(rig.Stored().contains(1));
  EXPECT_EQ(rig.Stored().at(2), 1u);  // in the open block
  EXPECT_EQ(rig.ExpectBalanced(), 25u);
}

TEST(SamplingTest, ATraceIsKeptAsAWholeForOneSpanInAnotherLane) {
  SamplingRig rig;
  ASSERT_TRUE(rig.Open().ok());
  ASSERT_TRUE(rig.Send(0, {{.trace = 1}, {.trace = 2}, {.trace = 3}}));
  ASSERT_TRUE(rig.Send(1, {{.trace = 1, .service = "mall", .error = true}, {.trace = 3}}));
  rig.Seal();
  ASSERT_TRUE(rig.Sample());
  EXPECT_THAT(rig.Stored(), ElementsAre(std::pair(1u, 2u)));
  EXPECT_EQ(rig.ExpectBalanced(), 3u);
  EXPECT_EQ(rig.lanes[1]->standing().places.at({"test", "shop"}),
            (Place{.stored = 0, .sampled_out = 1}));
}

TEST(SamplingTest, WhatIsStillInAnOpenBlockCountsForTheVerdict) {
  SamplingRig rig;
  ASSERT_TRUE(rig.Open().ok());
  ASSERT_TRUE(rig.Send(0, {{.trace = 1}}));
  rig.Seal();
  ASSERT_TRUE(rig.Send(1, {{.trace = 1, .error = true}}));
  ASSERT_TRUE(rig.Sample());
  EXPECT_EQ(rig.Stored().at(1), 2u);
}

TEST(SamplingTest, SpansThatComeLateGoAsTheirTraceDid) {
  SamplingRig rig;
  ASSERT_TRUE(rig.Open().ok());
  ASSERT_TRUE(rig.Send(0, {{.trace = 1}, {.trace = 2, .error = true}}));
  rig.Seal();
  ASSERT_TRUE(rig.Sample());
  ASSERT_TRUE(rig.Send(1, {{.trace = 1, .error = true}, {.trace = 2}}));
  rig.Reboot();  // verdicts are on disk
  ASSERT_TRUE(rig.Open().ok());
  rig.Seal();
  ASSERT_TRUE(rig.Sample());
  EXPECT_THAT(rig.Stored(), ElementsAre(std::pair(2u, 2u)));
  EXPECT_EQ(rig.ExpectBalanced(), 2u);
}

TEST(SamplingTest, MergedOrNotWhatWasSampledIsNotJudgedAgain) {
  SamplingRig rig;
  ASSERT_TRUE(rig.Open().ok());
  for (std::uint64_t i = 0; i < 4; ++i) {
    ASSERT_TRUE(rig.Send(0, std::vector<Sent>(20, Sent{.trace = i, .error = i % 2 == 0})));
  }
  rig.Seal();
  ASSERT_TRUE(rig.Sample());
  // Rules that keep nothing.
  SamplingRules none = Strict();
  none.rest.errors = false;
  ASSERT_TRUE(rig.Open(none).ok());
  for (int i = 0; i < 3; ++i) rig.lanes[0]->Upkeep();
  ASSERT_TRUE(rig.Sample());
  EXPECT_THAT(rig.Stored(), ElementsAre(std::pair(0u, 20u), std::pair(2u, 20u)));
}

// One life: traces in both lanes, sampled while they come. False when a disk failed.
bool Live(SamplingRig& rig) {
  bool good = true;
  for (std::uint64_t round = 0; good && round < 4; ++round) {
    for (std::uint64_t i = 0; i < 6; ++i) {
      const std::uint64_t trace = 10 * round + i;
      // Of a third of the traces an error is known, in either lane; some have late spans.
      good = good && rig.Send(0, {{.trace = trace, .error = i == 0}, {.trace = trace}});
      good = good && rig.Send(1, {{.trace = trace, .service = "mall", .error = i == 1}});
      if (round > 0) good = good && rig.Send(i % 2, {{.trace = trace - 10, .error = true}});
    }
    rig.clock.Set(rig.clock.WallNs() + 20 * kMinute);
    for (const auto& lane : rig.lanes) lane->Upkeep();
    good = good && rig.Sample();
  }
  return good;
}

TEST(SamplingTest, KilledAtEveryStepTracesStayWholeAndAreCountedOnce) {
  SamplingRig counting;
  ASSERT_TRUE(counting.Open().ok());
  ASSERT_TRUE(Live(counting));
  const auto disk_of = [](SamplingRig& rig, std::size_t i) -> SimulatedFileSystem& {
    return i == 2 ? rig.verdicts : rig.disks[i];
  };
  for (std::size_t which = 0; which < 3; ++which) {
    const std::uint64_t steps = disk_of(counting, which).steps();
    ASSERT_GT(steps, 3u) << which;
    std::uint64_t in_flight = 0;
    for (std::uint64_t step = 0; step < steps; ++step) {
      SCOPED_TRACE("disk " + std::to_string(which) + ", step " + std::to_string(step));
      SamplingRig rig(step + 1);
      disk_of(rig, which).DieAt(step);
      if (rig.Open().ok()) {
        (void)Live(rig);
      }
      EXPECT_TRUE(disk_of(rig, which).dead());
      // All disks belong to one process.
      for (std::size_t i = 0; i < 3; ++i) disk_of(rig, i).DieAt(0);
      rig.Reboot();
      ASSERT_TRUE(rig.Open().ok());
      in_flight += rig.ExpectBalanced() > 0;
      // Late spans that would keep a trace, had nothing of it gone yet.
      const auto known = rig.acked;
      for (const auto& [trace, spans] : known) {
        ASSERT_TRUE(rig.Send(trace % 2, {{.trace = trace, .error = true}}));
      }
      rig.Seal();
      ASSERT_TRUE(rig.Sample());
      rig.ExpectBalanced();
      for (const auto& [trace, spans] : rig.Stored()) EXPECT_GE(spans, rig.acked[trace]) << trace;
      const auto sampled = rig.Stored();
      ASSERT_TRUE(rig.Sample());
      EXPECT_EQ(rig.Stored(), sampled);
    }
    EXPECT_GT(in_flight, steps / 3) << which;
  }
}

TEST(VerdictTest, KeepsErrorsSlowOnesMarkedOnesRareOnesAndOneInN) {
  SamplingRules rules = Strict();
  rules.rest = {.errors = true, .slow = 0.95, .marked = {"drill", "mark=keep"}, .rare = 3};
  rules.rest.one_in = 4;
  rules.services["quiet"] = {.errors = false, .slow = 1, .marked = {}, .rare = 0, .one_in = 0};
  OperationStatistics statistics;
  const auto learn = [&](const Sent& sent, int times) {
    const otlp::SpanBatch batch = BatchOf({sent});
    for (int i = 0; i < times; ++i) statistics.Add(5, sent.service, batch.spans[0]);
  };
  learn({.took_ns = 1000}, 200);
  learn({.took_ns = 5000}, 5);
  learn({.operation = "seldom"}, 3);
  learn({.operation = "often", .took_ns = 7}, 4);
  const auto keeps = [&](const std::vector<Sent>& sent, std::uint64_t hash = 1) {
    const otlp::SpanBatch batch = BatchOf(sent);
    Verdict verdict;
    for (const otlp::Span& span : batch.spans) verdict.Add(rules, statistics, batch, span);
    return verdict.Keeps(hash);
  };
  EXPECT_FALSE(keeps({{}}));
  EXPECT_TRUE(keeps({{}, {.error = true}}));
  EXPECT_FALSE(keeps({{}, {.service = "quiet", .error = true}}));
  EXPECT_TRUE(keeps({{.took_ns = 5000}}));
  EXPECT_FALSE(keeps({{.operation = "often", .took_ns = 7000}}));  // too few to say what is slow
  EXPECT_TRUE(keeps({{.operation = "seldom"}}));
  EXPECT_TRUE(keeps({{.mark = "keep"}}));
  EXPECT_FALSE(keeps({{.mark = "keeper"}}));
  EXPECT_TRUE(keeps({{}}, 8));
  EXPECT_FALSE(keeps({{.service = "quiet"}}, 8));
  EXPECT_TRUE(keeps({{.service = "quiet"}, {}}, 8));
}

TEST(OperationStatisticsTest, AnHourIsForgottenAfterTheNext) {
  OperationStatistics statistics;
  const otlp::SpanBatch batch = BatchOf({{}});
  statistics.Add(1, "shop", batch.spans[0]);
  statistics.Add(2, "shop", batch.spans[0]);
  EXPECT_FALSE(statistics.IsRare("shop", "buy", 1));
  EXPECT_TRUE(statistics.IsRare("shop", "buy", 2));
  statistics.Add(3, "shop", batch.spans[0]);
  statistics.Add(5, "shop", batch.spans[0]);
  EXPECT_TRUE(statistics.IsRare("shop", "buy", 1));
  EXPECT_FALSE(statistics.IsRare("shop", "sell", 1));  // never seen
}

TEST(DroppedTracesTest, AreKnownAsLongAsTheyAreToBeAndAfterAReopen) {
  SimulatedFileSystem files;
  auto dropped = DroppedTraces::Open(files, kHour);
  ASSERT_TRUE(dropped.ok());
  ASSERT_TRUE(dropped->Add({3, 5}, 1 * kMinute).ok());
  ASSERT_TRUE(dropped->Add({5, 7}, 2 * kMinute).ok());  // joins the file
  ASSERT_TRUE(dropped->Add({9}, 30 * kMinute).ok());
  EXPECT_THAT(*files.List(), SizeIs(2));
  EXPECT_THAT(dropped->Known({1, 3, 5, 6, 9}), ElementsAre(3, 5, 9));
  dropped = DroppedTraces::Open(files, kHour);
  ASSERT_TRUE(dropped.ok());
  EXPECT_THAT(dropped->Known({1, 3, 5, 6, 9}), ElementsAre(3, 5, 9));
  ASSERT_TRUE(dropped->Add({11}, 70 * kMinute).ok());
  EXPECT_THAT(dropped->Known({3, 5, 7, 9, 11}), ElementsAre(9, 11));
  std::string* bytes = files.Bytes("dropped-000000000003");
  ASSERT_NE(bytes, nullptr);
  bytes->back() ^= 1;
  dropped = DroppedTraces::Open(files, kHour);
  ASSERT_TRUE(dropped.ok());
  EXPECT_THAT(dropped->notices(), SizeIs(1));
  EXPECT_THAT(dropped->Known({9, 11}), ElementsAre(11));
}

TEST(DroppedTracesTest, ANewerFormatIsNotTouched) {
  std::string newer = EncodeDropped({.decided_ns = 1, .hashes = {1}});
  newer[8] = 9;
  newer.resize(newer.size() - 8);
  segment::PutFixed64(segment::Hash(newer), newer);
  EXPECT_EQ(DecodeDropped(newer).status().code(), base::Code::kFailedPrecondition);
}

}  // namespace
}  // namespace ronda::trace::ingest
