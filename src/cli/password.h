#pragma once

#include <iosfwd>
#include <string>
#include <string_view>

#include "base/core/status.h"
#include "cli/command.h"

namespace ronda::cli {

// A password: asked for on the terminal without showing it, or, where standard input is no terminal, the
// next line of it. FailedPrecondition when there is none.
[[nodiscard]] base::Result<std::string> ReadPassword(std::string_view what, const Context& context);

}  // namespace ronda::cli
