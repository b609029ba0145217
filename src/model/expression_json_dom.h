#pragma once

#include <simdjson.h>

#include "model/value.h"

namespace ronda::model {

// A copy of a parsed JSON element whose every byte lies in `arena`. Depth is bounded by the parser's.
[[nodiscard]] Value ValueOf(simdjson::dom::element element, Arena& arena);

}  // namespace ronda::model
