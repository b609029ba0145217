#pragma once

#include <simdjson.h>

#include <cstddef>
#include <string>

#include "cli/terminal.h"

namespace ronda::cli {

// A trace as the API answers it, drawn for a terminal of that many columns: a line a span with its level
// path, times and a bar on the trace's time; the critical path in full blocks and the rest in light
// ones, errors marked by !, network gaps by dots; below it what was corrected and what is missing.
[[nodiscard]] std::string Waterfall(simdjson::dom::element trace, std::size_t columns, Color color);

}  // namespace ronda::cli
