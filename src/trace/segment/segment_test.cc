#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "disk/simulated_file_system.h"
#include "trace/segment/block.h"
#include "trace/segment/columns.h"
#include "trace/segment/segment_reader.h"
#include "trace/segment/segment_writer.h"
#include "wire/otlp/otlp_test_util.h"

namespace ronda::trace::segment {
namespace {

using otlp::BatchMaker;
using otlp::CanonicalSpans;
using otlp::SpanBatch;
using otlp::Value;
using ::testing::HasSubstr;

base::Result<std::shared_ptr<const SegmentReader>> OpenBytes(const std::string& bytes) {
  disk::SimulatedFileSystem files;
  CHECK(WriteWhole(files, "segment", bytes).ok());
  auto file = files.Open("segment");
  return SegmentReader::Open(std::move(*file));
}

std::vector<std::uint32_t> AllRows(const Block& block) {
  std::vector<std::uint32_t> rows(block.rows());
  for (std::uint32_t i = 0; i < block.rows(); ++i) rows[i] = i;
  return rows;
}

TEST(SegmentTest, EveryFieldOfEverySpanComesBack) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SpanBatch batch, from_block, from_segment;
    BatchMaker(seed).Make(seed * seed, batch);
    Block block;
    block.Append(batch);
    block.Read(AllRows(block), from_block);
    EXPECT_EQ(CanonicalSpans(from_block), CanonicalSpans(batch));

    SegmentWriter writer;
    const SegmentInfo info{.partition_ns = 5, .first_sequence = 6, .last_sequence = 7, .merged = 1};
    const auto segment = OpenBytes(writer.Write(block, info, 1));
    ASSERT_TRUE(segment.ok()) << segment.status().ToString();
    EXPECT_EQ((*segment)->info().rows, batch.spans.size());
    EXPECT_EQ((*segment)->info().partition_ns, 5u);
    EXPECT_EQ((*segment)->info().last_sequence, 7u);
    const auto rows = static_cast<std::uint32_t>((*segment)->info().rows);
    const base::Status status = (*segment)->Read({0, rows}, from_segment);
    ASSERT_TRUE(status.ok()) << status.ToString();
    EXPECT_EQ(CanonicalSpans(from_segment), CanonicalSpans(batch));
  }
}

// Only what the rows need is read: whatever is before and behind them, in their page and in others.
TEST(SegmentTest, AnyRowsAreThatPartOfAllRows) {
  Block block;
  SpanBatch batch;
  BatchMaker maker(3);
  while (block.rows() < 2 * kPageRows + 1000) {
    maker.Make(700, batch);
    block.Append(batch);
  }
  SegmentWriter writer;
  const auto segment = OpenBytes(writer.Write(block, {}, 1));
  ASSERT_TRUE(segment.ok());
  SpanBatch all;
  ASSERT_TRUE((*segment)->Read({0, block.rows()}, all).ok());
  std::vector<RowRange> parts = {{0, 1},
                                 {kPageRows - 1, 1},
                                 {kPageRows, 1},
                                 {kPageRows - 7, 20},
                                 {5, 2 * kPageRows},
                                 {block.rows() - 1, 1}};
  for (std::uint32_t i = 0; i < 40; ++i) {
    parts.push_back({i * 397, 1 + i * 5});
  }
  const std::vector<otlp::Span> spans = std::move(all.spans);
  for (const RowRange part : parts) {
    SpanBatch read;
    const base::Status status = (*segment)->Read(part, read);
    ASSERT_TRUE(status.ok()) << status.ToString();
    all.spans.assign(spans.begin() + part.begin, spans.begin() + part.begin + part.count);
    ASSERT_EQ(CanonicalSpans(read), CanonicalSpans(all)) << part.begin << " + " << part.count;
  }
}

