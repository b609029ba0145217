#include "trace/segment/row_reader.h"

#include <algorithm>

namespace ronda::trace::segment {

using otlp::Value;

base::Result<std::optional<RowRange>> RowReader::Find(base::TraceId trace) {
  if (!traces_.loaded()) RETURN_IF_ERROR(traces_.Load(segment_, pages_));
  return traces_.Find(trace);
}

base::Status RowReader::ReadTable(Table table, std::size_t page, Part part,
                                  std::initializer_list<Role> numbers,
                                  std::initializer_list<Role> texts, TablePage& out) {
  const TableLayout& layout = segment_.directory().tables[static_cast<std::size_t>(table)];
  const std::uint32_t rows = layout.page_rows[page];
  out = {};
  std::size_t attributes = 0;
  for (const Column& column : layout.columns) {
    if (IsAttribute(column)) {
      ++attributes;
      continue;
    }
    // Counts are compared before anything is read: they say how much memory that takes.
    const std::uint32_t count = column.pages[page].count;
    if (column.role == Role::kParentId ? count > rows : count != rows) {
      return Damaged("a column is too short or too long");
    }
    // These are read from the page's first row on: what is before says where things are.
    const bool whole = column.role == Role::kParentId || column.role == Role::kParentCode ||
                       column.role == Role::kSpanId || column.role == Role::kShape ||
                       column.role == Role::kEventCount || column.role == Role::kLinkCount;
    PageColumn& read = out.At(column.role);
    if (whole) {
      RETURN_IF_ERROR(pages_.ReadColumn(column, page, read));
    } else {
      RETURN_IF_ERROR(pages_.ReadCells(column, page, part.begin, part.end, read));
    }
  }
  const auto present = [&](Role role, bool text) {
    const PageColumn& read = out.At(role);
    return read.column != nullptr && HasTexts(*read.column) == text;
  };
  for (const Role role : numbers) {
    if (!present(role, false)) return Damaged("a column is missing");
  }
  for (const Role role : texts) {
    if (!present(role, true)) return Damaged("a text column is missing");
  }
  ASSIGN_OR_RETURN(out.shapes, pages_.ShapesOf(table, attributes));
  return ReadAttributes(layout, page, part, out);
}

base::Status RowReader::ReadAttributes(const TableLayout& layout, std::size_t page, Part part,
                                       TablePage& out) {
  const Values& shape_of_rows = out.At(Role::kShape).numbers;
  std::vector<std::uint64_t> counts, before, through;
  RETURN_IF_ERROR(PageReader::CountCells(*out.shapes, shape_of_rows, counts));
  const std::span<const std::uint64_t> rows(shape_of_rows);
  RETURN_IF_ERROR(PageReader::CountCells(*out.shapes, rows.first(part.begin), before));
  RETURN_IF_ERROR(PageReader::CountCells(*out.shapes, rows.first(part.end), through));
  const auto of = [](const std::vector<std::uint64_t>& list, std::size_t number) {
    return number < list.size() ? list[number] : 0;
  };
  std::size_t number = 0;
  for (const Column& column : layout.columns) {
    if (!IsAttribute(column)) continue;
    const std::size_t at = number++;
    if (column.pages[page].count != of(counts, at)) {
      return Damaged("an attribute column is too short or too long");
    }
    if (HasTexts(column) != (column.role == Role::kOverflow || Value::IsBytes(column.type))) {
      return Damaged("an attribute column of the wrong encoding");
    }
    PageColumn& read = out.attributes.emplace_back();
    read.next = of(before, at);
    if (read.next == of(through, at)) continue;
    RETURN_IF_ERROR(pages_.ReadCells(column, page, read.next, of(through, at), read));
  }
  return base::Ok();
}

// Which events or links the spans of a part have: they are in the spans' order.
base::Status RowReader::PartOf(Role counts, std::size_t rows, Part spans, Part& part) {
  const Values& numbers = spans_.At(counts).numbers;
  part = {};
  for (std::size_t i = 0; i < spans.end; ++i) {
    if (numbers[i] > rows - part.end) return Damaged("counts of events or links");
    if (i == spans.begin) part.begin = part.end;
    part.end += numbers[i];
  }
  return base::Ok();
}

base::Status RowReader::ReadPage(std::size_t page, Part part) {
  const Directory& directory = segment_.directory();
  RETURN_IF_ERROR(
      ReadTable(Table::kSpans, page, part,
                {Role::kSpanId, Role::kParentCode, Role::kParentId, Role::kStart, Role::kDuration,
                 Role::kKind, Role::kStatus, Role::kFlags, Role::kScope, Role::kDroppedAttributes,
                 Role::kDroppedEvents, Role::kDroppedLinks, Role::kEventCount, Role::kLinkCount,
                 Role::kShape},
                {Role::kName, Role::kTraceState, Role::kStatusMessage}, spans_));
  const auto rows = [&](Table table) {
    return directory.tables[static_cast<std::size_t>(table)].page_rows[page];
  };
  RETURN_IF_ERROR(PartOf(Role::kEventCount, rows(Table::kEvents), part, event_part_));
  RETURN_IF_ERROR(PartOf(Role::kLinkCount, rows(Table::kLinks), part, link_part_));
  if (event_part_.begin != event_part_.end) {
    RETURN_IF_ERROR(ReadTable(Table::kEvents, page, event_part_,
                              {Role::kTimeOffset, Role::kDroppedAttributes, Role::kShape},
                              {Role::kName}, events_));
  }
  if (link_part_.begin != link_part_.end) {
    RETURN_IF_ERROR(ReadTable(Table::kLinks, page, link_part_,
                              {Role::kTraceHigh, Role::kTraceLow, Role::kSpanId,
                               Role::kDroppedAttributes, Role::kFlags, Role::kShape},
                              {Role::kTraceState}, links_));
  }
  ASSIGN_OR_RETURN(scope_texts_, pages_.Dictionary(directory.scopes));
  ASSIGN_OR_RETURN(resource_texts_, pages_.Dictionary(directory.resources));
  return Parents(part);
}

base::Status RowReader::Parents(Part part) {
  const Values& codes = spans_.At(Role::kParentCode).numbers;
  const Values& literals = spans_.At(Role::kParentId).numbers;
  const Values& ids = spans_.At(Role::kSpanId).numbers;
  parents_.clear();
  parents_begin_ = part.begin;
  std::size_t literal = 0;
  for (std::size_t i = 0; i < part.end; ++i) {
    std::uint64_t parent = 0;
    if (codes[i] == 1) {
      if (literal >= literals.size()) return Damaged("parent ids");
      parent = literals[literal++];
    } else if (codes[i] != 0 && i >= part.begin) {
      const std::uint64_t row =
          static_cast<std::uint64_t>(i) - static_cast<std::uint64_t>(UnZigZag(codes[i] - 2));
      if (row >= ids.size()) return Damaged("parents");
      parent = ids[row];
    }
    if (i >= part.begin) parents_.push_back(parent);
  }
  return base::Ok();
}

base::Status RowReader::Attributes(TablePage& table, std::size_t row, otlp::SpanBatch& out,
                                   otlp::Range& range) {
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
                            : Value::OfBits(type, BitsOf(type, column.NumberAt(at)));
    out.attributes.emplace_back(out.arena.Copy(column.column->key), value);
  }
  return base::Ok();
}

