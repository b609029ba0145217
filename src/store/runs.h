#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/status.h"
#include "store/database.h"

namespace ronda::store {

// States are kept as their names (control/run_state.h). Times: nanoseconds since 1970; 0: not yet.

struct RunRow {
  std::string id = {};  // 32 hex digits
  std::string kind = {}, name = {};
  std::int64_t version = 0;
  std::string digest = {};  // of the definition
  std::string snapshot = {};  // digest of everything that it is made from
  std::string scenario = {};  // what is executed, where a patrol has several
  std::string environment = {};
  std::string overlay = "{}";  // JSON: what this run has otherwise
  std::string cause_kind = {}, cause = "{}";
  std::string mode = {};
  std::string state = {};
  bool active = true;  // the state is not final
  std::string verdict = {}, reason = {}, parent = {};
  std::int64_t epoch = 0;
  std::int64_t created_ns = 0, started_ns = 0, ended_ns = 0;
};

struct NodeRow {
  std::int64_t ordinal = 0;
  std::string path = {};
  std::string state = {};
  std::int64_t attempts = 0;
  std::int64_t started_ns = 0, ended_ns = 0;
  std::string error = {};
};

struct AssignmentRow {
  std::string run_id = {};
  std::int64_t ordinal = 0, attempt = 0;
  std::string worker = {}, zone = {}, state = {}, outcome = {}, reason = {};
  std::int64_t created_ns = 0, started_ns = 0, ended_ns = 0;
};

struct EvidenceRow {
  std::string run_id = {};
  std::int64_t ordinal = 0, attempt = 0;
  std::string path = {};
  std::int64_t at_ns = 0;
  std::string body = {};  // JSON
};

struct GateRow {
  std::string id = {}, run_id = {};
  std::optional<std::int64_t> node = {};
  std::string type = {};
  std::string ask = "{}", answerers = "[]";  // JSON
  std::int64_t min_answers = 1;
  std::string state = {};
  std::int64_t created_ns = 0, expires_ns = 0, closed_ns = 0;
  std::string on_expire = {};
};

struct GateAnswerRow {
  std::string gate_id = {}, who = {}, verdict = {}, answer = "{}", reason = {};
  std::int64_t at_ns = 0;
};

// Newest first, behind `before_created`/`before_id`.
struct RunFilter {
  std::string kind = {}, name = {}, scenario = {}, environment = {}, state = {}, verdict = {},
              cause_kind = {};  // empty: any
  std::optional<bool> active = {};
  std::int64_t from_ns = 0, to_ns = 0;  // created; 0: open
  std::int64_t before_created = 0;  // 0: from the newest
  std::string before_id = {};
  std::int64_t limit = 100;
};

[[nodiscard]] base::Status InsertRun(Transaction& t, const RunRow& run);
// Everything that changes after it was made: state, verdict, reason, epoch, times.
[[nodiscard]] base::Status UpdateRun(Transaction& t, const RunRow& run);
[[nodiscard]] base::Result<std::optional<RunRow>> FindRun(Transaction& t, std::string_view id);
[[nodiscard]] base::Result<std::vector<RunRow>> ListRuns(Transaction& t, const RunFilter& filter);

[[nodiscard]] base::Status PutNode(Transaction& t, std::string_view run_id, const NodeRow& node);
[[nodiscard]] base::Result<std::vector<NodeRow>> NodesOf(Transaction& t, std::string_view run_id);

[[nodiscard]] base::Status PutAssignment(Transaction& t, const AssignmentRow& assignment);
[[nodiscard]] base::Result<std::vector<AssignmentRow>> AssignmentsOf(Transaction& t,
                                                                     std::string_view run_id);

[[nodiscard]] base::Status PutEvidence(Transaction& t, const EvidenceRow& evidence);
[[nodiscard]] base::Result<std::vector<EvidenceRow>> EvidenceOf(Transaction& t,
                                                                std::string_view run_id);

[[nodiscard]] base::Status InsertGate(Transaction& t, const GateRow& gate);
// Closes an open one; false when somebody else already has.
[[nodiscard]] base::Result<bool> CloseGate(Transaction& t, std::string_view id,
                                           std::string_view state, std::int64_t now_ns);
[[nodiscard]] base::Result<std::optional<GateRow>> FindGate(Transaction& t, std::string_view id);
[[nodiscard]] base::Result<std::vector<GateRow>> OpenGates(Transaction& t);
[[nodiscard]] base::Result<std::vector<GateRow>> GatesOf(Transaction& t, std::string_view run_id);
// AlreadyExists when `who` has answered.
[[nodiscard]] base::Status InsertAnswer(Transaction& t, const GateAnswerRow& answer);
[[nodiscard]] base::Result<std::vector<GateAnswerRow>> AnswersOf(Transaction& t,
                                                                 std::string_view gate_id);

[[nodiscard]] base::Status PutReport(Transaction& t, std::string_view run_id,
                                     const std::string& report, std::int64_t now_ns);
[[nodiscard]] base::Result<std::optional<std::string>> FindReport(Transaction& t,
                                                                  std::string_view run_id);

// Removes up to `limit` runs, with all that belongs to them, that ended before `before_ns`; those whose
// verdict is `verdict` only, unless it is empty. Returns how many.
[[nodiscard]] base::Result<std::int64_t> DeleteRuns(Transaction& t, std::int64_t before_ns,
                                                    std::string_view verdict, std::int64_t limit);

}  // namespace ronda::store
