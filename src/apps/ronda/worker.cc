#include "apps/ronda/worker.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <ostream>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "apps/ronda/data_folder.h"
#include "apps/ronda/end_signals.h"
#include "base/options.h"
#include "worker/worker.h"

namespace ronda::apps {
namespace {

using base::OptionType;

std::vector<base::OptionSpec> WorkerOptionTable() {
  constexpr auto kRestart = base::NeedsRestart::kYes;
  return {
      {.name = "server",
       .type = OptionType::kList,
       .value_name = "URL",
       .needs_restart = kRestart,
       .description =
           "Where servers listen for workers: http://HOST:PORT, or https:// with TLS. Of "
           "several the one that leads is found.",
       .example = "https://ronda.example:4320"},
      {.name = "token",
       .needs_restart = kRestart,
       .secrecy = base::Secrecy::kSecret,
       .description = "Shown to the server; it must be a token for workers."},
      {.name = "zone",
       .value_name = "ZONE",
       .needs_restart = kRestart,
       .description = "Where the worker stands; patrols and drills spread over zones.",
       .example = "bj"},
      {.name = "label",
       .type = OptionType::kList,
       .value_name = "KEY=VALUE",
       .needs_restart = kRestart,
       .description = "What definitions can choose it by.",
       .example = "net=dmz"},
      {.name = "name",
       .value_name = "NAME",
       .needs_restart = kRestart,
       .description = "Its name for people; without it the machine's."},
      {.name = "capacity",
       .type = OptionType::kInt,
       .value_name = "N",
       .default_text = "200",
       .min = "1",
       .max = "100000",
       .needs_restart = kRestart,
       .description = "How many parts of runs it executes at a time."},
      {.name = "tls-ca",
       .value_name = "FILE",
       .needs_restart = kRestart,
       .description =
           "Who signed the server's certificate, PEM. Without it, whom the system trusts."},
      {.name = "tls-cert",
       .value_name = "FILE",
       .needs_restart = kRestart,
       .description = "The worker's own certificate, PEM, where the server asks for one."},
      {.name = "tls-key",
       .value_name = "FILE",
       .needs_restart = kRestart,
       .description = "The certificate's key, PEM."},
      {.name = "data",
       .value_name = "DIR",
       .needs_restart = kRestart,
       .description =
           "Its own folder: who it is, and what it must tell after a restart. Without it, "
           "ronda/worker in $XDG_STATE_HOME or ~/.local/state.",
       .example = "/var/lib/ronda/worker"},
      {.name = "files",
       .value_name = "DIR",
       .needs_restart = kRestart,
       .description = "Files that definitions name (feeds, bodies) are relative to this folder; "
                      "without it, `files` in the data folder."},
      {.name = "patience",
       .type = OptionType::kDuration,
       .default_text = "30s",
       .min = "0s",
       .needs_restart = kRestart,
       .description =
           "How long what is under way may go on after SIGTERM; then it is interrupted."},
  };
}

// A socket of this process in the user's own folder. Empty, with a warning, when that cannot be had:
// the worker works without it.
std::string LocalSocket(const cli::Context& context) {
  const std::string folder = WorkerSocketFolder(context);
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  struct stat info{};
  const bool ours = stat(folder.c_str(), &info) == 0 && info.st_uid == geteuid() &&
                    (info.st_mode & S_IWOTH) == 0 && chmod(folder.c_str(), 0700) == 0;
  if (ours) return folder + "/worker-" + std::to_string(getpid()) + ".sock";
  context.log.Warning("`ronda stop --all --local` cannot reach this worker: " + folder +
                      " is no folder of this user");
  return "";
}

base::Result<worker::WorkerOptions> OptionsOf(const base::Options& given,
                                              const cli::Context& context) {
  worker::WorkerOptions options;
  const auto text = [&](std::string_view name) {
    return given.Has(name) ? given.String(name) : std::string();
  };
  ASSIGN_OR_RETURN(options.folder, DataFolder(given, context, "worker"));
  options.link.urls = given.List("server");
  if (options.link.urls.empty())
    return base::InvalidArgument("where is the server? --server http://HOST:PORT");
  options.link.token = text("token");
  options.link.tls = {
      .certificate = text("tls-cert"), .key = text("tls-key"), .ca = text("tls-ca")};
  options.zone = text("zone");
  for (const std::string& label : given.List("label")) {
    const std::size_t equals = label.find('=');
    if (equals == 0 || equals == std::string::npos)
      return base::InvalidArgument("--label wants KEY=VALUE, not \"" + label + "\"");
    options.labels[label.substr(0, equals)] = label.substr(equals + 1);
  }
  options.name = text("name");
  options.capacity = static_cast<std::uint32_t>(given.Int("capacity"));
  options.feeds = text("files");
  options.version = RONDA_VERSION;
  options.control_path = LocalSocket(context);
  return options;
}

base::Result<base::ExitCode> RunWorker(const cli::Invocation& invocation, cli::Context& context) {
  ASSIGN_OR_RETURN(worker::WorkerOptions options, OptionsOf(invocation.options, context));
  signal(SIGPIPE, SIG_IGN);
  EndSignals signals;
  context.out << "kept in    " << options.folder << '\n' << std::flush;
  ASSIGN_OR_RETURN(const auto worker, worker::Worker::Start(std::move(options), context.log));
  base::Status status;
  // A token that is refused from the beginning ends the process too.
  std::thread awaiting([&] {
    status = worker->Await();
    if (!status.ok()) kill(getpid(), SIGTERM);
  });
  signals.Await();
  worker->Drain(static_cast<std::uint64_t>(invocation.options.DurationNs("patience")));
  awaiting.join();
  RETURN_IF_ERROR(status);
  return base::ExitCode::kOk;
}

}  // namespace

cli::Command WorkerCommand() {
  return {.name = "worker",
          .summary = "execute what a server gives out",
          .description =
              "Attaches to a server and executes checks and its share of drills, until Ctrl-C or "
              "SIGTERM: then what is under way may end, results are told, and it leaves; a second "
              "signal ends it at once. It stays attached through restarts of the server, and stops "
              "everything by itself when no server answers for as long as its lease lasts.",
          .examples =
              "ronda worker --server http://127.0.0.1:4320 --token T --zone bj\n"
              "ronda stop --all --local",
          .options = WorkerOptionTable(),
          .run = RunWorker};
}

}  // namespace ronda::apps
