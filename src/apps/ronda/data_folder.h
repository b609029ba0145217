#pragma once

#include <string>
#include <string_view>

#include "base/core/status.h"
#include "base/options.h"
#include "cli/command.h"

namespace ronda::apps {

// Where a role keeps what it has: --data, else ronda/ROLE in $XDG_STATE_HOME or ~/.local/state (XDG Base
// Directory Specification). FailedPrecondition without any of them.
[[nodiscard]] base::Result<std::string> DataFolder(const base::Options& options,
                                                   const cli::Context& context,
                                                   std::string_view role);

}  // namespace ronda::apps
