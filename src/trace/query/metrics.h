#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/status.h"
#include "series/distribution.h"
#include "series/source.h"

// Metrics that others send (docs/formats/otlp-metrics.md). Any thread.
namespace ronda::trace::query {

enum class MetricType : std::uint8_t { kGauge, kSum, kHistogram };
// "gauge", "sum", "histogram".
[[nodiscard]] std::string_view NameOf(MetricType type);

struct MetricInfo {
  std::string name;
  MetricType type = MetricType::kGauge;
  std::vector<std::string> units = {}, services = {}, attributes = {};  // ascending
  std::uint64_t series = 0;
};
// Metrics that may have points in [from_s, to_s), by name, then type; with `service`, of that one only.
[[nodiscard]] std::vector<MetricInfo> ListMetrics(series::Source& source, std::uint64_t from_s,
                                                  std::uint64_t to_s, std::string_view service);

struct AttributeValues {
  std::string name;
  std::vector<std::string> values = {};  // ascending, the first kMostValues
  std::uint64_t total = 0;  // how many different ones there are
};
inline constexpr std::size_t kMostValues = 200;
// By name, the attributes by which a metric's series differ, and the others; the same filters.
[[nodiscard]] std::vector<AttributeValues> AttributesOf(series::Source& source,
                                                        std::string_view metric,
                                                        std::uint64_t from_s, std::uint64_t to_s,
                                                        std::string_view service);

// An attribute has this value; "" is that of one that is missing.
struct MetricFilter {
  std::string attribute;
  std::string value;
};

struct MetricRequest {
  std::string metric;
  std::uint64_t from_s = 0, to_s = 0;  // made whole steps
  std::uint64_t step_s = 0;  // 0: the whole time in one; else a multiple of 10
  std::vector<MetricFilter> where = {};  // all of them hold
  std::vector<std::string> by = {};  // attributes
  std::uint64_t now_s = 0;  // points of older times are farther apart
};

// What a group of series said within a step.
struct MetricCell {
  std::uint64_t samples = 0;  // points as they were sent
  std::uint64_t series = 0;  // that have some
  // Of gauges: over all samples, and the sum of each series' mean.
  double mean = 0, least = 0, most = 0, sum = 0;
  double growth = 0;  // of sums
  series::Distribution spread = {};  // of histograms
};

struct MetricGroup {
  std::vector<std::string> values;  // of MetricRequest::by
  MetricType type = MetricType::kGauge;
  MetricCell total;
  std::vector<MetricCell> steps;  // none without a step
};

struct MetricAnswer {
  std::uint64_t from_s = 0, to_s = 0, step_s = 0;  // as they were counted
  std::vector<MetricGroup> groups;  // by values, then type; none without samples
  std::vector<std::string> notices;
};

// Cumulative sums and histograms count by how much they grew: from the last state before the step, or
// all of it when they began to count within the time asked for. InvalidArgument when the time is empty,
// or more than 50,000 steps of series would come of it.
[[nodiscard]] base::Result<MetricAnswer> ReadMetric(series::Source& source,
                                                    const MetricRequest& request);

// Points that were not kept in [from_s, to_s), past the most series that are told apart: a notice for each
// service.
[[nodiscard]] base::Result<std::vector<std::string>> NotKept(series::Source& source,
                                                             std::uint64_t from_s,
                                                             std::uint64_t to_s);

}  // namespace ronda::trace::query
