#include "trace/query/export.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "base/core/random.h"
#include "disk/simulated_file_system.h"
#include "trace/segment/store.h"
#include "wire/otlp/decode.h"
#include "wire/otlp/encode.h"
#include "wire/otlp/otlp_test_util.h"

namespace ronda::trace::query {
namespace {

namespace otlp = wire::otlp;
using ::testing::IsEmpty;
using ::testing::SizeIs;
constexpr std::uint64_t kEverything = ~std::uint64_t{0};

// A store of several segments and a block, and all that was sent to it.
class ExportTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = segment::Store::Open(files_, {.block_rows = 40},
                                       [](const auto&, auto&) { return base::Ok(); });
    ASSERT_TRUE(opened.ok());
    store_ = *std::move(opened);
    otlp::BatchMaker maker(5);
    base::Random random(5);
    otlp::SpanBatch batch;
    for (int i = 0; i < 12; ++i) {
      maker.Make(25, batch);
      for (otlp::Span& span : batch.spans) span.start_ns = 1000 + random.Below(300);
      const auto sent = otlp::CanonicalSpans(batch);
      sent_.insert(sent_.end(), sent.begin(), sent.end());
      for (const otlp::Span& span : batch.spans) starts_.push_back(span.start_ns);
      ASSERT_TRUE(store_->Append({.received_ns = 1, .body = {}}, batch).ok());
    }
    std::ranges::sort(sent_);
    ASSERT_GT(store_->segments().size(), 3u);
    ASSERT_GT(store_->block().rows(), 0u);
  }

  // All pages, and how many there were.
  std::vector<std::string> Export(std::uint64_t from, std::uint64_t to, std::size_t least) {
    segment::StoreSource source(*store_);
    std::vector<std::string> spans;
    std::optional<std::uint64_t> next = from;
    pages_ = 0;
    while (next) {
      const auto page = ReadExportPage(source, *next, to, least);
      EXPECT_TRUE(page.ok());
      if (!page.ok()) break;
      EXPECT_TRUE(!page->next_ns || page->batch.spans.size() >= least);
      notices_.insert(page->notices.begin(), page->notices.end());
      const auto these = otlp::CanonicalSpans(page->batch);
      spans.insert(spans.end(), these.begin(), these.end());
      next = page->next_ns;
      if (++pages_ == 5) {
        EXPECT_TRUE(store_->Merge().ok());  // in the middle of it
      }
    }
    std::ranges::sort(spans);
    return spans;
  }

  disk::SimulatedFileSystem files_;
  std::unique_ptr<segment::Store> store_;
  std::vector<std::string> sent_;
  std::vector<std::uint64_t> starts_;
  std::set<std::string> notices_;
  int pages_ = 0;
};

TEST_F(ExportTest, PagesHaveEverySpanOnceWhateverTheirSize) {
  for (const std::size_t least : {1u, 7u, 64u, 299u, 300u, 1000u}) {
    const std::vector<std::string> spans = Export(0, kEverything, least);
    EXPECT_EQ(spans.size(), sent_.size()) << least;
    EXPECT_TRUE(spans == sent_) << least;
    EXPECT_LE(pages_, 300 / static_cast<int>(least) + 1);
  }
}

TEST_F(ExportTest, OnlyTheRangeIsExported) {
  const auto in_range = std::ranges::count_if(
      starts_, [](std::uint64_t start) { return start >= 1100 && start < 1200; });
  EXPECT_THAT(Export(1100, 1200, 10), SizeIs(in_range));
  EXPECT_THAT(Export(1300, kEverything, 10), IsEmpty());
  EXPECT_THAT(Export(0, 1000, 10), IsEmpty());
}

TEST_F(ExportTest, ADamagedSegmentIsANoticeAndTheRestComes) {
  std::string* bytes = files_.Bytes(segment::SegmentName(2));
  ASSERT_NE(bytes, nullptr);
  std::fill(bytes->begin() + 8, bytes->begin() + 1000, 'x');
  const std::size_t lost = store_->manifest().segments[1].rows;
  const auto spans = Export(0, kEverything, 1000);
  EXPECT_THAT(spans, SizeIs(300 - lost));
  EXPECT_THAT(notices_, SizeIs(1));
}

}  // namespace
}  // namespace ronda::trace::query