// Every column of a block and of a segment, against the rows read whole.
// Every column of a block and of a segment, against the rows read whole.
TEST(SegmentTest, ColumnsSayWhatRowsSay) {
  BatchMaker maker(21);
  Block block;
  SpanBatch batch;
  for (int i = 0; i < 20; ++i) {
    maker.Make(600, batch);
    for (otlp::Span& span : batch.spans) {
      if (span.start_ns % 5 != 0) continue;  // names that give the dictionary up
      span.name = batch.arena.Copy(std::string(span.name) + std::to_string(span.start_ns));
    }
    block.Append(batch);
  }
  const auto segment = OpenBytes(SegmentWriter().Write(block, {}, 1));
  ASSERT_TRUE(segment.ok());
  for (const bool sealed : {false, true}) {
    SCOPED_TRACE(sealed);
    SpanBatch rows;
    if (sealed) {
      ASSERT_TRUE((*segment)->Read({0, block.rows()}, rows).ok());
    } else {
      block.Read(AllRows(block), rows);
    }
    const auto columns = sealed ? ColumnsOf(**segment) : ColumnsOf(block);
    const auto scopes = columns->Scopes();
    ASSERT_TRUE(scopes.ok());
    std::vector<std::multimap<std::string, Value>> attributes(rows.spans.size());
    std::uint32_t first = 0;
    for (std::size_t page = 0; page < columns->pages(); ++page) {
      const auto fixed = [&](Role role) {
        const auto cells = columns->Fixed(role, page);
        EXPECT_TRUE(cells.ok());
        return *cells;
      };
      for (std::uint32_t i = 0; i < columns->RowsOf(page); ++i) {
        const otlp::Span& span = rows.spans[first + i];
        EXPECT_EQ(fixed(Role::kSpanId).numbers[i], span.span);
        EXPECT_EQ(fixed(Role::kParentCode).numbers[i] == 0, span.parent == 0);
        EXPECT_EQ(fixed(Role::kStart).numbers[i], span.start_ns);
        EXPECT_EQ(fixed(Role::kDuration).numbers[i], span.end_ns - span.start_ns);
        EXPECT_EQ(static_cast<std::int32_t>(fixed(Role::kKind).numbers[i]), span.kind);
        EXPECT_EQ(static_cast<std::int32_t>(fixed(Role::kStatus).numbers[i]), span.status);
        EXPECT_EQ(fixed(Role::kName).TextAt(i), span.name);
        EXPECT_EQ(fixed(Role::kStatusMessage).TextAt(i), span.status_message);
        EXPECT_EQ((*scopes)->scopes[fixed(Role::kScope).numbers[i]].name,
                  rows.scopes[span.scope].name);
        EXPECT_EQ(*columns->TraceOf(first + i), span.trace);
      }
      for (std::size_t a = 0; a < columns->attributes().size(); ++a) {
        const auto& info = columns->attributes()[a];
        const auto zone = columns->AttributeZone(a, page);
        const auto cells = columns->AttributeCells(a, page);
        std::vector<std::uint32_t> with;
        ASSERT_TRUE(cells.ok() && columns->RowsWith(a, page, with).ok());
        ASSERT_EQ(with.size(), cells->size());
        EXPECT_EQ(zone.has_value(), !with.empty());
        for (std::size_t k = 0; k < with.size(); ++k) {
          if (cells->form != Cells::Form::kTexts) {
            EXPECT_GE(cells->numbers[k], zone->min);
            EXPECT_LE(cells->numbers[k], zone->max);
          }
          const Value value = Value::IsBytes(info.type)
                                  ? Value::OfBytes(info.type, cells->TextAt(k))
                                  : Value::OfBits(info.type, BitsOf(info.type, cells->numbers[k]));
          if (Value::IsBytes(info.type)) {
            EXPECT_TRUE(*columns->MayHaveText(a, value.bytes()));
          }
          attributes[first + with[k]].emplace(
              info.key, Value::IsBytes(info.type)
                            ? Value::OfBytes(info.type, rows.arena.Copy(value.bytes()))
                            : value);
        }
      }
      first += columns->RowsOf(page);
    }
    for (std::size_t i = 0; i < rows.spans.size(); ++i) {
      const auto own = rows.At(rows.spans[i].attributes);
      ASSERT_EQ(attributes[i].size(), own.size());
      for (const otlp::Attribute& attribute : own) {
        const auto [begin, end] = attributes[i].equal_range(std::string(attribute.key()));
        EXPECT_TRUE(
            std::any_of(begin, end, [&](const auto& a) { return a.second == attribute.value(); }));
      }
    }
    const auto of_trace = columns->RowsOfTrace(maker.Trace(2));
    ASSERT_TRUE(of_trace.ok());
    EXPECT_EQ(of_trace->size(), block.RowsOf(maker.Trace(2)).size());
    for (const std::uint32_t row : *of_trace) EXPECT_EQ(rows.spans[row].trace, maker.Trace(2));
    EXPECT_TRUE(columns->RowsOfTrace({.high = 9, .low = 9})->empty());
    const base::TraceId several[] = {maker.Trace(2), {.high = 9, .low = 9}, maker.Trace(3)};
    const auto each = block.RowsOf(several);
    for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(each[i], block.RowsOf(several[i]));
  }
}

