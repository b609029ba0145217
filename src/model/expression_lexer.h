#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/expression.h"
#include "model/value.h"

namespace ronda::model {

enum class TokenKind : std::uint8_t {
  kEnd,
  kName,      // an identifier that is no keyword
  kKeyword,   // and or not in true false null
  kLiteral,   // a number, a percentage, a duration or a string: see Token::value
  kSymbol,    // ( ) [ ] { } , : . ? ?? + - * / % == != < <= > >=
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::uint32_t offset = 0;
  std::uint32_t length = 0;
  std::string_view text;  // as written
  Value value;            // of a literal; a string's bytes lie in the arena that Lex was given
};

// Cuts text[begin, end) into tokens, the last one being kEnd. Offsets count from the beginning of
// `text`. False, with `error` filled, at the first thing that is no token.
[[nodiscard]] bool Lex(std::string_view text, std::uint32_t begin, std::uint32_t end, Arena& arena,
                       std::vector<Token>& tokens, LoadError& error);

// Where the `}` stands that ends the expression which begins at `begin` (after "${"), strings and
// inner braces being passed over; text.size() when there is none.
[[nodiscard]] std::size_t FindClosingBrace(std::string_view text, std::size_t begin);

}  // namespace ronda::model
