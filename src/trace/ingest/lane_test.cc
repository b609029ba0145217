#include "trace/ingest/lane.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "trace/ingest/lane_test_util.h"
#include "trace/ingest/lanes.h"
#include "trace/ingest/restore.h"
#include "trace/segment/columns.h"
#include "trace/segment/log_rows.h"
#include "wire/otlp/encode.h"
#include "wire/otlp/json_encode.h"
#include "wire/otlp/otlp_test_util.h"

namespace ronda::trace::ingest {
namespace {

namespace otlp = wire::otlp;
using ::testing::HasSubstr;

TEST(LaneTest, AnAcknowledgedSpanIsFoundAtOnceAndAfterAReopen) {
  Rig rig;
  ASSERT_TRUE(rig.Open().ok());
  for (std::uint64_t i = 0; i < 10; ++i) {
    ASSERT_EQ(rig.Send(RequestOf(i, 7)), base::Code::kOk);
    EXPECT_EQ(rig.Spans().size(), 7 * (i + 1));
  }
  EXPECT_EQ(rig.ExpectBalanced().accepted, 70u);
  ASSERT_TRUE(rig.Open().ok());
  EXPECT_EQ(rig.Spans().size(), 70u);
  EXPECT_EQ(rig.ExpectBalanced().accepted, 70u);
  EXPECT_EQ(rig.lane->standing().ledger.tallies().begin()->first,
            std::pair(std::string("test"), std::string("shop")));
}

// One life: requests, some of them twice. Returns how many spans were acknowledged.
std::uint64_t Live(Rig& rig) {
  std::uint64_t acked = 0;
  for (std::uint64_t i = 0; i < 8; ++i) {
    const std::string body = RequestOf(i, 9, "", i % 3 == 0 ? "mall" : "shop");
    const std::string_view receiver = i % 2 == 0 ? "test" : "other";
    auto first = rig.Submit(body, receiver), again = rig.Submit(body, "third");
    if (first.get().ok()) acked += 9;
    again.wait();
    if (i % 4 == 3) rig.lane->Upkeep();
  }
  return acked;
}

TEST(LaneTest, KilledAtEveryStepNothingAcknowledgedIsLostAndTheLedgerBalances) {
  Rig counting;
  ASSERT_TRUE(counting.Open().ok());
  const std::uint64_t begin = counting.files.steps();
  EXPECT_EQ(Live(counting), 72u);
  const std::uint64_t end = counting.files.steps();
  ASSERT_GT(end, begin + 20);
  for (std::uint64_t step = begin; step < end; ++step) {
    Rig rig(step);
    ASSERT_TRUE(rig.Open().ok());
    rig.files.DieAt(step);
    const std::uint64_t acked = Live(rig);
    rig.lane.reset();
    rig.files.Reboot();
    ASSERT_TRUE(rig.Open().ok()) << step;
    const auto spans = rig.Spans();
    EXPECT_GE(spans.size(), acked) << step;
    EXPECT_EQ(std::ranges::adjacent_find(spans), spans.end()) << step;
    const Tally total = rig.ExpectBalanced();
    EXPECT_EQ(total.accepted - total.deduplicated, spans.size()) << step;
  }
}

TEST(LaneTest, KilledWhileItMergesAndExpiresEverySpanIsInOnePlace) {
  LaneOptions options = Rig::kSmall;
  options.retain_ns = 3 * kHour;
  // Two partitions, the first of which expires; returns what was acknowledged.
  const auto live = [](Rig& rig) {
    std::uint64_t acked = 0;
    for (std::uint64_t i = 0; i < 12; ++i) {
      const std::string body = RequestOf(i, 9, "", i % 3 == 0 ? "mall" : "shop");
      if (rig.Submit(body, i % 2 == 0 ? "test" : "other").get().ok()) acked += 9;
      if (i % 6 != 5) continue;
      rig.clock.Set(rig.clock.WallNs() + 2 * kHour);
      rig.lane->Upkeep();
    }
    rig.clock.Set(rig.clock.WallNs() + kHour);
    rig.lane->Upkeep();
    return acked;
  };
  Rig counting;
  ASSERT_TRUE(counting.Open(options).ok());
  const std::uint64_t begin = counting.files.steps();
  EXPECT_EQ(live(counting), 108u);
  EXPECT_EQ(counting.lane->standing().spans.expired, 54u);
  const std::uint64_t end = counting.files.steps();
  for (std::uint64_t step = begin; step < end; ++step) {
    SCOPED_TRACE(step);
    Rig rig(step);
    ASSERT_TRUE(rig.Open(options).ok());
    rig.files.DieAt(step);
    const std::uint64_t acked = live(rig);
    rig.lane.reset();
    rig.files.Reboot();
    ASSERT_TRUE(rig.Open(options).ok());
    EXPECT_GE(rig.ExpectBalanced().accepted, acked);
    rig.lane->Upkeep();
    rig.ExpectBalanced();
    EXPECT_EQ(rig.Spans().size(),
              rig.lane->standing().spans.in_segments + rig.lane->standing().spans.in_block);
  }
}

TEST(LaneTest, ABodyThatCameIsAcknowledgedAndNotStoredAgainAlsoAfterACrash) {
  Rig rig;
  ASSERT_TRUE(rig.Open().ok());
  ASSERT_EQ(rig.Send(RequestOf(1, 5)), base::Code::kOk);
  ASSERT_EQ(rig.Send(RequestOf(1, 5)), base::Code::kOk);
  EXPECT_EQ(rig.ExpectBalanced().deduplicated, 5u);
  rig.files.DieAt(rig.files.steps());
  rig.lane.reset();
  rig.files.Reboot();
  ASSERT_TRUE(rig.Open().ok());
  EXPECT_EQ(rig.ExpectBalanced().deduplicated, 5u);
  ASSERT_EQ(rig.Send(RequestOf(1, 5)), base::Code::kOk);
  EXPECT_EQ(rig.Spans().size(), 5u);
  EXPECT_EQ(rig.ExpectBalanced().deduplicated, 10u);
  rig.clock.Set(rig.clock.WallNs() + RecentDigests::kWindowNs + kSecond);
  ASSERT_EQ(rig.Send(RequestOf(1, 5)), base::Code::kOk);
  EXPECT_EQ(rig.Spans().size(), 10u);
}

TEST(LaneTest, AFullDiskRefusesAndGoesOnWhenThereIsRoomAgain) {
  Rig rig;
  ASSERT_TRUE(rig.Open().ok());
  ASSERT_EQ(rig.Send(RequestOf(0, 5)), base::Code::kOk);
  rig.files.FailSteps(rig.files.steps(), disk::SimulatedFileSystem::kNever);
  for (std::uint64_t i = 1; i < 10; ++i) {
    EXPECT_EQ(rig.Send(RequestOf(i, 5)), base::Code::kFailedPrecondition);
  }
  EXPECT_EQ(rig.Spans().size(), 5u);
  EXPECT_EQ(rig.ExpectBalanced().rejected[static_cast<std::size_t>(Rejection::kStorage)], 45u);
  rig.files.FailSteps(disk::SimulatedFileSystem::kNever, disk::SimulatedFileSystem::kNever);
  rig.clock.Set(rig.clock.WallNs() + kSecond);
  for (std::uint64_t i = 1; i < 10; ++i) {
    EXPECT_EQ(rig.Send(RequestOf(i, 5)), base::Code::kOk);  // no duplicate: it was not stored
  }
  EXPECT_EQ(rig.Spans().size(), 50u);
  ASSERT_TRUE(rig.Open().ok());
  EXPECT_EQ(rig.Spans().size(), 50u);
  const Tally total = rig.ExpectBalanced();
  EXPECT_EQ(total.received, 95u);
  EXPECT_EQ(total.accepted, 50u);
}

TEST(LaneTest, TheLedgerTellsWhoseSpansWereLostAndExpired) {
  Rig rig;
  LaneOptions options = Rig::kSmall;
  options.retain_ns = 3 * kHour;
  ASSERT_TRUE(rig.Open(options).ok());
  for (std::uint64_t i = 0; i < 4; ++i) {
    EXPECT_TRUE(
        rig.Submit(RequestOf(i, 10, "", i == 0 ? "mall" : "shop"), i % 2 == 0 ? "test" : "other")
            .get()
            .ok());
  }
  // Segment 1 has the first two requests.
  rig.lane.reset();
  std::string* bytes = rig.files.Bytes(segment::SegmentName(1));
  ASSERT_NE(bytes, nullptr);
  bytes->resize(bytes->size() / 2);
  ASSERT_TRUE(rig.Open(options).ok());
  rig.ExpectBalanced();
  EXPECT_EQ(rig.PlaceOf("test", "mall"), Place{.lost = 10});
  EXPECT_EQ(rig.PlaceOf("other", "shop"), (Place{.stored = 10, .lost = 10}));
  EXPECT_EQ(rig.PlaceOf("test", "shop"), Place{.stored = 10});
  rig.clock.Set(rig.clock.WallNs() + 6 * kHour);
  rig.lane->Upkeep();
  rig.ExpectBalanced();
  EXPECT_EQ(rig.PlaceOf("test", "shop"), Place{.expired = 10});
  ASSERT_TRUE(rig.Open(options).ok());
  rig.ExpectBalanced();
  EXPECT_EQ(rig.PlaceOf("other", "shop"), (Place{.expired = 10, .lost = 10}));
}

TEST(LaneTest, ALedgerThatWentWithTheManifestBeginsAgainWithWhatIsThere) {
  Rig rig;
  ASSERT_TRUE(rig.Open().ok());
  for (std::uint64_t i = 0; i < 5; ++i) {
    EXPECT_TRUE(rig.Submit(RequestOf(i, 10), i % 2 == 0 ? "test" : "other").get().ok());
  }
  rig.files.DieAt(rig.files.steps());
  rig.lane.reset();
  rig.files.Reboot();
  rig.files.Bytes("MANIFEST")->back() ^= 1;
  ASSERT_TRUE(rig.Open().ok());
  EXPECT_EQ(rig.ExpectBalanced().accepted, 50u);
  EXPECT_EQ(rig.PlaceOf("test", "shop"), Place{.stored = 30});
  EXPECT_EQ(rig.PlaceOf("other", "shop"), Place{.stored = 20});
}

// A folder that the release before wrote: manifest of version 2, its note of version 2.
TEST(LaneTest, AnOlderFolderOpensAndItsLedgerIsWhole) {
  Rig rig;
  rig.red_is_partial = true;
  for (const auto& file :
       std::filesystem::directory_iterator("src/trace/ingest/testdata/lane-manifest2")) {
    std::ifstream in(file.path(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(in), {}};
    auto out = rig.files.Create(file.path().filename());
    ASSERT_TRUE(out.ok() && (*out)->Append(bytes).ok());
  }
  for (int round = 0; round < 2; ++round) {
    ASSERT_TRUE(rig.Open().ok());
    EXPECT_EQ(rig.Spans().size(), 92u);
    const Tally total = rig.ExpectBalanced();
    EXPECT_EQ(total.received, 167u);
    EXPECT_EQ(total.deduplicated, 15u);
    EXPECT_EQ(total.refused_requests, 3u);
    EXPECT_EQ(rig.PlaceOf("otlp-grpc", "shop"), Place{.stored = 47});
    EXPECT_EQ(rig.PlaceOf("otlp-http", "shop"), (Place{.stored = 45, .expired = 60}));
  }
}

TEST(LaneTest, ADeletionKilledAtEveryStepIsCountedOnceAndGoesOnWhenAskedAgain) {
  const auto live = [](Rig& rig) {
    for (std::uint64_t i = 0; i < 6; ++i) {
      (void)rig
          .Submit(RequestOf(i, 10, "", i % 3 == 0 ? "mall" : "shop"), i % 2 == 0 ? "test" : "other")
          .get();
    }
  };
  const auto erase = [](Rig& rig) { return rig.lane->DeleteService("mall", ~std::uint64_t{0}); };
  Rig counting;
  ASSERT_TRUE(counting.Open().ok());
  live(counting);
  const std::uint64_t begin = counting.files.steps();
  ASSERT_EQ(erase(counting)->spans, 20u);
  const std::uint64_t end = counting.files.steps();
  ASSERT_GT(end, begin + 8);
  for (std::uint64_t step = begin; step < end; ++step) {
    SCOPED_TRACE(step);
    Rig rig(step);
    ASSERT_TRUE(rig.Open().ok());
    live(rig);
    rig.files.DieAt(step);
    (void)erase(rig);
    rig.lane.reset();
    rig.files.Reboot();
    ASSERT_TRUE(rig.Open().ok());
    rig.ExpectBalanced();
    const auto rest = erase(rig);
    ASSERT_TRUE(rest.ok() && rest->done);
    rig.ExpectBalanced();
    EXPECT_EQ(rig.lane->standing().spans.deleted, 20u);
    EXPECT_EQ(rig.PlaceOf("test", "mall"), Place{.deleted = 10});
    EXPECT_EQ(rig.PlaceOf("test", "shop"), Place{.stored = 20});
    EXPECT_EQ(rig.Spans().size(), 40u);
    // Not a trace of it in what is on disk.
    for (const auto& segment : rig.lane->Segments()) {
      const auto columns = segment::ColumnsOf(*segment.reader);
      EXPECT_FALSE(segment::CensusOf(*columns)->Has("mall"));
      const otlp::SpanBatch& scopes = **columns->Scopes();
      for (const otlp::Resource& resource : scopes.resources) {
        EXPECT_EQ(segment::ServiceOf(scopes, resource), "shop");
      }
    }
  }
}

TEST(LaneTest, ADeletionStopsAtItsDeadlineAndSaysSo) {
  Rig rig;
  ASSERT_TRUE(rig.Open().ok());
  ASSERT_EQ(rig.Send(RequestOf(1, 5)), base::Code::kOk);
  const auto none = rig.lane->DeleteService("shop", 0);
  ASSERT_TRUE(none.ok());
  EXPECT_EQ(none->spans, 0u);
  EXPECT_FALSE(none->done);
  EXPECT_EQ(rig.Spans().size(), 5u);
  EXPECT_EQ(rig.lane->DeleteService("shop", ~std::uint64_t{0})->spans, 5u);
  ASSERT_EQ(rig.Send(RequestOf(2, 5)), base::Code::kOk);  // what comes later is kept
  EXPECT_EQ(rig.Spans().size(), 5u);
  rig.ExpectBalanced();
}

TEST(LaneTest, WhatIsMaskedDoesNotReachTheLog) {
  Rig rig;
  ASSERT_TRUE(rig.Open().ok());
  ASSERT_EQ(rig.Send(RequestOf(1, 2, "select 'hidden'")), base::Code::kOk);
  rig.files.DieAt(rig.files.steps());
  rig.lane.reset();
  rig.files.Reboot();
  // Replayed by rules that mask nothing.
  Rig open(1, {.sql = MaskRules::Apply::kNo});
  open.files = rig.files;
  ASSERT_TRUE(open.Open().ok());
  const auto spans = open.Spans();
  ASSERT_EQ(spans.size(), 2u);
  for (const std::string& span : spans) {
    EXPECT_THAT(span, HasSubstr("select ?"));
    EXPECT_THAT(span, ::testing::Not(HasSubstr("hidden")));
  }
}

TEST(LaneTest, UpkeepMergesAndDropsAndCountsWhatExpired) {
  Rig rig;
  LaneOptions options = Rig::kSmall;
  options.retain_ns = 3 * kHour;
  ASSERT_TRUE(rig.Open(options).ok());
  for (std::uint64_t i = 0; i < 8; ++i) ASSERT_EQ(rig.Send(RequestOf(i, 20)), base::Code::kOk);
  const std::uint64_t before = rig.lane->standing().segments;
  EXPECT_GT(before, 5u);
  rig.lane->Upkeep();
  EXPECT_LT(rig.lane->standing().segments, before);
  EXPECT_EQ(rig.Spans().size(), 160u);
  rig.clock.Set(rig.clock.WallNs() + 2 * kHour);
  rig.lane->Upkeep();  // the partition is over: its block is sealed
  EXPECT_EQ(rig.lane->standing().spans.in_block, 0u);
  rig.clock.Set(rig.clock.WallNs() + 3 * kHour);
  rig.lane->Upkeep();
  EXPECT_TRUE(rig.Spans().empty());
  EXPECT_EQ(rig.lane->standing().spans.expired, 160u);
  rig.ExpectBalanced();
  ASSERT_EQ(rig.Send(RequestOf(100, 20)), base::Code::kOk);
  ASSERT_EQ(rig.Send(RequestOf(101, 20)), base::Code::kOk);
  rig.ExpectBalanced();
  ASSERT_TRUE(rig.Open(options).ok());
  rig.ExpectBalanced();
}

TEST(LaneTest, AClockThatJumpsLosesNothingAndCountsEverything) {
  Rig rig;
  rig.red_is_partial = true;
  ASSERT_TRUE(rig.Open().ok());
  const std::uint64_t now = rig.clock.WallNs();
  std::uint64_t number = 0;
  for (const std::uint64_t at :
       {now, now - 5 * kHour, now + 48 * kHour, now + 1, std::uint64_t{0}, now + 49 * kHour, now}) {
    rig.clock.Set(at);
    for (int i = 0; i < 3; ++i) ASSERT_EQ(rig.Send(RequestOf(number++, 9)), base::Code::kOk);
    rig.lane->Upkeep();
    EXPECT_EQ(rig.Spans().size(), 9 * number);
    rig.ExpectBalanced();
  }
  ASSERT_TRUE(rig.Open().ok());
  EXPECT_EQ(rig.Spans().size(), 9 * number);
  rig.ExpectBalanced();
}

TEST(LaneTest, AClockThatJumpsAheadExpiresNothingForAnHour) {
  Rig rig;
  LaneOptions options = Rig::kSmall;
  options.retain_ns = 3 * kHour;
  ASSERT_TRUE(rig.Open(options).ok());
  for (std::uint64_t i = 0; i < 4; ++i) ASSERT_EQ(rig.Send(RequestOf(i, 20)), base::Code::kOk);
  rig.lane->Upkeep();
  const std::uint64_t now = rig.clock.WallNs();
  rig.clock.Jump(now + 1000 * kHour);
  rig.lane->Upkeep();
  EXPECT_EQ(rig.lane->standing().spans.expired, 0u);
  rig.clock.Jump(now);  // set right
  rig.clock.Set(now + kHour);
  rig.lane->Upkeep();
  EXPECT_EQ(rig.lane->standing().spans.expired, 0u);
  rig.clock.Jump(now + 1000 * kHour);  // and again: it was meant
  rig.lane->Upkeep();
  rig.clock.Set(now + 1001 * kHour);
  rig.lane->Upkeep();
  EXPECT_EQ(rig.lane->standing().spans.expired, 80u);
  rig.ExpectBalanced();
}

TEST(LaneTest, CountsWithoutARequestAreInTheLogToo) {
  Rig rig;
  ASSERT_TRUE(rig.Open().ok());
  Ledger refused;
  refused.At("test", "").refused_requests = 3;
  rig.lane->Count(refused);
  EXPECT_EQ(rig.ExpectBalanced().refused_requests, 3u);
  ASSERT_EQ(rig.Send(RequestOf(1, 1)), base::Code::kOk);  // takes them along
  rig.files.DieAt(rig.files.steps());
  rig.lane.reset();
  rig.files.Reboot();
  ASSERT_TRUE(rig.Open().ok());
  EXPECT_EQ(rig.ExpectBalanced().refused_requests, 3u);
}

class LanesTest : public ::testing::Test {
 protected:
  LanesTest() : folder_(::testing::TempDir() + "ronda-lanes-" + std::to_string(getpid())) {
    std::filesystem::remove_all(folder_);
  }
  ~LanesTest() override { std::filesystem::remove_all(folder_); }

  base::Status Open(const LanesOptions& options) {
    lanes_.reset();
    auto opened = Lanes::Open(folder_ + "/deep/data", options, clock_, log_);
    if (opened.ok()) lanes_ = *std::move(opened);
    return opened.status();
  }
  base::Status Take(std::string body, segment::Signal signal = segment::Signal::kTraces) {
    std::promise<base::Status> told;
    lanes_->Take({.receiver = "test", .signal = signal}, std::move(body),
                 base::ByteReservation(lanes_->memory()),
                 [&](const base::Status& status, const auto&) { told.set_value(status); });
    return told.get_future().get();
  }
  std::size_t Stored() {
    return SpansOf([&](const auto& read) { return lanes_->Snapshot(read); }).size();
  }

  std::string folder_;
  base::RealClock clock_;
  base::Log log_{base::LogLevel::kError};
  std::unique_ptr<Lanes> lanes_;
};

TEST_F(LanesTest, RequestsSpreadOverLanesAndDuplicatesAreFoundAgain) {
  ASSERT_TRUE(Open({.lanes = 3}).ok());
  for (std::uint64_t i = 0; i < 20; ++i) ASSERT_TRUE(Take(RequestOf(i, 2)).ok());
  for (std::uint64_t i = 0; i < 20; ++i) ASSERT_TRUE(Take(RequestOf(i, 2)).ok());
  EXPECT_EQ(Stored(), 40u);
  // Fewer lanes asked for than the folder has.
  ASSERT_TRUE(Open({.lanes = 1}).ok());
  EXPECT_EQ(Stored(), 40u);
  const Tally total = lanes_->standing().ledger.Total();
  EXPECT_EQ(total.deduplicated, 40u);
  EXPECT_EQ(total.accepted, 80u);
  EXPECT_THAT(LedgerJson(lanes_->standing(), lanes_->log_standing(), lanes_->metric_standing()),
              HasSubstr("\"stored\":40,"));
}

// A request of records of two traces and of none, with every kind of body.
std::string LogsOf(const std::string& secret) {
  otlp::LogBatch batch;
  batch.attributes.emplace_back("service.name", otlp::Value::String("shop"));
  batch.attributes.emplace_back("db.statement", otlp::Value::String(secret));
  batch.resources.push_back({.attributes = {0, 1}, .entity_refs = {}, .schema_url = {}});
  batch.scopes.emplace_back();
  const otlp::Value bodies[] = {otlp::Value::String("paid"), otlp::Value(), otlp::Value::Int(7),
                                otlp::Value::String("")};
  for (std::uint64_t i = 0; i < 4; ++i) {
    otlp::LogRecord record;
    if (i < 3) record.trace = {.high = 5, .low = i % 2 + 1};
    record.span = i;
    record.time_ns = 100 + i;
    record.observed_ns = 90;
    record.severity = 9;
    record.severity_text = "INFO";
    record.event_name = "order";
    record.body = bodies[i];
    record.attributes = {1, 1};
    batch.records.push_back(record);
  }
  std::string request;
  EncodeLogs(batch, request);
  return request;
}

std::string LogsJsonOf(segment::Source& source) {
  otlp::SpanBatch rows;
  const auto segments = source.Snapshot([&](const segment::Block& block) {
    std::vector<std::uint32_t> all(block.rows());
    std::iota(all.begin(), all.end(), 0u);
    block.Read(all, rows);
  });
  for (const auto& segment : segments) {
    EXPECT_TRUE(segment->Read({0, static_cast<std::uint32_t>(segment->info().rows)}, rows).ok());
  }
  std::ranges::sort(rows.spans, {}, &otlp::Span::start_ns);
  otlp::LogBatch logs;
  segment::LogsOfRows(rows, logs);
  std::string json;
  EncodeLogsJson(logs, json);
  return json;
}

TEST_F(LanesTest, LogRecordsComeBackAsTheyWereFromBlockLogAndSegment) {
  ASSERT_TRUE(Open({}).ok());
  const std::string request = LogsOf("select 1");
  otlp::Decoder decoder{otlp::Limits()};
  otlp::LogBatch sent;
  ASSERT_TRUE(decoder.DecodeLogs(request, sent).ok());
  std::string wanted;
  EncodeLogsJson(sent, wanted);
  for (std::size_t at; (at = wanted.find("select 1")) != std::string::npos;) {
    wanted[at + 7] = '?';  // masked as spans are
  }
  ASSERT_TRUE(Take(request, segment::Signal::kLogs).ok());
  EXPECT_EQ(LogsJsonOf(lanes_->logs()), wanted);
  EXPECT_EQ(Stored(), 0u);
  EXPECT_EQ(lanes_->log_standing().ledger.Total().accepted, 4u);
  EXPECT_EQ(lanes_->standing().ledger.Total().received, 0u);
  ASSERT_TRUE(Open({}).ok());
  EXPECT_EQ(LogsJsonOf(lanes_->logs()), wanted);
  EXPECT_EQ(lanes_->log_standing().spans.in_segments, 4u);
  // As JSON the same.
  JsonReader reader;
  std::string again;
  std::string sent_json;
  EncodeLogsJson(sent, sent_json);
  ASSERT_TRUE(reader.ReadLogs(sent_json, again).ok());
  otlp::LogBatch read;
  ASSERT_TRUE(decoder.DecodeLogs(again, read).ok());
  std::string read_json;
  EncodeLogsJson(read, read_json);
  EXPECT_EQ(read_json, sent_json);
}

TEST_F(LanesTest, ABackupTakenWhileSpansComeRestoresToEverySpanAcknowledgedBefore) {
  LanesOptions options{.lanes = 2};
  options.lane.store.block_rows = 20;
  options.sampling.on = true;
  ASSERT_TRUE(Open(options).ok());
  const auto spans_of = [&] {
    return SpansOf([&](const auto& read) { return lanes_->Snapshot(read); });
  };
  for (std::uint64_t i = 0; i < 30; ++i) ASSERT_TRUE(Take(RequestOf(i, 7)).ok());
  ASSERT_TRUE(Take(LogsOf("select 1"), segment::Signal::kLogs).ok());
  const std::vector<std::string> before = spans_of();
  std::atomic<bool> stop = false;
  std::thread sender([&] {
    for (std::uint64_t i = 100; !stop; ++i) EXPECT_TRUE(Take(RequestOf(i, 7)).ok());
  });
  const auto backup = lanes_->BackUp("monday");
  stop = true;
  sender.join();
  ASSERT_TRUE(backup.ok()) << backup.status().message();
  EXPECT_EQ(lanes_->BackUp("monday").status().code(), base::Code::kAlreadyExists);
  EXPECT_EQ(lanes_->BackUp("../x").status().code(), base::Code::kInvalidArgument);
  const std::vector<std::string> after = spans_of();

  const std::string data = folder_ + "/deep/data", to = folder_ + "/restored";
  EXPECT_EQ(Restore(data, to).status().code(), base::Code::kUnavailable);  // it is open
  const auto restored = Restore(*backup, to + "/");
  ASSERT_TRUE(restored.ok()) << restored.status().message();
  EXPECT_EQ(restored->log_records, 4u);
  EXPECT_EQ(Restore(*backup, to).status().code(), base::Code::kFailedPrecondition);

  auto opened = Lanes::Open(to, options, clock_, log_);
  ASSERT_TRUE(opened.ok()) << opened.status().message();
  lanes_ = *std::move(opened);
  const std::vector<std::string> stored = spans_of();
  EXPECT_EQ(stored.size(), restored->spans);
  EXPECT_TRUE(std::ranges::includes(stored, before));
  EXPECT_TRUE(std::ranges::includes(after, stored));
  const Standing standing = lanes_->standing();
  EXPECT_EQ(standing.ledger.Total().accepted, stored.size());
  EXPECT_EQ(standing.spans.total(), stored.size());
  EXPECT_EQ(lanes_->log_standing().ledger.Total().accepted, 4u);
}

TEST_F(LanesTest, ADamagedBackupIsRefusedAndNothingIsCopied) {
  ASSERT_TRUE(Open({}).ok());
  ASSERT_TRUE(Take(RequestOf(1, 7)).ok());
  const auto backup = lanes_->BackUp("b");
  ASSERT_TRUE(backup.ok());
  const std::string segment = *backup + "/lane-00/" + segment::SegmentName(1);
  {
    std::fstream file(segment, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(20);
    file << "xxxx";
  }
  const auto restored = Restore(*backup, folder_ + "/to");
  EXPECT_EQ(restored.status().code(), base::Code::kDataLoss);
  EXPECT_THAT(restored.status().message(), HasSubstr("lane-00/segment-000000000001"));
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/to"));
  EXPECT_EQ(Restore(folder_, folder_ + "/to").status().code(), base::Code::kFailedPrecondition);
}

TEST_F(LanesTest, AFolderBelongsToOneProcess) {
  ASSERT_TRUE(Open({}).ok());
  const auto second = Lanes::Open(folder_ + "/deep/data", {}, clock_, log_);
  EXPECT_EQ(second.status().code(), base::Code::kUnavailable);
}

TEST_F(LanesTest, WithoutMemoryARequestIsSentAwayAndCounted) {
  ASSERT_TRUE(Open({.memory_bytes = 2000}).ok());
  EXPECT_EQ(Take(RequestOf(1, 100)).code(), base::Code::kUnavailable);
  EXPECT_EQ(lanes_->memory().used(), 0u);
  EXPECT_TRUE(Take(RequestOf(1, 1)).ok());
  const Tally total = lanes_->standing().ledger.Total();
  EXPECT_TRUE(total.balanced());
  EXPECT_EQ(total.rejected[static_cast<std::size_t>(Rejection::kOverload)], 100u);
  EXPECT_EQ(Take("no protobuf").code(), base::Code::kInvalidArgument);
  EXPECT_EQ(lanes_->standing().ledger.Total().refused_requests, 1u);
}

}  // namespace
}  // namespace ronda::trace::ingest
