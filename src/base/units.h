#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/core/status.h"

namespace ronda::base {

// "800ms", "1h30m", "2.5s", "0" as nanoseconds: number-unit pairs, units from the largest to the
// smallest (d h m s ms us ns), no sign.
[[nodiscard]] Result<std::int64_t> ParseDuration(std::string_view text);
// The shortest text that ParseDuration reads back to the same value: "1m30s", "250ms", "0s". A
// negative value gets a sign.
[[nodiscard]] std::string FormatDuration(std::int64_t ns);

// "512", "64KiB", "1.5MB" as bytes: kB, MB, GB are powers of 1000, KiB, MiB, GiB of 1024.
[[nodiscard]] Result<std::int64_t> ParseSize(std::string_view text);
// With the largest binary unit that divides it: "64KiB", "1000".
[[nodiscard]] std::string FormatSize(std::int64_t bytes);

}  // namespace ronda::base
