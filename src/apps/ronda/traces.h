#pragma once

#include "cli/command.h"

namespace ronda::apps {

// `ronda traces`: receivers, store and API of traces in one process. A command of the binary, and not of
// cli, which includes no servers.
[[nodiscard]] cli::Command TracesCommand();

}  // namespace ronda::apps
