#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "trace/segment/compression.h"
#include "trace/segment/segment_reader.h"

// Pieces of a segment's file, decoded and checked: private to this room.
namespace ronda::trace::segment {

using Values = std::vector<std::uint64_t>;
using Shapes = std::vector<std::vector<std::uint32_t>>;  // numbers of attribute columns

[[nodiscard]] base::Status Damaged(std::string_view what);

[[nodiscard]] inline bool IsAttribute(const Column& column) {
  return column.role == Role::kAttribute || column.role == Role::kOverflow;
}
[[nodiscard]] inline bool HasTexts(const Column& column) {
  return column.encoding == Encoding::kTexts || column.encoding == Encoding::kDictionary;
}

// Texts behind each other.
struct Texts {
  std::string bytes;
  std::vector<std::uint64_t> begins;

  [[nodiscard]] std::size_t size() const { return begins.size() - 1; }
  [[nodiscard]] std::string_view At(std::size_t i) const {
    return {bytes.data() + begins[i], begins[i + 1] - begins[i]};
  }
};

// A column's values in one page, or some of them; positions are counted in the page.
struct PageColumn {
  const Column* column = nullptr;
  Values numbers;  // of every encoding but kTexts; numbers in the dictionary for kDictionary
  std::size_t numbers_begin = 0;  // the position of the first
  Texts texts;  // of kTexts: all of the page
  const Texts* dictionary = nullptr;
  std::size_t next = 0;  // of the positions, while rows are walked

  [[nodiscard]] std::uint64_t NumberAt(std::size_t i) const { return numbers[i - numbers_begin]; }
  [[nodiscard]] std::string_view TextAt(std::size_t i) const {
    return dictionary != nullptr ? dictionary->At(NumberAt(i)) : texts.At(i);
  }
};

// Reads pieces of one segment, keeping the dictionaries it met. Owned by one thread; the segment is
// borrowed.
class PageReader {
 public:
  explicit PageReader(const SegmentReader& segment) : segment_(segment) {}

  [[nodiscard]] base::Status ReadPiece(const Piece& piece, std::string& out);
  [[nodiscard]] base::Result<const Texts*> Dictionary(const Piece& piece);
  // `columns`: how many attribute columns the table has; no shape names another.
  [[nodiscard]] base::Result<const Shapes*> ShapesOf(Table table, std::size_t columns);
  // The caller has compared the page's count with another: it says how much memory this takes.
  [[nodiscard]] base::Status ReadColumn(const Column& column, std::size_t page, PageColumn& out);
  // The same, of the values from position `begin` to before `end` only.
  [[nodiscard]] base::Status ReadCells(const Column& column, std::size_t page, std::size_t begin,
                                       std::size_t end, PageColumn& out);
  // How many values each attribute column has for rows of these shapes; the columns after the last
  // one that has any are left out.
  [[nodiscard]] static base::Status CountCells(const Shapes& shapes,
                                               std::span<const std::uint64_t> shape_of_rows,
                                               std::vector<std::uint64_t>& counts);

 private:
  const SegmentReader& segment_;
  Decompressor decompressor_;
  std::string stored_, raw_;
  std::map<std::uint64_t, Texts> dictionaries_;  // by offset
  std::map<Table, Shapes> shapes_;
};

}  // namespace ronda::trace::segment