// Blocks of several batches and pages, with columns that give their dictionary up; against a map.
TEST(SegmentTest, ATraceIsFoundWholeWhereverItsSpansWere) {
  BatchMaker maker(9);
  Block block;
  SpanBatch batch;
  std::map<std::uint64_t, std::vector<std::string>> model;
  for (int i = 0; i < 30; ++i) {
    maker.Make(600, batch);
    for (otlp::Span& span : batch.spans) {
      span.name = batch.arena.Copy(std::string(span.name) + std::to_string(span.start_ns));
    }
    block.Append(batch);
    for (std::uint64_t t = 0; t < BatchMaker::kTraces; ++t) {
      std::ranges::move(CanonicalSpans(batch, maker.Trace(t)), std::back_inserter(model[t]));
    }
  }
  SegmentWriter writer;
  const auto segment = OpenBytes(writer.Write(block, {}, 1));
  ASSERT_TRUE(segment.ok()) << segment.status().ToString();
  ASSERT_GT((*segment)->directory().tables[0].page_rows.size(), 2u);
  const auto& columns = (*segment)->directory().tables[0].columns;
  EXPECT_TRUE(std::ranges::any_of(columns, [](const Column& c) {
    return c.role == Role::kName && c.encoding == Encoding::kTexts;
  }));
  std::uint64_t rows = 0;
  for (auto& [number, spans] : model) {
    std::ranges::sort(spans);
    const auto found = (*segment)->FindTrace(maker.Trace(number));
    ASSERT_TRUE(found.ok() && found->has_value());
    SpanBatch trace, in_block;
    ASSERT_TRUE((*segment)->Read(**found, trace).ok());
    EXPECT_EQ(CanonicalSpans(trace), spans);
    block.Read(block.RowsOf(maker.Trace(number)), in_block);
    EXPECT_EQ(CanonicalSpans(in_block), spans);
    EXPECT_TRUE(std::ranges::is_sorted(trace.spans, {}, &otlp::Span::start_ns));
    rows += (*found)->count;
  }
  EXPECT_EQ(rows, block.rows());
  const auto absent = (*segment)->FindTrace({.high = 1, .low = 2});
  ASSERT_TRUE(absent.ok());
  EXPECT_FALSE(absent->has_value());
}

