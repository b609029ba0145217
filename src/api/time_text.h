#pragma once

#include <cstdint>
#include <string>

namespace ronda::api {

// "2026-11-25T21:00:00.000Z" of ns since 1970; "" of 0.
[[nodiscard]] std::string TimeText(std::int64_t unix_ns);

}  // namespace ronda::api
