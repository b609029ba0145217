#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/report/push.h"
#include "stats/aggregator.h"

namespace ronda::engine::report {

// Labels of every series of a run.
struct RunLabels {
  std::string name;     // `run_name`: of the scenario or drill
  std::string run_id;   // `run`
};

// The run's metrics as a /metrics page (Prometheus text format 0.0.4). Counters count from the end of
// warm-up. docs/formats/metrics.md, "Prometheus". On the aggregator's thread.
[[nodiscard]] std::string PrometheusText(const stats::Aggregator& load, const RunLabels& labels);
inline constexpr std::string_view kPrometheusContentType =
    "text/plain; version=0.0.4; charset=utf-8";

// The same as one remote write request (Prometheus remote write 1.0: protocol buffers in a snappy
// block), all samples of `wall_ns`. *series says how many are in it.
[[nodiscard]] PostRequest PrometheusRemoteWrite(const stats::Aggregator& load,
                                                const RunLabels& labels, std::uint64_t wall_ns,
                                                std::uint64_t* series);

}  // namespace ronda::engine::report
