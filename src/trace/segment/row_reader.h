#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <vector>

#include "trace/segment/block.h"
#include "trace/segment/page_reader.h"
#include "trace/segment/segment_reader.h"
#include "trace/segment/table.h"
#include "trace/segment/trace_index.h"

// Rows of a segment, put together from the columns: private to this room.
namespace ronda::trace::segment {

// Reads rows of one segment, and of its columns no more than those rows need: a trace's few rows cost
// the pieces that they are in, not their values' neighbours. Owned by one call; the segment is borrowed.
class RowReader {
 public:
  explicit RowReader(const SegmentReader& segment) : segment_(segment), pages_(segment) {}

  // Which rows a trace has, if it is here.
  [[nodiscard]] base::Result<std::optional<RowRange>> Find(base::TraceId trace);
  // Appends rows to `out`. After a failure `out` holds some of them.
  [[nodiscard]] base::Status Rows(RowRange rows, otlp::SpanBatch& out);

 private:
  // Rows of one page, counted within it.
  struct Part {
    std::size_t begin = 0;
    std::size_t end = 0;
  };

  // One table's columns in one page, as far as a part of its rows needs them.
  struct TablePage {
    std::array<PageColumn, kLastRole + 1> fixed;
    std::vector<PageColumn> attributes;  // in the directory's order, as shapes number them
    const Shapes* shapes = nullptr;

    [[nodiscard]] PageColumn& At(Role role) { return fixed[static_cast<std::size_t>(role)]; }
    [[nodiscard]] std::uint64_t Number(Role role, std::size_t row) const {
      return fixed[static_cast<std::size_t>(role)].NumberAt(row);
    }
    [[nodiscard]] std::string_view Text(Role role, std::size_t row) const {
      return fixed[static_cast<std::size_t>(role)].TextAt(row);
    }
  };

  base::Status ReadTable(Table table, std::size_t page, Part part,
                         std::initializer_list<Role> numbers, std::initializer_list<Role> texts,
                         TablePage& out);
  base::Status ReadAttributes(const TableLayout& layout, std::size_t page, Part part,
                              TablePage& out);
  base::Status ReadPage(std::size_t page, Part part);
  base::Status PartOf(Role counts, std::size_t rows, Part spans, Part& part);
  base::Status Parents(Part part);
  base::Status Attributes(TablePage& table, std::size_t row, otlp::SpanBatch& out,
                          otlp::Range& range);
  base::Status Span(std::size_t row, base::TraceId trace, otlp::SpanBatch& out);

  const SegmentReader& segment_;
  PageReader pages_;
  TraceIndex traces_;
  std::optional<ScopeReader> scopes_;
  const Texts* scope_texts_ = nullptr;
  const Texts* resource_texts_ = nullptr;
  TablePage spans_, events_, links_;
  std::vector<std::uint64_t> parents_;  // of the part's rows
  std::size_t parents_begin_ = 0;
  Part event_part_, link_part_;  // that the part's rows have; begin moves as they are read
};

}  // namespace ronda::trace::segment
