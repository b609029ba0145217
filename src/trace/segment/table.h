#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "trace/segment/dictionary.h"
#include "wire/otlp/model.h"

namespace ronda::trace::segment {

namespace otlp = ronda::wire::otlp;

// Texts of one column, by position: through a dictionary, or as they come once most are distinct.
// Owned by one thread.
class TextColumn {
 public:
  void Add(std::string_view text);
  // Takes the last one back.
  void Pop();
  [[nodiscard]] std::string_view At(std::uint32_t position) const {
    if (!plain_) return dictionary_.At(numbers_[position]);
    return {texts_.data() + ends_[position], ends_[position + 1] - ends_[position]};
  }
  [[nodiscard]] bool plain() const { return plain_; }
  [[nodiscard]] std::uint32_t NumberAt(std::uint32_t position) const { return numbers_[position]; }
  [[nodiscard]] const Dictionary& dictionary() const { return dictionary_; }
  // Of a plain column: its texts behind each other, and where each begins and the last one ends.
  [[nodiscard]] std::string_view plain_texts() const { return texts_; }
  [[nodiscard]] std::span<const std::uint64_t> plain_ends() const { return ends_; }
  [[nodiscard]] std::uint32_t size() const {
    return static_cast<std::uint32_t>(plain_ ? ends_.size() - 1 : numbers_.size());
  }
  [[nodiscard]] std::size_t bytes() const {
    return dictionary_.bytes() + 4 * numbers_.size() + texts_.size() + 8 * ends_.size();
  }
  void Clear();

 private:
  // A dictionary is given up when, at this many texts, more than kDistinctPercent are distinct.
  static constexpr std::uint32_t kJudgedAt = 4096;
  static constexpr std::uint32_t kDistinctPercent = 60;
  void GiveUpDictionary();

  bool plain_ = false;
  Dictionary dictionary_;
  std::vector<std::uint32_t> numbers_;
  std::string texts_;
  std::vector<std::uint64_t> ends_{0};
};

// The values of one attribute key and type.
struct AttributeColumn {
  std::string key;
  otlp::ValueType type = otlp::ValueType::kEmpty;
  bool overflow = false;  // whole attributes, encoded: those past kMostColumns
  TextColumn texts;  // where the type has bytes
  std::vector<std::uint64_t> numbers;  // else, in an order-preserving form (OrderedOf)

  [[nodiscard]] bool has_texts() const { return otlp::Value::IsBytes(type); }
  [[nodiscard]] std::uint32_t size() const {
    return has_texts() ? texts.size() : static_cast<std::uint32_t>(numbers.size());
  }
};

// A number's bits as an unsigned integer that sorts as the number does, and back.
[[nodiscard]] std::uint64_t OrderedOf(otlp::ValueType type, std::int64_t bits);
[[nodiscard]] std::int64_t BitsOf(otlp::ValueType type, std::uint64_t ordered);

// Attributes of rows: spans, events or links. A row's shape is the list of its columns, in the
// attributes' order; its cells are the positions in those columns. Owned by one thread.
class AttributeTable {
 public:
  static constexpr std::uint32_t kMostColumns = 4096;

  // Appends a row. `hint`: rows with the same hint are likely to have the same shape.
  void Add(std::span<const otlp::Attribute> attributes, std::uint64_t hint);
  // Takes the last row back.
  void Pop();
  // Appends the row's attributes to `out`; texts are copied into its arena.
  otlp::Range Read(std::uint32_t row, otlp::BatchParts& out) const;

  [[nodiscard]] std::uint32_t rows() const { return static_cast<std::uint32_t>(shape_.size()); }
  [[nodiscard]] const std::vector<AttributeColumn>& columns() const { return columns_; }
  [[nodiscard]] const std::vector<std::vector<std::uint32_t>>& shapes() const { return shapes_; }
  [[nodiscard]] std::uint32_t ShapeOf(std::uint32_t row) const { return shape_[row]; }
  // Positions, one for each column of the row's shape.
  [[nodiscard]] const std::uint32_t* CellsOf(std::uint32_t row) const {
    return cells_.data() + cell_begin_[row];
  }
  [[nodiscard]] std::size_t bytes() const;
  // Forgets the rows, and the columns too when there are many.
  void Clear();

 private:
  std::uint32_t ColumnOf(const otlp::Attribute& attribute, std::uint32_t guess);
  std::uint32_t NewColumn(std::string_view key, otlp::ValueType type);
  std::uint32_t NumberOfShape(const std::vector<std::uint32_t>& shape);

  struct Guess {
    std::uint64_t hint = 0;
    std::uint32_t shape = 0;
  };

  std::vector<AttributeColumn> columns_;
  std::unordered_map<std::string, std::uint32_t> column_numbers_;  // by key and type
  std::uint32_t overflow_ = kMostColumns + 1;  // the overflow column, once there is one
  std::vector<std::vector<std::uint32_t>> shapes_;
  std::unordered_map<std::string, std::uint32_t> shape_numbers_;  // by the list's bytes
  std::vector<std::uint32_t> shape_;
  std::vector<std::uint32_t> cell_begin_;
  std::vector<std::uint32_t> cells_;
  std::vector<Guess> guesses_ = std::vector<Guess>(4096);
  std::vector<std::uint32_t> made_;  // scratch: the row's shape
  std::string key_;  // scratch
};

// Decodes one overflow cell and appends its attribute. False when the bytes are malformed.
[[nodiscard]] bool ReadOverflow(std::string_view cell, otlp::BatchParts& out);

}  // namespace ronda::trace::segment
