#include "trace/segment/segment_writer.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>
#include <utility>

#include "base/core/check.h"
#include "base/core/varint.h"

namespace ronda::trace::segment {
namespace {

// 8,192 rows each, but the last.
std::vector<std::vector<std::uint32_t>> PagesOf(const std::vector<std::uint32_t>& rows) {
  std::vector<std::vector<std::uint32_t>> pages;
  for (std::size_t begin = 0; begin < rows.size(); begin += kPageRows) {
    const auto end = std::min(rows.size(), begin + kPageRows);
    pages.emplace_back(rows.begin() + static_cast<std::ptrdiff_t>(begin),
                       rows.begin() + static_cast<std::ptrdiff_t>(end));
  }
  return pages;
}

template <typename Rows, typename Get>
std::vector<std::uint64_t> Gather(const Rows& rows, const Get& get) {
  std::vector<std::uint64_t> values;
  values.reserve(rows.size());
  for (const std::uint32_t row : rows) values.push_back(get(row));
  return values;
}

}  // namespace

std::string SegmentWriter::Write(const Block& block, const SegmentInfo& info, int level) {
  CHECK(block.rows() > 0 && block.rows() <= Block::kMostRows);
  level_ = level;
  out_ = kSegmentMagic;
  directory_ = {};
  directory_.info = info;
  OrderRows(block);
  directory_.info.rows = block.rows();
  directory_.info.traces = trace_counts_.size();

  std::string ids, counts;
  Bloom bloom(trace_counts_.size());
  std::uint32_t row = 0;
  for (const std::uint32_t count : trace_counts_) {
    const base::TraceId trace = block.spans_[order_[row]].trace;
    PutFixed64(trace.high, ids);
    PutFixed64(trace.low, ids);
    base::PutVarint(count, counts);
    bloom.Add(HashOf(trace));
    row += count;
  }
  directory_.trace_ids = Put(ids, Try::kNothing);
  directory_.trace_rows = Put(counts);
  directory_.trace_bloom = Put(bloom.bits(), Try::kNothing);
  directory_.resources = PutTexts(block.resources_);
  directory_.scopes = PutTexts(block.scopes_);
  PutSpans(block);
  PutEvents(block);
  PutLinks(block);

  std::string bytes;
  PutDirectory(directory_, bytes);
  const auto [offset, stored, raw, checksum] = Put(bytes);
  const std::size_t trailer = out_.size();
  PutFixed64(offset, out_);
  PutFixed64(Hash(std::string_view(out_).substr(offset, stored)), out_);
  PutFixed32(static_cast<std::uint32_t>(raw), out_);
  PutFixed32(kSegmentVersion, out_);
  PutFixed32(static_cast<std::uint32_t>(Hash(std::string_view(out_).substr(trailer))), out_);
  out_ += kSegmentEnd;
  CHECK(out_.size() - trailer == kTrailer);
  return std::move(out_);
}

void SegmentWriter::OrderRows(const Block& block) {
  const auto& spans = block.spans_;
  const std::uint32_t rows = block.rows();
  struct Trace {
    std::uint32_t row;  // one of its rows
    std::uint64_t start;  // its first
    std::uint32_t count = 0;
    std::uint32_t rank = 0;
  };
  std::vector<Trace> traces;
  std::vector<std::uint32_t> trace_of(rows);
  std::size_t slots = 64;
  while (slots < rows * std::size_t{2}) slots *= 2;
  std::vector<std::uint32_t> table(slots, 0);  // trace + 1
  std::uint64_t min_start = ~std::uint64_t{0}, max_start = 0;
  for (std::uint32_t i = 0; i < rows; ++i) {
    const base::TraceId id = spans[i].trace;
    std::size_t slot = (id.high ^ id.low * 0x9e3779b97f4a7c15u) * 0x9e3779b97f4a7c15u >> 20;
    for (slot &= slots - 1; table[slot] != 0; slot = (slot + 1) & (slots - 1)) {
      if (spans[traces[table[slot] - 1].row].trace == id) break;
    }
    if (table[slot] == 0) {
      traces.push_back({i, spans[i].start_ns});
      table[slot] = static_cast<std::uint32_t>(traces.size());
    }
    Trace& trace = traces[table[slot] - 1];
    trace.start = std::min(trace.start, spans[i].start_ns);
    ++trace.count;
    trace_of[i] = table[slot] - 1;
    min_start = std::min(min_start, spans[i].start_ns);
    max_start = std::max(max_start, spans[i].start_ns);
  }
  directory_.info.min_start_ns = min_start;
  directory_.info.max_start_ns = max_start;

  std::vector<std::uint32_t> by_start(traces.size());
  std::iota(by_start.begin(), by_start.end(), 0u);
  std::ranges::sort(by_start, {}, [&](std::uint32_t t) { return std::pair(traces[t].start, t); });
  trace_counts_.clear();
  std::vector<std::uint32_t> next(traces.size());
  std::uint32_t begin = 0;
  for (const std::uint32_t t : by_start) {
    trace_counts_.push_back(traces[t].count);
    next[t] = begin;
    begin += traces[t].count;
  }
  order_.resize(rows);
  for (std::uint32_t i = 0; i < rows; ++i) order_[next[trace_of[i]]++] = i;
  begin = 0;
  for (const std::uint32_t count : trace_counts_) {
    std::ranges::sort(order_.begin() + begin, order_.begin() + begin + count, {},
                      [&](std::uint32_t row) { return std::pair(spans[row].start_ns, row); });
    begin += count;
  }
}

Piece SegmentWriter::Put(std::string_view bytes, Try what) {
  Piece piece{.offset = out_.size(), .stored = bytes.size(), .raw = bytes.size()};
  if (what == Try::kCompression && level_ != kUncompressed && bytes.size() > 16) {
    compressor_.Compress(bytes, level_, out_);
    piece.stored = out_.size() - piece.offset;
    // Larger than the reader takes for honest, or no gain: as it is.
    if (piece.stored >= piece.raw || piece.raw / (64u << 10) > piece.stored) {
      out_.resize(piece.offset);
      piece.stored = piece.raw;
      out_ += bytes;
    }
  } else {
    out_ += bytes;
  }
  piece.checksum = static_cast<std::uint32_t>(Hash(std::string_view(out_).substr(piece.offset)));
  return piece;
}

Piece SegmentWriter::PutTexts(const Dictionary& dictionary) {
  std::string bytes;
  base::PutVarint(dictionary.size(), bytes);
  for (std::uint32_t i = 0; i < dictionary.size(); ++i) {
    base::PutVarint(dictionary.At(i).size(), bytes);
  }
  for (std::uint32_t i = 0; i < dictionary.size(); ++i) bytes += dictionary.At(i);
  return Put(bytes);
}

Column& SegmentWriter::ColumnFor(TableLayout& table, Role role, Encoding encoding) {
  for (Column& column : table.columns) {
    if (column.role == role) return column;
  }
  Column& column = table.columns.emplace_back();
  column.role = role;
  column.encoding = encoding;
  return column;
}

void SegmentWriter::PutPlanes(Column& column, Page page, const Values& values,
                              std::uint64_t largest) {
  const std::uint32_t width = BytesFor(largest);
  bytes_.resize(width * values.size());
  for (std::uint32_t k = 0; k < width; ++k) {
    char* plane = bytes_.data() + k * values.size();
    for (std::size_t i = 0; i < values.size(); ++i) {
      plane[i] = static_cast<char>(values[i] >> (8 * k));
    }
  }
  page.count = static_cast<std::uint32_t>(values.size());
  page.piece = Put(bytes_);
  column.pages.push_back(page);
}

void SegmentWriter::PutInts(Column& column, const Values& values) {
  if (values.empty()) {
    column.pages.emplace_back();
    return;
  }
  const auto [min, max] = std::ranges::minmax(values);
  Values above(values);
  for (std::uint64_t& value : above) value -= min;
  PutPlanes(column, {.min = min, .max = max}, above, max - min);
}

void SegmentWriter::PutDeltas(Column& column, const Values& values) {
  if (values.empty()) {
    column.pages.emplace_back();
    return;
  }
  const auto [min, max] = std::ranges::minmax(values);
  Values deltas(values.size());
  std::uint64_t before = min, largest = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    deltas[i] = ZigZag(static_cast<std::int64_t>(values[i] - before));
    largest |= deltas[i];
    before = values[i];
  }
  PutPlanes(column, {.min = min, .max = max}, deltas, largest);
}

