#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <mutex>
#include <ostream>

#include "cli/commands/commands.h"
#include "cli/outputs.h"
#include "cli/scenario_run.h"
#include "engine/report/report.h"

namespace ronda::cli {
namespace {

namespace report = engine::report;
using base::OptionScope;
using base::OptionType;

constexpr std::uint64_t kLineEveryNs = 10'000'000'000;

// Progress on standard error: a block that is redrawn on a terminal, a line every ten seconds
// elsewhere. Logs go above the block. Thread-safe.
class Progress {
 public:
  Progress(Context& context, Color color)
      : context_(context),
        paint_(color == Color::kOn ? report::Paint::kColor : report::Paint::kPlain) {}

  void SetShape(const stats::Shape* shape) { shape_ = shape; }

  void Look(const stats::Snapshot& look) {
    const std::lock_guard lock(mutex_);
    if (context_.err_kind == StreamKind::kTerminal && shape_ != nullptr) {
      // As wide as the terminal is now, and never higher: what has scrolled away cannot be redrawn.
      const TerminalSize size = SizeOf(STDERR_FILENO);
      std::vector<std::string> lines = report::LiveBlock(look, *shape_, paint_, size.columns);
      if (lines.size() + 1 > size.rows) lines.resize(std::max<std::size_t>(size.rows, 2) - 1);
      Erase();
      for (const std::string& line : lines) {
        context_.err << line << "\x1b[K\n";
        ++drawn_;
      }
      context_.err.flush();
      return;
    }
    const auto elapsed = static_cast<std::uint64_t>(look.elapsed_s * 1e9);
    if (elapsed < next_line_ns_) return;
    next_line_ns_ = elapsed - elapsed % kLineEveryNs + kLineEveryNs;
    context_.err << report::LiveLine(look) << std::endl;
  }

  void Log(std::string_view level, std::string_view text) {
    const std::lock_guard lock(mutex_);
    Erase();
    context_.err << level << ": " << text << std::endl;
  }

 private:
  void Erase() {
    if (drawn_ > 0) context_.err << "\x1b[" << drawn_ << "F\x1b[J";
    drawn_ = 0;
  }

  Context& context_;
  const report::Paint paint_;
  const stats::Shape* shape_ = nullptr;
  std::mutex mutex_;
  int drawn_ = 0;
  std::uint64_t next_line_ns_ = kLineEveryNs;
};

// `--once -v`: every step with its whole exchange.
class Exchanges : public engine::StepObserver {
 public:
  Exchanges(Context& context, Color color) : context_(context), color_(color) {}

  void OnStep(const engine::StepReport& step) override {
    const std::lock_guard lock(mutex_);
    std::ostream& out = context_.err;
    const bool good =
        step.error.empty() && std::ranges::all_of(step.checks, &engine::StepReport::Note::ok);
    out << Paint(color_, good ? Tone::kGreen : Tone::kRed, good ? "ok   " : "FAIL ")
        << Paint(color_, Tone::kBold, step.step) << "  " << step.action << "  "
        << report::FormatNs(step.duration_ns);
    if (step.attempt > 1) out << "  attempt " << step.attempt;
    out << '\n';
    if (step.exchange != nullptr) {
      Block("> ", step.exchange->request_line);
      Block("> ", step.exchange->request_head);
      Block("> ", step.exchange->request_body);
      Block("< ", step.exchange->response_line);
      Block("< ", step.exchange->response_head);
      Block("< ", step.exchange->response_body);
    }
    if (!step.error.empty()) out << "  error: " << step.error << '\n';
    for (const auto& value : step.values) out << "  " << value.text << '\n';
    for (const auto& check : step.checks) {
      out << "  "
          << Paint(color_, check.ok ? Tone::kGreen : Tone::kRed, check.ok ? "ok   " : "FAIL ")
          << check.text << '\n';
    }
    out << std::endl;
  }

 private:
  void Block(std::string_view prefix, std::string_view text) {
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      context_.err << "  " << Paint(color_, Tone::kDim, prefix) << text.substr(0, end) << '\n';
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  }

