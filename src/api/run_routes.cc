#include <fmt/format.h>

#include <charconv>

#include <string>
#include <utility>

#include "api/control_routes.h"
#include "api/paging.h"
#include "api/time_text.h"
#include "base/json_writer.h"
#include "store/runs.h"

namespace ronda::api {
namespace {

using base::JsonWriter;
using control::Controller;
using control::RunBook;

std::string Who(const Call& call) { return call.who.user.empty() ? "somebody" : call.who.user; }

void PutRunFields(const store::RunRow& run, JsonWriter& json) {
  json.Field("id", run.id).Field("kind", run.kind).Field("name", run.name);
  json.Field("version", run.version).Field("scenario", run.scenario);
  json.Field("environment", run.environment).Field("state", run.state);
  json.Field("active", run.active).Field("verdict", run.verdict).Field("reason", run.reason);
  json.Field("cause", run.cause_kind).Field("created_at", TimeText(run.created_ns));
  json.Field("started_at", TimeText(run.started_ns)).Field("ended_at", TimeText(run.ended_ns));
  json.Field("duration_ns", run.ended_ns > 0 && run.started_ns > 0 ? run.ended_ns - run.started_ns
                                                                   : std::int64_t{0});
}

void PutRun(const store::RunRow& run, JsonWriter& json) {
  json.Object();
  PutRunFields(run, json);
  json.EndObject();
}

std::vector<SchemaField> RunFields() {
  using namespace schema;
  return {{"id", Text()},
          {"kind", Text()},
          {"name", Text()},
          {"version", Integer()},
          {"scenario", Text()},
          {"environment", Text()},
          {"state", Text()},
          {"active", Bool()},
          {"verdict", Text("passed, failed, unknown; empty: none")},
          {"reason", Text()},
          {"cause", Text("cron, every, event, user")},
          {"created_at", Text()},
          {"started_at", Text()},
          {"ended_at", Text()},
          {"duration_ns", Integer()}};
}

void PutGate(const store::GateRow& gate, JsonWriter& json) {
  json.Object().Field("id", gate.id).Field("run", gate.run_id).Field("type", gate.type);
  json.Field("state", gate.state).Field("created_at", TimeText(gate.created_ns));
  json.Field("expires_at", TimeText(gate.expires_ns)).EndObject();
}

Schema GateSchema() {
  using namespace schema;
  return Named("Gate", Object({{"id", Text()},
                               {"run", Text()},
                               {"type", Text("confirm, params, approval")},
                               {"state", Text("open, answered, rejected, expired")},
                               {"created_at", Text()},
                               {"expires_at", Text()}}));
}

Schema WholeRunSchema() {
  using namespace schema;
  std::vector<SchemaField> fields = RunFields();
  fields.push_back({"nodes", ListOf(Named("RunNode", Object({{"path", Text()},
                                                             {"state", Text()},
                                                             {"attempts", Integer()},
                                                             {"error", Text()}})))});
  fields.push_back({"parts", ListOf(Named("RunPart", Object({{"ordinal", Integer()},
                                                             {"attempt", Integer()},
                                                             {"worker", Text()},
                                                             {"zone", Text()},
                                                             {"state", Text()},
                                                             {"outcome", Text()},
                                                             {"reason", Text()},
                                                             {"started_at", Text()},
                                                             {"ended_at", Text()}})))});
  fields.push_back({"gates", ListOf(GateSchema())});
  return Named("RunDetail", Object(std::move(fields)));
}

base::Result<store::RunRow> RunIn(store::Transaction& t, const std::string& id) {
  ASSIGN_OR_RETURN(auto run, store::FindRun(t, id));
  if (!run) return base::NotFound("there is no run " + id);
  return *std::move(run);
}

class Runs {
 public:
  explicit Runs(const ControlParts& parts) : parts_(parts) {}

