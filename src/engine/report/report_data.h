#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/histogram.h"
#include "base/core/status.h"

namespace ronda::engine::report {

// What a JSON report holds of the run, as far as comparing runs needs it. A plain value.
struct ReportData {
  // What one step, or all of them, did.
  struct Measured {
    std::string id;                 // of the step; empty: all of them
    std::uint64_t requests = 0;
    std::uint64_t failed = 0;
    base::Histogram latency;
    base::Histogram service;
    // By row: what happened during `width` seconds.
    std::uint32_t width = 1;
    std::uint32_t warm_up_seconds = 0;  // rows of which are not in the totals
    std::vector<double> row_requests, row_failed, row_p50_ms, row_p95_ms, row_p99_ms;
  };

  std::string name, kind, environment, run_id, start, digest, version;
  bool passed = false;
  std::string verdict;
  double seconds = 0;               // that the totals cover
  std::uint64_t dropped = 0;
  Measured all;
  std::vector<Measured> steps;
};

// Reads what ReportJson wrote. `text` is foreign: InvalidArgument says what is wrong with it.
[[nodiscard]] base::Result<ReportData> ReadReport(std::string_view text);

}  // namespace ronda::engine::report
