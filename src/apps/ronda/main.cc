// The binary `ronda`: wires clock, streams and environment into the commands.
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "base/core/clock.h"
#include "base/log.h"
#include "cli/command.h"
#include "cli/commands/commands.h"

namespace {

ronda::cli::StreamKind KindOf(int fd) {
  return isatty(fd) == 1 ? ronda::cli::StreamKind::kTerminal : ronda::cli::StreamKind::kFile;
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
  const std::vector<ronda::cli::Command> commands = ronda::cli::BuiltInCommands();
  return ronda::cli::Main(arguments, commands, context);
}
