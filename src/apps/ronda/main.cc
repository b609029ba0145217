// The binary `ronda`: wires clock, streams and environment into the commands.
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "apps/ronda/server.h"
#include "apps/ronda/traces.h"
#include "apps/ronda/up.h"
#include "apps/ronda/worker.h"
#include "base/core/clock.h"
#include "base/log.h"
#include "cli/command.h"
#include "cli/commands/commands.h"

namespace {

ronda::cli::StreamKind KindOf(int fd) {
  return isatty(fd) == 1 ? ronda::cli::StreamKind::kTerminal : ronda::cli::StreamKind::kFile;
}

// Roles, which run servers: behind the commands that people call most.
void AddRoles(std::vector<ronda::cli::Command>& commands) {
  const auto at = std::ranges::find(commands, "report compare", &ronda::cli::Command::name);
  commands.insert(at, {ronda::apps::UpCommand(), ronda::apps::ServerCommand(),
                       ronda::apps::WorkerCommand(), ronda::apps::StopCommand(),
                       ronda::apps::TracesCommand(), ronda::apps::TracesRestoreCommand()});
}

}  // namespace

int main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  ronda::base::RealClock clock;
  ronda::base::Log log(ronda::base::LogLevel::kInfo);
  ronda::cli::Context context{
      .out = std::cout,
      .err = std::cerr,
      .out_kind = KindOf(STDOUT_FILENO),
      .err_kind = KindOf(STDERR_FILENO),
      .clock = clock,
      .log = log,
      .getenv = [](const char* name) -> const char* { return std::getenv(name); }};
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  std::vector<ronda::cli::Command> commands = ronda::cli::BuiltInCommands();
  AddRoles(commands);
  return ronda::cli::Main(arguments, commands, context);
}
