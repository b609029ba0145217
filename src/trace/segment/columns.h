#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "trace/segment/block.h"
#include "trace/segment/segment_reader.h"

namespace ronda::trace::segment {

// Texts behind each other, borrowed.
struct TextList {
  std::string_view bytes;
  std::span<const std::uint64_t> begins;  // one more than texts; empty for none

  [[nodiscard]] std::size_t size() const { return begins.empty() ? 0 : begins.size() - 1; }
  [[nodiscard]] std::string_view At(std::size_t i) const {
    return bytes.substr(begins[i], begins[i + 1] - begins[i]);
  }
};

// Values of one column in one page, in the order of the rows that have one. Borrowed from the columns
// until they are asked for another page of that column.
struct Cells {
  enum class Form : std::uint8_t {
    kNumbers,  // `numbers` are the values
    kCoded,  // `numbers` are numbers of texts in `texts`, a dictionary
    kTexts,  // `texts` are the values
  };
  Form form = Form::kNumbers;
  std::span<const std::uint64_t> numbers = {};
  TextList texts = {};

  [[nodiscard]] std::size_t size() const {
    return form == Form::kTexts ? texts.size() : numbers.size();
  }
  [[nodiscard]] std::string_view TextAt(std::size_t i) const {
    return texts.At(form == Form::kCoded ? numbers[i] : i);
  }
};

// Between which the numbers of some cells lie; for coded ones, those of their dictionary.
struct Zone {
  std::uint64_t min = 0;
  std::uint64_t max = ~std::uint64_t{0};
};

// The spans of a segment or of a block, column by column: what a search reads. Rows come in pages.
// Only what is asked for is read, and kept for the page that was asked for last. DataLoss when that
// is damaged. Borrows from the segment or block. Owned by one thread.
class SpanColumns {
 public:
  // A column of attributes: one key and one type, or whole attributes (past 4,096 columns).
  struct Attribute {
    std::string_view key;
    otlp::ValueType type = otlp::ValueType::kEmpty;
    bool overflow = false;
  };

  virtual ~SpanColumns() = default;

  [[nodiscard]] virtual std::size_t pages() const = 0;
  [[nodiscard]] virtual std::uint32_t RowsOf(std::size_t page) const = 0;

  // A value for each row: kSpanId, kParentCode (0: none; anything else: some), kStart, kDuration (modulo
  // 2^64), kKind, kStatus, kScope, kName, kStatusMessage.
  [[nodiscard]] virtual base::Result<Cells> Fixed(Role role, std::size_t page) = 0;
  [[nodiscard]] virtual Zone ZoneOf(Role role, std::size_t page) = 0;
  // The dictionary of a text column; nothing when it has none.
  [[nodiscard]] virtual base::Result<std::optional<TextList>> DictionaryOf(Role role) = 0;

  [[nodiscard]] virtual std::span<const Attribute> attributes() const = 0;
  // Values of one of attributes(), by its index. Numbers are OrderedOf their type (table.h).
  [[nodiscard]] virtual base::Result<Cells> AttributeCells(std::size_t index, std::size_t page) = 0;
  // Nothing when no row of the page has it.
  [[nodiscard]] virtual std::optional<Zone> AttributeZone(std::size_t index, std::size_t page) = 0;
  [[nodiscard]] virtual base::Result<std::optional<TextList>> AttributeDictionary(
      std::size_t index) = 0;
  // False when no row has that text; true proves nothing.
  [[nodiscard]] virtual base::Result<bool> MayHaveText(std::size_t index,
                                                       std::string_view text) = 0;
  // The row, counted within the page, of each of the column's cells.
  [[nodiscard]] virtual base::Status RowsWith(std::size_t index, std::size_t page,
                                              std::vector<std::uint32_t>& rows) = 0;

  // Scopes with their resources: scopes[n] is the one that rows with kScope n have.
  [[nodiscard]] virtual base::Result<const otlp::SpanBatch*> Scopes() = 0;

  // Rows of all pages counted through.
  [[nodiscard]] virtual base::Result<base::TraceId> TraceOf(std::uint32_t row) = 0;
  [[nodiscard]] virtual base::Result<std::vector<std::uint32_t>> RowsOfTrace(
      base::TraceId trace) = 0;
};

[[nodiscard]] std::unique_ptr<SpanColumns> ColumnsOf(const SegmentReader& segment);
[[nodiscard]] std::unique_ptr<SpanColumns> ColumnsOf(const Block& block);

}  // namespace ronda::trace::segment
