#pragma once

#include <string>
#include <string_view>

namespace ronda::cli {

// How `after` differs from `before`, as `diff -u` writes it: three lines of context, "@@" before each
// place. Empty when they are the same.
[[nodiscard]] std::string UnifiedDiff(std::string_view before, std::string_view after);

}  // namespace ronda::cli
