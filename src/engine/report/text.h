#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/text.h"

// How foreign text gets into each form. Private to this room, but for report.h's functions.
namespace ronda::engine::report {

// Text for a terminal or a log: control characters (ESC among them) and the Unicode characters that
// turn the direction of text around become visible; bytes that are no UTF-8 become U+FFFD. Newlines
// become spaces.
[[nodiscard]] std::string PlainText(std::string_view text);
// At most `columns` characters, the last one "…" where something was cut. One column a character.
[[nodiscard]] std::string Cut(std::string_view text, std::size_t columns);
// Characters (UTF-8 code points).
[[nodiscard]] std::size_t Columns(std::string_view text);
// Padded on the right or the left to `columns` characters.
[[nodiscard]] std::string PadRight(std::string_view text, std::size_t columns);
[[nodiscard]] std::string PadLeft(std::string_view text, std::size_t columns);

using base::AppendJsonText;
// RFC 4180.
void AppendCsvText(std::string_view text, std::string& out);

// Standard base64 with padding (RFC 4648).
[[nodiscard]] std::string Base64(std::string_view bytes);
// False when `text` is no base64.
[[nodiscard]] bool FromBase64(std::string_view text, std::string& bytes);

// "2026-01-31T12:34:56Z".
[[nodiscard]] std::string UtcTime(std::uint64_t wall_ns);

}  // namespace ronda::engine::report
