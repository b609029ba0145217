#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <ostream>
#include <string>
#include <system_error>

#include "apps/ronda/worker.h"
#include "engine/run/control_socket.h"

namespace ronda::apps {
namespace {

base::Result<base::ExitCode> StopLocal(const cli::Invocation& invocation, cli::Context& context) {
  const base::Options& given = invocation.options;
  if (!given.Switch("all") || !given.Switch("local")) {
    return cli::UsageError(
        invocation, context,
        "say --all --local to interrupt all that this machine's workers execute");
  }
  const std::string folder = WorkerSocketFolder(context);
  std::error_code failed;
  int workers = 0;
  int silent = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder, failed)) {
    if (file.path().extension() != ".sock") continue;
    const auto answer = engine::SendControlCommand(file.path().string(), "stop");
    if (answer.status().code() == base::Code::kNotFound) continue;  // of one that is gone
    ++workers;
    const bool stopped = answer.ok() && answer->starts_with("{\"ok\":true");
    silent += stopped ? 0 : 1;
    context.out << file.path().filename().string() << "  "
                << (answer.ok() ? *answer : answer.status().message()) << '\n';
  }
  if (workers == 0) context.out << "no worker runs here\n";
  if (silent == 0) return base::ExitCode::kOk;
  return base::Unavailable(
      fmt::format("{} of {} workers did not answer: end their processes", silent, workers));
}

}  // namespace

std::string WorkerSocketFolder(const cli::Context& context) {
  const char* runtime = context.getenv("XDG_RUNTIME_DIR");
  if (runtime != nullptr && *runtime == '/') return std::string(runtime) + "/ronda";
  return fmt::format("/tmp/ronda-{}", geteuid());
}

cli::Command StopCommand() {
  return {
      .name = "stop",
      .summary = "interrupt everything that this machine's workers execute",
      .description =
          "Tells every `ronda worker` of this user on this machine, by its local socket, to "
          "interrupt what it executes, at once. Needs neither server nor database. The workers go "
          "on running; results say that they were interrupted.",
      .examples = "ronda stop --all --local",
      .options = {{.name = "all",
                   .type = base::OptionType::kSwitch,
                   .scope = base::OptionScope::kFlagOnly,
                   .description = "Everything that they execute."},
                  {.name = "local",
                   .type = base::OptionType::kSwitch,
                   .scope = base::OptionScope::kFlagOnly,
                   .description = "By the workers' own sockets, past every server."}},
      .run = StopLocal};
}

}  // namespace ronda::apps