void SegmentWriter::PutRaw(Column& column, const Values& values) {
  Page page{.count = static_cast<std::uint32_t>(values.size())};
  if (!values.empty()) {
    page.piece =
        Put({reinterpret_cast<const char*>(values.data()), 8 * values.size()}, Try::kNothing);
  }
  column.pages.push_back(page);
}

void SegmentWriter::PutTextPage(Column& column, const TextColumn& texts,
                                const std::vector<std::uint32_t>& positions) {
  if (!texts.plain()) {
    PutInts(column, Gather(positions, [&](std::uint32_t p) { return texts.NumberAt(p); }));
    return;
  }
  Page page{.count = static_cast<std::uint32_t>(positions.size())};
  if (!positions.empty()) {
    bytes_.clear();
    for (const std::uint32_t p : positions) base::PutVarint(texts.At(p).size(), bytes_);
    for (const std::uint32_t p : positions) bytes_ += texts.At(p);
    page.piece = Put(bytes_);
  }
  column.pages.push_back(page);
}

void SegmentWriter::FinishTexts(Column& column, const TextColumn& texts) {
  if (!texts.plain()) {
    column.dictionary = PutTexts(texts.dictionary());
    return;
  }
  Bloom bloom(texts.size());
  for (std::uint32_t i = 0; i < texts.size(); ++i) bloom.Add(Hash(texts.At(i)));
  column.bloom = Put(bloom.bits(), Try::kNothing);
}

