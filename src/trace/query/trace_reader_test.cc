#include "trace/query/trace_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "disk/simulated_file_system.h"
#include "trace/segment/store.h"
#include "wire/otlp/decode.h"
#include "wire/otlp/encode.h"
#include "wire/otlp/otlp_test_util.h"

namespace ronda::trace::query {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using wire::otlp::BatchMaker;
using wire::otlp::CanonicalSpans;
using wire::otlp::SpanBatch;

class TraceReaderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = segment::Store::Open(files_, {}, [](const auto& record, SpanBatch& batch) {
      return wire::otlp::Decoder({}).DecodeTraces(record.body, batch);
    });
    ASSERT_TRUE(opened.ok());
    store_ = *std::move(opened);
    for (int place = 0; place < 3; ++place) {
      ASSERT_TRUE(store_->Seal().ok());
      maker_.Make(300, batch_);
      std::string body;
      EncodeTraces(batch_, body);
      ASSERT_TRUE(store_->Append({.received_ns = 1, .body = body}, batch_).ok());
      for (std::uint64_t t = 0; t < BatchMaker::kTraces; ++t) {
        std::ranges::move(CanonicalSpans(batch_, maker_.Trace(t)), std::back_inserter(sent_[t]));
      }
      in_block_ = CanonicalSpans(batch_, maker_.Trace(3));
    }
  }

  disk::SimulatedFileSystem files_;
  std::unique_ptr<segment::Store> store_;
  BatchMaker maker_{5};
  SpanBatch batch_;
  std::map<std::uint64_t, std::vector<std::string>> sent_;
  std::vector<std::string> in_block_;
};

TEST_F(TraceReaderTest, ATraceIsWholeAcrossBlocksAndSegments) {
  segment::StoreSource source(*store_);
  for (auto& [trace, spans] : sent_) {
    const auto stored = ReadTrace(source, maker_.Trace(trace));
    ASSERT_TRUE(stored.ok()) << stored.status().ToString();
    EXPECT_THAT(stored->notices, IsEmpty());
    std::ranges::sort(spans);
    EXPECT_EQ(CanonicalSpans(stored->batch), spans);
  }
  const auto none = ReadTrace(source, {.high = 1, .low = 2});
  ASSERT_TRUE(none.ok());
  EXPECT_THAT(none->batch.spans, IsEmpty());
}

TEST_F(TraceReaderTest, DamageCostsOnlyWhatIsDamagedAndIsSaid) {
  for (const std::uint64_t id : {1, 2}) {
    std::string* bytes = files_.Bytes(segment::SegmentName(id));
    ASSERT_NE(bytes, nullptr);
    std::fill(bytes->begin() + 8, bytes->begin() + static_cast<std::ptrdiff_t>(bytes->size() / 2),
              'x');
  }
  segment::StoreSource source(*store_);
  const auto stored = ReadTrace(source, maker_.Trace(3));
  ASSERT_TRUE(stored.ok()) << stored.status().ToString();
  EXPECT_EQ(CanonicalSpans(stored->batch), in_block_);
  ASSERT_THAT(stored->notices, SizeIs(2));
  EXPECT_THAT(stored->notices[0], HasSubstr("damaged"));
}

}  // namespace
}  // namespace ronda::trace::query
