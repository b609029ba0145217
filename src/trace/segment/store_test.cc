#include "trace/segment/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "base/core/random.h"
#include "disk/simulated_file_system.h"
#include "trace/segment/compression.h"
#include "wire/otlp/decode.h"
#include "wire/otlp/encode.h"
#include "wire/otlp/otlp_test_util.h"

namespace ronda::trace::segment {
namespace {

using otlp::BatchMaker;
using otlp::CanonicalSpans;
using otlp::SpanBatch;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Spans = std::vector<std::string>;  // canonical, sorted

constexpr std::uint64_t kHour = 3'600'000'000'000;
const StoreOptions kSmall{.block_rows = 20, .merged_rows = 100, .merge_level = 1};

base::Status Decode(const WalRecord& record, SpanBatch& batch) {
  otlp::Decoder decoder{otlp::Limits()};
  return decoder.DecodeTraces(record.body, batch);
}

Spans Sorted(Spans spans) {
  std::ranges::sort(spans);
  return spans;
}

// A store on a simulated disk, and what a sender knows: what it sent, and what was acknowledged.
class Rig {
 public:
  explicit Rig(std::uint64_t seed) : files(seed), maker_(seed) {}

  base::Status Open(const StoreOptions& options = kSmall) {
    store.reset();
    auto opened = Store::Open(files, options, Decode);
    if (opened.ok()) store = *std::move(opened);
    return opened.status();
  }

  // Sends one request. Span ids are used once, so that a span that is there twice is noticed.
  base::Status Append(std::size_t spans, std::uint64_t now_ns = kHour) {
    maker_.Make(spans, batch_);
    for (otlp::Span& span : batch_.spans) span.span = ++last_span_;
    std::string body;
    EncodeTraces(batch_, body);
    const Spans sent = CanonicalSpans(batch_);
    sent_.insert(sent.begin(), sent.end());
    const auto number =
        store->Append({.received_ns = now_ns, .raw_size = body.size(), .body = body}, batch_);
    if (number.ok()) waiting_[*number] = sent;
    Acknowledge();
    return number.status();
  }

  base::Status Commit() {
    const base::Status status = store->Commit();
    Acknowledge();
    waiting_.clear();  // what the store has given up
    return status;
  }

  base::Status Seal() {
    const base::Status status = store->Seal();
    Acknowledge();
    return status;
  }

  // Every trace's spans, asked for one by one.
  Spans Stored() {
    SpanBatch batch;
    for (std::uint64_t t = 0; t < BatchMaker::kTraces; ++t) {
      EXPECT_TRUE(store->ReadTrace(maker_.Trace(t), batch).ok());
    }
    return CanonicalSpans(batch);
  }

  // The same, read from end to end.
  Spans Everything() {
    SpanBatch batch;
    for (const auto& segment : store->segments()) {
      EXPECT_TRUE(segment->Read({0, static_cast<std::uint32_t>(segment->info().rows)}, batch).ok());
    }
    std::vector<std::uint32_t> rows(store->block().rows());
    std::iota(rows.begin(), rows.end(), 0u);
    store->block().Read(rows, batch);
    return CanonicalSpans(batch);
  }

  // Nothing acknowledged is missing, nothing is there twice or was never sent, and the counts say it.
  void ExpectWhole() {
    const Spans stored = Everything();
    const Spans acked = Sorted(acked_);
    EXPECT_TRUE(std::ranges::includes(stored, acked));
    EXPECT_EQ(std::ranges::adjacent_find(stored), stored.end());
    EXPECT_TRUE(std::ranges::includes(sent_, stored));
    EXPECT_EQ(store->counts().total(), stored.size());
    EXPECT_THAT(store->segments(), SizeIs(store->manifest().segments.size()));
    EXPECT_THAT(store->notices(), IsEmpty());
  }

  // What is durable is acknowledged.
  void Acknowledge() {
    while (!waiting_.empty() && waiting_.begin()->first <= store->durable_through()) {
      const Spans& spans = waiting_.begin()->second;
      acked_.insert(acked_.end(), spans.begin(), spans.end());
      waiting_.erase(waiting_.begin());
    }
  }