void SegmentWriter::PutPage(TableLayout& table, Role role, const TextColumn& texts,
                            const std::vector<std::uint32_t>& positions) {
  PutTextPage(ColumnFor(table, role, texts.plain() ? Encoding::kTexts : Encoding::kDictionary),
              texts, positions);
}

void SegmentWriter::PutAttributes(TableLayout& table, const AttributeTable& attributes,
                                  const std::vector<std::vector<std::uint32_t>>& pages) {
  const auto& sources = attributes.columns();
  const std::size_t first = table.columns.size();
  std::vector<std::uint32_t> number_of(sources.size(), 0);  // among the columns in use
  std::vector<std::uint32_t> used;
  for (std::uint32_t i = 0; i < sources.size(); ++i) {
    if (sources[i].size() == 0) continue;
    number_of[i] = static_cast<std::uint32_t>(used.size());
    used.push_back(i);
    Column& column = table.columns.emplace_back();
    column.role = sources[i].overflow ? Role::kOverflow : Role::kAttribute;
    column.type = sources[i].type;
    column.key = sources[i].key;
    column.encoding = !sources[i].has_texts()    ? Encoding::kInts
                      : sources[i].texts.plain() ? Encoding::kTexts
                                                 : Encoding::kDictionary;
  }
  std::vector<std::vector<std::uint32_t>> positions(used.size());
  for (const auto& rows : pages) {
    for (auto& list : positions) list.clear();
    for (const std::uint32_t row : rows) {
      const std::uint32_t* cell = attributes.CellsOf(row);
      for (const std::uint32_t source : attributes.shapes()[attributes.ShapeOf(row)]) {
        positions[number_of[source]].push_back(*cell++);
      }
    }
    for (std::size_t i = 0; i < used.size(); ++i) {
      const AttributeColumn& source = sources[used[i]];
      Column& column = table.columns[first + i];
      if (source.has_texts()) {
        PutTextPage(column, source.texts, positions[i]);
      } else {
        PutInts(column, Gather(positions[i], [&](std::uint32_t p) { return source.numbers[p]; }));
      }
    }
  }
  for (std::size_t i = 0; i < used.size(); ++i) {
    const AttributeColumn& source = sources[used[i]];
    if (source.has_texts()) FinishTexts(table.columns[first + i], source.texts);
  }
  std::string shapes;
  base::PutVarint(attributes.shapes().size(), shapes);
  for (const auto& shape : attributes.shapes()) {
    // A column without values: the rows of this shape were taken back, and nobody asks for it.
    const bool unused = std::ranges::any_of(
        shape, [&](std::uint32_t source) { return sources[source].size() == 0; });
    base::PutVarint(unused ? 0 : shape.size(), shapes);
    if (unused) continue;
    for (const std::uint32_t source : shape) base::PutVarint(number_of[source], shapes);
  }
  table.shapes = Put(shapes);
}

