#include <ostream>
#include <string>

#include "cli/commands/commands.h"
#include "engine/run/control_socket.h"

namespace ronda::cli {
namespace {

base::Result<base::ExitCode> Control(const Invocation& invocation, Context& context) {
  const std::vector<std::string>& words = invocation.arguments;
  std::string command = words.size() > 1 ? words[1] : "status";
  for (std::size_t i = 2; i < words.size(); ++i) command += " " + words[i];
  ASSIGN_OR_RETURN(const std::string answer, engine::SendControlCommand(words[0], command));
  context.out << answer << '\n';
  return answer.starts_with("{\"ok\":true") ? base::ExitCode::kOk : base::ExitCode::kFailure;
}

}  // namespace

Command ControlCommand() {
  return {.name = "control",
          .summary = "change a run while it goes on",
          .description =
              "Sends a command to the control socket of a running `ronda run --control SOCKET`: "
              "status, rate N (arrivals a second), users N, pause, "
              "resume, stop (drains), abort. Prints the answer, one JSON object.",
          .examples =
              "ronda control /run/user/1000/buy.sock status\nronda control ./buy.sock rate "
              "500\nronda control ./buy.sock stop",
          .positionals = {{.name = "SOCKET", .description = "The path that --control was given."},
                          {.name = "COMMAND",
                           .arity = Arity::kAny,
                           .description = "status, rate N, users N, pause, resume, stop or abort.",
                           .suggest = Suggest::kChoices}},
          .run = Control};
}

}  // namespace ronda::cli
