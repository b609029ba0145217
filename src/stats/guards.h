#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "model/expression.h"
#include "model/source.h"
#include "stats/aggregator.h"
#include "stats/metrics.h"
#include "stats/thresholds.h"

namespace ronda::stats {

enum class GuardAction : std::uint8_t { kThrottle, kPause, kAbort };

// One guard as written: when `when` has held during every second of `for`, do `action`.
struct GuardSpec {
  ConditionSpec when;
  std::uint64_t for_ns = 0;      // rounded up to whole seconds; 0: the first second is enough
  std::uint64_t window_ns = 10'000'000'000;  // what the metrics look back over
  GuardAction action = GuardAction::kAbort;
  double to = 0;                 // kThrottle: the fraction of the planned load, 0..1
};

// A guard that acts, or lets go again.
struct GuardEvent {
  enum class Kind : std::uint8_t { kFired, kReleased };
  std::size_t guard = 0;         // index of its spec
  Kind kind = Kind::kFired;
  GuardAction action = GuardAction::kAbort;
  double to = 1;
  std::uint64_t second = 0;      // of the run
  std::string text;              // the condition
  std::string reason;            // "drill.errors is 3.1% for 5 s"
};

// What the load does at the moment.
enum class LoadState : std::uint8_t { kRunning, kPaused, kDraining };

// Conditions that are watched while a run goes on, over sliding windows, once for every complete
// second. Silence is a failure: a condition that cannot be evaluated because a metric has no data has
// been met, once a whole window has passed (write exists(...) to allow for it). A guard that
// throttled or paused lets go when its condition has not been met for as long as `for` and at least
// for one window; an abort is final. While the load is paused or drains, guards that read only this
// run's own metrics rest. All calls on the aggregator's thread.
class Guards {
 public:
  // Null when something does not compile; `diagnostics` says all that is wrong.
  [[nodiscard]] static std::unique_ptr<Guards> Compile(std::span<const GuardSpec> specs,
                                                       const Shape& shape,
                                                       std::span<const ExternalMetric> external,
                                                       model::Diagnostics& diagnostics);

  // Tells the aggregator which steps and how long a window they need. Before the run.
  [[nodiscard]] std::vector<bool> StepsUsed() const { return metrics_.StepsUsed(); }
  [[nodiscard]] std::uint32_t LongestWindowSeconds() const;
  // Metrics that are named but provided by nobody: their guards would fire for lack of data.
  [[nodiscard]] std::vector<std::string> WithoutSource() const { return metrics_.WithoutSource(); }

  // Call once after each Collect that completed a second.
  [[nodiscard]] std::vector<GuardEvent> Evaluate(Aggregator& aggregator, LoadState state,
                                                 std::span<const model::Value> external);

  struct State {
    std::uint32_t held_seconds = 0;  // how long the condition has been met
    bool fired = false;
  };
  [[nodiscard]] const State& StateOf(std::size_t guard) const { return guards_[guard].state; }
  [[nodiscard]] std::size_t size() const { return guards_.size(); }

 private:
  struct Guard {
    GuardSpec spec;
    std::unique_ptr<const model::Expression> when;
    std::uint32_t for_seconds = 1;
    std::uint32_t window_seconds = 10;
    bool own = true;  // reads only this run's metrics
    State state;
    std::uint32_t clear_seconds = 0;
  };
  struct Judgement {
    bool met = false;
    std::string reason;
  };

  Guards(const Shape& shape, std::span<const ExternalMetric> external)
      : metrics_(shape, external) {}
  [[nodiscard]] Judgement Judge(const Guard& guard, bool window_full);
  [[nodiscard]] std::string Describe(const Guard& guard) const;

  Metrics metrics_;
  std::vector<Guard> guards_;
  model::Arena arena_;
  std::uint64_t seen_seconds_ = 0;  // complete seconds that have been judged
  std::uint64_t running_seconds_ = 0;  // since the load last began or resumed
};

}  // namespace ronda::stats
