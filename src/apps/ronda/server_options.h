#pragma once

#include <vector>

#include "apps/ronda/control_plane.h"
#include "base/options.h"
#include "cli/command.h"

namespace ronda::apps {

// What `ronda server` and `ronda up` can be told.
[[nodiscard]] std::vector<base::OptionSpec> ControlPlaneOptionTable();
[[nodiscard]] base::Result<ControlPlaneOptions> ControlPlaneOptionsOf(const base::Options& options,
                                                                      const cli::Context& context);

}  // namespace ronda::apps
