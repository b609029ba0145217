#pragma once

#include <memory>
#include <string>
#include <vector>

#include "model/expression.h"
#include "model/source.h"
#include "stats/metrics.h"
#include "stats/thresholds.h"

// What thresholds and guards share. Private to this room.
namespace ronda::stats {

// The compiled condition; null, with all that is wrong in `diagnostics`, when it is none.
[[nodiscard]] std::unique_ptr<const model::Expression> CompileCondition(
    const ConditionSpec& spec, Metrics& metrics, model::Diagnostics& diagnostics);

// How a condition came out with the metrics' present values.
struct ConditionResult {
  enum class Kind { kMet, kNotMet, kUnknown };
  Kind kind = Kind::kUnknown;
  std::string reason;  // of kUnknown
};
[[nodiscard]] ConditionResult EvaluateCondition(const model::Expression& condition,
                                                const Metrics& metrics, model::Arena& arena);

// The metrics that a condition reads, as they stand.
[[nodiscard]] std::vector<MetricValue> ActualOf(const model::Expression& condition,
                                                const Metrics& metrics);

}  // namespace ronda::stats