// Parents as distances between rows of the same trace and page: 0 for a root, 1 for an id that is not
// here (it follows among the literals), else 2 + zigzag of row less parent's row.
void SegmentWriter::PutParents(const Block& block, std::uint32_t begin, std::uint32_t end,
                               Values& codes, Values& literals) {
  constexpr std::uint32_t kSearched = 32;
  const auto span_of = [&](std::uint32_t i) -> const Block::Row& {
    return block.spans_[order_[i]];
  };
  std::unordered_map<std::uint64_t, std::uint32_t> row_of;
  std::uint32_t run = begin;  // where the trace begins in this page
  for (std::uint32_t i = begin; i < end; ++i) {
    if (i > begin && !(span_of(i).trace == span_of(i - 1).trace)) run = i;
    const std::uint64_t parent = span_of(i).parent;
    if (i == run) {
      row_of.clear();
      std::uint32_t run_end = i;
      while (run_end < end && span_of(run_end).trace == span_of(i).trace) ++run_end;
      if (run_end - run > kSearched) {
        for (std::uint32_t k = run; k < run_end; ++k) row_of.try_emplace(span_of(k).span, k);
      }
    }
    if (parent == 0) {
      codes.push_back(0);
      continue;
    }
    std::uint32_t found = end;
    if (!row_of.empty()) {
      const auto at = row_of.find(parent);
      if (at != row_of.end()) found = at->second;
    } else {
      for (std::uint32_t k = run; k < end && span_of(k).trace == span_of(run).trace; ++k) {
        if (span_of(k).span == parent) {
          found = k;
          break;
        }
      }
    }
    if (found == end) {
      codes.push_back(1);
      literals.push_back(parent);
    } else {
      codes.push_back(2 + ZigZag(static_cast<std::int64_t>(i) - static_cast<std::int64_t>(found)));
    }
  }
}

void SegmentWriter::PutSpans(const Block& block) {
  TableLayout& table = directory_.tables[static_cast<std::size_t>(Table::kSpans)];
  const auto pages = PagesOf(order_);
  const auto ints = [&](Role role, const std::vector<std::uint32_t>& rows, const auto& get) {
    PutInts(ColumnFor(table, role, Encoding::kInts), Gather(rows, [&](std::uint32_t row) {
              return static_cast<std::uint64_t>(get(block.spans_[row]));
            }));
  };
  using Row = Block::Row;
  std::uint32_t begin = 0;
  for (const auto& rows : pages) {
    const auto end = begin + static_cast<std::uint32_t>(rows.size());
    table.page_rows.push_back(end - begin);
    PutRaw(ColumnFor(table, Role::kSpanId, Encoding::kRaw),
           Gather(rows, [&](std::uint32_t row) { return block.spans_[row].span; }));
    Values codes, literals;
    PutParents(block, begin, end, codes, literals);
    PutInts(ColumnFor(table, Role::kParentCode, Encoding::kInts), codes);
    PutRaw(ColumnFor(table, Role::kParentId, Encoding::kRaw), literals);
    PutDeltas(ColumnFor(table, Role::kStart, Encoding::kDeltas),
              Gather(rows, [&](std::uint32_t row) { return block.spans_[row].start_ns; }));
    ints(Role::kDuration, rows, [](const Row& r) { return r.duration_ns; });
    ints(Role::kKind, rows, [](const Row& r) { return r.kind; });
    ints(Role::kStatus, rows, [](const Row& r) { return r.status; });
    ints(Role::kFlags, rows, [](const Row& r) { return r.flags; });
    ints(Role::kScope, rows, [](const Row& r) { return r.scope; });
    ints(Role::kDroppedAttributes, rows, [](const Row& r) { return r.dropped_attributes; });
    ints(Role::kDroppedEvents, rows, [](const Row& r) { return r.dropped_events; });
    ints(Role::kDroppedLinks, rows, [](const Row& r) { return r.dropped_links; });
    ints(Role::kEventCount, rows, [](const Row& r) { return r.event_count; });
    ints(Role::kLinkCount, rows, [](const Row& r) { return r.link_count; });
    PutInts(ColumnFor(table, Role::kShape, Encoding::kInts),
            Gather(rows, [&](std::uint32_t row) { return block.attributes_.ShapeOf(row); }));
    PutPage(table, Role::kName, block.names_, rows);
    PutPage(table, Role::kTraceState, block.trace_states_, rows);
    PutPage(table, Role::kStatusMessage, block.status_messages_, rows);
    begin = end;
  }
  for (Column& column : table.columns) {
    if (column.role == Role::kName) FinishTexts(column, block.names_);
    if (column.role == Role::kTraceState) FinishTexts(column, block.trace_states_);
    if (column.role == Role::kStatusMessage) FinishTexts(column, block.status_messages_);
  }
  PutAttributes(table, block.attributes_, pages);
}

