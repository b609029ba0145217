#pragma once

#include <map>
#include <string>
#include <vector>

#include "trace/query/search.h"
#include "trace/segment/columns.h"

namespace ronda::trace::query {

// Gathers the summary of one trace from wherever its spans are. Owned by one thread.
class Summarizer {
 public:
  // Rows of the trace, ascending. After a failure nothing of them counts.
  [[nodiscard]] base::Status Add(segment::SpanColumns& columns,
                                 const std::vector<std::uint32_t>& rows);
  [[nodiscard]] bool empty() const { return spans_.empty(); }
  [[nodiscard]] TraceSummary Finish(base::TraceId trace);

 private:
  struct Row {
    std::uint64_t span = 0;
    std::uint64_t start_ns = 0;
    std::uint64_t duration_ns = 0;
    std::int32_t kind = 0;
    std::uint32_t service = 0;
    std::uint32_t name = 0;
    bool root = false;
    bool error = false;
  };
  std::uint32_t NumberOf(std::string_view text);

  std::vector<Row> spans_;
  std::map<std::string, std::uint32_t, std::less<>> numbers_;
  std::vector<std::string> texts_;
};

}  // namespace ronda::trace::query
