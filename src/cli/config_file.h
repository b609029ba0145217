#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/core/status.h"
#include "base/options.h"
#include "cli/command.h"
#include "model/source.h"

namespace ronda::cli {

// The path that is read when --config and RONDA_CONFIG are absent: config.yaml in
// $XDG_CONFIG_HOME/ronda or ~/.config/ronda; "" when neither is known.
[[nodiscard]] std::string DefaultConfigPath(const std::function<const char*(const char*)>& getenv);

// Sets in `options` what a configuration file says for `command`: keys are option names; a key that
// names a command holds a map of options for that command alone, which win. Every key is checked
// against all commands, so that a mistake shows whichever command runs.
// InvalidArgument with file:line:column, caret and the nearest name for what does not fit.
[[nodiscard]] base::Status ApplyConfig(std::shared_ptr<const model::Source> source,
                                       const Command& command, std::span<const Command> commands,
                                       base::Options& options);

// Fills `options` of `command` from the environment and from the file that --config, RONDA_CONFIG or
// DefaultConfigPath names. A file that was asked for has to exist. Flags are set before, since
// --config is one of them.
[[nodiscard]] base::Status ReadSources(const Command& command, std::span<const Command> commands,
                                       const std::function<const char*(const char*)>& getenv,
                                       base::Options& options);

}  // namespace ronda::cli
