#include "trace/segment/page_reader.h"

#include <algorithm>
#include <utility>

#include "base/core/varint.h"

namespace ronda::trace::segment {
namespace {

constexpr std::uint64_t kMostCells = 1u << 26;  // attributes of a table's page

// `count` lengths, then the bytes, and nothing else: takes them out of the last `left` bytes of `raw`.
bool TakeTexts(std::string& raw, std::size_t left, std::uint64_t count, Texts& texts) {
  if (count > left) return false;
  base::VarintReader reader(std::string_view(raw).substr(raw.size() - left));
  texts.begins.clear();
  texts.begins.reserve(count + 1);
  std::uint64_t end = 0;
  texts.begins.push_back(end);
  for (std::uint64_t i = 0; i < count; ++i) {
    std::uint64_t size = 0;
    if (!reader.NextUpTo(raw.size(), size)) return false;
    texts.begins.push_back(end += size);
  }
  if (end != reader.left()) return false;
  const std::uint64_t first = raw.size() - reader.left();
  for (std::uint64_t& begin : texts.begins) begin += first;
  std::swap(texts.bytes, raw);
  return true;
}

}  // namespace

base::Status Damaged(std::string_view what) {
  return base::DataLoss("the segment is damaged: " + std::string(what));
}

base::Status PageReader::ReadPiece(const Piece& piece, std::string& out) {
  RETURN_IF_ERROR(segment_.file_->Read(piece.offset, piece.stored, stored_));
  if (segment_.checksums_ == SegmentReader::Checksums::kVerify &&
      static_cast<std::uint32_t>(Hash(stored_)) != piece.checksum) {
    return Damaged("checksum of the " + std::to_string(piece.stored) + " bytes at " +
                   std::to_string(piece.offset));
  }
  if (piece.raw == piece.stored) {
    std::swap(out, stored_);
  } else if (!decompressor_.Decompress(stored_, piece.raw, out)) {
    return Damaged("compressed bytes at " + std::to_string(piece.offset));
  }
  return base::Ok();
}

base::Result<const Texts*> PageReader::Dictionary(const Piece& piece) {
  const auto found = dictionaries_.find(piece.offset);
  if (found != dictionaries_.end()) return &found->second;
  RETURN_IF_ERROR(ReadPiece(piece, raw_));
  base::VarintReader reader(raw_);
  std::uint64_t count = 0;
  Texts texts;
  if (!reader.Next(count) || !TakeTexts(raw_, reader.left(), count, texts)) {
    return Damaged("a dictionary");
  }
  return &(dictionaries_[piece.offset] = std::move(texts));
}

base::Result<const Shapes*> PageReader::ShapesOf(Table table, std::size_t columns) {
  const auto found = shapes_.find(table);
  if (found != shapes_.end()) return &found->second;
  RETURN_IF_ERROR(
      ReadPiece(segment_.directory_.tables[static_cast<std::size_t>(table)].shapes, raw_));
  base::VarintReader reader(raw_);
  std::uint64_t count = 0;
  Shapes shapes;
  if (!reader.NextUpTo(raw_.size(), count)) return Damaged("shapes");
  shapes.resize(count);
  for (auto& shape : shapes) {
    std::uint64_t size = 0;
    if (!reader.NextUpTo(reader.left(), size)) return Damaged("shapes");
    shape.resize(size);
    for (std::uint32_t& number : shape) {
      std::uint64_t value = 0;
      if (!reader.Next(value) || value >= columns) return Damaged("shapes");
      number = static_cast<std::uint32_t>(value);
    }
  }
  return &(shapes_[table] = std::move(shapes));
}

base::Status PageReader::ReadColumn(const Column& column, std::size_t page, PageColumn& out) {
  return ReadCells(column, page, 0, column.pages[page].count, out);
}

base::Status PageReader::ReadCells(const Column& column, std::size_t page_number, std::size_t begin,
                                   std::size_t end, PageColumn& out) {
  const Page& page = column.pages[page_number];
  out.column = &column;
  out.numbers.clear();
  out.numbers_begin = begin;
  out.texts.begins.assign(1, 0);
  if (column.encoding == Encoding::kDictionary) {
    ASSIGN_OR_RETURN(out.dictionary, Dictionary(column.dictionary));
  }
  if (page.count == 0) return base::Ok();
  RETURN_IF_ERROR(ReadPiece(page.piece, raw_));
  const std::size_t count = page.count;
  if (column.encoding == Encoding::kTexts) {
    return TakeTexts(raw_, raw_.size(), count, out.texts) ? base::Ok() : Damaged("texts");
  }
  if (column.encoding == Encoding::kRaw) {
    if (raw_.size() != 8 * count) return Damaged("numbers");
    out.numbers.reserve(end - begin);
    for (std::size_t i = begin; i < end; ++i) {
      out.numbers.push_back(Fixed64At(raw_.data() + 8 * i));
    }
    return base::Ok();
  }
  const std::size_t width = raw_.size() / count;
  if (width > 8 || width * count != raw_.size()) return Damaged("byte planes");
  if (column.encoding == Encoding::kDeltas) begin = 0;  // what is before adds up
  out.numbers_begin = begin;
  out.numbers.assign(end - begin, 0);
  for (std::size_t k = 0; k < width; ++k) {
    const char* plane = raw_.data() + k * count + begin;
    for (std::size_t i = 0; i < out.numbers.size(); ++i) {
      out.numbers[i] |= std::uint64_t{static_cast<unsigned char>(plane[i])} << (8 * k);
    }
  }
  if (column.encoding == Encoding::kDeltas) {
    std::uint64_t value = page.min;
    for (std::uint64_t& number : out.numbers) {
      number = value += static_cast<std::uint64_t>(UnZigZag(number));
    }
    return base::Ok();
  }
  for (std::uint64_t& number : out.numbers) {
    number += page.min;
    if (out.dictionary != nullptr && number >= out.dictionary->size()) {
      return Damaged("a number that its dictionary does not have");
    }
  }
  return base::Ok();
}

base::Status PageReader::CountCells(const Shapes& shapes,
                                    std::span<const std::uint64_t> shape_of_rows,
                                    std::vector<std::uint64_t>& counts) {
  std::vector<std::uint64_t> uses(shapes.size());
  for (const std::uint64_t shape : shape_of_rows) {
    if (shape >= uses.size()) return Damaged("a shape that does not exist");
    ++uses[shape];
  }
  std::uint64_t cells = 0;
  counts.clear();
  for (std::size_t i = 0; i < uses.size(); ++i) {
    cells += uses[i] * shapes[i].size();
    if (cells > kMostCells) return Damaged("more attributes than a page can have");
    if (uses[i] == 0) continue;
    for (const std::uint32_t number : shapes[i]) {
      counts.resize(std::max<std::size_t>(counts.size(), number + 1));
      counts[number] += uses[i];
    }
  }
  return base::Ok();
}

}  // namespace ronda::trace::segment
