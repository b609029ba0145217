#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/clock.h"
#include "base/core/status.h"
#include "base/log.h"
#include "base/options.h"
#include "cli/terminal.h"

namespace ronda::cli {

struct Command;

// The world as a command sees it, made in main and borrowed by every command. Data goes to `out`,
// progress and trouble to `err` or the log. One thread, but for the log and the clock.
struct Context {
  std::ostream& out;
  std::ostream& err;
  StreamKind out_kind;
  StreamKind err_kind;
  base::Clock& clock;
  base::Log& log;
  std::function<const char*(const char*)> getenv;
};

// What completion offers for an argument.
enum class Suggest : std::uint8_t { kFiles, kChoices, kCommands, kCommandsAndTopics };

enum class Arity : std::uint8_t { kOne, kOptional, kAny, kAtLeastOne };

// An argument that is no option: FILE, URL.
struct Positional {
  std::string_view name;      // "FILE"
  Arity arity = Arity::kOne;  // only the last one may be other than kOne
  std::string_view description;
  std::vector<std::string> choices = {};  // the only values allowed; none: any
  Suggest suggest = Suggest::kFiles;
};

// What the user asked for, checked against the command's tables. Borrowed for the call.
struct Invocation {
  const Command& command;
  std::span<const Command> commands;          // all of them
  const base::Options& options;  // the command's and the common ones, from all sources
  const std::vector<std::string>& arguments;  // the positionals, in order
  Color out_color;
  Color err_color;
};

enum class Visibility : std::uint8_t { kShown, kHidden };

// A command of `ronda`: a row of data and a function. Each lives in a file of its own in
// cli/commands, which offers a function that returns it (`Command VersionCommand()`); commands.cc
// lists them. Help, the reference page and completion come from the row.
struct Command {
  std::string_view name;  // "run"; two words for a sub-command: "report compare"
  std::string_view summary;  // one line, no full stop
  std::string_view description;  // paragraphs of plain text; help wraps them
  std::string_view examples;  // a line each: "ronda run buy.yaml --once -v"
  std::vector<Positional> positionals = {};
  std::vector<base::OptionSpec> options = {};
  Visibility visibility = Visibility::kShown;
  // The command itself. A Status that is not ok is printed as "ronda: <message>" and becomes the exit
  // code by base::ExitCodeOf (a Status may carry several lines); a verdict (99, 105, 110) is returned
  // as the value. Does not throw.
  std::function<base::Result<base::ExitCode>(const Invocation&, Context&)> run;
};

// The command of that name, or null.
[[nodiscard]] const Command* FindCommand(std::span<const Command> commands, std::string_view name);

// For a command that finds its own arguments wrong: says so, and where to read on.
[[nodiscard]] base::ExitCode UsageError(const Invocation& invocation, const Context& context,
                                        std::string_view message);

// Finds the command in `arguments` (argv without the program), reads options from file, environment
// and flags, and runs it. Returns the process's exit code; usage errors are told on context.err with
// the nearest right name. -h and --help after any command print its help.
[[nodiscard]] int Main(const std::vector<std::string>& arguments, std::span<const Command> commands,
                       Context& context);

}  // namespace ronda::cli
