#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "wire/otlp/model.h"

// Metrics as OTLP has them (opentelemetry-proto, metrics/v1), flat as model.h has spans.
namespace ronda::wire::otlp {

enum class MetricType : std::uint8_t {
  kNone,  // none that is known: it has no points
  kGauge,
  kSum,
  kHistogram,
  kExponential,
  kSummary,
};

// AggregationTemporality. What the wire carries may be any number.
enum Temporality : std::int32_t {
  kTemporalityUnspecified = 0,
  kTemporalityDelta = 1,
  kTemporalityCumulative = 2,
};

struct Metric {
  std::string_view name;
  std::string_view description;
  std::string_view unit;
  Range points;
  std::uint32_t scope = 0;  // index
  std::int32_t temporality = kTemporalityUnspecified;  // of sums and histograms
  MetricType type = MetricType::kNone;
  bool monotonic = false;  // of sums
};

// DataPointFlags: the point says that there is no value.
inline constexpr std::uint32_t kNoRecordedValue = 1;

// One side of an exponential histogram: count i is of values in (base^(offset+i), base^(offset+i+1)].
struct Buckets {
  std::int32_t offset = 0;
  Range counts;  // of MetricBatch::counts
  bool operator==(const Buckets&) const = default;
};

// A point of any type; what its type does not have is zero.
struct MetricPoint {
  std::uint64_t start_ns = 0;  // since 1970; 0: not known
  std::uint64_t time_ns = 0;
  Range attributes;
  std::uint32_t flags = 0;
  // Of gauges and sums: one of these.
  bool has_number = false, is_integer = false;
  std::int64_t integer = 0;
  double number = 0;
  // Of the others.
  std::uint64_t count = 0;
  bool has_sum = false, has_min = false, has_max = false;
  double sum = 0, min = 0, max = 0;
  Range bounds;  // of a histogram, ascending: MetricBatch::numbers
  Range counts;  // one more than bounds, or none: MetricBatch::counts
  // base = 2^(2^-scale)
  std::int32_t scale = 0;
  std::uint64_t zero_count = 0;
  double zero_threshold = 0;
  Buckets positive, negative;
  Range quantiles;  // of a summary: quantile, value, ...: MetricBatch::numbers
};

// Metrics that came together. Reuse one batch. Owned by one thread.
struct MetricBatch : BatchParts {
  std::vector<Metric> metrics;
  std::vector<MetricPoint> points;
  std::vector<double> numbers;
  std::vector<std::uint64_t> counts;

  [[nodiscard]] std::span<const MetricPoint> PointsOf(const Metric& metric) const {
    return {points.data() + metric.points.begin, metric.points.count};
  }
  [[nodiscard]] std::span<const double> NumbersAt(Range range) const {
    return {numbers.data() + range.begin, range.count};
  }
  [[nodiscard]] std::span<const std::uint64_t> CountsAt(Range range) const {
    return {counts.data() + range.begin, range.count};
  }
  void Clear() {
    BatchParts::Clear();
    metrics.clear();
    points.clear();
    numbers.clear();
    counts.clear();
  }
};

}  // namespace ronda::wire::otlp
