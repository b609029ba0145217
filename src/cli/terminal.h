#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace ronda::cli {

// What a stream is connected to; decides about colour and redrawn blocks.
enum class StreamKind : std::uint8_t { kFile, kTerminal };

enum class Color : std::uint8_t { kOff, kOn };

// Columns and rows of the terminal behind a descriptor; 80 by 24 where it does not say.
struct TerminalSize {
  std::size_t columns = 80;
  std::size_t rows = 24;
};
[[nodiscard]] TerminalSize SizeOf(int fd);

// Whether a stream gets colour. `choice` is --color with where it came from: an explicit "always" or
// "never" wins; "auto" asks for a terminal that is not dumb, and honours NO_COLOR (no-color.org).
[[nodiscard]] Color ColorFor(std::string_view choice, StreamKind stream,
                             const std::function<const char*(const char*)>& getenv);

enum class Tone : std::uint8_t { kBold, kDim, kRed, kGreen, kYellow, kCyan };

// `text` in that tone (SGR sequences, ECMA-48), or as it is when colour is off.
[[nodiscard]] std::string Paint(Color color, Tone tone, std::string_view text);

}  // namespace ronda::cli