void SegmentWriter::PutEvents(const Block& block) {
  TableLayout& table = directory_.tables[static_cast<std::size_t>(Table::kEvents)];
  std::vector<std::vector<std::uint32_t>> pages;
  for (const auto& rows : PagesOf(order_)) {
    auto& page = pages.emplace_back();
    for (const std::uint32_t row : rows) {
      const Block::Row& span = block.spans_[row];
      for (std::uint32_t i = 0; i < span.event_count; ++i) page.push_back(span.event_begin + i);
    }
    table.page_rows.push_back(static_cast<std::uint32_t>(page.size()));
    PutInts(ColumnFor(table, Role::kTimeOffset, Encoding::kInts), Gather(page, [&](auto i) {
              return ZigZag(static_cast<std::int64_t>(block.events_[i].offset_ns));
            }));
    PutInts(ColumnFor(table, Role::kDroppedAttributes, Encoding::kInts),
            Gather(page, [&](auto i) { return block.events_[i].dropped_attributes; }));
    PutInts(ColumnFor(table, Role::kShape, Encoding::kInts),
            Gather(page, [&](auto i) { return block.event_attributes_.ShapeOf(i); }));
    PutPage(table, Role::kName, block.event_names_, page);
  }
  FinishTexts(ColumnFor(table, Role::kName, Encoding::kDictionary), block.event_names_);
  PutAttributes(table, block.event_attributes_, pages);
}

void SegmentWriter::PutLinks(const Block& block) {
  TableLayout& table = directory_.tables[static_cast<std::size_t>(Table::kLinks)];
  std::vector<std::vector<std::uint32_t>> pages;
  for (const auto& rows : PagesOf(order_)) {
    auto& page = pages.emplace_back();
    for (const std::uint32_t row : rows) {
      const Block::Row& span = block.spans_[row];
      for (std::uint32_t i = 0; i < span.link_count; ++i) page.push_back(span.link_begin + i);
    }
    table.page_rows.push_back(static_cast<std::uint32_t>(page.size()));
    const auto raw = [&](Role role, const auto& get) {
      PutRaw(ColumnFor(table, role, Encoding::kRaw),
             Gather(page, [&](auto i) { return get(block.links_[i]); }));
    };
    using Row = Block::LinkRow;
    raw(Role::kTraceHigh, [](const Row& r) { return r.trace.high; });
    raw(Role::kTraceLow, [](const Row& r) { return r.trace.low; });
    raw(Role::kSpanId, [](const Row& r) { return r.span; });
    PutInts(ColumnFor(table, Role::kDroppedAttributes, Encoding::kInts),
            Gather(page, [&](auto i) { return block.links_[i].dropped_attributes; }));
    PutInts(ColumnFor(table, Role::kFlags, Encoding::kInts),
            Gather(page, [&](auto i) { return block.links_[i].flags; }));
    PutInts(ColumnFor(table, Role::kShape, Encoding::kInts),
            Gather(page, [&](auto i) { return block.link_attributes_.ShapeOf(i); }));
    PutPage(table, Role::kTraceState, block.link_states_, page);
  }
  FinishTexts(ColumnFor(table, Role::kTraceState, Encoding::kDictionary), block.link_states_);
  PutAttributes(table, block.link_attributes_, pages);
}

}  // namespace ronda::trace::segment