  Context& context_;
  const Color color_;
  std::mutex mutex_;
};

base::Result<std::vector<std::pair<std::string, std::string>>> ReadSettings(
    const std::vector<std::string>& given) {
  std::vector<std::pair<std::string, std::string>> settings;
  for (const std::string& text : given) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
      return base::InvalidArgument("--set " + text + ": write name=value");
    settings.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return settings;
}

base::Result<engine::Share> ReadShard(const std::string& text) {
  engine::Share share;
  if (std::sscanf(text.c_str(), "%u/%u", &share.index, &share.count) != 2 || share.count == 0 ||
      share.index == 0 || share.index > share.count) {
    return base::InvalidArgument("--shard " + text +
                                 ": write PART/PARTS, e.g. 1/2 and 2/2 for two processes");
  }
  --share.index;
  return share;
}

// What the flags say of the run. The status is about wrong usage.
base::Status ReadFlags(const base::Options& options, RunRequest& request) {
  ASSIGN_OR_RETURN(request.outputs, ReadOutputs(options.List("out")));
  if (options.Has("name")) request.name = options.String("name");
  if (options.Has("env")) request.environment = options.String("env");
  ASSIGN_OR_RETURN(request.set, ReadSettings(options.List("set")));
  request.load.once = options.Switch("once");
  if (options.Switch("verbose") && !request.load.once)
    return base::InvalidArgument("--verbose shows single steps and needs --once");
  if (options.Has("users")) request.load.users = static_cast<std::uint32_t>(options.Int("users"));
  if (options.Has("rate")) request.load.rate = options.Float("rate");
  if (options.Has("duration"))
    request.load.duration_ns = static_cast<std::uint64_t>(options.DurationNs("duration"));
  if (options.Has("iterations"))
    request.load.iterations = static_cast<std::uint64_t>(options.Int("iterations"));
  if (options.Has("threads")) request.options.threads = static_cast<int>(options.Int("threads"));
  if (options.Has("seed")) request.options.seed = static_cast<std::uint64_t>(options.Int("seed"));
  if (options.Has("control")) request.options.control_path = options.String("control");
  if (options.Has("shard")) {
    ASSIGN_OR_RETURN(request.options.process, ReadShard(options.String("shard")));
  }
  request.traced = options.Switch("traceparent");
  return base::Ok();
}

base::Status ReadFiles(const Invocation& invocation, RunRequest& request) {
  std::vector<std::string> files = invocation.arguments;
  for (const std::string& more : invocation.options.List("env-file")) files.push_back(more);
  for (const std::string& path : files) {
    ASSIGN_OR_RETURN(auto source, ReadSource(path));
    request.sources.push_back(std::move(source));
  }
  request.folder = std::filesystem::path(files.front()).parent_path().string();
  if (request.folder.empty()) request.folder.push_back('.');
  return base::Ok();
}

base::Result<base::ExitCode> Run(const Invocation& invocation, Context& context) {
  const base::Options& options = invocation.options;
  RunRequest request;
  if (const base::Status wrong = ReadFlags(options, request); !wrong.ok())
    return UsageError(invocation, context, wrong.message());
  RETURN_IF_ERROR(ReadFiles(invocation, request));
  Progress progress(context, invocation.err_color);
  Exchanges exchanges(context, invocation.err_color);
  const bool verbose = options.Switch("verbose");
  if (verbose) request.options.observer = &exchanges;
  const bool quiet = options.Switch("quiet");
  request.on_program = [&](const engine::Program& program) { progress.SetShape(&program.shape); };
  if (!quiet && !request.load.once)
    request.options.on_look = [&](const stats::Snapshot& look) { progress.Look(look); };
  request.options.on_log = [&](std::string_view level, std::string_view text) {
    progress.Log(level, text);
  };
  ASSIGN_OR_RETURN(const RunDone done, ExecuteRun(std::move(request), context));

  const report::ReportInput input = InputOf(done);
  bool lost = done.samples_failed;
  lost |= WriteReports(done.outputs, input, context) == Written::kNotAll;
  if (options.Switch("json")) {
    context.out << report::ReportJson(input);
  } else {
    context.out << report::SummaryText(
        input, invocation.out_color == Color::kOn ? report::Paint::kColor : report::Paint::kPlain);
  }
  context.out.flush();
  if (!context.out) {
    context.log.Error("cannot write the summary to standard output");
    lost = true;
  }
  const base::ExitCode code = done.result.exit_code();
  return lost && code == base::ExitCode::kOk ? base::ExitCode::kFailure : code;
}

}  // namespace

Command RunCommand() {
  return {
      .name = "run",
      .summary = "run a scenario or a drill",
      .description =
          "Runs the Drill of the file, or its Scenario when there is none. Without `load:` and "
          "without --users, --rate, --duration or "
          "--iterations it is one iteration, and any failed check fails it (exit code 99). Under "
          "load the thresholds decide. Ctrl-C drains; a "
          "second one stops at once.",
      .examples =
          "ronda run buy.yaml --once -v\nronda run buy.yaml --users 50 --duration 1m --out "
          "html=report.html\nronda run drill.yaml --env stress "
          "--set user=anna --control ./run.sock",
      .positionals = {{.name = "FILE",
                       .arity = Arity::kAtLeastOne,
                       .description = "YAML definitions, - for standard input; paths in them are "
                                      "relative to the first."}},
      .options =
          {{.name = "once",
            .type = OptionType::kSwitch,
            .scope = OptionScope::kFlagOnly,
            .description = "One iteration, whatever `load:` says."},
           {.name = "verbose",
            .letter = 'v',
            .type = OptionType::kSwitch,
            .scope = OptionScope::kFlagOnly,
            .description = "With --once: the whole exchange of each step."},
           {.name = "users",
            .letter = 'u',
            .type = OptionType::kInt,
            .value_name = "N",
            .min = "1",
            .max = "10000000",
            .scope = OptionScope::kFlagOnly,
            .description =
                "So many users at a time, instead of `load:`; with --rate the most there may be."},
           {.name = "rate",
            .letter = 'r',
            .type = OptionType::kFloat,
            .value_name = "N",
            .min = "0.001",
            .unit = "iterations/s",
            .scope = OptionScope::kFlagOnly,
            .description = "So many iterations begin a second (open model), instead of `load:`."},
           {.name = "duration",
            .letter = 'd',
            .type = OptionType::kDuration,
            .min = "1ms",
            .scope = OptionScope::kFlagOnly,
            .description = "How long iterations begin."},
           {.name = "iterations",
            .letter = 'n',
            .type = OptionType::kInt,
            .value_name = "N",
            .min = "1",
            .scope = OptionScope::kFlagOnly,
            .description = "So many iterations in all, shared by the users."},
           {.name = "name",
            .value_name = "NAME",
            .scope = OptionScope::kFlagOnly,
            .description = "Which scenario or drill, when the file has several."},
           {.name = "env",
            .letter = 'e',
            .value_name = "NAME",
            .description = "The environment; the only one there is unless given."},
           {.name = "env-file",
            .type = OptionType::kList,
            .value_name = "FILE",
            .description = "More definitions, such as environments; may be given several times."},
           {.name = "set",
            .type = OptionType::kList,
            .value_name = "NAME=VALUE",
            .scope = OptionScope::kFlagOnly,
            .description = "A param, or `env.name=value`; may be given several times."},
           OutOption(),
           {.name = "json",
            .type = OptionType::kSwitch,
            .scope = OptionScope::kFlagOnly,
            .description = "The JSON report on standard output instead of the summary."},
           {.name = "quiet",
            .letter = 'q',
            .type = OptionType::kSwitch,
            .scope = OptionScope::kFlagOnly,
            .description = "No live view."},
           {.name = "threads",
            .letter = 't',
            .type = OptionType::kInt,
            .value_name = "N",
            .min = "1",
            .max = "1024",
            .description = "Reactor threads; as many as the load needs unless given."},
           {.name = "control",
            .value_name = "SOCKET",
            .scope = OptionScope::kFlagOnly,
            .description = "A unix socket by which `ronda control` changes the run."},
           {.name = "shard",
            .value_name = "PART/PARTS",
            .scope = OptionScope::kFlagOnly,
            .description = "This process's part of the load: 1/2 and 2/2 are two processes that "
                           "make it together."},
           {.name = "traceparent",
            .type = OptionType::kSwitch,
            .description = "Every request carries a W3C traceparent; one trace an iteration."},
           {.name = "seed",
            .type = OptionType::kInt,
            .value_name = "N",
            .min = "1",
            .scope = OptionScope::kFlagOnly,
            .description = "Of all random choices; a run with one thread repeats them."}},
      .run = Run};
}

}  // namespace ronda::cli
