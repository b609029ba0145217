#pragma once

#include <string>
#include <vector>

#include "base/core/ids.h"
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

}  // namespace ronda::trace::query
