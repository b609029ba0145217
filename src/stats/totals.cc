#include "stats/totals.h"

#include <algorithm>

#include "base/core/check.h"

namespace ronda::stats {
namespace {

template <typename F>
std::uint64_t Sum(const std::vector<ScenarioCounters>& scenarios, F&& f) {
  std::uint64_t sum = 0;
  for (const auto& scenario : scenarios) sum += f(scenario);
  return sum;
}

}  // namespace

Totals::Totals(const Shape& shape)
    : all(&pool), steps(shape.steps.size()), checks(shape.checks.size()) {
  scenarios.reserve(shape.scenarios.size());
  for (std::size_t i = 0; i < shape.scenarios.size(); ++i) scenarios.emplace_back(&pool);
}

StepCounters& Totals::Step(StepId id) {
  if (!steps[id]) steps[id] = std::make_unique<StepCounters>(&pool);
  return *steps[id];
}

void Totals::Merge(const Interval& interval, const Shape& shape) {
  for (const StepId id : interval.touched) {
    const StepCounters& from = *interval.steps[id];
    Step(id).Merge(from);
    if (shape.steps[id].kind == StepKind::kExchange) all.Merge(from);
  }
  for (std::size_t i = 0; i < checks.size(); ++i) {
    checks[i].passed += interval.checks[i].passed;
    checks[i].failed += interval.checks[i].failed;
  }
  for (std::size_t i = 0; i < scenarios.size(); ++i) scenarios[i].Merge(interval.scenarios[i]);
}

void Totals::Merge(const Totals& other, const std::vector<bool>* only) {
  all.Merge(other.all);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (other.steps[i] && (only == nullptr || (*only)[i])) {
      Step(static_cast<StepId>(i)).Merge(*other.steps[i]);
    }
  }
  for (std::size_t i = 0; i < checks.size(); ++i) {
    checks[i].passed += other.checks[i].passed;
    checks[i].failed += other.checks[i].failed;
  }
  for (std::size_t i = 0; i < scenarios.size(); ++i) scenarios[i].Merge(other.scenarios[i]);
}

void Totals::Clear() {
  all.Clear();
  for (auto& step : steps) {
    if (step) step->Clear();
  }
  std::ranges::fill(checks, CheckCounters{});
  for (auto& scenario : scenarios) scenario.Clear();
}

CheckCounters Totals::AllChecks() const {
  CheckCounters sum;
  for (const auto& check : checks) {
    sum.passed += check.passed;
    sum.failed += check.failed;
  }
  return sum;
}

std::uint64_t Totals::Iterations() const {
  return Sum(scenarios, [](const auto& s) { return s.iterations(); });
}
std::uint64_t Totals::IterationsFailed() const {
  return Sum(scenarios, [](const auto& s) { return s.failed; });
}
std::uint64_t Totals::IterationsInterrupted() const {
  return Sum(scenarios, [](const auto& s) { return s.interrupted; });
}
std::uint64_t Totals::Dropped() const {
  return Sum(scenarios, [](const auto& s) { return s.dropped; });
}

base::Histogram Totals::Lateness() const {
  base::Histogram sum;
  for (const auto& scenario : scenarios) CHECK(sum.Merge(scenario.lateness).ok());
  return sum;
}

base::Histogram Totals::IterationDuration() const {
  base::Histogram sum;
  for (const auto& scenario : scenarios) CHECK(sum.Merge(scenario.duration).ok());
  return sum;
}

}  // namespace ronda::stats
