#include "cli/help.h"

#include <fmt/format.h>

#include <ostream>

#include "cli/commands/commands.h"
#include "cli/topics.h"
#include "model/catalog/catalog.h"
#include "model/reference.h"
#include "model/source.h"

namespace ronda::cli {
namespace {

// The sub-commands of a first word, or "".
std::string GroupHelp(std::span<const Command> commands, std::string_view word) {
  std::string text;
  for (const Command& command : commands) {
    if (command.name.starts_with(fmt::format("{} ", word))) {
      text += fmt::format("ronda {:<18} {}\n", command.name, command.summary);
    }
  }
  return text;
}

base::Status NoSuch(std::span<const Command> commands, const std::string& name) {
  std::vector<std::string> names = TopicNames();
  for (const Command& command : commands) {
    if (command.visibility == Visibility::kShown) names.emplace_back(command.name);
  }
  for (std::string& code : model::Catalog::BuiltIn().Codes()) names.push_back(std::move(code));
  const std::string nearest = model::Nearest(name, names);
  const std::string hint =
      nearest.empty() ? "'ronda help' lists all" : fmt::format("did you mean \"{}\"?", nearest);
  return base::NotFound(fmt::format("there is no command, topic or action \"{}\"; {}", name, hint));
}

base::Result<base::ExitCode> Run(const Invocation& invocation, Context& context) {
  if (invocation.arguments.empty()) {
    context.out << RenderOverview(invocation.commands, invocation.out_color);
    return base::ExitCode::kOk;
  }
  const std::string name = fmt::format("{}", fmt::join(invocation.arguments, " "));
  if (const Command* command = FindCommand(invocation.commands, name); command != nullptr) {
    context.out << RenderCommandHelp(*command, invocation.out_color);
    return base::ExitCode::kOk;
  }
  if (const Topic* topic = FindTopic(name); topic != nullptr) {
    context.out << RenderTopic(topic->text, invocation.out_color);
    return base::ExitCode::kOk;
  }
  if (const auto* action = model::Catalog::BuiltIn().Find(name); action != nullptr) {
    context.out << RenderTopic(model::ActionReference(*action), invocation.out_color);
    return base::ExitCode::kOk;
  }
  const std::string group = GroupHelp(invocation.commands, name);
  if (!group.empty()) {
    context.out << group;
    return base::ExitCode::kOk;
  }
  const base::Status status = NoSuch(invocation.commands, name);
  context.err << "ronda: " << status.message() << '\n';
  return base::ExitCode::kUsage;
}

}  // namespace

Command HelpCommand() {
  return {
      .name = "help",
      .summary = "explain a command, a topic or an action",
      .description =
          "Explains a command with all its options, a topic, or an action with its parameters and "
          "outputs. Without an argument it lists them.",
      .examples = "ronda help run\nronda help exit-codes\nronda help http.request",
      .positionals = {{.name = "COMMAND|TOPIC|ACTION",
                       .arity = Arity::kAny,
                       .description = "A command (one or two words), a topic or an action.",
                       .suggest = Suggest::kCommandsAndTopics}},
      .run = Run};
}

}  // namespace ronda::cli
