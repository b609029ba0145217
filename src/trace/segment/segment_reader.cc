#include "trace/segment/segment_reader.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "base/core/varint.h"
#include "trace/segment/block.h"
#include "trace/segment/compression.h"
#include "trace/segment/page_reader.h"
#include "trace/segment/table.h"

namespace ronda::trace::segment {

using otlp::Value;

// Reads rows of one segment. Owned by one call.
class SegmentReader::Scan {
 public:
  explicit Scan(const SegmentReader& segment) : segment_(segment), pages_(segment) {}

  base::Status Rows(RowRange rows, otlp::SpanBatch& out);

 private:
  // One table's columns in one page.
  struct TablePage {
    std::map<Role, PageColumn> fixed;
    std::vector<PageColumn> attributes;  // in the directory's order, as shapes number them
    const Shapes* shapes = nullptr;
    std::uint32_t rows = 0;

    [[nodiscard]] std::uint64_t Number(Role role, std::size_t row) const {
      return fixed.find(role)->second.numbers[row];
    }
    [[nodiscard]] std::string_view Text(Role role, std::size_t row) const {
      return fixed.find(role)->second.TextAt(row);
    }
  };

  base::Status ReadTable(Table table, std::size_t page, std::initializer_list<Role> numbers,
                         std::initializer_list<Role> texts, TablePage& out);
  base::Status ReadAttributes(const TableLayout& layout, std::size_t page, TablePage& out);
  base::Status ReadPage(std::size_t page);
  base::Status Parents();
  base::Status Skip(TablePage& table, std::size_t row, std::uint64_t count);
  base::Status Attributes(TablePage& table, std::size_t row, otlp::SpanBatch& out,
                          otlp::Range& range);
  base::Status Span(std::size_t row, base::TraceId trace, otlp::SpanBatch& out);

