#pragma once

#include "cli/command.h"

namespace ronda::apps {

// `ronda traces`: receivers, store and API of traces in one process. A command of the binary, and not of
// cli, which includes no servers.
[[nodiscard]] cli::Command TracesCommand();
// `ronda traces restore`: a backup to a data folder.
[[nodiscard]] cli::Command TracesRestoreCommand();

}  // namespace ronda::apps
