#include "model/expression_lexer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "model/expression_duration.h"

namespace ronda::model {
namespace {

constexpr std::array<std::string_view, 7> kKeywords = {"and",  "or",    "not", "in",
                                                       "true", "false", "null"};
constexpr std::array<std::string_view, 5> kTwoCharacterSymbols = {"??", "==", "!=", "<=", ">="};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsNameStart(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool IsNamePart(char c) { return IsNameStart(c) || IsDigit(c); }
bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

bool IsKeyword(std::string_view word) {
  return std::find(kKeywords.begin(), kKeywords.end(), word) != kKeywords.end();
}

void AppendUtf8(std::uint32_t code, std::string& out) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0 | code >> 6);
    out += static_cast<char>(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xe0 | code >> 12);
    out += static_cast<char>(0x80 | (code >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (code & 0x3f));
  } else {
    out += static_cast<char>(0xf0 | code >> 18);
    out += static_cast<char>(0x80 | (code >> 12 & 0x3f));
    out += static_cast<char>(0x80 | (code >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (code & 0x3f));
  }
}

class Lexer {
 public:
  Lexer(std::string_view text, std::uint32_t begin, std::uint32_t end, Arena& arena,
        std::vector<Token>& tokens, LoadError& error)
      : text_(text.substr(0, end)), at_(begin), arena_(arena), tokens_(tokens), error_(error) {}

  bool Run() {
    for (;;) {
      while (at_ < text_.size() && IsSpace(text_[at_])) ++at_;
      start_ = at_;
      if (at_ == text_.size()) return Emit(TokenKind::kEnd);
      if (!Next()) return false;
    }
  }

 private:
  char Peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }

  bool Emit(TokenKind kind, Value value = {}) {
    tokens_.push_back({kind, static_cast<std::uint32_t>(start_),
                       static_cast<std::uint32_t>(at_ - start_), text_.substr(start_, at_ - start_),
                       value});
    return true;
  }

  bool Fail(std::size_t from, std::size_t to, std::string message, std::string hint = {}) {
    error_ = {static_cast<std::uint32_t>(from),
              static_cast<std::uint32_t>(std::max<std::size_t>(to - from, 1)), std::move(message),
              std::move(hint)};
    return false;
  }

  bool Next() {
    const char c = text_[at_];
    if (IsNameStart(c)) {
      while (IsNamePart(Peek())) ++at_;
      return Emit(IsKeyword(text_.substr(start_, at_ - start_)) ? TokenKind::kKeyword
                                                                : TokenKind::kName);
    }
    if (IsDigit(c)) return Number();
    if (c == '\'' || c == '"') return String(c);
    return Symbol(c);
  }

  bool Symbol(char c) {
    const std::string_view two = text_.substr(at_, 2);
    if (std::find(kTwoCharacterSymbols.begin(), kTwoCharacterSymbols.end(), two) !=
        kTwoCharacterSymbols.end()) {
      at_ += 2;
      return Emit(TokenKind::kSymbol);
    }
    if (two == "&&") return Fail(at_, at_ + 2, "\"&&\" is no operator", "write \"and\"");
    if (two == "||") return Fail(at_, at_ + 2, "\"||\" is no operator", "write \"or\"");
    if (c == '!') return Fail(at_, at_ + 1, "\"!\" is no operator", "write \"not\" or \"!=\"");
    if (c == '=') return Fail(at_, at_ + 1, "\"=\" is no operator", "write \"==\" to compare");
    if (std::string_view("()[]{},:.?+-*/%<>").find(c) != std::string_view::npos) {
      ++at_;
      return Emit(TokenKind::kSymbol);
    }
    std::size_t end = at_ + 1;  // one whole UTF-8 character
    while (end < text_.size() && (static_cast<unsigned char>(text_[end]) & 0xc0) == 0x80) ++end;
    return Fail(at_, end, "this character has no meaning here",
                "text is written in quotes: 'text'");
  }

  bool Number() {
    const DurationPrefix duration = ParseDurationPrefix(text_.substr(at_));
    if (duration.error != nullptr) return Fail(at_, at_ + duration.length + 1, duration.error);
    if (duration.length > 0) {
      at_ += duration.length;
      if (IsNamePart(Peek())) return BadUnit();
      return Emit(TokenKind::kLiteral, Value::DurationNs(duration.ns));
    }
    bool is_float = false;
    while (IsDigit(Peek())) ++at_;
    if (Peek() == '.' && IsDigit(Peek(1))) {
      is_float = true;
      ++at_;
      while (IsDigit(Peek())) ++at_;
    }
    if (Peek() == 'e' || Peek() == 'E') {
      const std::size_t sign = Peek(1) == '+' || Peek(1) == '-' ? 1 : 0;
      if (!IsDigit(Peek(1 + sign))) return BadUnit();
      is_float = true;
      at_ += 1 + sign;
      while (IsDigit(Peek())) ++at_;
    }
    if (IsNamePart(Peek())) return BadUnit();
    return FinishNumber(is_float);
  }

