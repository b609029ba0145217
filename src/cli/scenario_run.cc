#include "cli/scenario_run.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>

#include "base/core/ids.h"
#include "base/file.h"
#include "engine/outputs/run_outputs.h"
#include "model/catalog/catalog.h"
#include "model/load.h"
#include "model/node.h"

namespace ronda::cli {
namespace {

// The run that signals are for; there is at most one in the process at a time.
std::atomic<engine::LoadRun*> g_running{nullptr};

extern "C" void OnSignal(int) {
  const int saved = errno;
  if (engine::LoadRun* run = g_running.load()) run->Interrupt();
  errno = saved;
}

// Signals go to the run while this lives.
class SignalScope {
 public:
  explicit SignalScope(engine::LoadRun& run) {
    g_running.store(&run);
    struct sigaction action{};
    action.sa_handler = OnSignal;
    sigaction(SIGINT, &action, &old_int_);
    sigaction(SIGTERM, &action, &old_term_);
    signal(SIGPIPE, SIG_IGN);
  }
  ~SignalScope() {
    sigaction(SIGINT, &old_int_, nullptr);
    sigaction(SIGTERM, &old_term_, nullptr);
    g_running.store(nullptr);
  }
  SignalScope(const SignalScope&) = delete;
  SignalScope& operator=(const SignalScope&) = delete;

