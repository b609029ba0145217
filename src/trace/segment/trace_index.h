#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "trace/segment/page_reader.h"

// Which rows belong to which trace: private to this room.
namespace ronda::trace::segment {

// The traces of one segment, in the order of its rows.
class TraceIndex {
 public:
  [[nodiscard]] base::Status Load(const SegmentReader& segment, PageReader& pages);
  [[nodiscard]] bool loaded() const { return !ends_.empty(); }

  [[nodiscard]] base::TraceId IdAt(std::size_t number) const;
  // The number of the trace that the row belongs to.
  [[nodiscard]] std::size_t NumberOf(std::uint32_t row) const;
  // The row after the trace's last.
  [[nodiscard]] std::uint32_t EndOf(std::size_t number) const { return ends_[number]; }
  [[nodiscard]] std::optional<RowRange> Find(base::TraceId trace) const;

 private:
  std::string ids_;
  std::vector<std::uint32_t> ends_;
};

}  // namespace ronda::trace::segment
