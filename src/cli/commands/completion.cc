#include "cli/completion.h"

#include <ostream>

#include "cli/commands/commands.h"

namespace ronda::cli {
namespace {

Shell ShellOf(std::string_view name) {
  if (name == "zsh") return Shell::kZsh;
  return name == "fish" ? Shell::kFish : Shell::kBash;
}

base::Result<base::ExitCode> Run(const Invocation& invocation, Context& context) {
  context.out << CompletionScript(ShellOf(invocation.arguments.front()));
  return base::ExitCode::kOk;
}

}  // namespace

Command CompletionCommand() {
  return {.name = "completion",
          .summary = "print the completion script of a shell",
          .description =
              "Prints a script that completes commands, options and their values:\n"
              "  bash: source <(ronda completion bash), in ~/.bashrc\n"
              "  zsh:  source <(ronda completion zsh), in ~/.zshrc after compinit\n"
              "  fish: ronda completion fish > ~/.config/fish/completions/ronda.fish",
          .examples = "ronda completion bash",
          .positionals = {{.name = "SHELL",
                           .description = "bash, zsh or fish.",
                           .choices = {"bash", "zsh", "fish"},
                           .suggest = Suggest::kChoices}},
          .run = Run};
}

}  // namespace ronda::cli
