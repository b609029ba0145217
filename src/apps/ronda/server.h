#pragma once

#include "cli/command.h"

namespace ronda::apps {

// `ronda server`: the API and the control plane.
[[nodiscard]] cli::Command ServerCommand();

}  // namespace ronda::apps
