#include "trace/segment/layout.h"

#include "trace/segment/compression.h"

namespace ronda::trace::segment {
namespace {

using base::PutVarint;

constexpr std::uint64_t kMostPages = (1u << 24) / 2;
constexpr std::uint64_t kMostColumns = 1u << 16;
constexpr std::uint64_t kMostValues = 1u << 24;

void PutPiece(const Piece& piece, std::string& out) {
  PutVarint(piece.offset, out);
  PutVarint(piece.stored, out);
  PutVarint(piece.raw, out);
  PutFixed32(piece.checksum, out);
}

// Zone maps, where the encoding has them.
bool HasZone(Encoding encoding) {
  return encoding != Encoding::kRaw && encoding != Encoding::kTexts;
}

void PutColumn(const Column& column, std::string& out) {
  PutVarint(static_cast<std::uint64_t>(column.role), out);
  PutVarint(static_cast<std::uint64_t>(column.encoding), out);
  if (column.role == Role::kAttribute) {
    PutVarint(static_cast<std::uint64_t>(column.type), out);
    base::PutBytes(column.key, out);
  }
  if (column.encoding == Encoding::kDictionary) PutPiece(column.dictionary, out);
  if (column.encoding == Encoding::kTexts) PutPiece(column.bloom, out);
  for (const Page& page : column.pages) {
    PutVarint(page.count, out);
    if (page.count == 0) continue;
    PutPiece(page.piece, out);
    if (HasZone(column.encoding)) {
      PutVarint(page.min, out);
      PutVarint(page.max, out);
    }
  }
}

// Reads a directory; every call is false when something is wrong.
class DirectoryReader {
 public:
  DirectoryReader(std::string_view bytes, std::uint64_t end) : reader_(bytes), end_(end) {}

  bool Read(Directory& d) {
    std::uint64_t pages = 0;
    if (!ReadInfo(d.info) || !reader_.NextUpTo(kMostPages, pages)) return false;
    // Each page costs bytes here: what follows is not made larger than what was read.
    if (pages > reader_.left() || pages != (d.info.rows + kPageRows - 1) / kPageRows) return false;
    for (Piece* piece : {&d.trace_ids, &d.trace_rows, &d.trace_bloom, &d.resources, &d.scopes}) {
      if (!ReadPiece(*piece)) return false;
    }
    if (d.trace_ids.raw != d.info.traces * 16 || d.info.traces > d.info.rows) return false;
    for (TableLayout& table : d.tables) {
      if (!ReadTable(pages, table)) return false;
    }
    std::uint64_t rows = 0;
    for (const std::uint32_t count : d.tables[0].page_rows) {
      if (count == 0 || count > kPageRows) return false;
      rows += count;
    }
    return rows == d.info.rows && reader_.at_end();
  }

 private:
  bool ReadInfo(SegmentInfo& info) {
    return reader_.Next(info.partition_ns) && reader_.Next(info.first_sequence) &&
           reader_.Next(info.last_sequence) && reader_.NextUpTo(kMostValues, info.rows) &&
           reader_.NextUpTo(kMostValues, info.traces) && reader_.Next(info.min_start_ns) &&
           reader_.Next(info.max_start_ns) && reader_.Next(info.merged);
  }

  bool ReadPiece(Piece& piece) {
    if (!reader_.NextUpTo(end_, piece.offset) ||
        !reader_.NextUpTo(end_ - piece.offset, piece.stored) ||
        !reader_.NextUpTo(kMostPieceBytes, piece.raw)) {
      return false;
    }
    // zstd shrinks by less than this; more would be a bomb.
    if (piece.raw < piece.stored || piece.raw / (64u << 10) > piece.stored) return false;
    return ReadFixed32(piece.checksum);
  }

  bool ReadFixed32(std::uint32_t& value) {
    std::string_view bytes;
    if (!reader_.NextRaw(4, bytes)) return false;
    value = Fixed32At(bytes.data());
    return true;
  }