 private:
  struct sigaction old_int_{};
  struct sigaction old_term_{};
};

std::uint64_t CpuNs() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto ns = [](const timeval& t) {
    return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000 +
           static_cast<std::uint64_t>(t.tv_usec) * 1000;
  };
  return ns(usage.ru_utime) + ns(usage.ru_stime);
}

// `first`: the file that was named first; those after it are what it uses.
base::Result<const model::Definition*> PickRoot(const model::DefinitionSet& set,
                                                const std::string& name,
                                                const model::Source& first) {
  std::vector<const model::Definition*> found;
  std::vector<std::string> names;
  const auto look = [&](model::Kind kind, const model::Source* in) {
    for (const auto& definition : set.all) {
      if (definition->kind != kind || (in != nullptr && definition->where.source.get() != in))
        continue;
      if (in == nullptr) names.push_back(definition->name);
      if (name.empty() || definition->name == name) found.push_back(definition.get());
    }
    return !found.empty();
  };
  // A drill is what somebody wants to run; its scenarios are its parts.
  for (const model::Source* in : {&first, static_cast<const model::Source*>(nullptr)}) {
    if (look(model::Kind::kDrill, in) || look(model::Kind::kScenario, in)) break;
  }
  if (found.size() == 1) return found.front();
  if (names.empty())
    return base::InvalidArgument(first.name + ": there is no Scenario and no Drill in it");
  if (found.empty()) {
    const std::string nearest = model::Nearest(name, names);
    return base::InvalidArgument(
        fmt::format("{}: there is no Scenario or Drill \"{}\"{}", first.name, name,
                    nearest.empty() ? fmt::format("; there is: {}", fmt::join(names, ", "))
                                    : fmt::format("; did you mean \"{}\"?", nearest)));
  }
  return base::InvalidArgument(fmt::format("{}: there are several: {}; choose one by --name",
                                           first.name, fmt::join(names, ", ")));
}

base::Result<const model::Definition*> PickEnvironment(const model::DefinitionSet& set,
                                                       const std::string& name) {
  const std::vector<std::string> names = set.Names(model::Kind::kEnvironment);
  if (name.empty()) {
    if (names.size() == 1) return set.Find(model::Kind::kEnvironment, {names[0], 0, {}});
    if (names.empty()) return static_cast<const model::Definition*>(nullptr);
    return base::InvalidArgument(fmt::format(
        "there are several environments: {}; choose one by --env", fmt::join(names, ", ")));
  }
  const model::Definition* found = set.Find(model::Kind::kEnvironment, {name, 0, {}});
  if (found != nullptr) return found;
  const std::string nearest = model::Nearest(name, names);
  return base::InvalidArgument(fmt::format("there is no environment \"{}\"{}", name,
                                           nearest.empty()
                                               ? "; give the file that has it by --env-file"
                                               : fmt::format("; did you mean \"{}\"?", nearest)));
}

base::Result<std::map<std::string, std::string>> ReadSecrets(const model::Environment& environment,
                                                             const std::string& folder,
                                                             Context& context) {
  std::map<std::string, std::string> values;
  for (const model::SecretSource& secret : environment.secrets) {
    if (!secret.env.empty()) {
      const char* value = context.getenv(secret.env.c_str());
      if (value == nullptr)
        return base::InvalidArgument(
            fmt::format("secret {}: the variable {} is not set", secret.name, secret.env));
      values[secret.name] = value;
      continue;
    }
    if (secret.stored) {
      return base::InvalidArgument(
          fmt::format("secret {}: its value is kept by the server, which a local run does not ask; "
                      "give an environment with env: or file: by --env-file",
                      secret.name));
    }
    const std::string path =
        secret.file.starts_with('/') || folder.empty() ? secret.file : folder + "/" + secret.file;
    auto read = base::ReadFile(path);
    if (!read.ok()) {
      return base::InvalidArgument(
          fmt::format("secret {}: {}", secret.name, read.status().message()));
    }
    std::string text = *std::move(read);
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
    values[secret.name] = text;
  }
  return values;
}

// HTTP_PROXY is read in lower case only where a CGI server could set it by a request's header.
std::map<std::string, std::string> ProxyVariables(Context& context) {
  std::map<std::string, std::string> values;
  for (const std::string name : {"http_proxy", "https_proxy", "all_proxy", "no_proxy"}) {
    std::string upper = name;
    std::ranges::transform(upper, upper.begin(),
                           [](char c) { return static_cast<char>(std::toupper(c)); });
    const char* value = context.getenv(name.c_str());
    if (value == nullptr && (name != "http_proxy" || context.getenv("REQUEST_METHOD") == nullptr))
      value = context.getenv(upper.c_str());
    if (value != nullptr) values[name] = value;
  }
  return values;
}

// What leaves the run while it goes on; null when nothing does.
base::Result<std::unique_ptr<engine::RunOutputs>> OpenStreams(const RunDone& done,
                                                              const engine::RunOptions& run,
                                                              Context& context) {
  engine::RunOutputs::Options options;
  for (const Output& output : done.outputs) {
    if (output.kind == "ndjson" || output.kind == "csv-samples") {
      options.samples_path = output.target;
      options.samples_format = output.kind == "ndjson" ? engine::report::SampleFormat::kNdjson
                                                       : engine::report::SampleFormat::kCsv;
    }
    if (output.kind == "prometheus") options.remote_write_url = output.target;
    if (output.kind == "otlp") options.otlp_url = output.target;
    if (output.kind == "metrics") options.metrics_address = output.target;
  }
  if (!options.any()) return std::unique_ptr<engine::RunOutputs>();
  options.labels = {.name = done.root->name, .run_id = done.run_id};
  options.version = RONDA_VERSION;
  options.say = run.on_log;
  if (!options.say) {
    options.say = [&context](std::string_view level, std::string_view text) {
      context.log.Write(level == "info" ? base::LogLevel::kInfo : base::LogLevel::kWarning, text);
    };
  }
  const auto say = options.say;
  ASSIGN_OR_RETURN(auto streams, engine::RunOutputs::Open(done.program->shape, std::move(options)));
  if (!streams->metrics_address().empty())
    say("info", "metrics at http://" + streams->metrics_address() + "/metrics");
  return streams;
}

base::Status StatusOf(const model::Diagnostics& diagnostics, RunRequest::Places places) {
  if (places == RunRequest::Places::kShown || !diagnostics.has_errors())
    return diagnostics.ToStatus();
  std::string text;
  for (const model::Diagnostic& d : diagnostics.all()) {
    if (d.severity != model::Severity::kError) continue;
    (text += text.empty() ? "" : "\n") += d.message;
    if (!d.hint.empty()) (text += "; ") += d.hint;
  }
  return base::InvalidArgument(text);
}

}  // namespace

base::Result<std::shared_ptr<const model::Source>> ReadSource(const std::string& path) {
  const bool standard = path == "-";
  // One byte more than is allowed, so that the parser can tell what is wrong.
  auto text = base::ReadFile(standard ? "/dev/stdin" : path, model::kMaxSourceBytes + 1);
  if (!text.ok()) return base::InvalidArgument(text.status().message());
  return std::make_shared<const model::Source>(
      model::Source{standard ? "standard input" : path, *std::move(text)});
}

