#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "trace/segment/block.h"
#include "trace/segment/compression.h"
#include "trace/segment/layout.h"

namespace ronda::trace::segment {

// Makes segments of blocks: rows ordered by trace, traces by their first start, a trace's rows by
// start. Keep one; its memory is reused. Owned by one thread.
class SegmentWriter {
 public:
  // A `level`: bytes as they are, for who wants to look at them.
  static constexpr int kUncompressed = std::numeric_limits<int>::min();

  // The file's bytes. Of `info` the partition, the sequences and `merged` are taken, the rest is
  // computed. `level`: zstd's, or kUncompressed.
  [[nodiscard]] std::string Write(const Block& block, const SegmentInfo& info, int level);

 private:
  using Values = std::vector<std::uint64_t>;
  enum class Try : std::uint8_t { kCompression, kNothing };

  void OrderRows(const Block& block);
  Piece Put(std::string_view bytes, Try what = Try::kCompression);
  Piece PutTexts(const Dictionary& dictionary);
  void PutSpans(const Block& block);
  void PutEvents(const Block& block);
  void PutLinks(const Block& block);
  void PutParents(const Block& block, std::uint32_t begin, std::uint32_t end, Values& codes,
                  Values& literals);

  // Appends a page to the table's column of this role, which is made at its first page.
  Column& ColumnFor(TableLayout& table, Role role, Encoding encoding);
  void PutInts(Column& column, const Values& values);
  void PutDeltas(Column& column, const Values& values);
  void PutPlanes(Column& column, Page page, const Values& values, std::uint64_t largest);
  void PutRaw(Column& column, const Values& values);
  void PutPage(TableLayout& table, Role role, const TextColumn& texts,
               const std::vector<std::uint32_t>& positions);
  void PutTextPage(Column& column, const TextColumn& texts,
                   const std::vector<std::uint32_t>& positions);
  // The attribute columns of a table: pages of `rows`, then what belongs to the whole columns.
  void PutAttributes(TableLayout& table, const AttributeTable& attributes,
                     const std::vector<std::vector<std::uint32_t>>& pages);
  void FinishTexts(Column& column, const TextColumn& texts);

  Compressor compressor_;
  int level_ = 1;
  std::string out_;
  Directory directory_;
  std::vector<std::uint32_t> order_;  // the block's rows in the segment's order
  std::vector<std::uint32_t> trace_counts_;
  std::string bytes_;  // scratch
};

}  // namespace ronda::trace::segment
