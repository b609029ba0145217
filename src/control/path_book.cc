#include "control/path_book.h"

#include <algorithm>
#include <array>
#include <bit>

#include "base/json_writer.h"

namespace ronda::control {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
// Rollups that availability is told from: minutes, hours, days.
constexpr std::array<std::int64_t, 3> kWidths = {60, 3600, 86'400};
// A path whose newest results change so often is flapping, whatever its newest ones say.
constexpr int kFlapResults = 16, kFlapChanges = 8;

bool IsFlapping(const store::PatrolStateRow& row) {
  if (row.recent_count < kFlapResults) return false;
  const std::uint32_t changes = (row.recent ^ (row.recent >> 1)) & ((1u << (kFlapResults - 1)) - 1);
  return std::popcount(changes) >= kFlapChanges;
}

std::string JsonOf(const store::PatrolStateRow& row) {
  base::JsonWriter json;
  json.Object().Field("name", row.name).Field("scenario", row.scenario);
  json.Field("environment", row.environment).Field("state", row.state);
  json.Field("sinceNs", row.since_ns).Field("lastRun", row.last_run);
  json.Field("lastVerdict", row.last_verdict).EndObject();
  return std::move(json.out);
}

}  // namespace

base::Status PathBook::Load(store::Database& database) {
  return database.Read([&](store::Transaction& t) -> base::Status {
    rows_.clear();
    ASSIGN_OR_RETURN(const auto rows, store::PatrolStates(t));
    for (const store::PatrolStateRow& row : rows)
      rows_[{row.name, row.scenario, row.environment}] = row;
    return base::Ok();
  });
}

void PathBook::Take(const PathResult& result, const PathRule& rule) {
  const auto now = static_cast<std::int64_t>(clock_.WallNs());
  store::PatrolStateRow& row = rows_[{result.patrol, result.scenario, result.environment}];
  if (row.name.empty()) {
    row = {.name = result.patrol,
           .scenario = result.scenario,
           .environment = result.environment,
           .state = "unknown",
           .since_ns = now};
  }
  row.last_run = result.run_id;
  row.last_ns = now;
  for (const bool failed : result.failed) {
    row.recent = row.recent << 1 | static_cast<std::uint32_t>(failed);
    row.recent_count = std::min<std::int64_t>(row.recent_count + 1, 32);
  }
  std::string verdict = "unknown";
  if (!result.failed.empty()) {
    const int of = std::clamp(rule.of, 1, 32);
    const std::uint32_t mask = of == 32 ? ~0u : (1u << of) - 1;
    verdict = std::popcount(row.recent & mask) >= rule.fail ? "failed" : "passed";
  }
  row.streak = verdict == row.last_verdict ? row.streak + 1 : 1;
  row.last_verdict = verdict;
  if (verdict == "passed") row.last_passed_ns = now;
  std::string state = row.state;
  if (verdict == "failed" && row.streak >= rule.fail_rounds) state = "failing";
  if (verdict == "passed" && (row.streak >= rule.pass_rounds || state == "unknown"))
    state = "passing";
  if (IsFlapping(row)) state = "flapping";
  const bool changed = state != row.state;
  if (changed) {
    row.state = state;
    row.since_ns = now;
  }
  // What a walk says for itself, whatever the rule makes of several.
  const bool any_failed = std::ranges::find(result.failed, true) != result.failed.end();
  store::PatrolRollupRow rollup{.name = row.name,
                                .scenario = row.scenario,
                                .environment = row.environment,
                                .passed = !result.failed.empty() && !any_failed,
                                .failed = any_failed,
                                .unknown = result.failed.empty(),
                                .duration_ns = static_cast<std::int64_t>(result.duration_ns),
                                .duration_max_ns = static_cast<std::int64_t>(result.duration_ns)};
  journal_.Write([row, rollup, now](store::Transaction& t) -> base::Status {
    RETURN_IF_ERROR(store::PutPatrolState(t, row));
    for (const std::int64_t width : kWidths) {
      store::PatrolRollupRow bucket = rollup;
      bucket.width_s = width;
      bucket.start_s = now / kSecond / width * width;
      RETURN_IF_ERROR(store::AddToRollup(t, bucket));
    }
    return base::Ok();
  });
  if (changed) journal_.Then([this, json = JsonOf(row)] { events_.Publish("patrol", json); });
}

void PathBook::Forget(const std::string& patrol) {
  std::erase_if(rows_, [&](const auto& each) { return std::get<0>(each.first) == patrol; });
  journal_.Write([patrol](store::Transaction& t) { return store::DeletePatrolState(t, patrol); });
}

const store::PatrolStateRow* PathBook::Find(const std::string& patrol, const std::string& scenario,
                                            const std::string& environment) const {
  const auto found = rows_.find({patrol, scenario, environment});
  return found == rows_.end() ? nullptr : &found->second;
}

}  // namespace ronda::control
