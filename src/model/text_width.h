#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ronda::model {

inline constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

// One character of a UTF-8 text (RFC 3629).
struct Utf8Char {
  std::uint32_t code = 0;
  std::size_t length = 1;  // bytes
  int width = 1;           // columns of a terminal: 0, 1, or 2 for East Asian wide ones
  bool valid = true;       // else the byte stands for itself
};
// The first character of a text that is not empty.
[[nodiscard]] Utf8Char DecodeUtf8(std::string_view text);

// Characters in the text; a byte that is not UTF-8 counts as one.
[[nodiscard]] std::size_t CountCharacters(std::string_view text);
// The byte where it stops being UTF-8, or npos.
[[nodiscard]] std::size_t FirstInvalidUtf8(std::string_view text);

}  // namespace ronda::model
