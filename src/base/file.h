#pragma once

#include <cstddef>
#include <limits>
#include <string>

#include "base/core/status.h"

namespace ronda::base {

// The first `most` bytes of a file, of whatever kind it is but a directory. The message of a failure
// names the file and says why.
[[nodiscard]] Result<std::string> ReadFile(
    const std::string& path, std::size_t most = std::numeric_limits<std::size_t>::max());

}  // namespace ronda::base
