#include "apps/ronda/up.h"

#include <unistd.h>

#include <memory>
#include <ostream>
#include <string>
#include <utility>

#include "apps/ronda/child.h"
#include "apps/ronda/control_plane.h"
#include "apps/ronda/end_signals.h"
#include "apps/ronda/server_options.h"
#include "base/file.h"
#include "base/options.h"
#include "cli/api_client.h"

namespace ronda::apps {
namespace {

using base::OptionType;

std::vector<base::OptionSpec> UpOptionTable() {
  constexpr auto kRestart = base::NeedsRestart::kYes;
  std::vector<base::OptionSpec> table = ControlPlaneOptionTable();
  const auto port = [&](std::string_view name, std::string_view number, std::string_view what) {
    table.push_back({.name = name,
                     .type = OptionType::kInt,
                     .value_name = "PORT",
                     .default_text = number,
                     .min = "1",
                     .max = "65535",
                     .needs_restart = kRestart,
                     .description = what});
  };
  port("trace-http", "4319", "Where the trace back end answers.");
  port("otlp-http", "4318", "Where OTLP/HTTP is received.");
  port("otlp-grpc", "4317", "Where OTLP/gRPC is received.");
  table.push_back({.name = "no-traces",
                   .type = OptionType::kSwitch,
                   .needs_restart = kRestart,
                   .description = "No trace back end here."});
  table.push_back({.name = "zone",
                   .value_name = "ZONE",
                   .default_text = "local",
                   .needs_restart = kRestart,
                   .description = "Of the worker that is started here."});
  return table;
}

// The token that the worker here shows, kept from the first start on.
base::Result<std::string> LocalToken(const std::string& folder, const std::string& first) {
  const std::string path = folder + "/token";
  if (first.empty()) {
    auto read = base::ReadFile(path);
    if (read.ok()) return read;
    return base::FailedPrecondition(
        path +
        " is missing: make a token (ronda tokens create worker --scope fleet:write) and put "
        "it there");
  }
  RETURN_IF_ERROR(base::WritePrivateFile(path, first));
  return first;
}

base::Result<base::ExitCode> Up(const cli::Invocation& invocation, cli::Context& context) {
  const base::Options& options = invocation.options;
  ASSIGN_OR_RETURN(const ControlPlaneOptions plane_options,
                   ControlPlaneOptionsOf(options, context));
  EndSignals signals;
  ASSIGN_OR_RETURN(const auto plane,
                   ControlPlane::Start(plane_options, context.clock, context.log));
  const std::string& folder = plane_options.folder;
  ASSIGN_OR_RETURN(const std::string token, LocalToken(folder, plane->first_token()));
  ASSIGN_OR_RETURN(const std::string server_file, cli::RunningServerFile(context));
  RETURN_IF_ERROR(cli::WriteServerFile(server_file, {plane->url(), token}));
  const bool tls = !plane_options.workers_tls.certificate.empty();
  const auto number = [&](std::string_view name) { return std::to_string(options.Int(name)); };
  std::vector<std::string> worker = {
      "worker",
      "--server",
      (tls ? "https://localhost:" : "http://127.0.0.1:") + std::to_string(plane->workers_port()),
      "--zone",
      options.String("zone"),
      "--data",
      folder + "/worker"};
  Child worker_process("the worker", std::move(worker), {{"RONDA_TOKEN", token}}, context.log);
  std::unique_ptr<Child> traces;
  if (!options.Switch("no-traces")) {
    traces = std::make_unique<Child>(
        "the trace back end",
        std::vector<std::string>{"traces", "--data", folder + "/traces", "--listen",
                                 options.String("listen"), "--http", number("trace-http"),
                                 "--otlp-http", number("otlp-http"), "--otlp-grpc",
                                 number("otlp-grpc")},
        std::vector<std::pair<std::string, std::string>>{}, context.log);
  }
  const std::string host = "http://" + options.String("listen") + ":";
  context.out << "API      " << plane->url() << '\n';
  context.out << "workers  " << (tls ? "https://" : "http://") << options.String("listen") << ':'
              << plane->workers_port() << '\n';
  if (traces != nullptr) {
    context.out << "traces   " << host << options.Int("trace-http") << ", OTLP " << host
                << options.Int("otlp-http") << '\n';
  }
  context.out << "token    " << folder << "/token, of the user admin\nkept in  " << folder << '\n'
              << std::flush;
  signals.Await();
  worker_process.Stop();
  plane->Stop();
  if (traces != nullptr) traces->Stop();
  unlink(server_file.c_str());
  return base::ExitCode::kOk;
}

}  // namespace

cli::Command UpCommand() {
  return {
      .name = "up",
      .summary = "everything on one machine: server, worker, trace back end",
      .description =
          "Starts a server with its embedded database, a worker and a trace back end, and keeps "
          "them running until Ctrl-C or SIGTERM. Other commands on this machine find it by "
          "themselves. What it keeps survives any end of its processes.",
      .examples = "ronda up\nronda up --data /var/lib/ronda --listen 0.0.0.0",
      .options = UpOptionTable(),
      .run = Up};
}

}  // namespace ronda::apps