TEST(SegmentTest, ATraceOfAHundredThousandSpansKeepsItsParents) {
  Block block;
  SpanBatch batch, again;
  batch.resources.emplace_back();
  batch.scopes.emplace_back();
  for (std::uint64_t i = 1; i <= 100'000; ++i) {
    otlp::Span span;
    span.trace = {.high = 1, .low = 1};
    span.span = i;
    span.parent = i / 2;
    span.start_ns = 1000 + i;
    span.end_ns = 2000 + i;
    batch.spans.push_back(span);
  }
  block.Append(batch);
  SegmentWriter writer;
  const auto segment = OpenBytes(writer.Write(block, {}, 1));
  ASSERT_TRUE(segment.ok());
  ASSERT_TRUE((*segment)->Read({0, 100'000}, again).ok());
  for (std::uint64_t i = 0; i < again.spans.size(); ++i) {
    ASSERT_EQ(again.spans[i].span, i + 1);
    ASSERT_EQ(again.spans[i].parent, (i + 1) / 2);
  }
}

TEST(SegmentTest, MoreKeysThanColumnsStillComeBack) {
  Block block;
  SpanBatch batch, again, in_block;
  batch.resources.emplace_back();
  batch.scopes.emplace_back();
  for (std::uint32_t i = 0; i < 6000; ++i) {
    otlp::Span span;
    span.trace = {.high = 1, .low = i / 7 + 1};
    span.span = i + 1;
    span.attributes = {static_cast<std::uint32_t>(batch.attributes.size()), 2};
    batch.attributes.emplace_back(batch.arena.Copy("key" + std::to_string(i)), otlp::Value::Int(i));
    batch.attributes.emplace_back("same", otlp::Value::String("x"));
    batch.spans.push_back(span);
  }
  block.Append(batch);
  block.Read(AllRows(block), in_block);
  EXPECT_EQ(CanonicalSpans(in_block), CanonicalSpans(batch));
  SegmentWriter writer;
  const auto segment = OpenBytes(writer.Write(block, {}, 1));
  ASSERT_TRUE(segment.ok()) << segment.status().ToString();
  ASSERT_TRUE((*segment)->Read({0, 6000}, again).ok());
  EXPECT_EQ(CanonicalSpans(again), CanonicalSpans(batch));
}

TEST(SegmentTest, TakingRowsBackLeavesWhatWasThere) {
  SpanBatch first, second, again;
  BatchMaker maker(3);
  maker.Make(300, first);
  Block block;
  block.Append(first);
  const std::uint32_t rows = block.rows();
  maker.Make(5000, second);
  block.Append(second);
  block.Truncate(rows);
  block.Append(first);
  block.Truncate(rows);
  block.Read(AllRows(block), again);
  EXPECT_EQ(CanonicalSpans(again), CanonicalSpans(first));
  SegmentWriter writer;
  const auto segment = OpenBytes(writer.Write(block, {}, 1));
  ASSERT_TRUE(segment.ok());
  again.Clear();
  ASSERT_TRUE((*segment)->Read({0, rows}, again).ok());
  EXPECT_EQ(CanonicalSpans(again), CanonicalSpans(first));
}

TEST(SegmentTest, RowsTakenBackLeaveNoShapeBehind) {
  SpanBatch batch, again;
  batch.resources.emplace_back();
  batch.scopes.emplace_back();
  batch.attributes.emplace_back("key", otlp::Value::String("value"));
  for (std::uint32_t i = 0; i < 2; ++i) {
    otlp::Span span;
    span.trace = {.high = 1, .low = 1};
    span.span = i + 1;
    span.attributes = {0, i};
    batch.spans.push_back(span);
  }
  Block block;
  block.Append(batch);
  block.Truncate(1);
  SegmentWriter writer;
  const auto segment = OpenBytes(writer.Write(block, {}, 1));
  ASSERT_TRUE(segment.ok());
  const base::Status status = (*segment)->Read({0, 1}, again);
  EXPECT_TRUE(status.ok()) << status.ToString();
}

TEST(SegmentTest, AClearedBlockMakesTheSameSegmentAsANewOne) {
  SpanBatch first, second;
  BatchMaker maker(4);
  maker.Make(5000, first);
  maker.Make(100, second);
  Block used, fresh;
  used.Append(first);
  used.Clear();
  EXPECT_EQ(used.rows(), 0u);
  used.Append(second);
  fresh.Append(second);
  SegmentWriter writer;
  SpanBatch a, b;
  ASSERT_TRUE((*OpenBytes(writer.Write(used, {}, 1)))->Read({0, 100}, a).ok());
  ASSERT_TRUE((*OpenBytes(writer.Write(fresh, {}, 1)))->Read({0, 100}, b).ok());
  EXPECT_EQ(CanonicalSpans(a), CanonicalSpans(b));
}

TEST(SegmentTest, AnyDamagedByteIsNoticed) {
  SpanBatch batch;
  BatchMaker(2).Make(6, batch);
  Block block;
  block.Append(batch);
  SegmentWriter writer;
  const std::string good = writer.Write(block, {}, 1);
  ASSERT_TRUE((*OpenBytes(good))->Verify().ok());
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x10);
    const auto segment = OpenBytes(bad);
    if (!segment.ok()) continue;
    // The filters of text columns are read when a search asks them.
    EXPECT_FALSE((*segment)->Verify().ok()) << i;
  }
  for (std::size_t size = 0; size < good.size(); size += 7) {
    EXPECT_FALSE(OpenBytes(good.substr(0, size)).ok());
  }
}

TEST(SegmentTest, ASegmentOfANewerFormatSaysSo) {
  SpanBatch batch;
  BatchMaker(2).Make(5, batch);
  Block block;
  block.Append(batch);
  SegmentWriter writer;
  std::string bytes = writer.Write(block, {}, 1);
  const std::size_t trailer = bytes.size() - kTrailer;
  bytes[trailer + 20] = 2;
  std::string checksum;
  PutFixed32(static_cast<std::uint32_t>(Hash(std::string_view(bytes).substr(trailer, 24))),
             checksum);
  bytes.replace(trailer + 24, 4, checksum);
  const auto segment = OpenBytes(bytes);
  EXPECT_EQ(segment.status().code(), base::Code::kFailedPrecondition);
  EXPECT_THAT(segment.status().message(), HasSubstr("newer Ronda (format 2)"));
}

TEST(SegmentTest, NumbersSortAsTheirOrderedForm) {
  using otlp::ValueType;
  const std::int64_t ints[] = {INT64_MIN, -5, 0, 1, INT64_MAX};
  for (std::size_t i = 1; i < std::size(ints); ++i) {
    EXPECT_LT(OrderedOf(ValueType::kInt, ints[i - 1]), OrderedOf(ValueType::kInt, ints[i]));
  }
  const double doubles[] = {-1e300, -1.5, -0.0, 0.0, 1e-300, 2.5};
  for (std::size_t i = 1; i < std::size(doubles); ++i) {
    EXPECT_LT(OrderedOf(ValueType::kDouble, std::bit_cast<std::int64_t>(doubles[i - 1])),
              OrderedOf(ValueType::kDouble, std::bit_cast<std::int64_t>(doubles[i])));
  }
}

}  // namespace
}  // namespace ronda::trace::segment
