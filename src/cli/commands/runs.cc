// ronda start, runs, runs show, runs stop, runs decide, gates, answer, patrols, workers.
#include <fmt/format.h>

#include <ostream>
#include <thread>

#include "base/json_writer.h"
#include "cli/api_client.h"
#include "cli/commands/commands.h"

namespace ronda::cli {
namespace {

using Element = simdjson::dom::element;
using base::OptionType;

std::string Duration(std::int64_t ns) {
  if (ns <= 0) return "-";
  if (ns < 1'000'000'000) return fmt::format("{:.1f} ms", static_cast<double>(ns) / 1e6);
  return fmt::format("{:.2f} s", static_cast<double>(ns) / 1e9);
}

base::Result<base::ExitCode> PrintRun(const std::string& id, ApiClient& client, Context& context) {
  ASSIGN_OR_RETURN(const Element run, client.Get("/api/v1/runs/" + Encoded(id)));
  const auto line = [&](std::string_view name, const std::string& text) {
    if (!text.empty()) context.out << fmt::format("{:<12}{}\n", name, text);
  };
  line("run", PlainTextOf(run, "id"));
  line("of", PlainTextOf(run, "kind") + "/" + PlainTextOf(run, "name") + "@" +
                 std::to_string(NumberOf(run, "version")));
  line("scenario", PlainTextOf(run, "scenario"));
  line("environment", PlainTextOf(run, "environment"));
  line("state", PlainTextOf(run, "state"));
  line("verdict", PlainTextOf(run, "verdict"));
  line("reason", PlainTextOf(run, "reason"));
  line("started", PlainTextOf(run, "started_at"));
  line("took", Duration(NumberOf(run, "duration_ns")));
  std::vector<std::vector<std::string>> rows = {{"STEP", "STATE", "ATTEMPTS", "ERROR"}};
  for (const Element node : ListOf(run, "nodes")) {
    rows.push_back({PlainTextOf(node, "path"), PlainTextOf(node, "state"),
                    std::to_string(NumberOf(node, "attempts")), PlainTextOf(node, "error")});
  }
  context.out << '\n';
  PrintTable(rows, context.out);
  rows = {{"PART", "WORKER", "ZONE", "STATE", "OUTCOME", "REASON"}};
  for (const Element part : ListOf(run, "parts")) {
    rows.push_back({fmt::format("{}.{}", NumberOf(part, "ordinal"), NumberOf(part, "attempt")),
                    PlainTextOf(part, "worker"), PlainTextOf(part, "zone"),
                    PlainTextOf(part, "state"), PlainTextOf(part, "outcome"),
                    PlainTextOf(part, "reason")});
  }
  context.out << '\n';
  PrintTable(rows, context.out);
  return base::ExitCode::kOk;
}

void PrintExchange(Element exchange, Context& context) {
  const auto part = [&](const char* name, std::string_view sign) {
    Element side;
    if (exchange[name].get(side) != simdjson::SUCCESS || TextOf(side, "line").empty()) return;
    context.out << sign << ' ' << PlainTextOf(side, "line") << '\n'
                << PlainTextOf(side, "head") << '\n';
    if (const std::string body = PlainTextOf(side, "body"); !body.empty())
      context.out << body << '\n';
  };
  part("request", ">");
  part("response", "<");
  if (const std::string trace = PlainTextOf(exchange, "traceId"); !trace.empty())
    context.out << "trace " << trace << '\n';
  if (const std::string detail = PlainTextOf(exchange, "detail"); !detail.empty())
    context.out << detail << '\n';
}

base::Result<base::ExitCode> Show(const Invocation& invocation, Context& context) {
  ASSIGN_OR_RETURN(ApiClient client, ApiClient::Of(invocation, context));
  const std::string& id = invocation.arguments[0];
  if (invocation.options.Switch("json")) {
    RETURN_IF_ERROR(client.Get("/api/v1/runs/" + Encoded(id)).status());
    context.out << client.body() << '\n';
    return base::ExitCode::kOk;
  }
  ASSIGN_OR_RETURN(const base::ExitCode code, PrintRun(id, client, context));
  if (!invocation.options.Switch("evidence")) return code;
  ASSIGN_OR_RETURN(const Element answer, client.Get("/api/v1/runs/" + Encoded(id) + "/evidence"));
  for (const Element evidence : ListOf(answer, "evidence")) {
    context.out << "\n== " << PlainTextOf(evidence, "path") << ", part "
                << NumberOf(evidence, "ordinal") << '.' << NumberOf(evidence, "attempt") << '\n';
    PrintExchange(evidence["exchange"].value_unsafe(), context);
  }
  return code;
}

base::Result<base::ExitCode> List(const Invocation& invocation, Context& context) {
  ASSIGN_OR_RETURN(ApiClient client, ApiClient::Of(invocation, context));
  Parameters parameters;
  for (const char* name : {"kind", "name", "environment", "state", "verdict"}) {
    if (invocation.options.Has(name))
      parameters.emplace_back(name, invocation.options.String(name));
  }
  parameters.emplace_back("limit", std::to_string(invocation.options.Int("limit")));
  ASSIGN_OR_RETURN(const Element answer, client.Get("/api/v1/runs", parameters));
  if (invocation.options.Switch("json")) {
    context.out << client.body() << '\n';
    return base::ExitCode::kOk;
  }
  std::vector<std::vector<std::string>> rows = {
      {"RUN", "OF", "ENVIRONMENT", "STATE", "VERDICT", "CREATED", "TOOK", "REASON"}};
  for (const Element run : ListOf(answer, "runs")) {
    rows.push_back({PlainTextOf(run, "id"),
                    PlainTextOf(run, "kind") + "/" + PlainTextOf(run, "name"),
                    PlainTextOf(run, "environment"), PlainTextOf(run, "state"),
                    PlainTextOf(run, "verdict"), PlainTextOf(run, "created_at"),
                    Duration(NumberOf(run, "duration_ns")), PlainTextOf(run, "reason")});
  }
  PrintTable(rows, context.out);
  return base::ExitCode::kOk;
}

// Waits for the run's end; its verdict is the exit code.
base::Result<base::ExitCode> Await(const std::string& id, ApiClient& client, Context& context) {
  for (;;) {
    ASSIGN_OR_RETURN(const Element run, client.Get("/api/v1/runs/" + Encoded(id)));
    bool active = true;
    if (run["active"].get(active) != simdjson::SUCCESS) active = false;
    const std::string state = TextOf(run, "state"), verdict = TextOf(run, "verdict");
    if (!active || state == "halted" || state == "gated") {
      context.out << id << ' ' << state << ' ' << verdict << '\n';
      if (const std::string reason = PlainTextOf(run, "reason"); !reason.empty())
        context.out << "  " << reason << '\n';
      if (verdict == "passed") return base::ExitCode::kOk;
      return verdict.empty() ? base::ExitCode::kAborted : base::ExitCode::kCheckFailed;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
}

base::Result<base::ExitCode> Start(const Invocation& invocation, Context& context) {
  const std::string& what = invocation.arguments[0];
  const std::size_t slash = what.find('/');
  const std::string kind = what.substr(0, slash);
  if (slash == std::string::npos || (kind != "patrol" && kind != "scenario"))
    return UsageError(invocation, context, "write patrol/NAME or scenario/NAME");
  ASSIGN_OR_RETURN(ApiClient client, ApiClient::Of(invocation, context));
  base::JsonWriter body;
  body.Object().Field("kind", kind == "patrol" ? "Patrol" : "Scenario");
  body.Field("name", what.substr(slash + 1));
  if (invocation.options.Has("env")) body.Field("environment", invocation.options.String("env"));
  if (!invocation.options.List("set").empty()) {
    body.Key("set").Object();
    for (const std::string& each : invocation.options.List("set")) {
      const std::size_t equals = each.find('=');
      if (equals == std::string::npos)
        return UsageError(invocation, context, "--set takes NAME=VALUE");
      body.Field(each.substr(0, equals), each.substr(equals + 1));
    }
    body.EndObject();
  }
  body.EndObject();
  ASSIGN_OR_RETURN(const Element answer,
                   client.Json({.method = "POST",
                                .path = "/api/v1/runs",
                                .body = std::move(body.out),
                                .headers = ReasonHeader(invocation.options)}));
  std::vector<std::string> ids;
  for (const Element id : ListOf(answer, "runs")) ids.emplace_back(id.get_string().value_unsafe());
  if (!invocation.options.Switch("wait")) {
    for (const std::string& id : ids) context.out << id << '\n';
    return base::ExitCode::kOk;
  }
  base::ExitCode worst = base::ExitCode::kOk;
  for (const std::string& id : ids) {
    ASSIGN_OR_RETURN(const base::ExitCode code, Await(id, client, context));
    if (code != base::ExitCode::kOk) worst = code;
  }
  return worst;
}

base::Result<base::ExitCode> Post(const Invocation& invocation, Context& context,
                                  const std::string& path, std::string body) {
  ASSIGN_OR_RETURN(ApiClient client, ApiClient::Of(invocation, context));
  RETURN_IF_ERROR(client.Send({.method = "POST",
                               .path = path,
                               .body = std::move(body),
                               .headers = ReasonHeader(invocation.options)}));
  return base::ExitCode::kOk;
}

std::string BodyWith(std::string_view key, std::string_view value, const base::Options& options) {
  base::JsonWriter body;
  body.Object().Field(key, value);
  if (options.Has("reason")) body.Field("reason", options.String("reason"));
  body.EndObject();
  return std::move(body.out);
}

base::Result<base::ExitCode> Stop(const Invocation& invocation, Context& context) {
  return Post(invocation, context, "/api/v1/runs/" + Encoded(invocation.arguments[0]) + "/stop",
              BodyWith("how", invocation.options.Switch("now") ? "interrupt" : "drain",
                       invocation.options));
}

base::Result<base::ExitCode> Decide(const Invocation& invocation, Context& context) {
  return Post(invocation, context, "/api/v1/runs/" + Encoded(invocation.arguments[0]) + "/decision",
              BodyWith("decision", invocation.arguments[1], invocation.options));
}

base::Result<base::ExitCode> AnswerGate(const Invocation& invocation, Context& context) {
  return Post(invocation, context, "/api/v1/gates/" + Encoded(invocation.arguments[0]) + "/answer",
              BodyWith("verdict", invocation.arguments[1] == "yes" ? "accept" : "reject",
                       invocation.options));
}

base::Result<base::ExitCode> Gates(const Invocation& invocation, Context& context) {
  ASSIGN_OR_RETURN(ApiClient client, ApiClient::Of(invocation, context));
  ASSIGN_OR_RETURN(const Element answer, client.Get("/api/v1/gates"));
  std::vector<std::vector<std::string>> rows = {{"GATE", "TYPE", "RUN", "SINCE"}};
  for (const Element gate : ListOf(answer, "gates")) {
    rows.push_back({PlainTextOf(gate, "id"), PlainTextOf(gate, "type"), PlainTextOf(gate, "run"),
                    PlainTextOf(gate, "created_at")});
  }
  PrintTable(rows, context.out);
  return base::ExitCode::kOk;
}

std::string Share(Element path, const char* key) {
  double share = 0;
  if (path[key].get(share) != simdjson::SUCCESS) return "-";
  return fmt::format("{:.2f} %", share * 100);
}

base::Result<base::ExitCode> Patrols(const Invocation& invocation, Context& context) {
  ASSIGN_OR_RETURN(ApiClient client, ApiClient::Of(invocation, context));
  ASSIGN_OR_RETURN(const Element answer, client.Get("/api/v1/patrols"));
  if (invocation.options.Switch("json")) {
    context.out << client.body() << '\n';
    return base::ExitCode::kOk;
  }
  std::vector<std::vector<std::string>> rows = {
      {"PATROL", "SCENARIO", "ENVIRONMENT", "STATE", "SINCE", "RECENT", "24 H", "7 D", "30 D", ""}};
  bool failing = false;
  for (const Element path : ListOf(answer, "paths")) {
    failing = failing || TextOf(path, "state") == "failing";
    rows.push_back({PlainTextOf(path, "patrol"), PlainTextOf(path, "scenario"),
                    PlainTextOf(path, "environment"), PlainTextOf(path, "state"),
                    PlainTextOf(path, "since"), PlainTextOf(path, "recent"),
                    Share(path, "availability_24h"), Share(path, "availability_7d"),
                    Share(path, "availability_30d"), PlainTextOf(path, "error")});
  }
  PrintTable(rows, context.out);
  return failing ? base::ExitCode::kCheckFailed : base::ExitCode::kOk;
}

base::Result<base::ExitCode> Workers(const Invocation& invocation, Context& context) {
  ASSIGN_OR_RETURN(ApiClient client, ApiClient::Of(invocation, context));
  ASSIGN_OR_RETURN(const Element answer, client.Get("/api/v1/workers"));
  std::vector<std::vector<std::string>> rows = {
      {"WORKER", "ZONE", "STATE", "PARTS", "CPU", "CLOCK", "VERSION", "LAST SEEN"}};
  for (const Element worker : ListOf(answer, "workers")) {
    bool attached = false;
    if (worker["attached"].get(attached) != simdjson::SUCCESS) attached = false;
    double cpu = 0;
    if (worker["cpu"].get(cpu) != simdjson::SUCCESS) cpu = 0;
    rows.push_back(
        {PlainTextOf(worker, "id"), PlainTextOf(worker, "zone"), attached ? "attached" : "away",
         fmt::format("{}/{}", NumberOf(worker, "parts"), NumberOf(worker, "capacity")),
         fmt::format("{:.0f} %", cpu * 100),
         fmt::format("{:+.1f} ms", static_cast<double>(NumberOf(worker, "clock_offset_ns")) / 1e6),
         PlainTextOf(worker, "version"), PlainTextOf(worker, "last_seen_at")});
  }
  PrintTable(rows, context.out);
  return base::ExitCode::kOk;
}

Positional RunId() {
  return {.name = "RUN", .description = "A run's id.", .suggest = Suggest::kChoices};
}

base::OptionSpec Filter(std::string_view name, std::string_view description) {
  return {.name = name, .scope = base::OptionScope::kFlagOnly, .description = description};
}

}  // namespace

Command StartCommand() {
  return {
      .name = "start",
      .summary = "start a patrol or a scenario now",
      .description =
          "Starts all paths of a patrol, or a scenario once, on the fleet, and prints the runs' "
          "ids. With --wait the verdict is the exit code.",
      .examples = "ronda start patrol/buy --wait\nronda start scenario/buy --env gray --set user=5",
      .positionals = {{.name = "WHAT",
                       .description = "patrol/NAME or scenario/NAME.",
                       .suggest = Suggest::kChoices}},
      .options = ServerOptions({{.name = "env",
                                 .scope = base::OptionScope::kFlagOnly,
                                 .description = "In that environment; of a patrol, only there."},
                                {.name = "set",
                                 .type = OptionType::kList,
                                 .value_name = "NAME=VALUE",
                                 .scope = base::OptionScope::kFlagOnly,
                                 .description = "A parameter of the scenario, or env.NAME."},
                                {.name = "wait",
                                 .type = OptionType::kSwitch,
                                 .scope = base::OptionScope::kFlagOnly,
                                 .description = "Until they are over."},
                                ReasonOption()}),
      .run = Start};
}

Command RunsCommand() {
  return {.name = "runs",
          .summary = "list runs",
          .description = "Runs, newest first.",
          .examples = "ronda runs\nronda runs --name buy --verdict failed",
          .options = ServerOptions({Filter("kind", "Of that kind."),
                                    Filter("name", "Of that definition."),
                                    Filter("environment", "In that environment."),
                                    Filter("state", "In that state."),
                                    Filter("verdict", "With that verdict."),
                                    {.name = "limit",
                                     .type = OptionType::kInt,
                                     .value_name = "N",
                                     .default_text = "20",
                                     .min = "1",
                                     .max = "1000",
                                     .scope = base::OptionScope::kFlagOnly,
                                     .description = "How many."},
                                    JsonOption()}),
          .run = List};
}

Command RunsShowCommand() {
  return {.name = "runs show",
          .summary = "show a run with its steps",
          .description = "A run: its steps, who executed it, and what its steps sent and received.",
          .examples = "ronda runs show 6a1f --evidence",
          .positionals = {RunId()},
          .options = ServerOptions({{.name = "evidence",
                                     .type = OptionType::kSwitch,
                                     .scope = base::OptionScope::kFlagOnly,
                                     .description = "With requests and responses."},
                                    JsonOption()}),
          .run = Show};
}

Command RunsStopCommand() {
  return {.name = "runs stop",
          .summary = "stop a run",
          .description = "Lets a run come to an end; with --now at once.",
          .examples = "ronda runs stop 6a1f --now --reason 'wrong target'",
          .positionals = {RunId()},
          .options = ServerOptions({{.name = "now",
                                     .type = OptionType::kSwitch,
                                     .scope = base::OptionScope::kFlagOnly,
                                     .description = "What is under way is not waited for."},
                                    ReasonOption()}),
          .run = Stop};
}

Command RunsDecideCommand() {
  return {.name = "runs decide",
          .summary = "say what becomes of a halted run",
          .description =
              "A run is halted when it is not known whether a step that must not be done "
              "twice happened. `resume` executes it again, `abandon` ends the run.",
          .examples = "ronda runs decide 6a1f abandon --reason 'order was made'",
          .positionals = {RunId(),
                          {.name = "DECISION",
                           .description = "What becomes of it.",
                           .choices = {"resume", "abandon"},
                           .suggest = Suggest::kChoices}},
          .options = ServerOptions({ReasonOption()}),
          .run = Decide};
}

Command GatesCommand() {
  return {.name = "gates",
          .summary = "list what waits for an answer",
          .description = "Runs that wait until somebody says yes.",
          .examples = "ronda gates",
          .options = ServerOptions({}),
          .run = Gates};
}

Command AnswerCommand() {
  return {
      .name = "answer",
      .summary = "answer a gate",
      .description = "Lets the run that waits at a gate begin, or ends it.",
      .examples = "ronda answer 6a1f yes",
      .positionals = {{.name = "GATE", .description = "A gate's id.", .suggest = Suggest::kChoices},
                      {.name = "ANSWER",
                       .description = "Whether it may begin.",
                       .choices = {"yes", "no"},
                       .suggest = Suggest::kChoices}},
      .options = ServerOptions({ReasonOption()}),
      .run = AnswerGate};
}

Command PatrolsCommand() {
  return {.name = "patrols",
          .summary = "show how every path stands",
          .description =
              "Every path (a scenario that a patrol walks in an environment) with its "
              "state and availability. The exit code is 99 while one is failing.",
          .examples = "ronda patrols",
          .options = ServerOptions({JsonOption()}),
          .run = Patrols};
}

Command WorkersCommand() {
  return {.name = "workers",
          .summary = "list workers",
          .description = "The workers that the server knows.",
          .examples = "ronda workers",
          .options = ServerOptions({}),
          .run = Workers};
}

}  // namespace ronda::cli
