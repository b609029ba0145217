#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// Foreign text, which may be no UTF-8.
namespace ronda::base {

inline constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD

// The next character of UTF-8 text, and how many bytes it has; U+FFFD and 1 where there is none.
struct Character {
  std::uint32_t code = 0xfffd;
  std::size_t size = 1;
  bool good = false;
};
// `text` is not empty.
[[nodiscard]] Character NextCharacter(std::string_view text);

// Calls f(character, its bytes) for each character.
template <typename F>
void ForEachCharacter(std::string_view text, F&& f) {
  while (!text.empty()) {
    const Character c = NextCharacter(text);
    f(c, text.substr(0, c.size));
    text.remove_prefix(c.size);
  }
}

// Appends a JSON string with its quotes (RFC 8259); bytes that are no UTF-8 become U+FFFD.
void AppendJsonText(std::string_view text, std::string& out);

// With ASCII letters in lower case.
[[nodiscard]] std::string LowerCase(std::string_view text);

// Damerau–Levenshtein distance (optimal string alignment), without regard to ASCII case.
[[nodiscard]] std::size_t EditDistance(std::string_view a, std::string_view b);
// The candidate nearest to `name` (that distance at most a third of its length), or "".
[[nodiscard]] std::string Nearest(std::string_view name,
                                  const std::vector<std::string>& candidates);

}  // namespace ronda::base
