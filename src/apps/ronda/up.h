#pragma once

#include "cli/command.h"

namespace ronda::apps {

// `ronda up`: a server, a worker and a trace back end on one machine.
[[nodiscard]] cli::Command UpCommand();

}  // namespace ronda::apps
