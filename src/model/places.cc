#include "model/places.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "model/definitions.h"
#include "model/text_width.h"

namespace ronda::model {
namespace {

// How many bytes of a double-quoted source make the next byte(s) of the text, and how many those are.
struct Advance {
  std::size_t source = 1, text = 1;
};

// `source` begins with a backslash.
Advance EscapeAt(std::string_view source) {
  if (source.size() < 2) return {};
  const char c = source[1];
  const std::size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
  if (digits == 0) return {.source = 2, .text = 1};
  const std::size_t end = std::min(source.size(), 2 + digits);
  std::uint32_t code = 0;
  for (const char h : source.substr(2, end - 2)) {
    const char lower = static_cast<char>(h | 0x20);
    code = code * 16 + static_cast<std::uint32_t>(h <= '9' ? h - '0' : lower - 'a' + 10);
  }
  return {.source = end, .text = code < 0x80 ? 1u : code < 0x800 ? 2u : code < 0x10000 ? 3u : 4u};
}

// The source offset of byte `offset` of a quoted text that begins at source[start].
std::size_t InQuoted(std::string_view source, std::size_t start, char quote, std::size_t offset) {
  std::size_t at = start;
  for (std::size_t made = 0; made < offset && at < source.size();) {
    Advance step;
    if (quote == '"' && source[at] == '\\') step = EscapeAt(source.substr(at));
    if (quote == '\'' && source.substr(at, 2) == "''") step.source = 2;
    at += step.source;
    made += step.text;
  }
  return at;
}

// The same for a block scalar whose indicator ("|" or ">") is at source[start].
std::size_t InBlock(std::string_view source, std::size_t start, std::string_view text,
                    std::size_t offset) {
  std::size_t line = source.find('\n', start);
  if (line == std::string_view::npos) return start;
  const std::size_t first = source.find_first_not_of(" \n\r", line);
  if (first == std::string_view::npos) return start;
  const std::size_t indent = first - source.rfind('\n', first) - 1;
  const std::string_view before = text.substr(0, offset);
  const auto newlines = std::ranges::count(before, '\n');
  for (std::ptrdiff_t i = 0; i < newlines && line != std::string_view::npos; ++i) {
    line = source.find('\n', line + 1);
  }
  if (line == std::string_view::npos) return start;
  const std::size_t in_line = offset - (newlines == 0 ? 0 : before.rfind('\n') + 1);
  return std::min(source.size(), line + 1 + indent + in_line);
}

}  // namespace

Places::Places(std::shared_ptr<const Source> source) : source_(std::move(source)) {
  const std::string_view text = source_->text;
  line_starts_.push_back(text.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') line_starts_.push_back(i + 1);
  }
}

Location Places::At(std::size_t offset) {
  const auto next = std::ranges::upper_bound(line_starts_, offset);
  const auto line = next == line_starts_.begin()
                        ? std::size_t{0}
                        : static_cast<std::size_t>(next - line_starts_.begin()) - 1;
  const std::size_t start = line_starts_[line];
  const std::string_view text = source_->text;
  offset = std::clamp(offset, start, std::max(start, text.size()));
  while (offset > start && offset < text.size() && (text[offset] & '\xc0') == '\x80') --offset;
  const bool goes_on = line == last_line_ && last_offset_ >= start && last_offset_ <= offset;
  const std::size_t from = goes_on ? last_offset_ : start;
  last_characters_ =
      (goes_on ? last_characters_ : 0) + CountCharacters(text.substr(from, offset - from));
  last_line_ = line;
  last_offset_ = offset;
  return {source_, static_cast<int>(line) + 1, static_cast<int>(last_characters_) + 1};
}

std::size_t Places::OffsetOf(const Location& where) const {
  if (where.line < 1 || static_cast<std::size_t>(where.line) > line_starts_.size()) return 0;
  const std::string_view text = source_->text;
  std::size_t at = line_starts_[static_cast<std::size_t>(where.line) - 1];
  for (int i = 1; i < where.column && at < text.size(); ++i) {
    at += DecodeUtf8(text.substr(at)).length;
  }
  return at;
}

std::string_view Places::Line(int line) const {
  const auto index = static_cast<std::size_t>(line) - 1;
  if (line < 1 || index >= line_starts_.size()) return {};
  const std::string_view rest = std::string_view(source_->text).substr(line_starts_[index]);
  return rest.substr(0, rest.find('\n'));
}

Location LocationOf(const Text& text, std::size_t offset) {
  if (text.where.source == nullptr || text.where.line == 0) return text.where;
  Places places(text.where.source);
  const std::string_view source = text.where.source->text;
  const std::size_t start = places.OffsetOf(text.where);
  if (start >= source.size()) return text.where;
  offset = std::min(offset, text.text.size());
  const char before = start > 0 ? source[start - 1] : ' ';
  if (before == '"' || before == '\'') {
    return places.At(InQuoted(source, start, before, offset));
  }
  if (source[start] == '|' || source[start] == '>') {
    return places.At(InBlock(source, start, text.text, offset));
  }
  return places.At(start + offset);
}

}  // namespace ronda::model
