#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "trace/query/query_text.h"

namespace ronda::trace::query {

enum class TokenKind : std::uint8_t {
  kEnd,
  kWord,  // letters, digits, _ . - / : and bytes past ASCII, not beginning with a digit
  kKey,  // `in backquotes`
  kText,  // in quotes; `text` is without them and without escapes
  kNumber,  // with its unit, if it has one
  kSymbol,  // ( ) , and the operators
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;
  std::size_t at = 0;  // byte in the query
};

// Cuts a query into tokens; private to this room. The text is borrowed.
class QueryLexer {
 public:
  explicit QueryLexer(std::string_view text) : text_(text) {}
  // False when something is no token: `error` says what, its column is a byte's.
  [[nodiscard]] bool Next(Token& token, QueryError& error);

 private:
  bool Quoted(char quote, Token& token, QueryError& error);

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace ronda::trace::query
