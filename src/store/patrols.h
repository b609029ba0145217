#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/status.h"
#include "store/database.h"

namespace ronda::store {

// How a path stands: a scenario that the patrol `name` walks in an environment. Times: nanoseconds since 1970; 0: never.
struct PatrolStateRow {
  std::string name = {}, scenario = {}, environment = {};
  std::string state = {};  // "passing", "failing", "flapping", "unknown"
  std::int64_t since_ns = 0;
  std::string last_run = {};
  std::int64_t last_ns = 0;
  std::string last_verdict = {};
  std::int64_t last_passed_ns = 0;
  std::int64_t streak = 0;  // of equal verdicts, the last one included
  std::uint32_t recent = 0;  // the last 32 verdicts, the newest lowest; 1: failed
  std::int64_t recent_count = 0;
};

// Verdicts of a patrol in an environment during `width_s` seconds from `start_s`.
struct PatrolRollupRow {
  std::string name = {}, scenario = {}, environment = {};
  std::int64_t width_s = 60, start_s = 0;
  std::int64_t passed = 0, failed = 0, unknown = 0;
  std::int64_t duration_ns = 0;  // summed up
  std::int64_t duration_max_ns = 0;
};

[[nodiscard]] base::Status PutPatrolState(Transaction& t, const PatrolStateRow& state);
[[nodiscard]] base::Result<std::vector<PatrolStateRow>> PatrolStates(Transaction& t);
[[nodiscard]] base::Status DeletePatrolState(Transaction& t, std::string_view name);

// Adds to the row of that bucket.
[[nodiscard]] base::Status AddToRollup(Transaction& t, const PatrolRollupRow& row);
// All buckets of a width that begin in [from, to), by name, scenario, environment, start; of one path when a
// name is given.
[[nodiscard]] base::Result<std::vector<PatrolRollupRow>> PatrolRollups(
    Transaction& t, std::int64_t width_s, std::int64_t from_s, std::int64_t to_s,
    std::string_view name = "", std::string_view scenario = "", std::string_view environment = "");
// The same, summed up over the time: a row for each path.
[[nodiscard]] base::Result<std::vector<PatrolRollupRow>> PatrolSums(Transaction& t,
                                                                    std::int64_t width_s,
                                                                    std::int64_t from_s,
                                                                    std::int64_t to_s);
[[nodiscard]] base::Status DeleteRollups(Transaction& t, std::int64_t width_s,
                                         std::int64_t before_s);

}  // namespace ronda::store
