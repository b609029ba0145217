#include "stats/guards.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "stats/condition.h"
#include "stats/format.h"

namespace ronda::stats {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

std::uint32_t SecondsOf(std::uint64_t ns) {
  return static_cast<std::uint32_t>(std::max<std::uint64_t>(1, (ns + kSecond - 1) / kSecond));
}

}  // namespace

std::unique_ptr<Guards> Guards::Compile(std::span<const GuardSpec> specs, const Shape& shape,
                                        std::span<const ExternalMetric> external,
                                        model::Diagnostics& diagnostics) {
  std::unique_ptr<Guards> guards(new Guards(shape, external));
  bool good = true;
  for (const GuardSpec& spec : specs) {
    Guard guard;
    guard.when = CompileCondition(spec.when, guards->metrics_, diagnostics);
    guard.spec = spec;
    guard.for_seconds = SecondsOf(spec.for_ns);
    guard.window_seconds = SecondsOf(spec.window_ns);
    if (spec.action == GuardAction::kThrottle && !(spec.to >= 0 && spec.to < 1)) {
      diagnostics.Error(spec.when.where, "a guard throttles to at least 0% and less than 100%",
                        "to: 50%");
      good = false;
    }
    if (!guard.when) {
      good = false;
      continue;
    }
    guard.own = std::ranges::all_of(guard.when->slots(),
                                    [&](std::uint32_t s) { return guards->metrics_.IsOwn(s); });
    guards->guards_.push_back(std::move(guard));
  }
  return good ? std::move(guards) : nullptr;
}

std::uint32_t Guards::LongestWindowSeconds() const {
  std::uint32_t longest = 0;
  for (const Guard& guard : guards_) longest = std::max(longest, guard.window_seconds);
  return longest;
}

Guards::Judgement Guards::Judge(const Guard& guard, bool window_full) {
  ConditionResult result = EvaluateCondition(*guard.when, metrics_, arena_);
  if (result.kind != ConditionResult::Kind::kUnknown) {
    // Before a whole window has passed, `absent(drill)` would only say that the run is young.
    const bool silent =
        !window_full && std::ranges::any_of(guard.when->slots(), [&](std::uint32_t s) {
          return metrics_.values()[s].is_null();
        });
    return {result.kind == ConditionResult::Kind::kMet && !silent, {}};
  }
  return {window_full, "cannot be judged: " + result.reason};
}

std::string Guards::Describe(const Guard& guard) const {
  std::string out;
  for (const MetricValue& metric : ActualOf(*guard.when, metrics_)) {
    if (!out.empty()) out += ", ";
    out += fmt::format("{} is {}", metric.name, metric.value);
  }
  return fmt::format("{}{}over {}", out, out.empty() ? "" : " ",
                     FormatDuration(static_cast<double>(guard.window_seconds) * 1e9));
}

std::vector<GuardEvent> Guards::Evaluate(Aggregator& aggregator, LoadState state,
                                         std::span<const model::Value> external) {
  std::vector<GuardEvent> events;
  const std::uint64_t complete = aggregator.CompleteSeconds();
  const auto passed = static_cast<std::uint32_t>(complete - std::exchange(seen_seconds_, complete));
  running_seconds_ = state == LoadState::kRunning ? running_seconds_ + passed : 0;
  if (passed == 0) return events;

  std::uint32_t filled_window = 0;
  std::uint32_t covered = 0;
  for (std::size_t i = 0; i < guards_.size(); ++i) {
    Guard& guard = guards_[i];
    if (guard.own && state != LoadState::kRunning) {
      guard.state.held_seconds = guard.clear_seconds = 0;
      continue;
    }
    if (filled_window != guard.window_seconds) {
      filled_window = guard.window_seconds;
      const Totals& window = aggregator.Window(filled_window, &covered);
      metrics_.Fill({&window, static_cast<double>(covered), aggregator.CurrentGauges().users,
                     aggregator.MostUsers(), external});
    }
    const bool full = guard.own
                          ? std::min<std::uint64_t>(covered, running_seconds_) >= filled_window
                          : covered >= filled_window;
    Judgement judgement = Judge(guard, full);
    guard.state.held_seconds = judgement.met ? guard.state.held_seconds + passed : 0;
    guard.clear_seconds = judgement.met ? 0 : guard.clear_seconds + passed;

    GuardEvent event{.guard = i,
                     .kind = GuardEvent::Kind::kFired,
                     .action = guard.spec.action,
                     .to = guard.spec.action == GuardAction::kThrottle ? guard.spec.to : 1,
                     .second = complete - 1,
                     .text = guard.spec.when.text,
                     .reason = {}};
    if (!guard.state.fired && guard.state.held_seconds >= guard.for_seconds) {
      guard.state.fired = true;
      event.reason = judgement.reason.empty() ? Describe(guard)
                                              : judgement.reason + " (" + Describe(guard) + ")";
      events.push_back(std::move(event));
    } else if (guard.state.fired && guard.spec.action != GuardAction::kAbort &&
               guard.clear_seconds >= std::max(guard.for_seconds, guard.window_seconds)) {
      guard.state.fired = false;
      event.kind = GuardEvent::Kind::kReleased;
      event.to = 1;
      event.reason = Describe(guard);
      events.push_back(std::move(event));
    }
  }
  return events;
}

}  // namespace ronda::stats