  bool ReadColumn(const TableLayout& table, Column& column) {
    std::uint64_t role = 0, encoding = 0, type = 0;
    if (!reader_.NextUpTo(kLastRole, role) || !reader_.NextUpTo(kLastEncoding, encoding)) {
      return false;
    }
    column.role = static_cast<Role>(role);
    column.encoding = static_cast<Encoding>(encoding);
    if (column.role == Role::kAttribute) {
      std::string_view key;
      if (!reader_.NextUpTo(7, type) || !reader_.NextBytes(key)) return false;
      column.type = static_cast<otlp::ValueType>(type);
      column.key = key;
    }
    if (column.encoding == Encoding::kDictionary && !ReadPiece(column.dictionary)) return false;
    if (column.encoding == Encoding::kTexts && !ReadPiece(column.bloom)) return false;
    if (table.page_rows.size() > reader_.left()) return false;
    column.pages.resize(table.page_rows.size());
    for (Page& page : column.pages) {
      std::uint64_t count = 0;
      if (!reader_.NextUpTo(kMostValues, count)) return false;
      page.count = static_cast<std::uint32_t>(count);
      if (count == 0) continue;
      if (!ReadPiece(page.piece)) return false;
      if (HasZone(column.encoding) &&
          (!reader_.Next(page.min) || !reader_.Next(page.max) || page.min > page.max)) {
        return false;
      }
    }
    return true;
  }

  bool ReadTable(std::uint64_t pages, TableLayout& table) {
    std::uint64_t columns = 0;
    if (!ReadPiece(table.shapes) || pages > reader_.left()) return false;
    table.page_rows.resize(pages);
    for (std::uint32_t& rows : table.page_rows) {
      std::uint64_t count = 0;
      if (!reader_.NextUpTo(kMostValues, count)) return false;
      rows = static_cast<std::uint32_t>(count);
    }
    if (!reader_.NextUpTo(kMostColumns, columns) || columns > reader_.left()) return false;
    table.columns.resize(columns);
    for (Column& column : table.columns) {
      if (!ReadColumn(table, column)) return false;
    }
    return true;
  }

  base::VarintReader reader_;
  std::uint64_t end_;
};

constexpr int kProbes = 7;

}  // namespace

void PutDirectory(const Directory& d, std::string& out) {
  for (const std::uint64_t value :
       {d.info.partition_ns, d.info.first_sequence, d.info.last_sequence, d.info.rows,
        d.info.traces, d.info.min_start_ns, d.info.max_start_ns, d.info.merged,
        std::uint64_t{d.tables[0].page_rows.size()}}) {
    PutVarint(value, out);
  }
  for (const Piece& piece : {d.trace_ids, d.trace_rows, d.trace_bloom, d.resources, d.scopes}) {
    PutPiece(piece, out);
  }
  for (const TableLayout& table : d.tables) {
    PutPiece(table.shapes, out);
    for (const std::uint32_t rows : table.page_rows) PutVarint(rows, out);
    PutVarint(table.columns.size(), out);
    for (const Column& column : table.columns) PutColumn(column, out);
  }
}

base::Status ReadDirectory(std::string_view bytes, std::uint64_t end, Directory& directory) {
  directory = {};
  if (!DirectoryReader(bytes, end).Read(directory)) {
    return base::DataLoss("the segment's directory is inconsistent");
  }
  return base::Ok();
}

void Bloom::Add(std::uint64_t hash) {
  const std::uint64_t step = hash * 0x9e3779b97f4a7c15u | 1;
  for (int i = 0; i < kProbes; ++i, hash += step) {
    const std::uint64_t bit = (hash >> 32) * (bits_.size() * 8) >> 32;
    bits_[bit >> 3] = static_cast<char>(bits_[bit >> 3] | 1 << (bit & 7));
  }
}

bool Bloom::MayHave(std::string_view bits, std::uint64_t hash) {
  const std::uint64_t step = hash * 0x9e3779b97f4a7c15u | 1;
  for (int i = 0; i < kProbes; ++i, hash += step) {
    const std::uint64_t bit = (hash >> 32) * (bits.size() * 8) >> 32;
    if ((bits[bit >> 3] >> (bit & 7) & 1) == 0) return false;
  }
  return true;
}

std::uint64_t HashOf(base::TraceId trace) {
  const std::uint64_t words[2] = {trace.high, trace.low};
  return Hash({reinterpret_cast<const char*>(words), sizeof words});
}

}  // namespace ronda::trace::segment
