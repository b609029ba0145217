#include "engine/extract/css.h"

namespace ronda::engine::extract {
namespace {

constexpr std::size_t kLongest = 4096;

bool IsNameChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || static_cast<unsigned char>(c) >= 0x80;
}

// An XPath literal: XPath 1.0 has no escapes, so one with both quotes is put together.
std::string Literal(std::string_view text) {
  if (text.find('\'') == std::string_view::npos) return "'" + std::string(text) + "'";
  if (text.find('"') == std::string_view::npos) return "\"" + std::string(text) + "\"";
  std::string out = "concat(";
  for (const char c : text) out += c == '\'' ? "\"'\"," : "'" + std::string(1, c) + "',";
  return out + "'')";
}

class Translator {
 public:
  Translator(std::string_view text, model::LoadError& error) : text_(text), error_(error) {}

  std::optional<std::string> Run() {
    if (text_.size() > kLongest) return Fail("a selector has at most 4096 bytes");
    std::string all;
    do {
      std::string one;
      if (!Complex(one)) return std::nullopt;
      if (!all.empty()) all += " | ";
      all += one;
      Blank();
    } while (Take(','));
    if (at_ < text_.size()) return Fail("unexpected here");
    return all;
  }

 private:
  [[nodiscard]] char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool Take(char c) {
    if (Peek() != c || at_ >= text_.size()) return false;
    ++at_;
    return true;
  }
  void Blank() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n'))
      ++at_;
  }
  std::nullopt_t Fail(std::string message) {
    error_.offset = static_cast<std::uint32_t>(at_);
    error_.length = 1;
    error_.message = "CSS selector: " + std::move(message);
    return std::nullopt;
  }
  std::string Name() {
    std::string name;
    while (at_ < text_.size() && IsNameChar(text_[at_])) name += text_[at_++];
    return name;
  }

  bool Complex(std::string& out) {
    Blank();
    out = "//";
    for (;;) {
      if (!Compound(out)) return false;
      const std::size_t before = at_;
      Blank();
      const char c = Peek();
      if (c == '>') {
        ++at_;
        Blank();
        out += "/";
      } else if (c == '+') {
        ++at_;
        Blank();
        out += "/following-sibling::*[1]/self::";
      } else if (c == '~') {
        ++at_;
        Blank();
        out += "/following-sibling::";
      } else if (at_ > before &&
                 (IsNameChar(c) || c == '*' || c == '#' || c == '.' || c == '[' || c == ':') &&
                 !text_.substr(at_).starts_with("::")) {
        out += "//";
      } else {
        return Ending(out);
      }
    }
  }

  // `::text` or `@attribute`.
  bool Ending(std::string& out) {
    if (text_.substr(at_).starts_with("::text")) {
      at_ += 6;
      return true;
    }
    if (!Take('@')) return true;
    const std::string name = Name();
    if (name.empty()) return Fail("an attribute's name belongs behind \"@\""), false;
    out += "/@" + name;
    return true;
  }

  bool Compound(std::string& out) {
    const std::size_t begin = at_;
    std::string name = Name();
    if (name.empty() && Take('*')) name = "*";
    out += name.empty() ? "*" : name;
    while (at_ < text_.size()) {
      const char c = Peek();
      if (c != '#' && c != '.' && c != '[' && (c != ':' || text_.substr(at_).starts_with("::")))
        break;
      std::string condition;
      if (!Simple(condition)) return false;
      out += "[" + condition + "]";
    }
    if (at_ > begin) return true;
    Fail("an element, #id, .class, [attribute] or * belongs here");
    return false;
  }

  bool Simple(std::string& condition) {
    const char c = text_[at_++];
    if (c == '#' || c == '.') {
      const std::string name = Name();
      if (name.empty()) return Fail("a name belongs here"), false;
      condition = c == '#' ? "@id=" + Literal(name) : HasWord("@class", name);
      return true;
    }
    return c == '[' ? Attribute(condition) : Pseudo(condition);
  }

  static std::string HasWord(const std::string& what, const std::string& word) {
    return "contains(concat(' ', normalize-space(" + what + "), ' '), " +
           Literal(" " + word + " ") + ")";
  }

  bool Attribute(std::string& condition) {
    Blank();
    const std::string name = Name();
    if (name.empty()) return Fail("an attribute's name belongs here"), false;
    Blank();
    const std::string what = "@" + name;
    if (Take(']')) {
      condition = what;
      return true;
    }
    const char kind = Peek();
    if (kind != '=') ++at_;
    if (!Take('='))
      return Fail("\"=\", \"~=\", \"|=\", \"^=\", \"$=\" or \"*=\" belongs here"), false;
    Blank();
    std::string value;
    if (Peek() == '"' || Peek() == '\'') {
      const char quote = text_[at_++];
      const std::size_t end = text_.find(quote, at_);
      if (end == std::string_view::npos) return Fail("the string is never closed"), false;
      value = text_.substr(at_, end - at_);
      at_ = end + 1;
    } else {
      value = Name();
    }
    Blank();
    if (!Take(']')) return Fail("\"]\" is missing"), false;
    const std::string literal = Literal(value);
    switch (kind) {
      case '=': condition = what + "=" + literal; return true;
      case '~': condition = HasWord(what, value); return true;
      case '|':
        condition =
            what + "=" + literal + " or starts-with(" + what + ", " + Literal(value + "-") + ")";
        return true;
      case '^': condition = "starts-with(" + what + ", " + literal + ")"; return true;
      case '*': condition = "contains(" + what + ", " + literal + ")"; return true;
      case '$':
        condition = "substring(" + what + ", string-length(" + what + ") - " +
                    std::to_string(value.size()) + " + 1)=" + literal;
        return true;
      default: return Fail("no such comparison"), false;
    }
  }

  bool Pseudo(std::string& condition) {
    const std::string name = Name();
    if (name == "first-child") {
      condition = "not(preceding-sibling::*)";
    } else if (name == "last-child") {
      condition = "not(following-sibling::*)";
    } else if (name == "nth-child") {
      if (!Take('(')) return Fail("\"(\" belongs here"), false;
      const std::string number = Name();
      if (number.empty() || number.find_first_not_of("0123456789") != std::string::npos)
        return Fail("a number belongs here"), false;
      if (!Take(')')) return Fail("\")\" is missing"), false;
      condition = "count(preceding-sibling::*)=" + number + " - 1";
    } else if (name == "not") {
      if (!Take('(')) return Fail("\"(\" belongs here"), false;
      std::string inner;
      const char c = Peek();
      if (c == '#' || c == '.' || c == '[' || c == ':') {
        if (!Simple(inner)) return false;
      } else {
        const std::string element = Name();
        if (element.empty()) return Fail("a simple selector belongs here"), false;
        inner = "self::" + element;
      }
      if (!Take(')')) return Fail("\")\" is missing"), false;
      condition = "not(" + inner + ")";
    } else {
      return Fail("there is no :" + name +
                  " here; :first-child, :last-child, :nth-child(n), :not(...)"),
             false;
    }
    return true;
  }

  const std::string_view text_;
  model::LoadError& error_;
  std::size_t at_ = 0;
};

}  // namespace

std::optional<std::string> CssToXPath(std::string_view selector, model::LoadError& error) {
  return Translator(selector, error).Run();
}

}  // namespace ronda::engine::extract
