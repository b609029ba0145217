#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "stats/interval.h"
#include "stats/shape.h"

namespace ronda::stats {

// What all threads did together over some time: a second, a window, a run. Exact: merging parts gives
// the counts, bucket for bucket, that one recorder of everything would have. Owned by one thread.
struct Totals {
  explicit Totals(const Shape& shape);

  base::HistogramPool pool;  // of all histograms in here
  StepCounters all;  // the exchanges of every step
  std::vector<std::unique_ptr<StepCounters>> steps;  // by StepId; null: nothing yet
  std::vector<CheckCounters> checks;
  std::vector<ScenarioCounters> scenarios;

  void Merge(const Interval& interval, const Shape& shape);
  // `only`: the steps to merge; null for every step. `all`, checks and scenarios always are.
  void Merge(const Totals& other, const std::vector<bool>* only = nullptr);
  void Clear();

  [[nodiscard]] CheckCounters AllChecks() const;
  [[nodiscard]] std::uint64_t Iterations() const;
  [[nodiscard]] std::uint64_t IterationsFailed() const;
  [[nodiscard]] std::uint64_t IterationsInterrupted() const;
  [[nodiscard]] std::uint64_t Dropped() const;
  [[nodiscard]] base::Histogram Lateness() const;
  [[nodiscard]] base::Histogram IterationDuration() const;

 private:
  [[nodiscard]] StepCounters& Step(StepId id);
};

}  // namespace ronda::stats