  base::Result<http::Response> List(const Call& call) const {
    ASSIGN_OR_RETURN(const Page page, PageOf(call));
    store::RunFilter filter{.limit = page.limit + 1};
    filter.kind = call.Query("kind").value_or("");
    filter.name = call.Query("name").value_or("");
    filter.scenario = call.Query("scenario").value_or("");
    filter.environment = call.Query("environment").value_or("");
    filter.state = call.Query("state").value_or("");
    filter.verdict = call.Query("verdict").value_or("");
    if (call.Query("active")) filter.active = call.QueryBool("active", true);
    if (!page.after.empty()) {
      const std::size_t slash = page.after.find('/');
      std::from_chars(page.after.data(), page.after.data() + page.after.size(),
                      filter.before_created);
      filter.before_id = slash == std::string::npos ? "" : page.after.substr(slash + 1);
    }
    std::vector<store::RunRow> runs;
    RETURN_IF_ERROR(parts_.database->Read([&](store::Transaction& t) -> base::Status {
      ASSIGN_OR_RETURN(runs, store::ListRuns(t, filter));
      return base::Ok();
    }));
    return PageResponse("runs", page, runs, PutRun, [](const store::RunRow& run) {
      return fmt::format("{}/{}", run.created_ns, run.id);
    });
  }

  base::Result<http::Response> Get(const Call& call) const {
    const std::string& id = call.path.at("id");
    JsonWriter json;
    RETURN_IF_ERROR(parts_.database->Read([&](store::Transaction& t) -> base::Status {
      json = {};
      ASSIGN_OR_RETURN(const store::RunRow run, RunIn(t, id));
      ASSIGN_OR_RETURN(const auto nodes, store::NodesOf(t, id));
      ASSIGN_OR_RETURN(const auto assignments, store::AssignmentsOf(t, id));
      ASSIGN_OR_RETURN(const auto gates, store::GatesOf(t, id));
      json.Object();
      PutRunFields(run, json);
      json.Key("nodes").List();
      for (const store::NodeRow& node : nodes) {
        json.Object().Field("path", node.path).Field("state", node.state);
        json.Field("attempts", node.attempts).Field("error", node.error).EndObject();
      }
      json.EndList().Key("parts").List();
      for (const store::AssignmentRow& part : assignments) {
        json.Object().Field("ordinal", part.ordinal).Field("attempt", part.attempt);
        json.Field("worker", part.worker).Field("zone", part.zone).Field("state", part.state);
        json.Field("outcome", part.outcome).Field("reason", part.reason);
        json.Field("started_at", TimeText(part.started_ns));
        json.Field("ended_at", TimeText(part.ended_ns)).EndObject();
      }
      json.EndList().Key("gates").List();
      for (const store::GateRow& gate : gates) PutGate(gate, json);
      json.EndList().EndObject();
      return base::Ok();
    }));
    return http::Response{.body = std::move(json.out)};
  }

  base::Result<http::Response> Evidence(const Call& call) const {
    const std::string& id = call.path.at("id");
    JsonWriter json;
    RETURN_IF_ERROR(parts_.database->Read([&](store::Transaction& t) -> base::Status {
      json = {};
      RETURN_IF_ERROR(RunIn(t, id).status());
      ASSIGN_OR_RETURN(const auto rows, store::EvidenceOf(t, id));
      json.Object().Key("evidence").List();
      for (const store::EvidenceRow& row : rows) {
        json.Object().Field("ordinal", row.ordinal).Field("attempt", row.attempt);
        json.Field("path", row.path).Field("at", TimeText(row.at_ns)).Key("exchange");
        json.Raw(row.body).EndObject();
      }
      json.EndList().EndObject();
      return base::Ok();
    }));
    return http::Response{.body = std::move(json.out)};
  }

  base::Result<http::Response> Start(const Call& call) const {
    const std::string kind = call.BodyText("kind"), name = call.BodyText("name");
    const std::string environment = call.BodyText("environment");
    std::vector<std::string> ids;
    if (kind == "Patrol") {
      ASSIGN_OR_RETURN(
          ids, parts_.controller->Ask<std::vector<std::string>>([&](Controller::Turn& turn) {
            return turn.planner.StartPatrol(name, call.BodyText("scenario"), environment, "user",
                                            Who(call));
          }));
    } else {
      ASSIGN_OR_RETURN(std::shared_ptr<control::Recipe> recipe, RecipeOf(call, name, environment));
      JsonWriter cause;
      cause.Object().Field("who", Who(call)).EndObject();
      const control::RunOrder order{
          .recipe = std::move(recipe), .cause_kind = "user", .cause = cause.out};
      ASSIGN_OR_RETURN(
          ids, parts_.controller->Ask<std::vector<std::string>>(
                   [order](Controller::Turn& turn) -> base::Result<std::vector<std::string>> {
                     return std::vector<std::string>{turn.runs.Start(order)};
                   }));
    }
    JsonWriter json;
    json.Object().Key("runs").List();
    for (const std::string& id : ids) json.Text(id);
    json.EndList().EndObject();
    return http::Response{.status = 201, .body = std::move(json.out)};
  }

