#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ronda::model {

// Appends a duration as the shortest text that ParseDuration reads back to the same value (but for
// the sign, which literals do not have): "1.5s", "1h30m", "250us", "0s".
void AppendDuration(std::int64_t ns, std::string& out);

// What ParseDurationPrefix found at the beginning of a text.
struct DurationPrefix {
  std::size_t length = 0;         // bytes of it; 0 when the text begins with no duration
  std::int64_t ns = 0;
  const char* error = nullptr;    // why it is none
};
// Reads number-unit pairs, largest unit first, as far as they go.
[[nodiscard]] DurationPrefix ParseDurationPrefix(std::string_view text);

}  // namespace ronda::model
