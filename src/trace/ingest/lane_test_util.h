#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "disk/simulated_file_system.h"
#include "trace/ingest/lane.h"
#include "wire/otlp/encode.h"
#include "wire/otlp/otlp_test_util.h"

// What tests of lanes share.
namespace ronda::trace::ingest {

namespace otlp = wire::otlp;

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kHour = 3600 * kSecond;

// A wall clock that a test sets while lanes read it.
class TestClock : public base::Clock {
 public:
  [[nodiscard]] std::uint64_t MonotonicNs() const override { return monotonic_ns_; }
  [[nodiscard]] std::uint64_t WallNs() const override { return wall_ns_; }
  // Time passes until then.
  void Set(std::uint64_t wall_ns) {
    if (wall_ns > wall_ns_) monotonic_ns_ += wall_ns - wall_ns_;
    wall_ns_ = wall_ns;
  }
  void Jump(std::uint64_t wall_ns) { wall_ns_ = wall_ns; }

 private:
  std::atomic<std::uint64_t> monotonic_ns_{kHour};
  std::atomic<std::uint64_t> wall_ns_{1'700'000'000 * kSecond};
};

// A request of `spans` spans of service "shop"; each number makes another body.
inline std::string RequestOf(std::uint64_t number, std::size_t spans, const std::string& sql = "",
                             const std::string& service = "shop") {
  otlp::SpanBatch batch;
  batch.attributes.emplace_back("service.name", otlp::Value::String(service));
  batch.attributes.emplace_back("db.statement", otlp::Value::String(sql));
  batch.resources.push_back({.attributes = {0, 1}, .entity_refs = {}, .schema_url = {}});
  batch.scopes.emplace_back();
  for (std::size_t i = 0; i < spans; ++i) {
    otlp::Span span;
    span.trace = {.high = 1, .low = number + 1};
    span.span = i + 1;
    span.start_ns = 5;
    span.end_ns = 6;
    if (!sql.empty()) span.attributes = {1, 1};
    batch.spans.push_back(span);
  }
  std::string request;
  EncodeTraces(batch, request);
  return request;
}

// All spans of a source, sorted.
inline std::vector<std::string> SpansOf(
    const std::function<segment::Source::Segments(const segment::Source::ReadBlock&)>& snapshot) {
  otlp::SpanBatch batch;
  const auto segments = snapshot([&](const segment::Block& block) {
    std::vector<std::uint32_t> rows(block.rows());
    std::iota(rows.begin(), rows.end(), 0u);
    block.Read(rows, batch);
  });
  for (const auto& segment : segments) {
    EXPECT_TRUE(segment->Read({0, static_cast<std::uint32_t>(segment->info().rows)}, batch).ok());
  }
  return otlp::CanonicalSpans(batch);
}

// A lane on a simulated disk.
class Rig {
 public:
  explicit Rig(std::uint64_t seed = 1, const MaskRules& mask = {}) : files(seed), masker_(mask) {}

  base::Status Open(const LaneOptions& options = kSmall) {
    lane.reset();
    auto opened = Lane::Open(files, options, masker_, clock, log_, nullptr);
    if (opened.ok()) lane = *std::move(opened);
    return opened.status();
  }

  std::future<base::Status> Submit(const std::string& body, std::string_view receiver = "test",
                                   segment::Signal signal = segment::Signal::kTraces) {
    DeliveryReader reader(otlp::Limits(), masker_);
    auto delivery = std::make_unique<Delivery>();
    EXPECT_TRUE(reader.Read({.receiver = receiver, .signal = signal}, body, {}, *delivery).ok());
    auto told = std::make_shared<std::promise<base::Status>>();
    delivery->done = [told](const base::Status& status) { told->set_value(status); };
    lane->Submit(std::move(delivery));
    return told->get_future();
  }
  base::Code Send(const std::string& body) { return Submit(body).get().code(); }

  std::vector<std::string> Spans() {
    return SpansOf([&](const auto& read) { return lane->Snapshot(read); });
  }

  // How many spans RED has measured, over all files, series and times.
  std::uint64_t RedSpans() {
    std::uint64_t spans = 0;
    const auto files_of_red =
        lane->SeriesSnapshot([&](const series::OpenPoints& open) { spans += open.rows().size(); });
    for (const auto& file : files_of_red) {
      series::FileCursor cursor(*file);
      std::vector<series::Point> points;
      series::Sum sum;
      for (std::size_t i = 0; i < file->series(); ++i) {
        EXPECT_TRUE(cursor.Read(i, points).ok());
        for (const auto& point : points) {
          EXPECT_TRUE(sum.Add(series::Kind::kHistogram, point.value).ok());
        }
      }
      spans += sum.histogram().count();
    }
    return spans;
  }

  // Everything adds up; returns the sum.
  Tally ExpectBalanced() {
    const Standing standing = lane->standing();
    const Tally total = standing.ledger.Total();
    EXPECT_TRUE(total.balanced());
    EXPECT_EQ(total.accepted - total.deduplicated, standing.spans.total());
    if (!red_is_partial) {
      EXPECT_EQ(RedSpans(), standing.spans.total());
    }
    Place sum;
    for (const auto& [key, place] : standing.places) {
      const auto& tally = standing.ledger.tallies().at(key);
      EXPECT_EQ(place.total(), tally.accepted - tally.deduplicated) << key.first << key.second;
      sum.Add(place);
    }
    EXPECT_EQ(sum.stored, standing.spans.in_block + standing.spans.in_segments);
    EXPECT_EQ(sum.expired, standing.spans.expired);
    EXPECT_EQ(sum.lost, standing.spans.lost);
    EXPECT_EQ(sum.sampled_out, standing.spans.sampled_out);
    EXPECT_EQ(sum.deleted, standing.spans.deleted);
    return total;
  }
  Place PlaceOf(const std::string& receiver, const std::string& service) {
    const Places places = lane->standing().places;
    const auto found = places.find(std::pair(receiver, service));
    return found == places.end() ? Place() : found->second;
  }

  static inline const LaneOptions kSmall{
      .store = {.block_rows = 20, .merged_rows = 100, .merge_level = 1}, .upkeep_ns = 100 * kHour};
  disk::SimulatedFileSystem files;
  TestClock clock;
  bool red_is_partial = false;  // spans are older than RED is kept, or than there was any
  std::unique_ptr<Lane> lane;

 private:
  Masker masker_;
  base::Log log_{base::LogLevel::kError};
};

}  // namespace ronda::trace::ingest
