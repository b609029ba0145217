#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/clock.h"
#include "base/core/ids.h"
#include "trace/query/search.h"
#include "trace/segment/source.h"
#include "wire/otlp/model.h"

namespace ronda::trace::query {

// A trace as it is stored.
struct StoredTrace {
  wire::otlp::SpanBatch batch;  // without spans: there is no such trace
  std::vector<std::string> notices;  // a segment that could not be read, and why
};

// All spans of a trace, from all open blocks and segments at one moment. What is damaged is left out
// and named in the notices; other failures (a disk that does not answer) are returned.
[[nodiscard]] base::Result<StoredTrace> ReadTrace(segment::Source& source, base::TraceId trace);

// Reads each of the traces that a search found and hands it to `visit`, newest first. What could not be
// read, by the search and after it, is added to `notices`, each text once. DeadlineExceeded with `hint`
// when `deadline_ns` (monotonic; 0: none) has passed.
[[nodiscard]] base::Status ReadFound(segment::Source& source, const base::Clock& clock,
                                     const SearchResult& found, std::uint64_t deadline_ns,
                                     std::string_view hint, std::vector<std::string>& notices,
                                     const std::function<void(const StoredTrace&)>& visit);

}  // namespace ronda::trace::query
