#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/status.h"
#include "cli/command.h"

namespace ronda::cli {

// Options that every command has: --color, --config, --log-level.
[[nodiscard]] const std::vector<base::OptionSpec>& CommonOptions();
// The command's own and the common ones.
[[nodiscard]] std::vector<base::OptionSpec> OptionTableOf(const Command& command);

// One option as it was typed.
struct FlagValue {
  std::string name;
  std::string text;
};

// A command line after the command's name, taken apart.
struct CommandLine {
  enum class Wants : std::uint8_t { kRun, kHelp };
  Wants wants = Wants::kRun;
  std::vector<FlagValue> flags;
  std::vector<std::string> arguments;
};

// Takes `tokens` apart by the command's tables. InvalidArgument, with the nearest right name, for an
// unknown option, a missing value, too few or too many arguments. Values are not checked here.
// CLI11 stands behind it.
[[nodiscard]] base::Result<CommandLine> ParseCommandLine(const Command& command,
                                                         const std::vector<std::string>& tokens);

}  // namespace ronda::cli
