#pragma once

#include <string_view>

#include "model/value.h"

namespace ronda::model {

// How deeply a JSON text may be nested.
inline constexpr unsigned kMaxJsonDepth = 256;

// Reads a JSON text (RFC 8259) into values that lie in `arena`. Integers outside int64 become floats.
// False, with `why` set to static text, when it is none. simdjson parses; one parser a thread, reused.
[[nodiscard]] bool ParseJson(std::string_view text, Arena& arena, Value& out,
                             std::string_view& why);

}  // namespace ronda::model