base::Result<RunDone> ExecuteRun(RunRequest request, Context& context) {
  RunDone done;
  done.definitions = std::make_unique<model::DefinitionSet>();
  model::Diagnostics diagnostics;
  const auto found = [&] { return StatusOf(diagnostics, request.places); };
  for (const auto& source : request.sources)
    model::LoadDefinitions(source, model::Catalog::BuiltIn(), *done.definitions, diagnostics);
  RETURN_IF_ERROR(found());
  ASSIGN_OR_RETURN(done.root, PickRoot(*done.definitions, request.name, *request.sources.front()));
  ASSIGN_OR_RETURN(const model::Definition* environment,
                   PickEnvironment(*done.definitions, request.environment));
  const auto* drill = done.root->As<model::Drill>();
  if (drill != nullptr && drill->isolation) {
    diagnostics.Error(drill->isolation->where,
                      "isolation \"" + drill->isolation->profile.name +
                          "\" cannot be enforced from here: no agent of the profile is connected",
                      "run without `isolation:` only where real data may be written");
  }
  model::CheckReferences(*done.definitions, *done.root, diagnostics);
  RETURN_IF_ERROR(found());
  if (drill != nullptr) {
    const auto not_enforced = [&](bool said, std::string_view what) {
      if (said)
        context.log.Warning(fmt::format("{} by the server only, not by this command", what));
    };
    not_enforced(!drill->gates.empty(), "the drill's `gates` are asked for");
    not_enforced(drill->window.has_value(), "the drill's `window` is kept");
    not_enforced(done.root->raw.Find("lease") != nullptr, "the drill's `lease` is held");
    not_enforced(!drill->search.is_null(), "the drill's `search` is made");
  }

  base::TraceIdGenerator ids(
      base::EnvironmentNamed(environment != nullptr ? environment->name : ""), 63);
  done.run_id = base::ToHex(ids.Next(context.clock.WallNs() / 1'000'000));
  done.digest = model::Digest(*done.root);
  if (environment != nullptr) done.environment = environment->name;
  engine::CompileInput input;
  input.definitions = done.definitions.get();
  input.root = done.root;
  input.environment = environment;
  input.set = std::move(request.set);
  if (environment != nullptr) {
    ASSIGN_OR_RETURN(input.secrets,
                     ReadSecrets(*environment->As<model::Environment>(), request.folder, context));
  }
  input.variables = ProxyVariables(context);
  input.folder = request.folder;
  input.process = request.options.process;
  input.load = request.load;
  input.run_id = done.run_id;
  input.run_mark = done.run_id;
  // A span is only of use where the request carries its ids.
  input.traced = request.traced || std::ranges::any_of(request.outputs, [](const Output& output) {
                   return output.kind == "otlp";
                 });
  input.users_per_connection = request.users_per_connection;
  done.program = engine::CompileProgram(input, diagnostics);
  RETURN_IF_ERROR(found());
  for (const model::Diagnostic& d : diagnostics.all()) context.log.Warning(d.message);

  if (request.on_program) request.on_program(*done.program);
  ASSIGN_OR_RETURN(done.outputs, MergeOutputs(request.outputs, done.program->outputs));
  ASSIGN_OR_RETURN(const auto streams, OpenStreams(done, request.options, context));
  request.options.tap = streams.get();
  request.options.environment = base::EnvironmentNamed(done.environment);
  auto created = engine::LoadRun::Create(*done.program, std::move(request.options), diagnostics);
  RETURN_IF_ERROR(found());
  if (!created.ok()) return created.status();
  const std::unique_ptr<engine::LoadRun> run = *std::move(created);
  const std::uint64_t cpu = CpuNs();
  {
    const SignalScope signals(*run);
    done.result = run->Execute();
    done.cpu_ns = CpuNs() - cpu;
    // Still within the scope: Ctrl-C while the last spans go out does not cost the reports.
    if (streams != nullptr) {
      engine::RunOutputs::Outcome outcome = streams->Close();
      done.samples_failed = outcome.file_failed;
      std::ranges::move(outcome.warnings, std::back_inserter(done.result.warnings));
    }
  }
  return done;
}

}  // namespace ronda::cli
