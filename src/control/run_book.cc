#include "control/run_book.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/core/check.h"
#include "base/json_writer.h"
#include "control/run_overlay.h"
#include "store/definitions.h"
#include "wire/worker/part.h"

namespace ronda::control {
namespace {

using wire::worker::Done;
using wire::worker::KeyOf;
using wire::worker::PartId;

// The worker ends a part that takes too long by itself; after this it is told, and after as much again it
// is believed to be lost.
constexpr std::uint64_t kGraceNs = 10'000'000'000;
// How often a part that finds no free worker looks for one.
constexpr std::uint64_t kRetryNs = 1'000'000'000;
constexpr std::uint64_t kNever = ~std::uint64_t{0};

PartId IdOf(const store::AssignmentRow& row, std::uint64_t epoch) {
  PartId id;
  id.set_run_id(row.run_id);
  id.set_ordinal(static_cast<std::uint32_t>(row.ordinal));
  id.set_attempt(static_cast<std::uint32_t>(row.attempt));
  id.set_epoch(epoch);
  return id;
}

std::string_view NameOf(Done::Outcome outcome) {
  switch (outcome) {
    case Done::PASSED: return "passed";
    case Done::FAILED: return "failed";
    case Done::STOPPED: return "stopped";
    case Done::INTERRUPTED: return "interrupted";
    case Done::LEASE_LOST: return "lease-lost";
    default: return "error";
  }
}

NodeState NodeStateOf(wire::worker::StepResult::State state) {
  switch (state) {
    case wire::worker::StepResult::SUCCEEDED: return NodeState::kSucceeded;
    case wire::worker::StepResult::TIMED_OUT: return NodeState::kTimedOut;
    case wire::worker::StepResult::SKIPPED: return NodeState::kSkipped;
    case wire::worker::StepResult::CANCELLED: return NodeState::kCancelled;
    default: return NodeState::kFailed;
  }
}

bool IsFailure(std::string_view state) { return state == "failed" || state == "timed-out"; }

std::string EvidenceJson(const wire::worker::StepResult& step) {
  const wire::worker::Evidence& e = step.evidence();
  base::JsonWriter json;
  json.Object().Field("error", step.error()).Field("durationNs", step.duration_ns());
  json.Key("request").Object().Field("line", e.request_line()).Field("head", e.request_head());
  json.Field("body", e.request_body()).Field("cut", e.request_cut()).EndObject();
  json.Key("response").Object().Field("line", e.response_line()).Field("head", e.response_head());
  json.Field("body", e.response_body()).Field("cut", e.response_cut()).EndObject();
  json.Field("traceId", e.trace_id()).Field("detail", e.detail());
  const auto& t = e.timings();
  json.Key("timingsNs").Object().Field("blocked", t.blocked()).Field("dns", t.dns());
  json.Field("connect", t.connect()).Field("tls", t.tls()).Field("send", t.send());
  json.Field("firstByte", t.first_byte()).Field("transfer", t.transfer()).EndObject();
  json.Key("tls").Object().Field("protocol", e.tls_protocol()).Field("cipher", e.tls_cipher());
  json.Key("chain").List();
  for (const auto& certificate : e.chain()) {
    json.Object().Field("subject", certificate.subject()).Field("issuer", certificate.issuer());
    json.Field("notAfter", certificate.not_after_s()).Key("names").List();
    for (const std::string& name : certificate.names()) json.Text(name);
    json.EndList().EndObject();
  }
  json.EndList().EndObject().EndObject();
  return std::move(json.out);
}

bool IsOnWorker(const RunPart& part) { return !IsFinal(part.state) && part.deadline_ns != 0; }

}  // namespace

RunBook::RunBook(Parts parts) : parts_(std::move(parts)), ids_(base::Environment::kUnknown, 62) {}

std::int64_t RunBook::Wall() const { return static_cast<std::int64_t>(parts_.clock->WallNs()); }

// ---- writing

void RunBook::Save(const ActiveRun& run) {
  parts_.journal->Write(
      [row = run.row](store::Transaction& t) { return store::UpdateRun(t, row); });
}

void RunBook::SaveNodes(const ActiveRun& run) {
  parts_.journal->Write(
      [id = run.row.id, nodes = run.nodes](store::Transaction& t) -> base::Status {
        for (const store::NodeRow& node : nodes) RETURN_IF_ERROR(store::PutNode(t, id, node));
        return base::Ok();
      });
}

void RunBook::SavePart(const RunPart& part) {
  parts_.journal->Write(
      [row = part.row](store::Transaction& t) { return store::PutAssignment(t, row); });
}

void RunBook::Tell(const ActiveRun& run) {
  base::JsonWriter json;
  json.Object().Field("id", run.row.id).Field("kind", run.row.kind).Field("name", run.row.name);
  json.Field("scenario", run.row.scenario).Field("environment", run.row.environment);
  json.Field("state", run.row.state).Field("verdict", run.row.verdict);
  json.Field("reason", run.row.reason).EndObject();
  parts_.journal->Then([this, text = std::move(json.out)] { parts_.events->Publish("run", text); });
}

void RunBook::Move(ActiveRun& run, RunState to) {
  CHECK(MayFollow(run.state, to));
  run.state = to;
  run.row.state = NameOf(to);
}

// ---- from order to dispatch

std::string RunBook::Start(const RunOrder& order) {
  const Recipe& recipe = *order.recipe;
  auto made = std::make_unique<ActiveRun>();
  ActiveRun& run = *made;
  run.recipe = order.recipe;
  run.row = {.id = base::ToHex(ids_.Next(parts_.clock->WallNs() / 1'000'000)),
             .kind = recipe.kind,
             .name = recipe.name,
             .version = recipe.version,
             .digest = recipe.digest,
             .snapshot = recipe.snapshot_digest,
             .scenario = recipe.root_name,
             .environment = recipe.environment,
             .overlay = OverlayOf(recipe),
             .cause_kind = order.cause_kind,
             .cause = order.cause,
             .mode = "real",
             .epoch = static_cast<std::int64_t>(epoch_),
             .created_ns = Wall()};
  for (std::size_t i = 0; i < recipe.paths.size(); ++i) {
    run.nodes.push_back({.ordinal = static_cast<std::int64_t>(i),
                         .path = recipe.paths[i],
                         .state = std::string(NameOf(NodeState::kPending))});
  }
  Move(run, RunState::kPreflight);
  if (order.confirm) {
    Move(run, RunState::kGated);
    run.gate = base::ToHex(ids_.Next(parts_.clock->WallNs() / 1'000'000));
  } else {
    Move(run, RunState::kQueued);
  }
  parts_.journal->Write([row = run.row, order, nodes = run.nodes,
                         gate = run.gate](store::Transaction& t) -> base::Status {
    RETURN_IF_ERROR(
        store::PutSnapshot(t, row.snapshot, order.recipe->snapshot_text, row.created_ns));
    RETURN_IF_ERROR(store::InsertRun(t, row));
    for (const store::NodeRow& node : nodes) RETURN_IF_ERROR(store::PutNode(t, row.id, node));
    if (gate.empty()) return base::Ok();
    return store::InsertGate(t, {.id = gate,
                                 .run_id = row.id,
                                 .type = "confirm",
                                 .answerers = R"(["role:operator"])",
                                 .state = "open",
                                 .created_ns = row.created_ns,
                                 .on_expire = "reject"});
  });
  const std::string id = run.row.id;
  runs_[id] = std::move(made);
  Tell(run);
  if (run.state == RunState::kQueued) Enqueue(run);
  return id;
}

void RunBook::Enqueue(ActiveRun& run) {
  run.queued_until_ns = parts_.clock->MonotonicNs() + run.recipe->timeout_ns;
  if (!Dispatch(run)) Save(run);
}

bool RunBook::Dispatch(ActiveRun& run) {
  std::string why;
  const std::vector<FleetWorker*> workers = parts_.fleet->Pick(run.recipe->workers, &why);
  if (workers.empty()) {
    run.row.reason = why;
    return false;
  }
  run.row.reason.clear();
  Move(run, RunState::kRunning);
  if (run.row.started_ns == 0) run.row.started_ns = Wall();
  for (store::NodeRow& node : run.nodes) {
    node.state = NameOf(NodeState::kRunning);
    node.attempts = std::max<std::int64_t>(node.attempts, 1);
  }
  run.parts.clear();
  for (std::size_t i = 0; i < workers.size(); ++i) {
    run.parts.push_back({.row = {.run_id = run.row.id,
                                 .ordinal = static_cast<std::int64_t>(i),
                                 .attempt = 1,
                                 .state = {},
                                 .created_ns = Wall()}});
    Send(run, run.parts.back(), *workers[i]);
  }
  Save(run);
  SaveNodes(run);
  Tell(run);
  return true;
}

wire_worker::Assign RunBook::AssignOf(const ActiveRun& run, const RunPart& part,
                                      FleetWorker& worker) const {
  const Recipe& recipe = *run.recipe;
  wire_worker::Assign assign;
  *assign.mutable_part() = IdOf(part.row, epoch_);
  assign.mutable_snapshot()->set_digest(recipe.snapshot_digest);
  if (worker.snapshots.insert(recipe.snapshot_digest).second)
    assign.mutable_snapshot()->set_content(recipe.snapshot_text);
  assign.set_kind(recipe.root_kind);
  assign.set_name(recipe.root_name);
  assign.set_version(static_cast<std::uint32_t>(recipe.root_version));
  assign.set_environment(recipe.environment);
  for (const auto& [key, value] : recipe.set) (*assign.mutable_set())[key] = value;
  for (const auto& [key, value] : recipe.secrets) (*assign.mutable_secrets())[key] = value;
  assign.set_mode(wire_worker::Assign::ONCE);
  assign.set_keep(static_cast<wire_worker::Assign::Keep>(recipe.keep));
  assign.set_body_bytes(recipe.body_bytes);
  assign.set_timeout_ns(recipe.timeout_ns);
  assign.set_mark(run.row.id);
  assign.set_traced(true);
  return assign;
}

void RunBook::Send(ActiveRun& run, RunPart& part, FleetWorker& worker) {
  part.state = PartState::kSent;
  part.row.state = NameOf(part.state);
  part.row.worker = worker.id;
  part.row.zone = worker.zone;
  part.retry_at_ns = part.give_up_ns = 0;
  part.told_to_stop = false;
  part.deadline_ns = parts_.clock->MonotonicNs() + run.recipe->timeout_ns + kGraceNs;
  worker.parts.insert(KeyOf(IdOf(part.row, epoch_)));
  SavePart(part);
  parts_.journal->Then([this, session = worker.session, assign = AssignOf(run, part, worker)] {
    wire_worker::ToWorker message;
    *message.mutable_assign() = assign;
    parts_.port->Send(session, message);
  });
}

void RunBook::Again(ActiveRun& run, RunPart& part, By by) {
  FleetWorker* worker = by == By::kSameWorker ? parts_.fleet->Find(part.row.worker) : nullptr;
  if (worker == nullptr || !worker->attached() || worker->free() == 0) {
    WorkerWish one = run.recipe->workers;
    one.count = 1;
    if (!part.row.zone.empty() && !one.zones.empty()) one.zones = {part.row.zone};
    std::string why;
    const auto picked = parts_.fleet->Pick(one, &why);
    if (picked.empty()) {
      run.row.reason = why;
      const std::uint64_t now = parts_.clock->MonotonicNs();
      part.retry_at_ns = now + kRetryNs;
      if (part.give_up_ns == 0) part.give_up_ns = now + run.recipe->timeout_ns;
      return;
    }
    worker = picked.front();
  }
  const std::int64_t ordinal = part.row.ordinal, attempt = part.row.attempt + 1;
  part.row = {.run_id = run.row.id, .ordinal = ordinal, .attempt = attempt, .created_ns = Wall()};
  run.row.reason.clear();
  for (store::NodeRow& node : run.nodes) {
    node.state = NameOf(NodeState::kRunning);
    node.attempts = attempt;
    node.error.clear();
  }
  Send(run, part, *worker);
  SaveNodes(run);
}

// ---- from workers

RunBook::Place RunBook::Find(const PartId& id) {
  const auto found = runs_.find(id.run_id());
  if (found == runs_.end()) return {};
  for (RunPart& part : found->second->parts) {
    if (part.row.ordinal == id.ordinal() && part.row.attempt == id.attempt())
      return {found->second.get(), &part};
  }
  return {};
}

void RunBook::Acknowledge(FleetWorker& worker, const PartId& part) {
  parts_.journal->Then([this, session = worker.session, part] {
    wire_worker::ToWorker message;
    *message.mutable_done_ack()->mutable_part() = part;
    parts_.port->Send(session, message);
  });
}

void RunBook::OnAttach(FleetWorker& worker, const wire_worker::Hello& hello,
                       wire_worker::Welcome& welcome) {
  std::set<std::string> held;
  for (const wire_worker::Holding& holding : hello.holding()) {
    held.insert(KeyOf(holding.part()));
    const Place place = Find(holding.part());
    const bool ours = place.part != nullptr && place.part->row.worker == worker.id;
    if (!ours || (place.part->state == PartState::kDone)) {
      *(holding.state() == wire_worker::Holding::RUNNING ? welcome.add_stop()
                                                         : welcome.add_forget()) = holding.part();
      continue;
    }
    if (holding.state() != wire_worker::Holding::INTERRUPTED) continue;
    *welcome.add_forget() = holding.part();
    Lose(*place.run, *place.part,
         fmt::format("worker {} was restarted while it executed it", worker.id));
  }
  // What it was given and has not got: it never began.
  for (const auto& [id, run] : runs_) {
    for (RunPart& part : run->parts) {
      const std::string key = KeyOf(IdOf(part.row, epoch_));
      if (!IsOnWorker(part) || part.row.worker != worker.id || held.contains(key)) continue;
      Send(*run, part, worker);
    }
  }
}

void RunBook::OnAccepted(FleetWorker&, const wire_worker::Accepted& accepted) {
  const Place place = Find(accepted.part());
  if (place.part == nullptr || place.part->state != PartState::kSent) return;
  place.part->state = PartState::kRunning;
  place.part->row.state = NameOf(place.part->state);
}

void RunBook::OnRefused(FleetWorker& worker, const wire_worker::Refused& refused) {
  const Place place = Find(refused.part());
  if (place.part == nullptr || IsFinal(place.part->state)) return;
  if (place.part->row.worker != worker.id) return;
  worker.parts.erase(KeyOf(refused.part()));
  if (refused.code() == wire_worker::Refused::NEED_SNAPSHOT) {
    worker.snapshots.erase(place.run->recipe->snapshot_digest);
    Send(*place.run, *place.part, worker);
    return;
  }
  RunPart& part = *place.part;
  part.row.reason = refused.message();
  part.row.ended_ns = Wall();
  if (refused.code() == wire_worker::Refused::BUSY) {
    part.state = PartState::kRefused;
    part.row.state = NameOf(part.state);
    SavePart(part);
    Again(*place.run, part, By::kAnyWorker);
    return;
  }
  part.state = PartState::kDone;
  part.row.state = NameOf(part.state);
  part.row.outcome = "error";
  SavePart(part);
  for (store::NodeRow& node : place.run->nodes) node.state = NameOf(NodeState::kCancelled);
  Evaluate(*place.run);
}

void RunBook::TakeSteps(ActiveRun& run, RunPart& part, const Done& done) {
  std::vector<store::EvidenceRow> evidence;
  for (const auto& step : done.steps()) {
    const auto node = std::ranges::find(run.nodes, step.path(), &store::NodeRow::path);
    if (node == run.nodes.end()) continue;
    const std::string state(NameOf(NodeStateOf(step.state())));
    // Of several parts the worst is shown.
    if (!IsFailure(node->state) || IsFailure(state)) {
      node->state = state;
      node->error = step.error();
    }
    node->started_ns = static_cast<std::int64_t>(step.start_wall_ns());
    node->ended_ns = node->started_ns + static_cast<std::int64_t>(step.duration_ns());
    if (!step.has_evidence()) continue;
    evidence.push_back({.run_id = run.row.id,
                        .ordinal = part.row.ordinal,
                        .attempt = part.row.attempt,
                        .path = step.path(),
                        .at_ns = Wall(),
                        .body = EvidenceJson(step)});
  }
  if (evidence.empty()) return;
  parts_.journal->Write([evidence](store::Transaction& t) -> base::Status {
    for (const store::EvidenceRow& row : evidence) RETURN_IF_ERROR(store::PutEvidence(t, row));
    return base::Ok();
  });
}

void RunBook::OnDone(FleetWorker& worker, const Done& done) {
  worker.parts.erase(KeyOf(done.part()));
  const Place place = Find(done.part());
  if (place.part == nullptr || place.part->row.worker != worker.id ||
      place.part->state == PartState::kDone) {
    // Of a run that is over, or an attempt that was given up: nothing rests on it any more.
    Acknowledge(worker, done.part());
    return;
  }
  ActiveRun& run = *place.run;
  RunPart& part = *place.part;
  // One that was believed lost tells after all what happened: the run is not uncertain any more.
  const bool was_lost = part.state == PartState::kLost;
  part.state = PartState::kDone;
  part.retry_at_ns = 0;
  part.row.state = NameOf(part.state);
  part.row.outcome = NameOf(done.outcome());
  part.row.reason = done.reason();
  part.row.started_ns = static_cast<std::int64_t>(done.start_wall_ns());
  part.row.ended_ns = static_cast<std::int64_t>(done.end_wall_ns());
  if (was_lost && run.state == RunState::kHalted) {
    Move(run, RunState::kRunning);
    run.row.reason.clear();
  }
  TakeSteps(run, part, done);
  SavePart(part);
  Evaluate(run);
  Acknowledge(worker, done.part());
}

void RunBook::OnLeaseEnd(FleetWorker& worker) {
  worker.parts.clear();
  std::vector<std::string> ids;
  for (const auto& [id, run] : runs_) ids.push_back(id);
  for (const std::string& id : ids) {
    const auto found = runs_.find(id);
    if (found == runs_.end()) continue;
    for (std::size_t i = 0; i < found->second->parts.size(); ++i) {
      RunPart& part = found->second->parts[i];
      if (!IsOnWorker(part) || part.row.worker != worker.id) continue;
      Lose(*found->second, part,
           fmt::format("worker {} was not heard of for {} s", worker.id, kLeaseNs / 1'000'000'000));
      if (!runs_.contains(id)) break;
    }
  }
}

void RunBook::Lose(ActiveRun& run, RunPart& part, const std::string& why) {
  if (FleetWorker* worker = parts_.fleet->Find(part.row.worker))
    worker->parts.erase(KeyOf(IdOf(part.row, epoch_)));
  part.state = PartState::kLost;
  part.row.state = NameOf(part.state);
  part.row.reason = why;
  part.row.ended_ns = Wall();
  SavePart(part);
  for (store::NodeRow& node : run.nodes) {
    if (node.state == NameOf(NodeState::kRunning)) node.state = NameOf(NodeState::kUncertain);
  }
  SaveNodes(run);
  if (run.stopping) {
    Evaluate(run);
  } else if (run.recipe->repeatable) {
    Again(run, part, By::kAnyWorker);
    Tell(run);
  } else {
    if (run.state != RunState::kHalted) Move(run, RunState::kHalted);
    run.row.reason = why +
                     ": it is not known which steps happened, and not all of them may be done "
                     "twice; resume or abandon it";
    Save(run);
    Tell(run);
  }
}

// ---- to the end

void RunBook::Evaluate(ActiveRun& run) {
  bool failed = false, unknown = false, stopped = false, timed_out = false;
  std::string reason;
  for (RunPart& part : run.parts) {
    if (part.retry_at_ns != 0 || !IsFinal(part.state)) {
      Save(run);
      return;
    }
    const std::string& outcome = part.row.outcome;
    if (part.state != PartState::kDone || outcome == "lease-lost" || outcome == "error") {
      unknown = true;
    } else if (outcome == "stopped" || outcome == "interrupted") {
      (run.stopping ? stopped : timed_out) = true;
    } else if (outcome != "passed") {
      // A patrol's retry: the same again before it counts.
      if (!run.stopping && part.row.attempt <= run.recipe->retries) {
        part.retry_at_ns = parts_.clock->MonotonicNs() + run.recipe->retry_every_ns;
        Save(run);
        return;
      }
      failed = true;
    } else {
      continue;
    }
    if (reason.empty()) reason = part.row.reason;
  }
  if (run.state == RunState::kHalted) return Save(run);
  if (run.state == RunState::kRunning || run.state == RunState::kPaused ||
      run.state == RunState::kStopping) {
    Move(run, RunState::kFinalizing);
  }
  if (stopped) return Finish(run, RunState::kAborted, "", run.row.reason);
  if (timed_out) return Finish(run, RunState::kTimedOut, "failed", reason);
  if (failed) return Finish(run, RunState::kFailed, "failed", reason);
  if (unknown) return Finish(run, RunState::kFailed, "unknown", reason);
  Finish(run, RunState::kSucceeded, "passed", "");
}

void RunBook::Finish(ActiveRun& run, RunState state, std::string verdict, std::string reason) {
  Move(run, state);
  run.row.active = false;
  run.row.verdict = std::move(verdict);
  run.row.reason = std::move(reason);
  run.row.ended_ns = Wall();
  for (store::NodeRow& node : run.nodes) {
    if (node.state == NameOf(NodeState::kPending)) node.state = NameOf(NodeState::kSkipped);
    // The worker said nothing of it: the iteration ended before.
    if (node.state == NameOf(NodeState::kRunning)) node.state = NameOf(NodeState::kSkipped);
  }
  Save(run);
  SaveNodes(run);
  Tell(run);
  const auto found = runs_.find(run.row.id);
  const std::unique_ptr<ActiveRun> over = std::move(found->second);
  runs_.erase(found);
  if (parts_.on_end) parts_.on_end(*over);
}

base::Status RunBook::Stop(const std::string& id, How how, const std::string& reason) {
  const auto found = runs_.find(id);
  if (found == runs_.end()) return base::FailedPrecondition("run " + id + " is not active");
  ActiveRun& run = *found->second;
  run.row.reason = reason;
  switch (run.state) {
    case RunState::kCreated:
    case RunState::kPreflight:
    case RunState::kGated:
    case RunState::kQueued: Finish(run, RunState::kAborted, "", reason); return base::Ok();
    case RunState::kHalted:
      return base::FailedPrecondition("run " + id + " is halted: resume or abandon it");
    default: break;
  }
  if (!run.stopping) Move(run, RunState::kStopping);
  run.stopping = true;
  Save(run);
  Tell(run);
  bool any = false;
  for (RunPart& part : run.parts) {
    part.retry_at_ns = 0;
    const FleetWorker* worker = parts_.fleet->Find(part.row.worker);
    if (!IsOnWorker(part)) continue;
    any = true;
    if (worker == nullptr || !worker->attached()) continue;
    parts_.journal->Then(
        [this, session = worker->session, part = IdOf(part.row, epoch_), how, reason] {
          wire_worker::ToWorker message;
          *message.mutable_stop()->mutable_part() = part;
          message.mutable_stop()->set_how(how == How::kDrain ? wire_worker::Stop::DRAIN
                                                             : wire_worker::Stop::INTERRUPT);
          message.mutable_stop()->set_reason(reason);
          parts_.port->Send(session, message);
        });
  }
  if (!any) Evaluate(run);
  return base::Ok();
}

base::Status RunBook::Decide(const std::string& id, Decision decision, const std::string& who,
                             const std::string& reason) {
  const auto found = runs_.find(id);
  if (found == runs_.end() || found->second->state != RunState::kHalted)
    return base::FailedPrecondition("run " + id + " is not halted");
  ActiveRun& run = *found->second;
  if (decision == Decision::kAbandon) {
    Finish(run, RunState::kAbandoned, "unknown", fmt::format("abandoned by {}: {}", who, reason));
    return base::Ok();
  }
  Move(run, RunState::kRunning);
  run.row.reason.clear();
  for (RunPart& part : run.parts) {
    if (part.state == PartState::kLost) Again(run, part, By::kAnyWorker);
  }
  Save(run);
  Tell(run);
  return base::Ok();
}

base::Status RunBook::AnswerGate(const Answer& answer) {
  const auto found = std::ranges::find_if(
      runs_, [&](const auto& each) { return each.second->gate == answer.gate; });
  if (found == runs_.end() || answer.gate.empty())
    return base::FailedPrecondition("gate " + answer.gate + " is not open");
  ActiveRun& run = *found->second;
  parts_.journal->Write([answer, now = Wall()](store::Transaction& t) -> base::Status {
    RETURN_IF_ERROR(store::InsertAnswer(t, {.gate_id = answer.gate,
                                            .who = answer.who,
                                            .verdict = answer.accept ? "accept" : "reject",
                                            .reason = answer.reason,
                                            .at_ns = now}));
    return store::CloseGate(t, answer.gate, answer.accept ? "answered" : "rejected", now).status();
  });
  run.gate.clear();
  if (!answer.accept) {
    Finish(run, RunState::kAborted, "", fmt::format("{} said no: {}", answer.who, answer.reason));
    return base::Ok();
  }
  Move(run, RunState::kQueued);
  Enqueue(run);
  return base::Ok();
}

bool RunBook::IsActive(const Recipe& recipe) const {
  return std::ranges::any_of(runs_, [&](const auto& each) {
    const Recipe& other = *each.second->recipe;
    return other.kind == recipe.kind && other.name == recipe.name &&
           other.root_name == recipe.root_name && other.environment == recipe.environment;
  });
}

// ---- time

void RunBook::Tick() {
  const std::uint64_t now = parts_.clock->MonotonicNs();
  std::vector<std::string> ids;
  for (const auto& [id, run] : runs_) ids.push_back(id);
  for (const std::string& id : ids) {
    const auto found = runs_.find(id);
    if (found == runs_.end()) continue;
    ActiveRun& run = *found->second;
    if (run.state == RunState::kQueued) {
      if (Dispatch(run) || now < run.queued_until_ns) continue;
      Finish(run, RunState::kExpired, "unknown", std::string(run.row.reason));
      continue;
    }
    for (std::size_t i = 0; runs_.contains(id) && i < run.parts.size(); ++i) {
      RunPart& part = run.parts[i];
      if (part.retry_at_ns != 0 && part.retry_at_ns <= now) {
        if (part.give_up_ns != 0 && part.give_up_ns <= now) {
          part.retry_at_ns = 0;
          Evaluate(run);
          continue;
        }
        Again(run, part, By::kSameWorker);
      } else if (IsOnWorker(part) && part.deadline_ns <= now) {
        if (part.told_to_stop) {
          Lose(run, part, fmt::format("worker {} did not end it in time", part.row.worker));
          continue;
        }
        part.told_to_stop = true;
        part.deadline_ns = now + kGraceNs;
        FleetWorker* worker = parts_.fleet->Find(part.row.worker);
        if (worker == nullptr || !worker->attached()) continue;
        wire_worker::ToWorker message;
        *message.mutable_stop()->mutable_part() = IdOf(part.row, epoch_);
        message.mutable_stop()->set_how(wire_worker::Stop::INTERRUPT);
        message.mutable_stop()->set_reason("timeout");
        parts_.port->Send(worker->session, message);
      }
    }
  }
}

std::uint64_t RunBook::NextDue() const {
  std::uint64_t next = kNever;
  const std::uint64_t now = parts_.clock->MonotonicNs();
  for (const auto& [id, run] : runs_) {
    // A free worker is told by its message; time is for the end of waiting.
    if (run->state == RunState::kQueued) next = std::min(next, std::max(now, run->queued_until_ns));
    for (const RunPart& part : run->parts) {
      if (part.retry_at_ns != 0) next = std::min(next, part.retry_at_ns);
      if (IsOnWorker(part)) next = std::min(next, part.deadline_ns);
    }
  }
  return next;
}

// ---- another lead

base::Status RunBook::Load(store::Database& database) {
  Clear();
  const std::uint64_t now = parts_.clock->MonotonicNs();
  return database.Read([&](store::Transaction& t) -> base::Status {
    runs_.clear();
    ASSIGN_OR_RETURN(const std::vector<store::RunRow> rows,
                     store::ListRuns(t, {.active = true, .limit = 1'000'000}));
    for (const store::RunRow& row : rows) {
      auto run = std::make_unique<ActiveRun>();
      run->row = row;
      run->state = RunStateOf(row.state).value_or(RunState::kHalted);
      run->stopping = run->state == RunState::kStopping;
      ASSIGN_OR_RETURN(const auto snapshot, store::FindSnapshot(t, row.snapshot));
      ASSIGN_OR_RETURN(run->recipe, RecipeOfRun(row, snapshot.value_or("")));
      run->queued_until_ns = now + run->recipe->timeout_ns;
      ASSIGN_OR_RETURN(run->nodes, store::NodesOf(t, row.id));
      ASSIGN_OR_RETURN(const auto assignments, store::AssignmentsOf(t, row.id));
      for (const store::AssignmentRow& assignment : assignments) {
        RunPart part{.row = assignment,
                     .state = PartStateOf(assignment.state).value_or(PartState::kLost)};
        // Whoever had it may still be at it.
        if (!IsFinal(part.state)) part.deadline_ns = now + run->recipe->timeout_ns + kGraceNs;
        if (!run->parts.empty() && run->parts.back().row.ordinal == assignment.ordinal) {
          run->parts.back() = std::move(part);
        } else {
          run->parts.push_back(std::move(part));
        }
      }
      for (RunPart& part : run->parts) {
        if (IsOnWorker(part))
          parts_.fleet->Expect(part.row.worker, KeyOf(IdOf(part.row, epoch_)), now);
        // Its further attempt was to come.
        const bool again = part.state == PartState::kRefused ||
                           (part.state == PartState::kLost && run->recipe->repeatable) ||
                           (part.state == PartState::kDone && part.row.outcome == "failed" &&
                            part.row.attempt <= run->recipe->retries);
        if (run->state == RunState::kRunning && again) part.retry_at_ns = now + 1;
      }
      ASSIGN_OR_RETURN(const auto gates, store::GatesOf(t, row.id));
      for (const store::GateRow& gate : gates) {
        if (gate.state == "open") run->gate = gate.id;
      }
      runs_[row.id] = std::move(run);
    }
    return base::Ok();
  });
}

void RunBook::Clear() { runs_.clear(); }

}  // namespace ronda::control
