#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/core/clock.h"
#include "base/core/ids.h"
#include "base/core/status.h"
#include "trace/segment/source.h"

namespace ronda::trace::query {

struct SlowRequest {
  enum class What : std::uint8_t {
    kCalls,  // client and producer spans
    kSql,  // spans with a statement: db.query.text or db.statement
  };
  What what = What::kCalls;
  std::uint64_t least_ns = 0;  // how long it took at least
  std::string service = {};  // only of this one; "" for all
  std::uint64_t from_ns = 0, to_ns = 0;  // it began in [from_ns, to_ns)
  std::uint32_t limit = 20;
  std::uint64_t deadline_ns = 0;  // of the clock, monotonic; 0: none
};

struct SlowSpan {
  base::TraceId trace;
  std::uint64_t span = 0;
  std::uint64_t start_ns = 0;
  std::uint64_t duration_ns = 0;
  std::string service, operation, technology, peer;
  std::string statement;  // as it was kept: masked unless told otherwise
  bool error = false;
};

struct SlowAnswer {
  std::vector<SlowSpan> spans;  // slowest first
  bool all =
      true;  // false: the newest 1,000 traces with such a span were looked at, there are more
  std::vector<std::string> notices;
};

// The slowest of the spans that are kept. Any thread.
[[nodiscard]] base::Result<SlowAnswer> FindSlow(segment::Source& source, const base::Clock& clock,
                                                const SlowRequest& request);

}  // namespace ronda::trace::query
