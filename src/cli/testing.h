#pragma once

#include <map>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "base/core/clock.h"
#include "base/log.h"
#include "cli/command.h"

namespace ronda::cli {

// For tests: runs command lines in a world of their own and keeps what they print.
class TestWorld {
 public:
  std::map<std::string, std::string> environment;
  StreamKind terminal = StreamKind::kFile;

  // Main with fresh streams; returns the exit code.
  int Run(std::span<const Command> commands, const std::vector<std::string>& arguments) {
    std::ostringstream out, err;
    Context context{.out = out,
                    .err = err,
                    .out_kind = terminal,
                    .err_kind = terminal,
                    .clock = clock_,
                    .log = log_,
                    .getenv = [this](const char* name) -> const char* {
                      const auto found = environment.find(name);
                      return found == environment.end() ? nullptr : found->second.c_str();
                    }};
    const int code = Main(arguments, commands, context);
    out_ = out.str();
    err_ = err.str();
    return code;
  }

  [[nodiscard]] const std::string& out() const { return out_; }
  [[nodiscard]] const std::string& err() const { return err_; }

 private:
  base::FakeClock clock_;
  base::Log log_{base::LogLevel::kError};
  std::string out_, err_;
};

// A command like `ronda bench`, which prints what it was given.
inline Command EchoCommand() {
  return {
      .name = "bench",
      .summary = "measure a URL",
      .description = "Measures.",
      .examples = "ronda bench http://127.0.0.1/ -c 8",
      .positionals = {{.name = "URL", .description = "What to measure."}},
      .options = {{.name = "connections",
                   .letter = 'c',
                   .type = base::OptionType::kInt,
                   .value_name = "N",
                   .default_text = "64",
                   .min = "1",
                   .max = "1000",
                   .description = "Connections."},
                  {.name = "json",
                   .type = base::OptionType::kSwitch,
                   .scope = base::OptionScope::kFlagOnly,
                   .description = "JSON."},
                  {.name = "header",
                   .letter = 'H',
                   .type = base::OptionType::kList,
                   .description = "A header."}},
      .run = [](const Invocation& invocation, Context& context) -> base::Result<base::ExitCode> {
        context.out << invocation.arguments.front() << ' ' << invocation.options.Int("connections")
                    << (invocation.options.Switch("json") ? " json" : "");
        for (const std::string& header : invocation.options.List("header")) {
          context.out << " [" << header << ']';
        }
        return invocation.arguments.front() == "red"
                   ? base::Result<base::ExitCode>(base::ExitCode::kCheckFailed)
                   : base::Result<base::ExitCode>(base::ExitCode::kOk);
      }};
}

// A sub-command, "report compare".
inline Command CompareCommand() {
  return {.name = "report compare",
          .summary = "compare two reports",
          .description = "Compares.",
          .examples = "",
          .positionals = {{.name = "A", .description = "The one."},
                          {.name = "B", .description = "The other."}},
          .run = [](const Invocation& invocation, Context&) -> base::Result<base::ExitCode> {
            return base::Unavailable("cannot compare with " + invocation.arguments[1]);
          }};
}

}  // namespace ronda::cli
