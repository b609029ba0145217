#include "trace/segment/trace_index.h"

#include <algorithm>

#include "base/core/varint.h"

namespace ronda::trace::segment {

base::Status TraceIndex::Load(const SegmentReader& segment, PageReader& pages) {
  const Directory& directory = segment.directory();
  std::string counts;
  RETURN_IF_ERROR(pages.ReadPiece(directory.trace_ids, ids_));
  RETURN_IF_ERROR(pages.ReadPiece(directory.trace_rows, counts));
  base::VarintReader reader(counts);
  std::vector<std::uint32_t> ends;
  ends.reserve(directory.info.traces);
  std::uint64_t rows = 0;
  for (std::uint64_t i = 0; i < directory.info.traces; ++i) {
    std::uint64_t count = 0;
    if (!reader.NextUpTo(directory.info.rows - rows, count)) return Damaged("rows of the traces");
    ends.push_back(static_cast<std::uint32_t>(rows += count));
  }
  if (rows != directory.info.rows) return Damaged("rows of the traces");
  ends_ = std::move(ends);
  return base::Ok();
}

base::TraceId TraceIndex::IdAt(std::size_t number) const {
  const char* at = ids_.data() + 16 * number;
  return {.high = Fixed64At(at), .low = Fixed64At(at + 8)};
}

std::size_t TraceIndex::NumberOf(std::uint32_t row) const {
  return static_cast<std::size_t>(std::ranges::upper_bound(ends_, row) - ends_.begin());
}

std::optional<RowRange> TraceIndex::Find(base::TraceId trace) const {
  std::uint32_t begin = 0;
  for (std::size_t i = 0; i < ends_.size(); begin = ends_[i++]) {
    if (IdAt(i) == trace) return RowRange{begin, ends_[i] - begin};
  }
  return std::nullopt;
}

}  // namespace ronda::trace::segment
