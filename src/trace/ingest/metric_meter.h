#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "series/key.h"
#include "series/open_points.h"
#include "wire/otlp/metric_model.h"

namespace ronda::trace::ingest {

struct MetricLimits {
  std::size_t series = 50'000;  // that are told apart, for each hour of receipt
  std::size_t labels = 64;  // of a series; what comes beyond is left out
};

// Makes series of metrics as they come (docs/formats/otlp-metrics.md). Owned by one thread at a time.
class MetricMeter {
 public:
  explicit MetricMeter(const MetricLimits& limits = {}) : limits_(limits) {}

  // Adds every point of `batch`. The same batch received at the same time adds as many, whatever came
  // before.
  void Measure(const wire::otlp::MetricBatch& batch, std::uint64_t received_ns);
  // What was added since the beginning or the last Clear.
  [[nodiscard]] const series::OpenPoints& open() const { return open_; }
  void Clear() { open_.Clear(); }

 private:
  void AddPoint(const wire::otlp::MetricBatch& batch, const wire::otlp::Metric& metric,
                const wire::otlp::MetricPoint& point);
  [[nodiscard]] bool AddNumber(const wire::otlp::Metric& metric,
                               const wire::otlp::MetricPoint& point);
  [[nodiscard]] bool AddHistogram(const wire::otlp::MetricBatch& batch,
                                  const wire::otlp::Metric& metric,
                                  const wire::otlp::MetricPoint& point);
  [[nodiscard]] bool AddSummary(const wire::otlp::MetricBatch& batch,
                                const wire::otlp::Metric& metric,
                                const wire::otlp::MetricPoint& point);
  // Makes labels_ those of the point.
  void SetLabels(const wire::otlp::MetricBatch& batch, const wire::otlp::Metric& metric,
                 const wire::otlp::MetricPoint& point);
  // Unless there is one of that name, or the most.
  void AddLabel(std::string_view name, std::string_view value);
  void AddLabels(std::span<const wire::otlp::Attribute> attributes);
  // Adds `value` to the series of that name and labels_; false when it is not kept.
  template <typename Value>
  [[nodiscard]] bool Put(series::Kind kind, std::string_view name, const Value& value);
  void CountNotKept(std::string_view service);
  void ForgetEachHour();

  MetricLimits limits_;
  series::OpenPoints open_;
  std::uint64_t hour_ = 0;  // of receipt
  std::unordered_set<std::uint64_t> known_;  // hashes of series of this hour
  std::uint64_t received_s_ = 0;
  std::uint64_t time_s_ = 0;  // of the point, begin of its step
  std::vector<series::Label> labels_;  // of the point, by name
  wire::otlp::Arena texts_;  // of labels_
  std::string key_, value_;
};

}  // namespace ronda::trace::ingest
