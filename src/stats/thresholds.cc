#include "stats/thresholds.h"

#include <fmt/format.h>

#include <utility>

#include "stats/condition.h"
#include "stats/format.h"

namespace ronda::stats {

std::unique_ptr<Thresholds> Thresholds::Compile(std::span<const ConditionSpec> specs,
                                                const Shape& shape,
                                                std::span<const ExternalMetric> external,
                                                model::Diagnostics& diagnostics) {
  std::unique_ptr<Thresholds> thresholds(new Thresholds(shape, external));
  bool good = true;
  for (const ConditionSpec& spec : specs) {
    auto condition = CompileCondition(spec, thresholds->metrics_, diagnostics);
    good = good && condition != nullptr;
    thresholds->conditions_.push_back(std::move(condition));
  }
  return good ? std::move(thresholds) : nullptr;
}

std::vector<ThresholdResult> Thresholds::Evaluate(const Metrics::Input& input) {
  metrics_.Fill(input);
  std::vector<ThresholdResult> results;
  for (const auto& condition : conditions_) {
    ThresholdResult& result = results.emplace_back();
    result.text = std::string(condition->text());
    result.actual = ActualOf(*condition, metrics_);
    ConditionResult outcome = EvaluateCondition(*condition, metrics_, arena_);
    if (outcome.kind == ConditionResult::Kind::kMet)
      result.verdict = ThresholdResult::Verdict::kPassed;
    result.reason = std::move(outcome.reason);
  }
  return results;
}

std::string FormatMetric(std::string_view name, model::Value value) {
  switch (value.type()) {
    case model::Type::kNull: return "no data";
    case model::Type::kDuration: return FormatDuration(static_cast<double>(value.AsDurationNs()));
    case model::Type::kInt: return FormatCount(static_cast<double>(value.AsInt()));
    case model::Type::kFloat: break;
    default: {
      std::string text;
      model::AppendText(value, text);
      return text;
    }
  }
  if (name.ends_with("rate")) return FormatRate(value.AsFloat());
  return FormatPercent(value.AsFloat());
}

}  // namespace ronda::stats
