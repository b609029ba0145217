#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/expression.h"
#include "model/source.h"
#include "stats/metrics.h"

namespace ronda::stats {

// A condition as written, and where.
struct ConditionSpec {
  std::string text;
  model::Location where;
};

// A metric as it stood when a condition was evaluated.
struct MetricValue {
  std::string name;
  std::string value;  // for people: "312ms", "1.20%", "no data"
};

struct ThresholdResult {
  enum class Verdict : std::uint8_t { kPassed, kFailed };
  std::string text;
  Verdict verdict = Verdict::kFailed;
  std::vector<MetricValue> actual;  // the metrics that it reads
  std::string reason;               // why it could not be evaluated; a failure then
};

// The conditions that decide a drill's verdict: evaluated over the whole run without warm-up. One that
// cannot be evaluated, because there is no data, has failed.
class Thresholds {
 public:
  // Null when a text does not compile; `diagnostics` says all that is wrong.
  [[nodiscard]] static std::unique_ptr<Thresholds> Compile(std::span<const ConditionSpec> specs,
                                                           const Shape& shape,
                                                           std::span<const ExternalMetric> external,
                                                           model::Diagnostics& diagnostics);
  [[nodiscard]] std::vector<ThresholdResult> Evaluate(const Metrics::Input& input);
  [[nodiscard]] std::size_t size() const { return conditions_.size(); }

 private:
  Thresholds(const Shape& shape, std::span<const ExternalMetric> external)
      : metrics_(shape, external) {}

  Metrics metrics_;
  std::vector<std::unique_ptr<const model::Expression>> conditions_;
  model::Arena arena_;
};

// The value as people read it, by what the metric's name ends in: a ratio as percent.
[[nodiscard]] std::string FormatMetric(std::string_view name, model::Value value);

}  // namespace ronda::stats
