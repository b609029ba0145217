#include <fmt/format.h>

#include <algorithm>
#include <ostream>
#include <utility>

#include "cli/command.h"
#include "cli/command_line.h"
#include "cli/config_file.h"
#include "cli/help.h"
#include "model/source.h"

namespace ronda::cli {
namespace {

using base::ExitCode;
using base::OptionSource;
using base::Status;

int ToInt(ExitCode code) { return static_cast<int>(code); }

// The colour of errors that come before the options are known.
Color EarlyColor(const Context& context) {
  return ColorFor("auto", context.err_kind, context.getenv);
}

int WrongUsage(const Context& context, std::string_view message, std::string_view next) {
  context.err << Paint(EarlyColor(context), Tone::kRed, "ronda:") << ' ' << message << '\n'
              << "see '" << next << "'\n";
  return ToInt(ExitCode::kUsage);
}

// The command that the first one or two words name, and how many words that took.
std::pair<const Command*, std::size_t> Pick(std::span<const Command> commands,
                                            const std::vector<std::string>& words) {
  if (words.size() > 1) {
    const Command* two = FindCommand(commands, words[0] + " " + words[1]);
    if (two != nullptr) return {two, 2};
  }
  return {FindCommand(commands, words[0]), 1};
}

int UnknownCommand(std::span<const Command> commands, const std::vector<std::string>& words,
                   const Context& context) {
  std::vector<std::string> within, names;
  for (const Command& command : commands) {
    if (command.visibility == Visibility::kHidden) continue;
    names.emplace_back(command.name);
    if (command.name.starts_with(words[0] + " ")) within.emplace_back(command.name);
  }
  if (!within.empty()) {
    return WrongUsage(context, fmt::format("{} is: {}", words[0], fmt::join(within, ", ")),
                      "ronda help");
  }
  std::string message = fmt::format("there is no command \"{}\"", words[0]);
  const std::string nearest = model::Nearest(words[0], names);
  if (!nearest.empty()) message += fmt::format("; did you mean \"{}\"?", nearest);
  return WrongUsage(context, message, "ronda help");
}

base::LogLevel LogLevelOf(std::string_view name) {
  if (name == "debug") return base::LogLevel::kDebug;
  if (name == "warning") return base::LogLevel::kWarning;
  if (name == "error") return base::LogLevel::kError;
  return base::LogLevel::kInfo;
}

int RunCommand(const Command& command, std::span<const Command> commands,
               const base::Options& options, const std::vector<std::string>& arguments,
               Context& context) {
  const std::string& choice = options.String("color");
  const Invocation invocation{command,
                              commands,
                              options,
                              arguments,
                              ColorFor(choice, context.out_kind, context.getenv),
                              ColorFor(choice, context.err_kind, context.getenv)};
  context.log.SetLevel(LogLevelOf(options.String("log-level")));
  const base::Result<ExitCode> code = command.run(invocation, context);
  context.out.flush();
  if (!code.ok()) {
    std::string_view message = code.status().message();
    while (message.ends_with('\n')) message.remove_suffix(1);
    context.err << Paint(invocation.err_color, Tone::kRed, "ronda:") << ' ' << message << '\n';
    return ToInt(base::ExitCodeOf(code.status().code()));
  }
  if (!context.out) {
    context.err << "ronda: standard output could not be written\n";
    return ToInt(ExitCode::kFailure);
  }
  return ToInt(*code);
}

}  // namespace

const Command* FindCommand(std::span<const Command> commands, std::string_view name) {
  const auto found = std::ranges::find(commands, name, &Command::name);
  return found == commands.end() ? nullptr : &*found;
}

base::ExitCode UsageError(const Invocation& invocation, const Context& context,
                          std::string_view message) {
  (void)WrongUsage(context, message, fmt::format("ronda help {}", invocation.command.name));
  return ExitCode::kUsage;
}

int Main(const std::vector<std::string>& arguments, std::span<const Command> commands,
         Context& context) {
  std::vector<std::string> words = arguments;
  if (words.empty() || words[0] == "-h" || words[0] == "--help") words = {"help"};
  if (words[0] == "--version") words[0] = "version";
  if (words[0].starts_with("-")) {
    return WrongUsage(context, fmt::format("a command comes before {}", words[0]), "ronda help");
  }
  const auto [command, taken] = Pick(commands, words);
  if (command == nullptr) return UnknownCommand(commands, words, context);
  words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(taken));

  const std::string next = fmt::format("ronda help {}", command->name);
  const base::Result<CommandLine> line = ParseCommandLine(*command, words);
  if (!line.ok()) return WrongUsage(context, line.status().message(), next);
  if (line->wants == CommandLine::Wants::kHelp) {
    context.out << RenderCommandHelp(*command, ColorFor("auto", context.out_kind, context.getenv));
    return ToInt(ExitCode::kOk);
  }
  base::Options options(OptionTableOf(*command));
  for (const FlagValue& flag : line->flags) {
    const Status status =
        options.Set(flag.name, flag.text, {OptionSource::kFlag, fmt::format("--{}", flag.name)});
    if (!status.ok()) return WrongUsage(context, status.message(), next);
  }
  const Status read = ReadSources(*command, commands, context.getenv, options);
  if (!read.ok()) {
    std::string_view message = read.message();
    while (message.ends_with('\n')) message.remove_suffix(1);
    context.err << Paint(EarlyColor(context), Tone::kRed, "ronda:") << ' ' << message << '\n';
    return ToInt(ExitCode::kBadConfig);
  }
  return RunCommand(*command, commands, options, line->arguments, context);
}

}  // namespace ronda::cli
