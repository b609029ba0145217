#include <fmt/format.h>

#include <ostream>

#include "cli/commands/commands.h"

namespace ronda::cli {
namespace {

#if defined(__clang__)
constexpr std::string_view kCompiler = "clang " __clang_version__;
#else
constexpr std::string_view kCompiler = "gcc " __VERSION__;
#endif

base::Result<base::ExitCode> Run(const Invocation& invocation, Context& context) {
  if (invocation.options.Switch("json")) {
    context.out << fmt::format("{{\"version\":\"{}\",\"compiler\":\"{}\"}}\n", RONDA_VERSION,
                               kCompiler);
  } else {
    context.out << fmt::format("ronda {} ({})\n", RONDA_VERSION, kCompiler);
  }
  return base::ExitCode::kOk;
}

}  // namespace

Command VersionCommand() {
  return {.name = "version",
          .summary = "print the version",
          .description = "Prints the version and the compiler that built it.",
          .examples = "ronda version --json",
          .options = {{.name = "json",
                       .type = base::OptionType::kSwitch,
                       .scope = base::OptionScope::kFlagOnly,
                       .description = "One JSON object."}},
          .run = Run};
}

}  // namespace ronda::cli
