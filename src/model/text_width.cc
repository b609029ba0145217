#include "model/text_width.h"

#include <algorithm>
#include <array>
#include <utility>

namespace ronda::model {
namespace {

// Blocks of wide and of combining characters (Unicode 15, UAX #11, coarse).
constexpr std::array<std::pair<std::uint32_t, std::uint32_t>, 10> kWide = {{{0x1100, 0x115f},
                                                                            {0x2e80, 0x303e},
                                                                            {0x3041, 0xa4cf},
                                                                            {0xac00, 0xd7a3},
                                                                            {0xf900, 0xfaff},
                                                                            {0xfe30, 0xfe6f},
                                                                            {0xff00, 0xff60},
                                                                            {0xffe0, 0xffe6},
                                                                            {0x1f300, 0x1faff},
                                                                            {0x20000, 0x3fffd}}};
constexpr std::array<std::pair<std::uint32_t, std::uint32_t>, 6> kCombining = {{{0x0300, 0x036f},
                                                                                {0x1ab0, 0x1aff},
                                                                                {0x200b, 0x200f},
                                                                                {0x20d0, 0x20ff},
                                                                                {0xfe00, 0xfe0f},
                                                                                {0xfeff, 0xfeff}}};

template <std::size_t n>
bool Contains(const std::array<std::pair<std::uint32_t, std::uint32_t>, n>& blocks,
              std::uint32_t code) {
  return std::ranges::any_of(
      blocks, [code](const auto& block) { return code >= block.first && code <= block.second; });
}

int WidthOf(std::uint32_t code) {
  if (Contains(kCombining, code)) return 0;
  return Contains(kWide, code) ? 2 : 1;
}

}  // namespace

Utf8Char DecodeUtf8(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = byte(0);
  if (lead < 0x80) return {.code = lead};
  const Utf8Char invalid{.code = lead, .valid = false};
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return invalid;
  std::uint32_t code = lead & (0x7fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return invalid;
    code = (code << 6) | (byte(i) & 0x3f);
  }
  const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  if (overlong || surrogate || code > 0x10ffff) return invalid;
  return {.code = code, .length = length, .width = WidthOf(code)};
}

std::size_t CountCharacters(std::string_view text) {
  std::size_t count = 0;
  for (; !text.empty(); ++count) text.remove_prefix(DecodeUtf8(text).length);
  return count;
}

std::size_t FirstInvalidUtf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Char c = DecodeUtf8(text.substr(at));
    if (!c.valid) return at;
    at += c.length;
  }
  return std::string_view::npos;
}

}  // namespace ronda::model
