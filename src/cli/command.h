#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/clock.h"
#include "base/core/status.h"
#include "base/log.h"
#include "base/options.h"

namespace ronda::cli {

// What a stream is connected to; decides about colour and redrawn blocks.
enum class StreamKind : std::uint8_t { kFile, kTerminal };

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

enum class Arity : std::uint8_t { kOne, kOptional, kAny, kAtLeastOne };

// An argument that is no option: FILE, URL.
struct Positional {
  std::string_view name;         // "FILE"
  Arity arity = Arity::kOne;     // only the last one may be other than kOne
  std::string_view description;
};

// What the user asked for, checked against the command's tables.
struct Invocation {
  const base::Options& options;               // the command's and the common ones, all sources
  const std::vector<std::string>& arguments;  // the positionals, in order
};

enum class Visibility : std::uint8_t { kShown, kHidden };

// A command of `ronda`: a row of data and a function. Each lives in a file of its own, which offers a
// function that returns it (`Command VersionCommand()`); commands.cc lists them. Help, the reference
// page and completion come from the row.
struct Command {
  std::string_view name;  // "run"; two words for a sub-command: "report compare"
  std::string_view summary;  // one line, no full stop
  std::string_view description;  // paragraphs of plain text, wrapped by help
  std::string_view examples;  // lines "$ ronda ..." with comment lines between them
  std::vector<Positional> positionals = {};
  std::vector<base::OptionSpec> options = {};
  Visibility visibility = Visibility::kShown;
  // The command itself. A Status that is not ok is printed as "ronda: <message>" and becomes the exit
  // code by base::ExitCodeOf; a verdict (99, 105, 110) is returned as the value. May not throw.
  std::function<base::Result<base::ExitCode>(const Invocation&, Context&)> run;
};

// Options that every command has: --color, --config, --log-level.
[[nodiscard]] const std::vector<base::OptionSpec>& CommonOptions();

// Every command of the binary, in the order of help.
[[nodiscard]] std::vector<Command> BuiltInCommands();

// Finds the command in argv, reads options from file, environment and flags, and runs it. Returns the
// process's exit code; usage errors are told on context.err with the nearest right name. --help after
// any command prints its help.
[[nodiscard]] int Main(const std::vector<std::string>& argv, const std::vector<Command>& commands,
                       Context& context);

}  // namespace ronda::cli