  base::Result<http::Response> Stop(const Call& call) const {
    const std::string id = call.path.at("id");
    RETURN_IF_ERROR(Known(id));
    const auto how =
        call.BodyText("how") == "drain" ? RunBook::How::kDrain : RunBook::How::kInterrupt;
    std::string reason = "stopped by " + Who(call);
    if (const std::string said = call.BodyText("reason"); !said.empty()) reason += ": " + said;
    return Done(
        [id, how, reason](Controller::Turn& turn) { return turn.runs.Stop(id, how, reason); });
  }

  base::Result<http::Response> Decide(const Call& call) const {
    const std::string id = call.path.at("id"), who = Who(call), reason = call.BodyText("reason");
    RETURN_IF_ERROR(Known(id));
    const auto decision = call.BodyText("decision") == "resume" ? RunBook::Decision::kResume
                                                                : RunBook::Decision::kAbandon;
    return Done(
        [=](Controller::Turn& turn) { return turn.runs.Decide(id, decision, who, reason); });
  }

  base::Result<http::Response> Gates(const Call&) const {
    std::vector<store::GateRow> gates;
    RETURN_IF_ERROR(parts_.database->Read([&](store::Transaction& t) -> base::Status {
      ASSIGN_OR_RETURN(gates, store::OpenGates(t));
      return base::Ok();
    }));
    JsonWriter json;
    json.Object().Key("gates").List();
    for (const store::GateRow& gate : gates) PutGate(gate, json);
    json.EndList().EndObject();
    return http::Response{.body = std::move(json.out)};
  }

  base::Result<http::Response> Answer(const Call& call) const {
    RunBook::Answer answer{.gate = call.path.at("id"),
                           .who = Who(call),
                           .reason = call.BodyText("reason"),
                           .accept = call.BodyText("verdict") == "accept"};
    return Done([answer](Controller::Turn& turn) { return turn.runs.AnswerGate(answer); });
  }

 private:
  base::Status Known(const std::string& id) const {
    return parts_.database->Read([&](store::Transaction& t) { return RunIn(t, id).status(); });
  }

  base::Result<std::shared_ptr<control::Recipe>> RecipeOf(const Call& call, const std::string& name,
                                                          const std::string& environment) const {
    const auto version = static_cast<int>(call.BodyInteger("version").value_or(0));
    ASSIGN_OR_RETURN(auto recipe,
                     control::RecipeOf(*parts_.library, parts_.secrets,
                                       {model::Kind::kScenario, name, version}, environment));
    simdjson::dom::object set;
    if (call.has_body && call.body["set"].get(set) == simdjson::SUCCESS) {
      for (const auto [key, value] : set)
        recipe->set.emplace_back(key, std::string(value.get_string().value_unsafe()));
    }
    recipe->keep = control::Recipe::Keep::kAll;
    return recipe;
  }

  base::Result<http::Response> Done(std::function<base::Status(Controller::Turn&)> what) const {
    const auto done = parts_.controller->Ask<bool>(
        [what = std::move(what)](Controller::Turn& turn) -> base::Result<bool> {
          RETURN_IF_ERROR(what(turn));
          return true;
        });
    if (!done.ok()) return done.status();
    return http::Response{.status = 204, .content_type = "", .body = ""};
  }

