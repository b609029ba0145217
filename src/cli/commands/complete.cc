#include <ostream>

#include "cli/commands/commands.h"
#include "cli/completion.h"

namespace ronda::cli {
namespace {

base::Result<base::ExitCode> Run(const Invocation& invocation, Context& context) {
  for (const Candidate& candidate : Complete(invocation.commands, invocation.arguments)) {
    context.out << candidate.text << '\t' << candidate.description << '\n';
  }
  return base::ExitCode::kOk;
}

}  // namespace

Command CompleteCommand() {
  return {.name = "complete",
          .summary = "what could stand at the cursor, for completion scripts",
          .description = "Prints a candidate a line, with its description after a tab.",
          .examples = "ronda complete -- help ex",
          .positionals = {{.name = "WORD",
                           .arity = Arity::kAny,
                           .description = "The words typed so far, after --."}},
          .visibility = Visibility::kHidden,
          .run = Run};
}

}  // namespace ronda::cli