  bool BadUnit() {
    while (IsNamePart(Peek())) ++at_;
    return Fail(start_, at_, "this is neither a number nor a duration",
                "durations are written like 800ms, 2.5s or 1h30m (ns us ms s m h d)");
  }

  bool FinishNumber(bool is_float) {
    const char* first = text_.data() + start_;
    const char* last = text_.data() + at_;
    double d = 0;
    const bool fits = std::from_chars(first, last, d).ec == std::errc();
    std::int64_t i = 0;
    if (!fits) return Fail(start_, at_, "this number is outside the range of a float");
    bool percent = false;
    if (!Percent(percent)) return false;
    if (percent) {
      ++at_;
      return Emit(TokenKind::kLiteral, Value::Float(d / 100));
    }
    if (is_float) return Emit(TokenKind::kLiteral, Value::Float(d));
    if (std::from_chars(first, last, i).ec != std::errc()) {
      return Fail(start_, at_, "this integer is larger than 9223372036854775807",
                  "write 1e19 for a float");
    }
    return Emit(TokenKind::kLiteral, Value::Int(i));
  }

  // Whether the `%` glued to the number that ends here means percent: when nothing follows that it
  // could divide by. `10%-3` could be read both ways and is refused.
  bool Percent(bool& percent) {
    percent = false;
    if (Peek() != '%') return true;
    std::size_t next = at_ + 1;
    while (next < text_.size() && IsSpace(text_[next])) ++next;
    if (next == text_.size()) {
      percent = true;
      return true;
    }
    const char c = text_[next];
    if (c == '-') {
      return Fail(start_, next + 1, "this can be read as a percentage and as a remainder",
                  "write (10%) - x, or 10 % (-x)");
    }
    if (IsNameStart(c)) {
      std::size_t end = next;
      while (end < text_.size() && IsNamePart(text_[end])) ++end;
      const std::string_view word = text_.substr(next, end - next);
      percent = word == "and" || word == "or" || word == "in" || word == "not";
      return true;
    }
    percent = !IsDigit(c) && c != '(' && c != '[' && c != '{' && c != '\'' && c != '"';
    return true;
  }

  bool String(char quote) {
    std::string value;
    ++at_;
    while (at_ < text_.size() && text_[at_] != quote) {
      if (text_[at_] != '\\') {
        value += text_[at_++];
      } else if (!Escape(value)) {
        return false;
      }
    }
    if (at_ == text_.size()) {
      return Fail(start_, at_, "this text has no closing quote", std::string("expected ") + quote);
    }
    ++at_;
    return Emit(TokenKind::kLiteral, Value::String(arena_.Copy(value)));
  }

  bool Escape(std::string& value) {
    const std::size_t from = at_++;
    constexpr std::string_view kNames = "nrtbf0\\'\"/$";
    constexpr std::string_view kMeanings("\n\r\t\b\f\0\\'\"/$", 11);
    const char c = Peek();
    if (const auto i = kNames.find(c); at_ < text_.size() && i != std::string_view::npos) {
      value += kMeanings[i];
      ++at_;
      return true;
    }
    std::uint32_t code = 0;
    if (c == 'u' && Hex4(at_ + 1, code)) {
      at_ += 5;
      std::uint32_t low = 0;
      if (code >= 0xd800 && code < 0xdc00 && Peek() == '\\' && Peek(1) == 'u' &&
          Hex4(at_ + 2, low) && low >= 0xdc00 && low < 0xe000) {
        at_ += 6;
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
      }
      if (code < 0xd800 || code >= 0xe000) {
        AppendUtf8(code, value);
        return true;
      }
      return Fail(from, at_, "half of a surrogate pair is no character");
    }
    return Fail(from, std::min(from + 2, text_.size()), "this is no escape",
                R"(known are \n \r \t \b \f \0 \\ \' \" \/ \$ and \u followed by four hex digits)");
  }

  bool Hex4(std::size_t from, std::uint32_t& code) const {
    if (from + 4 > text_.size()) return false;
    const char* first = text_.data() + from;
    return std::from_chars(first, first + 4, code, 16).ptr == first + 4;
  }

  const std::string_view text_;
  std::size_t at_;
  std::size_t start_ = 0;
  Arena& arena_;
  std::vector<Token>& tokens_;
  LoadError& error_;
};

}  // namespace

bool Lex(std::string_view text, std::uint32_t begin, std::uint32_t end, Arena& arena,
         std::vector<Token>& tokens, LoadError& error) {
  return Lexer(text, begin, end, arena, tokens, error).Run();
}

std::size_t FindClosingBrace(std::string_view text, std::size_t begin) {
  int depth = 0;
  for (std::size_t i = begin; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '{') {
      ++depth;
    } else if (c == '}') {
      if (depth-- == 0) return i;
    } else if (c == '\'' || c == '"') {
      for (++i; i < text.size() && text[i] != c; ++i) {
        if (text[i] == '\\') ++i;
      }
    }
  }
  return text.size();
}

}  // namespace ronda::model
