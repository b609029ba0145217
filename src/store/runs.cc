#include "store/runs.h"

namespace ronda::store {
namespace {

Value Time(std::int64_t ns) { return ns == 0 ? Value(std::monostate()) : Value(ns); }

#define RONDA_RUN_COLUMNS                                                                      \
  "id, kind, name, version, digest, snapshot, environment, overlay, cause_kind, cause, mode, " \
  "state, active, verdict, reason, parent, epoch, created_ns, started_ns, ended_ns, scenario"

RunRow RunOf(const Row& row) {
  return {.id = row.Text(0),
          .kind = row.Text(1),
          .name = row.Text(2),
          .version = row.Int(3),
          .digest = row.Text(4),
          .snapshot = row.Text(5),
          .scenario = row.Text(20),
          .environment = row.Text(6),
          .overlay = row.Text(7),
          .cause_kind = row.Text(8),
          .cause = row.Text(9),
          .mode = row.Text(10),
          .state = row.Text(11),
          .active = row.Int(12) != 0,
          .verdict = row.Text(13),
          .reason = row.Text(14),
          .parent = row.Text(15),
          .epoch = row.Int(16),
          .created_ns = row.Int(17),
          .started_ns = row.Int(18),
          .ended_ns = row.Int(19)};
}

#define RONDA_GATE_COLUMNS                                                                  \
  "id, run_id, ordinal, type, ask, answerers, min_answers, state, created_ns, expires_ns, " \
  "closed_ns, on_expire"

GateRow GateOf(const Row& row) {
  return {.id = row.Text(0),
          .run_id = row.Text(1),
          .node = row.OptionalInt(2),
          .type = row.Text(3),
          .ask = row.Text(4),
          .answerers = row.Text(5),
          .min_answers = row.Int(6),
          .state = row.Text(7),
          .created_ns = row.Int(8),
          .expires_ns = row.Int(9),
          .closed_ns = row.Int(10),
          .on_expire = row.Text(11)};
}

base::Result<std::vector<GateRow>> GatesWhere(Transaction& t, std::string_view sql,
                                              const Transaction::Values& values) {
  std::vector<GateRow> found;
  RETURN_IF_ERROR(t.Query(sql, values, [&](const Row& row) { found.push_back(GateOf(row)); }));
  return found;
}

}  // namespace

base::Status InsertRun(Transaction& t, const RunRow& run) {
  return t.Run(
      "INSERT INTO runs (" RONDA_RUN_COLUMNS
      ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, "
      "$18, $19, $20, $21)",
      {run.id,
       run.kind,
       run.name,
       run.version,
       run.digest,
       run.snapshot,
       run.environment,
       run.overlay,
       run.cause_kind,
       run.cause,
       run.mode,
       run.state,
       std::int64_t{run.active},
       run.verdict,
       run.reason,
       run.parent,
       run.epoch,
       run.created_ns,
       Time(run.started_ns),
       Time(run.ended_ns),
       run.scenario});
}

base::Status UpdateRun(Transaction& t, const RunRow& run) {
  return t.Run(
      "UPDATE runs SET state = $2, active = $3, verdict = $4, reason = $5, epoch = $6, started_ns "
      "= "
      "$7, ended_ns = $8, overlay = $9 WHERE id = $1",
      {run.id, run.state, std::int64_t{run.active}, run.verdict, run.reason, run.epoch,
       Time(run.started_ns), Time(run.ended_ns), run.overlay});
}

base::Result<std::optional<RunRow>> FindRun(Transaction& t, std::string_view id) {
  std::optional<RunRow> found;
  RETURN_IF_ERROR(t.Query("SELECT " RONDA_RUN_COLUMNS " FROM runs WHERE id = $1", {std::string(id)},
                          [&](const Row& row) { found = RunOf(row); }));
  return found;
}

base::Result<std::vector<RunRow>> ListRuns(Transaction& t, const RunFilter& filter) {
  std::string sql = "SELECT " RONDA_RUN_COLUMNS " FROM runs WHERE 1 = 1";
  Transaction::Values values;
  const auto add = [&](std::string_view condition, Value value) {
    values.push_back(std::move(value));
    ((sql += " AND ") += condition) += "$" + std::to_string(values.size());
  };
  if (!filter.kind.empty()) add("kind = ", filter.kind);
  if (!filter.name.empty()) add("name = ", filter.name);
  if (!filter.scenario.empty()) add("scenario = ", filter.scenario);
  if (!filter.environment.empty()) add("environment = ", filter.environment);
  if (!filter.state.empty()) add("state = ", filter.state);
  if (!filter.verdict.empty()) add("verdict = ", filter.verdict);
  if (!filter.cause_kind.empty()) add("cause_kind = ", filter.cause_kind);
  if (filter.active) add("active = ", std::int64_t{*filter.active});
  if (filter.from_ns > 0) add("created_ns >= ", filter.from_ns);
  if (filter.to_ns > 0) add("created_ns < ", filter.to_ns);
  if (filter.before_created > 0) {
    add("created_ns <= ", filter.before_created);
    values.emplace_back(filter.before_created);
    const std::string created = "$" + std::to_string(values.size());
    values.emplace_back(filter.before_id);
    sql += " AND (created_ns < " + created + " OR id < $" + std::to_string(values.size()) + ")";
  }
  values.emplace_back(filter.limit);
  sql += " ORDER BY created_ns DESC, id DESC LIMIT $" + std::to_string(values.size());
  std::vector<RunRow> found;
  RETURN_IF_ERROR(t.Query(sql, values, [&](const Row& row) { found.push_back(RunOf(row)); }));
  return found;
}

base::Status PutNode(Transaction& t, std::string_view run_id, const NodeRow& node) {
  return t.Run(
      "INSERT INTO nodes (run_id, ordinal, path, state, attempts, started_ns, ended_ns, error) "
      "VALUES "
      "($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (run_id, ordinal) DO UPDATE SET state = "
      "excluded.state, attempts = excluded.attempts, started_ns = excluded.started_ns, ended_ns = "
      "excluded.ended_ns, error = excluded.error",
      {std::string(run_id), node.ordinal, node.path, node.state, node.attempts,
       Time(node.started_ns), Time(node.ended_ns), node.error});
}

base::Result<std::vector<NodeRow>> NodesOf(Transaction& t, std::string_view run_id) {
  std::vector<NodeRow> found;
  RETURN_IF_ERROR(
      t.Query("SELECT ordinal, path, state, attempts, started_ns, ended_ns, error FROM nodes WHERE "
              "run_id = "
              "$1 ORDER BY ordinal",
              {std::string(run_id)}, [&](const Row& row) {
                found.push_back({.ordinal = row.Int(0),
                                 .path = row.Text(1),
                                 .state = row.Text(2),
                                 .attempts = row.Int(3),
                                 .started_ns = row.Int(4),
                                 .ended_ns = row.Int(5),
                                 .error = row.Text(6)});
              }));
  return found;
}

base::Status PutAssignment(Transaction& t, const AssignmentRow& a) {
  return t.Run(
      "INSERT INTO assignments (run_id, ordinal, attempt, worker, zone, state, outcome, reason, "
      "created_ns, started_ns, ended_ns) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON "
      "CONFLICT (run_id, ordinal, attempt) DO UPDATE SET state = excluded.state, outcome = "
      "excluded.outcome, reason = excluded.reason, started_ns = excluded.started_ns, ended_ns = "
      "excluded.ended_ns",
      {a.run_id, a.ordinal, a.attempt, a.worker, a.zone, a.state, a.outcome, a.reason, a.created_ns,
       Time(a.started_ns), Time(a.ended_ns)});
}

base::Result<std::vector<AssignmentRow>> AssignmentsOf(Transaction& t, std::string_view run_id) {
  std::vector<AssignmentRow> found;
  RETURN_IF_ERROR(t.Query(
      "SELECT ordinal, attempt, worker, zone, state, outcome, reason, created_ns, started_ns, "
      "ended_ns FROM assignments WHERE run_id = $1 ORDER BY ordinal, attempt",
      {std::string(run_id)}, [&](const Row& row) {
        found.push_back({.run_id = std::string(run_id),
                         .ordinal = row.Int(0),
                         .attempt = row.Int(1),
                         .worker = row.Text(2),
                         .zone = row.Text(3),
                         .state = row.Text(4),
                         .outcome = row.Text(5),
                         .reason = row.Text(6),
                         .created_ns = row.Int(7),
                         .started_ns = row.Int(8),
                         .ended_ns = row.Int(9)});
      }));
  return found;
}

base::Status PutEvidence(Transaction& t, const EvidenceRow& e) {
  return t.Run(
      "INSERT INTO evidence (run_id, ordinal, attempt, path, at_ns, body) VALUES ($1, $2, $3, $4, "
      "$5, "
      "$6) ON CONFLICT (run_id, ordinal, attempt, path) DO UPDATE SET body = excluded.body",
      {e.run_id, e.ordinal, e.attempt, e.path, e.at_ns, e.body});
}

base::Result<std::vector<EvidenceRow>> EvidenceOf(Transaction& t, std::string_view run_id) {
  std::vector<EvidenceRow> found;
  RETURN_IF_ERROR(
      t.Query("SELECT ordinal, attempt, path, at_ns, body FROM evidence WHERE run_id = $1 ORDER BY "
              "ordinal, "
              "attempt, at_ns, path",
              {std::string(run_id)}, [&](const Row& row) {
                found.push_back({std::string(run_id), row.Int(0), row.Int(1), row.Text(2),
                                 row.Int(3), row.Text(4)});
              }));
  return found;
}

base::Status InsertGate(Transaction& t, const GateRow& gate) {
  return t.Run("INSERT INTO gates (" RONDA_GATE_COLUMNS
               ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
               {gate.id, gate.run_id, gate.node ? Value(*gate.node) : Value(std::monostate()),
                gate.type, gate.ask, gate.answerers, gate.min_answers, gate.state, gate.created_ns,
                Time(gate.expires_ns), Time(gate.closed_ns), gate.on_expire});
}

base::Result<bool> CloseGate(Transaction& t, std::string_view id, std::string_view state,
                             std::int64_t now_ns) {
  ASSIGN_OR_RETURN(
      const std::int64_t changed,
      t.Execute("UPDATE gates SET state = $2, closed_ns = $3 WHERE id = $1 AND state = 'open'",
                {std::string(id), std::string(state), now_ns}));
  return changed == 1;
}

base::Result<std::optional<GateRow>> FindGate(Transaction& t, std::string_view id) {
  ASSIGN_OR_RETURN(
      auto found,
      GatesWhere(t, "SELECT " RONDA_GATE_COLUMNS " FROM gates WHERE id = $1", {std::string(id)}));
  if (found.empty()) return std::optional<GateRow>();
  return std::optional(std::move(found.front()));
}

base::Result<std::vector<GateRow>> OpenGates(Transaction& t) {
  return GatesWhere(
      t, "SELECT " RONDA_GATE_COLUMNS " FROM gates WHERE state = 'open' ORDER BY created_ns, id",
      {});
}

base::Result<std::vector<GateRow>> GatesOf(Transaction& t, std::string_view run_id) {
  return GatesWhere(
      t, "SELECT " RONDA_GATE_COLUMNS " FROM gates WHERE run_id = $1 ORDER BY created_ns, id",
      {std::string(run_id)});
}

base::Status InsertAnswer(Transaction& t, const GateAnswerRow& answer) {
  return t.Run(
      "INSERT INTO gate_answers (gate_id, who, verdict, answer, reason, at_ns) VALUES ($1, $2, $3, "
      "$4, $5, $6)",
      {answer.gate_id, answer.who, answer.verdict, answer.answer, answer.reason, answer.at_ns});
}

base::Result<std::vector<GateAnswerRow>> AnswersOf(Transaction& t, std::string_view gate_id) {
  std::vector<GateAnswerRow> found;
  RETURN_IF_ERROR(t.Query(
      "SELECT who, verdict, answer, reason, at_ns FROM gate_answers WHERE gate_id = $1 ORDER BY "
      "at_ns, who",
      {std::string(gate_id)}, [&](const Row& row) {
        found.push_back(
            {std::string(gate_id), row.Text(0), row.Text(1), row.Text(2), row.Text(3), row.Int(4)});
      }));
  return found;
}

base::Status PutReport(Transaction& t, std::string_view run_id, const std::string& report,
                       std::int64_t now_ns) {
  return t.Run(
      "INSERT INTO reports (run_id, report, created_ns) VALUES ($1, $2, $3) ON CONFLICT (run_id) "
      "DO "
      "UPDATE SET report = excluded.report",
      {std::string(run_id), Bytes{report}, now_ns});
}

base::Result<std::optional<std::string>> FindReport(Transaction& t, std::string_view run_id) {
  std::optional<std::string> found;
  RETURN_IF_ERROR(t.Query("SELECT report FROM reports WHERE run_id = $1", {std::string(run_id)},
                          [&](const Row& row) { found = row.Blob(0); }));
  return found;
}

base::Result<std::int64_t> DeleteRuns(Transaction& t, std::int64_t before_ns,
                                      std::string_view verdict, std::int64_t limit) {
  std::vector<std::string> ids;
  RETURN_IF_ERROR(t.Query(
      "SELECT id FROM runs WHERE active = 0 AND created_ns < $1 AND ended_ns < $1 AND ($2 = '' OR "
      "verdict = $2) ORDER BY created_ns LIMIT $3",
      {before_ns, std::string(verdict), limit},
      [&](const Row& row) { ids.push_back(row.Text(0)); }));
  for (const std::string& id : ids) {
    for (const char* sql :
         {"DELETE FROM gate_answers WHERE gate_id IN (SELECT id FROM gates WHERE run_id = $1)",
          "DELETE FROM gates WHERE run_id = $1", "DELETE FROM evidence WHERE run_id = $1",
          "DELETE FROM assignments WHERE run_id = $1", "DELETE FROM nodes WHERE run_id = $1",
          "DELETE FROM reports WHERE run_id = $1", "DELETE FROM runs WHERE id = $1"}) {
      RETURN_IF_ERROR(t.Run(sql, {id}));
    }
  }
  return static_cast<std::int64_t>(ids.size());
}

}  // namespace ronda::store