  const ControlParts parts_;
};

}  // namespace

void AddRunRoutes(const ControlParts& parts, Router& router) {
  using namespace schema;
  const auto runs = std::make_shared<const Runs>(parts);
  const Answer done{.status = 204, .description = "It is done", .content = ""};
  router.Add(
      {.pattern = "/api/v1/runs",
       .summary = "Runs, newest first",
       .parameters = WithPaging({{.name = "kind", .description = "Patrol, Scenario"},
                                 {.name = "name", .description = "Of that definition"},
                                 {.name = "scenario", .description = "That execute that scenario"},
                                 {.name = "environment", .description = "In that environment"},
                                 {.name = "state", .description = "In that state"},
                                 {.name = "verdict", .description = "passed, failed, unknown"},
                                 {.name = "active",
                                  .description = "true: not over yet; false: over",
                                  .schema = Bool()}}),
       .name = "listRuns",
       .access = {Role::kViewer, Area::kRuns},
       .answers = {{.description = "A page",
                    .schema = PageSchema("RunPage", "runs", Named("Run", Object(RunFields())))}},
       .answer = [runs](const Call& call) { return runs->List(call); }});
  router.Add({.pattern = "/api/v1/runs",
              .method = "POST",
              .summary = "Starts a patrol's paths, or a scenario once",
              .name = "startRun",
              .access = {Role::kOperator, Area::kRuns},
              .body = Body{.schema = Object(
                               {{"kind", Choice({"Patrol", "Scenario"})},
                                {"name", Within(Text(), 1, 100)},
                                {"version", Within(Integer(), 0, 1'000'000'000), Required::kNo},
                                {"scenario", Text("Of a patrol: only that one"), Required::kNo},
                                {"environment", Text(), Required::kNo},
                                {"set", MapOf(Text(), "As --set"), Required::kNo}})},
              .answers = {{.status = 201,
                           .description = "Their ids",
                           .schema = Object({{"runs", ListOf(Text())}})}},
              .errors = {404, 503},
              .by_key = ByKey::kYes,
              .answer = [runs](const Call& call) { return runs->Start(call); }});
  router.Add({.pattern = "/api/v1/runs/{id}",
              .summary = "A run with its steps and parts",
              .name = "getRun",
              .access = {Role::kViewer, Area::kRuns},
              .answers = {{.description = "The run", .schema = WholeRunSchema()}},
              .errors = {404},
              .answer = [runs](const Call& call) { return runs->Get(call); }});
  router.Add(
      {.pattern = "/api/v1/runs/{id}/evidence",
       .summary = "What its steps sent and received",
       .name = "getEvidence",
       .access = {Role::kViewer, Area::kRuns},
       .answers = {{.description = "By part, attempt and step",
                    .schema = Object({{"evidence", ListOf(Object({{"ordinal", Integer()},
                                                                  {"attempt", Integer()},
                                                                  {"path", Text()},
                                                                  {"at", Text()},
                                                                  {"exchange", Any()}}))}})}},
       .errors = {404},
       .answer = [runs](const Call& call) { return runs->Evidence(call); }});
  router.Add({.pattern = "/api/v1/runs/{id}/stop",
              .method = "POST",
              .summary = "Stops a run",
              .name = "stopRun",
              .access = {Role::kOperator, Area::kRuns},
              .body = Body{.schema = Object({{"how", Choice({"drain", "interrupt"}), Required::kNo},
                                             {"reason", Text(), Required::kNo}})},
              .answers = {done},
              .errors = {404, 503},
              .answer = [runs](const Call& call) { return runs->Stop(call); }});
  router.Add({.pattern = "/api/v1/runs/{id}/decision",
              .method = "POST",
              .summary = "Says what becomes of a halted run",
              .name = "decideRun",
              .access = {Role::kOperator, Area::kRuns},
              .body = Body{.schema = Object({{"decision", Choice({"resume", "abandon"})},
                                             {"reason", Text(), Required::kNo}})},
              .answers = {done},
              .errors = {404, 503},
              .answer = [runs](const Call& call) { return runs->Decide(call); }});
  router.Add({.pattern = "/api/v1/gates",
              .summary = "Gates that wait for an answer",
              .name = "listGates",
              .access = {Role::kViewer, Area::kRuns},
              .answers = {{.description = "The open ones",
                           .schema = Object({{"gates", ListOf(GateSchema())}})}},
              .answer = [runs](const Call& call) { return runs->Gates(call); }});
  router.Add({.pattern = "/api/v1/gates/{id}/answer",
              .method = "POST",
              .summary = "Answers a gate",
              .name = "answerGate",
              .access = {Role::kOperator, Area::kRuns},
              .body = Body{.schema = Object({{"verdict", Choice({"accept", "reject"})},
                                             {"reason", Text(), Required::kNo}})},
              .answers = {done},
              .errors = {503},
              .answer = [runs](const Call& call) { return runs->Answer(call); }});
}

}  // namespace ronda::api
