#pragma once

#include <cstdint>
#include <string_view>

#include "base/core/ids.h"
#include "stats/interval.h"

namespace ronda::engine {

class User;

// Where a thread's own spans go (OTLP). Calls belong to the thread; bounded, never blocks.
class SpanSink {
 public:
  virtual ~SpanSink() = default;
  // The root span of an iteration.
  virtual void Iteration(const User& user, std::string_view flow, std::uint64_t start_ns,
                         std::uint64_t end_ns, stats::IterationOutcome outcome) = 0;
  // One exchange: a client span below it. `error` is empty when there was a response.
  struct Exchange {
    base::TraceId trace;
    std::uint64_t span = 0;
    std::uint64_t parent = 0;
    std::string_view step, method, url;
    int status = 0;
    std::string_view error;
    std::uint64_t start_ns = 0, end_ns = 0;  // monotonic
  };
  virtual void Add(const Exchange& exchange) = 0;
  // About once a second: what was kept back goes out.
  virtual void Flush() = 0;
};

}  // namespace ronda::engine
