#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

// What RFC 9110 section 5 and RFC 9112 say about single characters. For net's own rooms.
namespace ronda::net::http1 {

// tchar (RFC 9110, 5.6.2).
inline constexpr std::array<bool, 256> kTokenChars = [] {
  std::array<bool, 256> table{};
  for (int c = '0'; c <= '9'; ++c) table[static_cast<unsigned>(c)] = true;
  for (int c = 'a'; c <= 'z'; ++c) table[static_cast<unsigned>(c)] = true;
  for (int c = 'A'; c <= 'Z'; ++c) table[static_cast<unsigned>(c)] = true;
  for (char c : std::string_view("!#$%&'*+-.^_`|~")) table[static_cast<unsigned char>(c)] = true;
  return table;
}();
inline bool IsTokenChar(char c) { return kTokenChars[static_cast<unsigned char>(c)]; }

inline bool IsSpace(char c) { return c == ' ' || c == '\t'; }

// Not allowed in a field value or a reason: controls but HTAB.
inline bool IsControl(char c) {
  const auto u = static_cast<unsigned char>(c);
  return (u < 0x20 && u != '\t') || u == 0x7f;
}

#if defined(__SSE2__)
// One bit a byte that is a control character.
inline unsigned ControlMask(__m128i bytes) {
  const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
  const __m128i tab = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\t'));
  const __m128i del = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f));
  return static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(_mm_andnot_si128(tab, low), del)));
}

inline __m128i Load16(const char* p) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
}

inline __m128i Load8(const char* p) { return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)); }
#endif

// The first control character in [p, end), or `end`.
inline const char* FindControl(const char* p, const char* end) {
#if defined(__SSE2__)
  const bool long_text = end - p >= 16;
  for (; end - p >= 16; p += 16) {
    const unsigned mask = ControlMask(Load16(p));
    if (mask != 0) return p + std::countr_zero(mask);
  }
  // What is left, together with bytes before it that are known to be none.
  if (long_text && p != end) {
    const unsigned mask = ControlMask(Load16(end - 16));
    return mask == 0 ? end : end - 16 + std::countr_zero(mask);
  }
  if (end - p >= 8 && ControlMask(_mm_unpacklo_epi64(Load8(p), Load8(end - 8))) == 0) return end;
#endif
  while (p != end && !IsControl(*p)) ++p;
  return p;
}

#if defined(__SSE2__)
// Letters, digits and '-' only.
inline bool IsUsualName(__m128i bytes) {
  const auto within = [&](__m128i chars, char first, char span) {
    const __m128i from = _mm_sub_epi8(chars, _mm_set1_epi8(first));
    return _mm_cmpeq_epi8(_mm_min_epu8(from, _mm_set1_epi8(span)), from);
  };
  const __m128i letters = within(_mm_or_si128(bytes, _mm_set1_epi8(0x20)), 'a', 25);
  const __m128i others =
      _mm_or_si128(within(bytes, '0', 9), _mm_cmpeq_epi8(bytes, _mm_set1_epi8('-')));
  return _mm_movemask_epi8(_mm_or_si128(letters, others)) == 0xffff;
}
#endif

// Whether `text` is a token (RFC 9110, 5.6.2). Looks at every byte: names are short and nearly
// always good, so that an early exit costs more than it saves.
inline bool IsToken(std::string_view text) {
#if defined(__SSE2__)
  if (text.size() >= 8 && text.size() <= 16 &&
      IsUsualName(_mm_unpacklo_epi64(Load8(text.data()), Load8(text.end() - 8)))) {
    return true;
  }
#endif
  bool good = !text.empty();
  for (const char c : text) good &= IsTokenChar(c);
  return good;
}

// Whether `text` is `lower` in any case; `lower` holds lower-case letters and '-' only, and `text`
// token characters only.
inline bool EqualsLower(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  // Most names of equal length begin otherwise.
  if (!text.empty() && (text.front() | 0x20) != lower.front()) return false;
  unsigned char difference = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    difference |= static_cast<unsigned char>((text[i] | 0x20) ^ lower[i]);
  }
  return difference == 0;
}

inline std::string_view TrimRight(std::string_view text) {
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  return text;
}

inline std::string_view Trim(std::string_view text) {
  while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  return TrimRight(text);
}

// Takes the next element off a comma-separated list, trimmed.
inline std::string_view NextElement(std::string_view& list) {
  const std::size_t comma = list.find(',');
  const std::string_view element = Trim(list.substr(0, comma));
  list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
  return element;
}

}  // namespace ronda::net::http1