  const SegmentReader& segment_;
  PageReader pages_;
  std::optional<ScopeReader> scopes_;
  const Texts* scope_texts_ = nullptr;
  const Texts* resource_texts_ = nullptr;
  TablePage spans_, events_, links_;
  std::vector<std::uint64_t> parents_;
  std::vector<base::TraceId> traces_;  // of the page's rows
  std::size_t next_event_ = 0, next_link_ = 0;
};

base::Status SegmentReader::Scan::ReadTable(Table table, std::size_t page,
                                            std::initializer_list<Role> numbers,
                                            std::initializer_list<Role> texts, TablePage& out) {
  const TableLayout& layout = segment_.directory_.tables[static_cast<std::size_t>(table)];
  out = {};
  out.rows = layout.page_rows[page];
  std::size_t attributes = 0;
  for (const Column& column : layout.columns) {
    if (IsAttribute(column)) {
      ++attributes;
      continue;
    }
    // Counts are compared before anything is read: they say how much memory that takes.
    const std::uint32_t count = column.pages[page].count;
    if (column.role == Role::kParentId ? count > out.rows : count != out.rows) {
      return Damaged("a column is too short or too long");
    }
    RETURN_IF_ERROR(pages_.ReadColumn(column, page, out.fixed[column.role]));
  }
  const auto present = [&](Role role, bool text) {
    const auto found = out.fixed.find(role);
    return found != out.fixed.end() && HasTexts(*found->second.column) == text;
  };
  for (const Role role : numbers) {
    if (!present(role, false)) return Damaged("a column is missing");
  }
  for (const Role role : texts) {
    if (!present(role, true)) return Damaged("a text column is missing");
  }
  ASSIGN_OR_RETURN(out.shapes, pages_.ShapesOf(table, attributes));
  return ReadAttributes(layout, page, out);
}

base::Status SegmentReader::Scan::ReadAttributes(const TableLayout& layout, std::size_t page,
                                                 TablePage& out) {
  std::vector<std::uint64_t> counts;
  RETURN_IF_ERROR(PageReader::CountCells(*out.shapes, out.fixed[Role::kShape].numbers, counts));
  std::size_t number = 0;
  for (const Column& column : layout.columns) {
    if (!IsAttribute(column)) continue;
    if (column.pages[page].count != (number < counts.size() ? counts[number] : 0)) {
      return Damaged("an attribute column is too short or too long");
    }
    ++number;
    if (HasTexts(column) != (column.role == Role::kOverflow || Value::IsBytes(column.type))) {
      return Damaged("an attribute column of the wrong encoding");
    }
    RETURN_IF_ERROR(pages_.ReadColumn(column, page, out.attributes.emplace_back()));
  }
  return base::Ok();
}

base::Status SegmentReader::Scan::ReadPage(std::size_t page) {
  RETURN_IF_ERROR(
      ReadTable(Table::kSpans, page,
                {Role::kSpanId, Role::kParentCode, Role::kParentId, Role::kStart, Role::kDuration,
                 Role::kKind, Role::kStatus, Role::kFlags, Role::kScope, Role::kDroppedAttributes,
                 Role::kDroppedEvents, Role::kDroppedLinks, Role::kEventCount, Role::kLinkCount,
                 Role::kShape},
                {Role::kName, Role::kTraceState, Role::kStatusMessage}, spans_));
  RETURN_IF_ERROR(ReadTable(Table::kEvents, page,
                            {Role::kTimeOffset, Role::kDroppedAttributes, Role::kShape},
                            {Role::kName}, events_));
  RETURN_IF_ERROR(ReadTable(Table::kLinks, page,
                            {Role::kTraceHigh, Role::kTraceLow, Role::kSpanId,
                             Role::kDroppedAttributes, Role::kFlags, Role::kShape},
                            {Role::kTraceState}, links_));
  next_event_ = next_link_ = 0;
  ASSIGN_OR_RETURN(scope_texts_, pages_.Dictionary(segment_.directory_.scopes));
  ASSIGN_OR_RETURN(resource_texts_, pages_.Dictionary(segment_.directory_.resources));
  return Parents();
}

base::Status SegmentReader::Scan::Parents() {
  const auto& codes = spans_.fixed[Role::kParentCode].numbers;
  const auto& literals = spans_.fixed[Role::kParentId].numbers;
  const auto& ids = spans_.fixed[Role::kSpanId].numbers;
  parents_.assign(codes.size(), 0);
  std::size_t literal = 0;
  for (std::size_t i = 0; i < codes.size(); ++i) {
    if (codes[i] == 0) continue;
    if (codes[i] == 1) {
      if (literal >= literals.size()) return Damaged("parent ids");
      parents_[i] = literals[literal++];
      continue;
    }
    const std::uint64_t row =
        static_cast<std::uint64_t>(i) - static_cast<std::uint64_t>(UnZigZag(codes[i] - 2));
    if (row >= ids.size()) return Damaged("parents");
    parents_[i] = ids[row];
  }
  return base::Ok();
}

// Passes over `count` rows from `row` on of a table: their attributes are before the wanted ones.
base::Status SegmentReader::Scan::Skip(TablePage& table, std::size_t row, std::uint64_t count) {
  if (row + count > table.rows) return Damaged("counts of events or links");
  for (std::uint64_t i = 0; i < count; ++i) {
    for (const std::uint32_t number : (*table.shapes)[table.Number(Role::kShape, row + i)]) {
      ++table.attributes[number].next;
    }
  }
  return base::Ok();
}

base::Status SegmentReader::Scan::Attributes(TablePage& table, std::size_t row,
                                             otlp::SpanBatch& out, otlp::Range& range) {
  range = {static_cast<std::uint32_t>(out.attributes.size()), 0};
  for (const std::uint32_t number : (*table.shapes)[table.Number(Role::kShape, row)]) {
    PageColumn& column = table.attributes[number];
    const std::size_t at = column.next++;  // ReadAttributes saw to it that there are enough
    ++range.count;
    if (column.column->role == Role::kOverflow) {
      if (!ReadOverflow(out.arena.Copy(column.TextAt(at)), out)) return Damaged("an attribute");
      continue;
    }
    const otlp::ValueType type = column.column->type;
    const Value value = Value::IsBytes(type)
                            ? Value::OfBytes(type, out.arena.Copy(column.TextAt(at)))
                            : Value::OfBits(type, BitsOf(type, column.numbers[at]));
    out.attributes.emplace_back(out.arena.Copy(column.column->key), value);
  }
  return base::Ok();
}

base::Status SegmentReader::Scan::Span(std::size_t row, base::TraceId trace, otlp::SpanBatch& out) {
  otlp::Span span;
  const auto u32 = [](const TablePage& table, Role role, std::size_t at) {
    return static_cast<std::uint32_t>(table.Number(role, at));
  };
  const std::uint32_t scope = u32(spans_, Role::kScope, row);
  if (spans_.Number(Role::kScope, row) >= scope_texts_->size() ||
      !scopes_->Index(
          scope,
          [&](std::uint64_t i, std::string_view& text) {
            if (i >= resource_texts_->size()) return false;
            text = resource_texts_->At(i);
            return true;
          },
          [&](std::uint32_t i) { return scope_texts_->At(i); }, span.scope)) {
    return Damaged("a scope or resource");
  }
  span.trace = trace;
  span.span = spans_.Number(Role::kSpanId, row);
  span.parent = parents_[row];
  span.start_ns = spans_.Number(Role::kStart, row);
  span.end_ns = span.start_ns + spans_.Number(Role::kDuration, row);
  span.name = out.arena.Copy(spans_.Text(Role::kName, row));
  span.trace_state = out.arena.Copy(spans_.Text(Role::kTraceState, row));
  span.status_message = out.arena.Copy(spans_.Text(Role::kStatusMessage, row));
  span.dropped_attributes = u32(spans_, Role::kDroppedAttributes, row);
  span.dropped_events = u32(spans_, Role::kDroppedEvents, row);
  span.dropped_links = u32(spans_, Role::kDroppedLinks, row);
  span.flags = u32(spans_, Role::kFlags, row);
  span.kind = static_cast<std::int32_t>(u32(spans_, Role::kKind, row));
  span.status = static_cast<std::int32_t>(u32(spans_, Role::kStatus, row));
  RETURN_IF_ERROR(Attributes(spans_, row, out, span.attributes));

  const std::uint64_t event_count = spans_.Number(Role::kEventCount, row);
  const std::uint64_t link_count = spans_.Number(Role::kLinkCount, row);
  if (event_count > events_.rows - next_event_ || link_count > links_.rows - next_link_) {
    return Damaged("counts of events or links");
  }
  span.events = {static_cast<std::uint32_t>(out.events.size()),
                 static_cast<std::uint32_t>(event_count)};
  for (std::uint64_t i = 0; i < event_count; ++i, ++next_event_) {
    otlp::Event event;
    event.time_ns = span.start_ns + static_cast<std::uint64_t>(
                                        UnZigZag(events_.Number(Role::kTimeOffset, next_event_)));
    event.name = out.arena.Copy(events_.Text(Role::kName, next_event_));
    event.dropped_attributes = u32(events_, Role::kDroppedAttributes, next_event_);
    RETURN_IF_ERROR(Attributes(events_, next_event_, out, event.attributes));
    out.events.push_back(event);
  }
  span.links = {static_cast<std::uint32_t>(out.links.size()),
                static_cast<std::uint32_t>(link_count)};
  for (std::uint64_t i = 0; i < link_count; ++i, ++next_link_) {
    otlp::Link link;
    link.trace = {.high = links_.Number(Role::kTraceHigh, next_link_),
                  .low = links_.Number(Role::kTraceLow, next_link_)};
    link.span = links_.Number(Role::kSpanId, next_link_);
    link.trace_state = out.arena.Copy(links_.Text(Role::kTraceState, next_link_));
    link.dropped_attributes = u32(links_, Role::kDroppedAttributes, next_link_);
    link.flags = u32(links_, Role::kFlags, next_link_);
    RETURN_IF_ERROR(Attributes(links_, next_link_, out, link.attributes));
    out.links.push_back(link);
  }
  out.spans.push_back(span);
  return base::Ok();
}

base::Status SegmentReader::Scan::Rows(RowRange rows, otlp::SpanBatch& out) {
  const Directory& directory = segment_.directory_;
  std::string ids, counts;
  RETURN_IF_ERROR(pages_.ReadPiece(directory.trace_ids, ids));
  RETURN_IF_ERROR(pages_.ReadPiece(directory.trace_rows, counts));
  base::VarintReader count_reader(counts);
  scopes_.emplace(out);
  const std::uint64_t end = std::uint64_t{rows.begin} + rows.count;
  std::uint64_t row = 0, trace_end = 0, trace = 0, page_begin = 0;
  base::TraceId id;
  for (std::size_t page = 0; page < directory.tables[0].page_rows.size(); ++page) {
    const std::uint64_t page_end = page_begin + directory.tables[0].page_rows[page];
    const bool wanted = page_begin < end && page_end > rows.begin;
    if (wanted) RETURN_IF_ERROR(ReadPage(page));
    for (row = page_begin; row < page_end && row < end; ++row) {
      while (row >= trace_end) {
        std::uint64_t count = 0;
        if (trace >= directory.info.traces || !count_reader.NextUpTo(kMostPieceBytes, count)) {
          return Damaged("rows of the traces");
        }
        id = {.high = Fixed64At(ids.data() + 16 * trace),
              .low = Fixed64At(ids.data() + 16 * trace + 8)};
        ++trace;
        trace_end += count;
      }
      if (!wanted) continue;
      const std::size_t in_page = row - page_begin;
      if (row < rows.begin) {
        const std::uint64_t events = spans_.Number(Role::kEventCount, in_page);
        const std::uint64_t links = spans_.Number(Role::kLinkCount, in_page);
        if (events > events_.rows || links > links_.rows) return Damaged("counts of events");
        RETURN_IF_ERROR(Skip(spans_, in_page, 1));
        RETURN_IF_ERROR(Skip(events_, next_event_, events));
        RETURN_IF_ERROR(Skip(links_, next_link_, links));
        next_event_ += events;
        next_link_ += links;
        continue;
      }
      RETURN_IF_ERROR(Span(in_page, id, out));
    }
    page_begin = page_end;
    if (page_begin >= end) break;
  }
  return base::Ok();
}

base::Result<std::shared_ptr<const SegmentReader>> SegmentReader::Open(
    std::unique_ptr<ReadableFile> file, Checksums checksums) {
  std::shared_ptr<SegmentReader> reader(new SegmentReader(std::move(file), checksums));
  RETURN_IF_ERROR(reader->Load());
  return std::shared_ptr<const SegmentReader>(std::move(reader));
}

base::Status SegmentReader::Load() {
  const std::uint64_t size = file_->size();
  if (size < kSegmentMagic.size() + kTrailer) return Damaged("the file is too short");
  std::string magic, trailer, stored, raw;
  RETURN_IF_ERROR(file_->Read(0, kSegmentMagic.size(), magic));
  RETURN_IF_ERROR(file_->Read(size - kTrailer, kTrailer, trailer));
  if (magic != kSegmentMagic || !std::string_view(trailer).ends_with(kSegmentEnd)) {
    return Damaged("it does not begin and end as a segment");
  }
  const char* at = trailer.data();
  if (checksums_ == Checksums::kVerify &&
      Fixed32At(at + 24) !=
          static_cast<std::uint32_t>(Hash(std::string_view(trailer).substr(0, 24)))) {
    return Damaged("checksum of the trailer");
  }
  const std::uint32_t version = Fixed32At(at + 20);
  if (version > kSegmentVersion) {
    return base::FailedPrecondition("the segment was written by a newer Ronda (format " +
                                    std::to_string(version) +
                                    "): start that version, or a newer one");
  }
  const std::uint64_t offset = Fixed64At(at);
  const std::uint64_t end = size - kTrailer;
  const std::uint32_t raw_size = Fixed32At(at + 16);
  if (offset > end || raw_size > kMostPieceBytes || raw_size / (64u << 10) > end - offset) {
    return Damaged("the trailer");
  }
  RETURN_IF_ERROR(file_->Read(offset, end - offset, stored));
  if (checksums_ == Checksums::kVerify && Hash(stored) != Fixed64At(at + 8)) {
    return Damaged("checksum of the directory");
  }
  if (raw_size == stored.size()) {
    raw = stored;
  } else if (!Decompressor().Decompress(stored, raw_size, raw)) {
    return Damaged("the directory");
  }
  RETURN_IF_ERROR(ReadDirectory(raw, offset, directory_));
  RETURN_IF_ERROR(PageReader(*this).ReadPiece(directory_.trace_bloom, bloom_));
  if (bloom_.empty()) return Damaged("the filter of trace ids");
  return base::Ok();
}

bool SegmentReader::MayHave(base::TraceId trace) const {
  return Bloom::MayHave(bloom_, HashOf(trace));
}

base::Result<std::optional<RowRange>> SegmentReader::FindTrace(base::TraceId trace) const {
  std::optional<RowRange> found;
  if (!MayHave(trace)) return found;
  PageReader pages(*this);
  std::string ids, counts;
  RETURN_IF_ERROR(pages.ReadPiece(directory_.trace_ids, ids));
  std::uint64_t number = 0;
  for (; number < directory_.info.traces; ++number) {
    const char* at = ids.data() + 16 * number;
    if (Fixed64At(at) == trace.high && Fixed64At(at + 8) == trace.low) break;
  }
  if (number == directory_.info.traces) return found;
  RETURN_IF_ERROR(pages.ReadPiece(directory_.trace_rows, counts));
  base::VarintReader reader(counts);
  std::uint64_t begin = 0, count = 0;
  for (std::uint64_t i = 0; i <= number; ++i) {
    begin += count;
    if (!reader.NextUpTo(directory_.info.rows, count)) return Damaged("rows of the traces");
  }
  if (begin + count > directory_.info.rows) return Damaged("rows of the traces");
  found = RowRange{static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(count)};
  return found;
}

base::Status SegmentReader::Read(RowRange rows, otlp::SpanBatch& out) const {
  if (std::uint64_t{rows.begin} + rows.count > directory_.info.rows) {
    return base::OutOfRange("rows that the segment does not have");
  }
  return rows.count == 0 ? base::Ok() : Scan(*this).Rows(rows, out);
}

base::Status SegmentReader::Verify() const {
  otlp::SpanBatch batch;
  for (std::uint32_t begin = 0; begin < directory_.info.rows; begin += kPageRows) {
    batch.Clear();
    const auto left = static_cast<std::uint32_t>(directory_.info.rows) - begin;
    RETURN_IF_ERROR(Read({begin, std::min(left, kPageRows)}, batch));
  }
  return base::Ok();
}

}  // namespace ronda::trace::segment
