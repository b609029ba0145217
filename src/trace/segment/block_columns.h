#pragma once

#include <map>

#include "trace/segment/columns.h"

namespace ronda::trace::segment {

// A block as one page of columns; private to this room. Numbers are copied when asked for, texts are
// borrowed from the block.
class BlockColumns : public SpanColumns {
 public:
  explicit BlockColumns(const Block& block);

  std::size_t pages() const override { return block_.rows() == 0 ? 0 : 1; }
  std::uint32_t RowsOf(std::size_t page) const override;
  base::Result<Cells> Fixed(Role role, std::size_t page) override;
  Zone ZoneOf(Role role, std::size_t page) override;
  base::Result<std::optional<TextList>> DictionaryOf(Role role) override;
  std::span<const Attribute> attributes() const override { return attributes_; }
  base::Result<Cells> AttributeCells(std::size_t index, std::size_t page) override;
  std::optional<Zone> AttributeZone(std::size_t index, std::size_t page) override;
  base::Result<std::optional<TextList>> AttributeDictionary(std::size_t index) override;
  base::Result<bool> MayHaveText(std::size_t index, std::string_view text) override;
  base::Status RowsWith(std::size_t index, std::size_t page,
                        std::vector<std::uint32_t>& rows) override;
  base::Result<const otlp::SpanBatch*> Scopes() override;
  base::Result<base::TraceId> TraceOf(std::uint32_t row) override;
  base::Result<std::vector<std::uint32_t>> RowsOfTrace(base::TraceId trace) override;

 private:
  [[nodiscard]] const TextColumn& TextsOf(Role role) const;
  static Cells CellsOf(const TextColumn& texts, std::vector<std::uint64_t>& numbers);
  // A block appends cells in the order of rows, so a column's cells are in that order too.
  const Block& block_;
  std::vector<Attribute> attributes_;
  std::map<Role, std::vector<std::uint64_t>> fixed_;
  std::map<std::size_t, std::vector<std::uint64_t>> cells_;
  std::optional<otlp::SpanBatch> scopes_;
};

}  // namespace ronda::trace::segment
