#include "store/patrols.h"

namespace ronda::store {
namespace {

PatrolRollupRow RollupOf(const Row& row) {
  return {.name = row.Text(0),
          .scenario = row.Text(1),
          .environment = row.Text(2),
          .width_s = row.Int(3),
          .start_s = row.Int(4),
          .passed = row.Int(5),
          .failed = row.Int(6),
          .unknown = row.Int(7),
          .duration_ns = row.Int(8),
          .duration_max_ns = row.Int(9)};
}

}  // namespace

base::Status PutPatrolState(Transaction& t, const PatrolStateRow& row) {
  return t.Run(
      "INSERT INTO patrol_states (name, environment, state, since_ns, last_run, last_ns, "
      "last_verdict, last_passed_ns, streak, recent, recent_count, scenario) VALUES ($1, $2, $3, "
      "$4, "
      "$5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (name, scenario, environment) DO UPDATE SET "
      "state = excluded.state, "
      "since_ns = excluded.since_ns, last_run = excluded.last_run, last_ns = excluded.last_ns, "
      "last_verdict = excluded.last_verdict, last_passed_ns = excluded.last_passed_ns, streak = "
      "excluded.streak, recent = excluded.recent, recent_count = excluded.recent_count",
      {row.name, row.environment, row.state, row.since_ns, row.last_run, row.last_ns,
       row.last_verdict, row.last_passed_ns, row.streak, std::int64_t{row.recent}, row.recent_count,
       row.scenario});
}

base::Result<std::vector<PatrolStateRow>> PatrolStates(Transaction& t) {
  std::vector<PatrolStateRow> found;
  RETURN_IF_ERROR(t.Query(
      "SELECT name, environment, state, since_ns, last_run, last_ns, last_verdict, last_passed_ns, "
      "streak, recent, recent_count, scenario FROM patrol_states ORDER BY name, scenario, "
      "environment",
      {}, [&](const Row& row) {
        found.push_back({.name = row.Text(0),
                         .scenario = row.Text(11),
                         .environment = row.Text(1),
                         .state = row.Text(2),
                         .since_ns = row.Int(3),
                         .last_run = row.Text(4),
                         .last_ns = row.Int(5),
                         .last_verdict = row.Text(6),
                         .last_passed_ns = row.Int(7),
                         .streak = row.Int(8),
                         .recent = static_cast<std::uint32_t>(row.Int(9)),
                         .recent_count = row.Int(10)});
      }));
  return found;
}

base::Status DeletePatrolState(Transaction& t, std::string_view name) {
  return t.Run("DELETE FROM patrol_states WHERE name = $1", {std::string(name)});
}

base::Status AddToRollup(Transaction& t, const PatrolRollupRow& row) {
  return t.Run(
      "INSERT INTO patrol_rollups (name, environment, width_s, start_s, passed, failed, unknown, "
      "duration_ns, duration_max_ns, scenario) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON "
      "CONFLICT (width_s, name, scenario, environment, start_s) DO UPDATE SET passed = "
      "patrol_rollups.passed + "
      "excluded.passed, failed = patrol_rollups.failed + excluded.failed, unknown = "
      "patrol_rollups.unknown + excluded.unknown, duration_ns = patrol_rollups.duration_ns + "
      "excluded.duration_ns, duration_max_ns = CASE WHEN patrol_rollups.duration_max_ns > "
      "excluded.duration_max_ns THEN patrol_rollups.duration_max_ns ELSE excluded.duration_max_ns "
      "END",
      {row.name, row.environment, row.width_s, row.start_s, row.passed, row.failed, row.unknown,
       row.duration_ns, row.duration_max_ns, row.scenario});
}

base::Result<std::vector<PatrolRollupRow>> PatrolRollups(Transaction& t, std::int64_t width_s,
                                                         std::int64_t from_s, std::int64_t to_s,
                                                         std::string_view name,
                                                         std::string_view scenario,
                                                         std::string_view environment) {
  std::vector<PatrolRollupRow> found;
  const auto take = [&](const Row& row) { found.push_back(RollupOf(row)); };
  if (name.empty()) {
    RETURN_IF_ERROR(t.Query(
        "SELECT name, scenario, environment, width_s, start_s, passed, failed, unknown, "
        "duration_ns, "
        "duration_max_ns FROM patrol_rollups WHERE width_s = $1 AND start_s >= $2 AND start_s < $3 "
        "ORDER BY name, scenario, environment, start_s",
        {width_s, from_s, to_s}, take));
    return found;
  }
  RETURN_IF_ERROR(t.Query(
      "SELECT name, scenario, environment, width_s, start_s, passed, failed, unknown, duration_ns, "
      "duration_max_ns FROM patrol_rollups WHERE width_s = $1 AND name = $4 AND ($5 = '' OR "
      "environment = $5) AND ($6 = '' OR scenario = $6) AND start_s >= $2 AND start_s < $3 ORDER "
      "BY name, environment, start_s",
      {width_s, from_s, to_s, std::string(name), std::string(environment), std::string(scenario)},
      take));
  return found;
}

base::Result<std::vector<PatrolRollupRow>> PatrolSums(Transaction& t, std::int64_t width_s,
                                                      std::int64_t from_s, std::int64_t to_s) {
  std::vector<PatrolRollupRow> found;
  RETURN_IF_ERROR(t.Query(
      "SELECT name, scenario, environment, width_s, min(start_s), sum(passed), sum(failed), "
      "sum(unknown), "
      "sum(duration_ns), max(duration_max_ns) FROM patrol_rollups WHERE width_s = $1 AND start_s "
      ">= "
      "$2 AND start_s < $3 GROUP BY name, scenario, environment, width_s ORDER BY "
      "name, scenario, environment",
      {width_s, from_s, to_s}, [&](const Row& row) { found.push_back(RollupOf(row)); }));
  return found;
}

base::Status DeleteRollups(Transaction& t, std::int64_t width_s, std::int64_t before_s) {
  return t.Run("DELETE FROM patrol_rollups WHERE width_s = $1 AND start_s < $2",
               {width_s, before_s});
}

}  // namespace ronda::store