base::Status RowReader::Span(std::size_t row, base::TraceId trace, otlp::SpanBatch& out) {
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
  span.parent = parents_[row - parents_begin_];
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

  span.events = {static_cast<std::uint32_t>(out.events.size()),
                 u32(spans_, Role::kEventCount, row)};
  for (std::uint32_t i = 0; i < span.events.count; ++i) {
    const std::size_t at = event_part_.begin++;
    otlp::Event event;
    event.time_ns =
        span.start_ns + static_cast<std::uint64_t>(UnZigZag(events_.Number(Role::kTimeOffset, at)));
    event.name = out.arena.Copy(events_.Text(Role::kName, at));
    event.dropped_attributes = u32(events_, Role::kDroppedAttributes, at);
    RETURN_IF_ERROR(Attributes(events_, at, out, event.attributes));
    out.events.push_back(event);
  }
  span.links = {static_cast<std::uint32_t>(out.links.size()), u32(spans_, Role::kLinkCount, row)};
  for (std::uint32_t i = 0; i < span.links.count; ++i) {
    const std::size_t at = link_part_.begin++;
    otlp::Link link;
    link.trace = {.high = links_.Number(Role::kTraceHigh, at),
                  .low = links_.Number(Role::kTraceLow, at)};
    link.span = links_.Number(Role::kSpanId, at);
    link.trace_state = out.arena.Copy(links_.Text(Role::kTraceState, at));
    link.dropped_attributes = u32(links_, Role::kDroppedAttributes, at);
    link.flags = u32(links_, Role::kFlags, at);
    RETURN_IF_ERROR(Attributes(links_, at, out, link.attributes));
    out.links.push_back(link);
  }
  out.spans.push_back(span);
  return base::Ok();
}

base::Status RowReader::Rows(RowRange rows, otlp::SpanBatch& out) {
  if (!traces_.loaded()) RETURN_IF_ERROR(traces_.Load(segment_, pages_));
  scopes_.emplace(out);
  const std::size_t end = std::size_t{rows.begin} + rows.count;
  std::size_t trace = traces_.NumberOf(rows.begin);
  std::size_t page_begin = 0;
  const auto& page_rows = segment_.directory().tables[0].page_rows;
  for (std::size_t page = 0; page < page_rows.size() && page_begin < end; ++page) {
    const std::size_t page_end = page_begin + page_rows[page];
    const Part part{std::max<std::size_t>(rows.begin, page_begin), std::min(end, page_end)};
    if (part.begin < part.end) {
      RETURN_IF_ERROR(ReadPage(page, {part.begin - page_begin, part.end - page_begin}));
    }
    for (std::size_t row = part.begin; row < part.end; ++row) {
      while (row >= traces_.EndOf(trace)) ++trace;
      RETURN_IF_ERROR(Span(row - page_begin, traces_.IdAt(trace), out));
    }
    page_begin = page_end;
  }
  return base::Ok();
}

}  // namespace ronda::trace::segment
