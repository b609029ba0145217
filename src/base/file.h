#pragma once

#include <cstddef>
#include <limits>
#include <string>
#include <string_view>

#include "base/core/status.h"

namespace ronda::base {

// The first `most` bytes of a file, of whatever kind it is but a directory. The message of a failure
// names the file and says why.
[[nodiscard]] Result<std::string> ReadFile(
    const std::string& path, std::size_t most = std::numeric_limits<std::size_t>::max());

// Makes or replaces a file that only the user can read: whoever reads sees all of the old or all of the new
// one, also after a crash. Its folder is there. The message of a failure names the file and says why.
[[nodiscard]] Status WritePrivateFile(const std::string& path, std::string_view bytes);

}  // namespace ronda::base
