#include "trace/query/query_lexer.h"

#include <algorithm>

namespace ronda::trace::query {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsWordStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool IsWord(char c) {
  return IsWordStart(c) || IsDigit(c) || c == '.' || c == '-' || c == '/' || c == ':';
}

constexpr std::string_view kSymbols[] = {"==", "!=", "<=", ">=", "!~", "=",
                                         "<",  ">",  "~",  "(",  ")",  ","};

}  // namespace

bool QueryLexer::Next(Token& token, QueryError& error) {
  while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != text_.npos) ++at_;
  token = {.kind = TokenKind::kEnd, .text = "", .at = at_};
  if (at_ == text_.size()) return true;
  const char c = text_[at_];
  const std::string_view rest = text_.substr(at_);
  if (c == '"' || c == '\'' || c == '`') return Quoted(c, token, error);
  const bool signed_number =
      (c == '-' || c == '+') && rest.size() > 1 && (IsDigit(rest[1]) || rest[1] == '.');
  if (IsDigit(c) || signed_number || (c == '.' && rest.size() > 1 && IsDigit(rest[1]))) {
    std::size_t size = 1;
    while (size < rest.size() &&
           (IsWord(rest[size]) || ((rest[size] == '+' || rest[size] == '-') &&
                                   (rest[size - 1] == 'e' || rest[size - 1] == 'E')))) {
      ++size;
    }
    token.kind = TokenKind::kNumber;
    token.text = rest.substr(0, size);
    at_ += size;
    return true;
  }
  if (IsWordStart(c)) {
    const auto end = std::ranges::find_if_not(rest, IsWord);
    token.kind = TokenKind::kWord;
    token.text.assign(rest.begin(), end);
    at_ += token.text.size();
    return true;
  }
  for (const std::string_view symbol : kSymbols) {
    if (!rest.starts_with(symbol)) continue;
    token.kind = TokenKind::kSymbol;
    token.text = symbol;
    at_ += symbol.size();
    return true;
  }
  error = {at_, "a " + std::string(1, c) + " means nothing here"};
  if (c == '&') error.hint = "write \"and\"";
  if (c == '|') error.hint = "write \"or\"";
  if (c == '!') error.hint = "write \"not\"";
  if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
    error.message = "a control character means nothing here";
  }
  return false;
}

bool QueryLexer::Quoted(char quote, Token& token, QueryError& error) {
  token.kind = quote == '`' ? TokenKind::kKey : TokenKind::kText;
  const std::size_t begin = at_++;
  for (; at_ < text_.size() && text_[at_] != quote; ++at_) {
    if (text_[at_] != '\\' || quote == '`') {
      token.text += text_[at_];
      continue;
    }
    const std::size_t escape = at_++;
    if (at_ == text_.size()) break;
    switch (text_[at_]) {
      case 'n': token.text += '\n'; break;
      case 't': token.text += '\t'; break;
      case '\\':
      case '"':
      case '\'': token.text += text_[at_]; break;
      default:
        error = {escape, "an unknown escape in a text", "a backslash itself is written \\\\"};
        return false;
    }
  }
  if (at_ == text_.size()) {
    error = {begin, "a text that does not end", std::string("close it with ") + quote};
    return false;
  }
  ++at_;
  return true;
}

}  // namespace ronda::trace::query
