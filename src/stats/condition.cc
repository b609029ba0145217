#include "stats/condition.h"

#include <utility>

namespace ronda::stats {

std::unique_ptr<const model::Expression> CompileCondition(const ConditionSpec& spec,
                                                          Metrics& metrics,
                                                          model::Diagnostics& diagnostics) {
  model::LoadError error;
  auto expression = model::Expression::Compile(spec.text, metrics, error);
  if (!expression) {
    model::Location where = spec.where;
    if (where.line > 0) where.column += static_cast<int>(error.offset);
    diagnostics.Error(std::move(where), error.message, error.hint, static_cast<int>(error.length));
    return nullptr;
  }
  if (expression->type() && *expression->type() != model::Type::kBool) {
    diagnostics.Error(spec.where,
                      "\"" + spec.text + "\" is no condition: it gives a " +
                          std::string(model::NameOf(*expression->type())),
                      "compare it: drill.p95 < 300ms", static_cast<int>(spec.text.size()));
    return nullptr;
  }
  return expression;
}

ConditionResult EvaluateCondition(const model::Expression& condition, const Metrics& metrics,
                                  model::Arena& arena) {
  arena.Reset();
  model::EvalContext context;
  context.slots = metrics.values();
  context.arena = &arena;
  bool met = false;
  if (condition.Test(context, met)) {
    return {met ? ConditionResult::Kind::kMet : ConditionResult::Kind::kNotMet, {}};
  }
  return {ConditionResult::Kind::kUnknown, std::string(context.error)};
}

std::vector<MetricValue> ActualOf(const model::Expression& condition, const Metrics& metrics) {
  std::vector<MetricValue> out;
  for (const std::uint32_t slot : condition.slots()) {
    const std::string& name = metrics.NameOf(slot);
    out.push_back({name, FormatMetric(name, metrics.values()[slot])});
  }
  return out;
}

}  // namespace ronda::stats