  Spans acked() const { return Sorted(acked_); }
  void Forget() { waiting_.clear(); }

  disk::SimulatedFileSystem files;
  std::unique_ptr<Store> store;

 private:
  BatchMaker maker_;
  SpanBatch batch_;
  std::uint64_t last_span_ = 0;
  std::set<std::string> sent_;
  std::map<std::uint64_t, Spans> waiting_;  // by number
  Spans acked_;
};

// What a busy store does, until the disk says no. True when it came to its end.
bool Work(Rig& rig, base::Random& random) {
  for (int i = 0; i < 16; ++i) {
    if (!rig.Append(1 + random.Below(12), kHour * (1 + static_cast<std::uint64_t>(i) / 7)).ok()) {
      return false;
    }
    if (random.Below(2) == 0 && !rig.Commit().ok()) return false;
    if (random.Below(9) == 0 && !rig.Seal().ok()) return false;
    if (random.Below(6) == 0 && !rig.store->Merge().ok()) return false;
  }
  return rig.Commit().ok();
}

TEST(StoreTest, SpansAreReadableFromAppendOnAndAfterEveryChangeOfPlace) {
  Rig rig(1);
  ASSERT_TRUE(rig.Open().ok());
  ASSERT_TRUE(rig.Append(30).ok());
  EXPECT_THAT(rig.Stored(), SizeIs(30));  // not yet committed
  ASSERT_TRUE(rig.Commit().ok());
  ASSERT_TRUE(rig.Seal().ok());
  EXPECT_EQ(rig.Stored(), rig.acked());
  EXPECT_EQ(rig.store->counts().in_segments, 30u);
  ASSERT_TRUE(rig.Append(30).ok());
  ASSERT_TRUE(rig.Commit().ok());
  ASSERT_TRUE(rig.Seal().ok());
  EXPECT_EQ(rig.Stored(), rig.acked());
  const auto merged = rig.store->Merge();
  ASSERT_TRUE(merged.ok() && *merged);
  EXPECT_EQ(rig.Stored(), rig.acked());
  EXPECT_THAT(rig.store->segments(), SizeIs(1));
  EXPECT_FALSE(*rig.store->Merge());
  ASSERT_TRUE(rig.Open().ok());
  EXPECT_EQ(rig.Stored(), rig.acked());
  EXPECT_THAT(rig.store->notices(), IsEmpty());
}

TEST(StoreTest, KilledAtEveryStepNoAcknowledgedSpanIsLost) {
  base::Random plan(11);
  Rig counting(11);
  ASSERT_TRUE(counting.Open().ok());
  ASSERT_TRUE(Work(counting, plan));
  const std::uint64_t steps = counting.files.steps();
  ASSERT_GT(steps, 60u);
  std::uint64_t in_flight = 0;
  for (std::uint64_t step = 0; step < steps; ++step) {
    SCOPED_TRACE(step);
    Rig rig(11);
    base::Random random(11);
    rig.files.DieAt(step);
    const bool opened = rig.Open().ok();
    if (opened) {
      EXPECT_FALSE(Work(rig, random));
    }
    EXPECT_TRUE(rig.files.dead());
    in_flight += !rig.acked().empty();
    rig.store.reset();
    rig.Forget();
    rig.files.Reboot();
    const base::Status status = rig.Open();
    ASSERT_TRUE(status.ok()) << status.ToString();
    rig.ExpectWhole();
    EXPECT_EQ(rig.store->counts().lost + rig.store->counts().lost_records, 0u);
    // It goes on as if nothing had happened, and once more.
    ASSERT_TRUE(rig.Append(9).ok());
    ASSERT_TRUE(rig.Commit().ok());
    ASSERT_TRUE(rig.Seal().ok());
    rig.files.Reboot();
    ASSERT_TRUE(rig.Open().ok());
    rig.ExpectWhole();
  }
  EXPECT_GT(in_flight, steps / 2);
}

TEST(StoreTest, AFullDiskAtAnyStepCostsOnlyWhatWasNotAcknowledged) {
  base::Random plan(12);
  Rig counting(12);
  ASSERT_TRUE(counting.Open().ok());
  ASSERT_TRUE(Work(counting, plan));
  const std::uint64_t steps = counting.files.steps();
  for (std::uint64_t step = 0; step < steps; ++step) {
    SCOPED_TRACE(step);
    Rig rig(12);
    base::Random random(12);
    rig.files.FailSteps(step, step + 1 + step % 4);
    if (!rig.Open().ok()) {
      rig.files.FailSteps(disk::SimulatedFileSystem::kNever, disk::SimulatedFileSystem::kNever);
      ASSERT_TRUE(rig.Open().ok());
    }
    // The sender goes on after every failure.
    for (int i = 0; i < 2; ++i) {
      if (!Work(rig, random)) (void)rig.Commit();
    }
    ASSERT_TRUE(rig.Commit().ok());
    rig.ExpectWhole();
    EXPECT_EQ(rig.Everything(), rig.acked());
    rig.files.Reboot();
    const base::Status status = rig.Open();
    ASSERT_TRUE(status.ok()) << status.ToString();
    rig.ExpectWhole();
  }
}

TEST(StoreTest, AFailedSealTellsTheCommitThatFollows) {
  Rig rig(2);
  ASSERT_TRUE(rig.Open().ok());
  ASSERT_TRUE(rig.Append(25).ok());  // the block is full
  rig.files.FailSteps(rig.files.steps(), rig.files.steps() + 1);
  EXPECT_FALSE(rig.Append(1).ok());  // seals, which commits, which fails
  EXPECT_FALSE(rig.Commit().ok());
  EXPECT_THAT(rig.Stored(), IsEmpty());
  ASSERT_TRUE(rig.Append(3).ok());
  ASSERT_TRUE(rig.Commit().ok());
  EXPECT_EQ(rig.Stored(), rig.acked());
}

TEST(StoreTest, WhatAFailedSyncLeftInTheLogIsNotReadBack) {
  Rig rig(9);
  ASSERT_TRUE(rig.Open().ok());
  ASSERT_TRUE(rig.Append(3).ok());
  // Written, not synced: the records are whole in the file, and their numbers are given again.
  rig.files.FailSteps(rig.files.steps() + 1, rig.files.steps() + 2);
  EXPECT_FALSE(rig.Commit().ok());
  ASSERT_TRUE(rig.Append(4).ok());
  ASSERT_TRUE(rig.Commit().ok());
  ASSERT_TRUE(rig.Append(5).ok());
  rig.files.FailSteps(rig.files.steps() + 1, rig.files.steps() + 2);
  EXPECT_FALSE(rig.Commit().ok());
  ASSERT_TRUE(rig.Append(6).ok());
  ASSERT_TRUE(rig.Commit().ok());
  ASSERT_TRUE(rig.Open().ok());  // killed: what was written is still there
  EXPECT_THAT(rig.Stored(), SizeIs(10));
  EXPECT_EQ(rig.Stored(), rig.acked());
}

TEST(StoreTest, ADamagedSegmentIsSetAsideAndAllElseStaysReadable) {
  for (const bool while_open : {false, true}) {
    Rig rig(3);
    ASSERT_TRUE(rig.Open().ok());
    for (int i = 0; i < 3; ++i) {
      ASSERT_TRUE(rig.Append(40).ok());
      ASSERT_TRUE(rig.Commit().ok());
      ASSERT_TRUE(rig.Seal().ok());
    }
    std::string* bytes = rig.files.Bytes(SegmentName(2));
    ASSERT_NE(bytes, nullptr);
    if (while_open) {
      std::fill(bytes->begin() + 8, bytes->end() - 200, 'x');
    } else {
      bytes->resize(bytes->size() / 2);
      ASSERT_TRUE(rig.Open().ok());
    }
    EXPECT_THAT(rig.Stored(), SizeIs(80));
    EXPECT_EQ(rig.store->counts().lost, 40u);
    EXPECT_EQ(rig.store->counts().total(), 120u);
    ASSERT_THAT(rig.store->notices(), SizeIs(1));
    EXPECT_THAT(rig.store->notices()[0], HasSubstr("40 spans are lost"));
    EXPECT_NE(rig.files.Bytes("damaged-" + SegmentName(2)), nullptr);
    ASSERT_TRUE(rig.Open().ok());
    EXPECT_THAT(rig.Stored(), SizeIs(80));
    EXPECT_EQ(rig.store->counts().total(), 120u);
    EXPECT_THAT(rig.store->notices(), IsEmpty());
  }
}

TEST(StoreTest, ADamagedOrMissingManifestIsMadeAgain) {
  for (const bool missing : {false, true}) {
    Rig rig(4);
    ASSERT_TRUE(rig.Open().ok());
    ASSERT_TRUE(rig.Append(40).ok());
    ASSERT_TRUE(rig.Commit().ok());
    ASSERT_TRUE(rig.Seal().ok());
    ASSERT_TRUE(rig.Append(10).ok());
    ASSERT_TRUE(rig.Commit().ok());
    if (missing) {
      ASSERT_TRUE(rig.files.Remove("MANIFEST").ok());
    } else {
      rig.files.Bytes("MANIFEST")->back() ^= 1;
    }
    ASSERT_TRUE(rig.Open().ok());
    EXPECT_EQ(rig.Stored(), rig.acked());
    EXPECT_THAT(rig.store->notices(), SizeIs(missing ? 0 : 1));
  }
}

TEST(StoreTest, ANewerFormatStopsOpenAndTouchesNothing) {
  Rig rig(5);
  ASSERT_TRUE(rig.Open().ok());
  std::string newer = "RNDAMAN1\x09";
  PutFixed64(Hash(newer), newer);
  *rig.files.Bytes("MANIFEST") = newer;
  const base::Status status = rig.Open();
  EXPECT_EQ(status.code(), base::Code::kFailedPrecondition);
  EXPECT_EQ(*rig.files.Bytes("MANIFEST"), newer);
}

TEST(StoreTest, PartitionsExpireWholeAndAreCounted) {
  Rig rig(6);
  ASSERT_TRUE(rig.Open({}).ok());
  for (std::uint64_t hour = 1; hour <= 4; ++hour) {
    ASSERT_TRUE(rig.Append(20, hour * kHour + 5).ok());
    ASSERT_TRUE(rig.Commit().ok());
  }
  ASSERT_TRUE(rig.Append(5, kHour).ok());  // a clock that went back
  ASSERT_TRUE(rig.Commit().ok());
  EXPECT_THAT(rig.store->segments(), SizeIs(3));
  EXPECT_FALSE(*rig.store->Merge());  // partitions stay apart
  ASSERT_TRUE(rig.store->DropBefore(2 * kHour - 1).ok());
  EXPECT_EQ(rig.store->counts().expired, 0u);
  ASSERT_TRUE(rig.store->DropBefore(2 * kHour).ok());
  EXPECT_EQ(rig.store->counts().expired, 20u);
  ASSERT_TRUE(rig.store->DropOver(0).ok());
  EXPECT_EQ(rig.store->counts().expired, 40u);
  EXPECT_EQ(rig.store->counts().in_segments, 20u);
  EXPECT_THAT(rig.Stored(), SizeIs(45));
  ASSERT_TRUE(rig.Open().ok());
  EXPECT_THAT(rig.Stored(), SizeIs(45));
  EXPECT_EQ(rig.store->counts().total(), 85u);
}

TEST(StoreTest, ASealKeepsWhatTheOwnerSaysOfItsRecords) {
  Rig rig(8);
  ASSERT_TRUE(rig.Open().ok());
  rig.store->set_note([](std::uint64_t through) { return "through " + std::to_string(through); });
  ASSERT_TRUE(rig.Append(5).ok());
  ASSERT_TRUE(rig.Append(5).ok());
  EXPECT_EQ(rig.store->manifest().note, "");
  ASSERT_TRUE(rig.Seal().ok());
  EXPECT_EQ(rig.store->manifest().note, "through 2");
  // Records without spans are sealed too, and leave no segment.
  ASSERT_TRUE(rig.store->Append({.received_ns = kHour, .body = {}}, {}).ok());
  ASSERT_TRUE(rig.Seal().ok());
  ASSERT_TRUE(rig.Open().ok());
  EXPECT_EQ(rig.store->manifest().note, "through 3");
  EXPECT_EQ(rig.store->manifest().sealed_through, 3u);
  EXPECT_THAT(rig.store->segments(), SizeIs(1));
}

TEST(StoreTest, AMergeOfWhatExpiredMeanwhileLeavesNothing) {
  Rig rig(9);
  ASSERT_TRUE(rig.Open().ok());
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(rig.Append(20).ok());
    ASSERT_TRUE(rig.Seal().ok());
  }
  const auto plan = rig.store->PlanMerge();
  ASSERT_TRUE(plan.has_value());
  EXPECT_FALSE(rig.store->PlanMerge(3).has_value());
  const auto outcome = RunMerge(rig.files, kSmall, *plan);
  ASSERT_TRUE(outcome.ok());
  ASSERT_TRUE(rig.store->DropBefore(2 * kHour).ok());
  ASSERT_TRUE(rig.store->FinishMerge(*plan, *outcome).ok());
  EXPECT_THAT(rig.Everything(), IsEmpty());
  EXPECT_EQ(rig.store->counts().expired, 40u);
  EXPECT_EQ(rig.files.Bytes(SegmentName(plan->id)), nullptr);
}

TEST(StoreTest, ALogThatCannotBeReadCostsItsRequestsOnly) {
  Rig rig(7);
  ASSERT_TRUE(rig.Open().ok());
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(rig.Append(5).ok());
  ASSERT_TRUE(rig.Commit().ok());
  std::string* log = rig.files.Bytes(WalName(1));
  ASSERT_NE(log, nullptr);
  (*log)[32 + 24 + 20] ^= 1;  // in the first record
  ASSERT_TRUE(rig.Open().ok());
  EXPECT_THAT(rig.Stored(), SizeIs(10));
  EXPECT_EQ(rig.store->counts().lost_records, 1u);
  EXPECT_THAT(rig.store->notices(), SizeIs(1));
}

TEST(StoreTest, ARealFolderHoldsWhatTheSimulatedOneDoes) {
  const std::string path = ::testing::TempDir() + "/ronda_store_test";
  auto files = OpenFolder(path);
  ASSERT_TRUE(files.ok()) << files.status().ToString();
  const auto empty = [&] {
    const auto names = (*files)->List();
    ASSERT_TRUE(names.ok());
    for (const std::string& name : *names) ASSERT_TRUE((*files)->Remove(name).ok());
  };
  empty();
  SpanBatch batch, again;
  BatchMaker maker(8);
  maker.Make(100, batch);
  std::string body;
  EncodeTraces(batch, body);
  for (int round = 0; round < 2; ++round) {
    auto store = Store::Open(**files, {}, Decode);
    ASSERT_TRUE(store.ok()) << store.status().ToString();
    ASSERT_TRUE((*store)->Append({.received_ns = 1, .body = body}, batch).ok());
    ASSERT_TRUE((*store)->Commit().ok());
    if (round == 0) {
      ASSERT_TRUE((*store)->Seal().ok());
    }
  }
  auto store = Store::Open(**files, {}, Decode);
  ASSERT_TRUE(store.ok());
  EXPECT_EQ((*store)->counts().in_segments, 100u);
  EXPECT_EQ((*store)->counts().in_block, 100u);
  ASSERT_TRUE((*store)->ReadTrace(maker.Trace(1), again).ok());
  EXPECT_EQ(again.spans.size(), 2 * CanonicalSpans(batch, maker.Trace(1)).size());
  empty();
}

}  // namespace
}  // namespace ronda::trace::segment
