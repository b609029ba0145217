#include <re2/re2.h>

#include <charconv>
#include <cmath>

#include "engine/extract/json_path.h"

namespace ronda::engine::extract::json_path {
namespace {

constexpr int kDeepestFilter = 32;
constexpr std::size_t kLongestPath = 4096;
constexpr std::int64_t kLargestIndex = (std::int64_t{1} << 53) - 1;  // RFC 9535, 2.1

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsNameFirst(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

void AppendUtf8(std::uint32_t c, std::string& out) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xc0 | c >> 6);
    out += static_cast<char>(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xe0 | c >> 12);
    out += static_cast<char>(0x80 | (c >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (c & 0x3f));
  } else {
    out += static_cast<char>(0xf0 | c >> 18);
    out += static_cast<char>(0x80 | (c >> 12 & 0x3f));
    out += static_cast<char>(0x80 | (c >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (c & 0x3f));
  }
}

// Recursive descent over RFC 9535's grammar (appendix A).
class Parser {
 public:
  Parser(std::string_view text, model::LoadError& error) : text_(text), error_(error) {}

  std::optional<Query> Path() {
    if (text_.size() > kLongestPath) return Fail("a JSONPath has at most 4096 bytes"), std::nullopt;
    if (!Take('$')) return Fail("a JSONPath begins with \"$\"", "write $.name"), std::nullopt;
    Query query;
    if (!Segments(query)) return std::nullopt;
    if (at_ < text_.size())
      return Fail("unexpected here; a segment begins with \".\" or \"[\""), std::nullopt;
    return query;
  }

 private:
  [[nodiscard]] char Peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  bool Take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool Take(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  void Blank() {
    while (at_ < text_.size() && IsBlank(text_[at_])) ++at_;
  }
  bool Fail(std::string message, std::string hint = {}) {
    if (failed_) return false;
    failed_ = true;
    error_.offset = static_cast<std::uint32_t>(at_);
    error_.length = 1;
    error_.message = "JSONPath: " + std::move(message);
    error_.hint = std::move(hint);
    return false;
  }

  bool Segments(Query& query) {
    for (;;) {
      const std::size_t before = at_;
      Blank();
      if (Peek() == '[') {
        Segment segment;
        if (!Brackets(segment)) return false;
        query.segments.push_back(std::move(segment));
      } else if (Take("..")) {
        Segment segment;
        segment.descendant = true;
        if (Peek() == '[' ? !Brackets(segment) : !Shorthand(segment)) return false;
        query.segments.push_back(std::move(segment));
      } else if (Take('.')) {
        Segment segment;
        if (!Shorthand(segment)) return false;
        query.segments.push_back(std::move(segment));
      } else {
        at_ = before;
        return true;
      }
    }
  }

  bool Shorthand(Segment& segment) {
    Selector selector;
    if (Take('*')) {
      selector.kind = Selector::Kind::kWildcard;
    } else if (IsNameFirst(Peek())) {
      while (IsNameFirst(Peek()) || IsDigit(Peek())) selector.name += text_[at_++];
    } else {
      return Fail("a name or \"*\" belongs here", "other names are written ['like this']");
    }
    segment.selectors.push_back(std::move(selector));
    return true;
  }

  bool Brackets(Segment& segment) {
    ++at_;  // [
    do {
      Blank();
      Selector selector;
      if (!OneSelector(selector)) return false;
      segment.selectors.push_back(std::move(selector));
      Blank();
    } while (Take(','));
    if (!Take(']')) return Fail("\"]\" is missing");
    return true;
  }

  bool OneSelector(Selector& selector) {
    if (Peek() == '\'' || Peek() == '"') {
      selector.kind = Selector::Kind::kName;
      return String(selector.name);
    }
    if (Take('*')) {
      selector.kind = Selector::Kind::kWildcard;
      return true;
    }
    if (Take('?')) {
      selector.kind = Selector::Kind::kFilter;
      Blank();
      selector.filter = Or();
      return selector.filter != nullptr;
    }
    return IndexOrSlice(selector);
  }

  bool IndexOrSlice(Selector& selector) {
    std::optional<std::int64_t> first;
    if (!Integer(first)) return false;
    const std::size_t after = at_;
    Blank();
    if (!Take(':')) {
      at_ = after;
      if (!first) return Fail("a name in quotes, an index, a slice, \"*\" or \"?\" belongs here");
      selector.kind = Selector::Kind::kIndex;
      selector.index = *first;
      return true;
    }
    selector.kind = Selector::Kind::kSlice;
    selector.start = first;
    Blank();
    if (!Integer(selector.end)) return false;
    Blank();
    if (!Take(':')) return true;
    Blank();
    std::optional<std::int64_t> step;
    if (!Integer(step)) return false;
    selector.step = step.value_or(1);
    return true;
  }

  bool Integer(std::optional<std::int64_t>& out) {
    const std::size_t begin = at_;
    std::size_t end = at_;
    if (Peek() == '-') ++end;
    const std::size_t digits = end;
    while (end < text_.size() && IsDigit(text_[end])) ++end;
    if (end == digits) return begin == digits ? true : Fail("digits belong behind \"-\"");
    if (text_[digits] == '0' && (end - digits > 1 || digits > begin))
      return Fail("a number has no leading zero");
    std::int64_t value = 0;
    const auto [rest, error] = std::from_chars(text_.data() + begin, text_.data() + end, value);
    if (error != std::errc() || value > kLargestIndex || value < -kLargestIndex)
      return Fail("the index is too large");
    at_ = end;
    out = value;
    return true;
  }

  bool Hex4(std::uint32_t& out) {
    out = 0;
    for (int i = 0; i < 4; ++i) {
      const char c = Peek();
      const int digit = IsDigit(c)             ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) return Fail("\\u wants four hexadecimal digits");
      out = out * 16 + static_cast<std::uint32_t>(digit);
      ++at_;
    }
    return true;
  }

  bool String(std::string& out) {
    const char quote = text_[at_++];
    for (;;) {
      if (at_ >= text_.size()) return Fail("the string is never closed");
      const char c = text_[at_];
      if (c == quote) {
        ++at_;
        return true;
      }
      if (static_cast<unsigned char>(c) < 0x20)
        return Fail("a control character has to be escaped");
      ++at_;
      if (c != '\\') {
        out += c;
      } else if (!Escape(quote, out)) {
        return false;
      }
    }
  }

  bool Escape(char quote, std::string& out) {
    const char c = Peek();
    ++at_;
    switch (c) {
      case 'b': out += '\b'; return true;
      case 'f': out += '\f'; return true;
      case 'n': out += '\n'; return true;
      case 'r': out += '\r'; return true;
      case 't': out += '\t'; return true;
      case '/':
      case '\\': out += c; return true;
      case 'u': {
        std::uint32_t high = 0;
        if (!Hex4(high)) return false;
        if (high >= 0xdc00 && high < 0xe000) return Fail("a low surrogate stands alone");
        if (high >= 0xd800 && high < 0xdc00) {
          std::uint32_t low = 0;
          if (!Take("\\u") || !Hex4(low) || low < 0xdc00 || low >= 0xe000)
            return Fail("a high surrogate stands alone");
          high = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
        }
        AppendUtf8(high, out);
        return true;
      }
      default:
        if (c == quote) {
          out += c;
          return true;
        }
        --at_;
        return Fail("no such escape");
    }
  }

  // ---- filters
  using FilterPtr = std::shared_ptr<const Filter>;

  FilterPtr Join(Filter::Kind kind, std::vector<FilterPtr> parts) {
    if (parts.size() == 1) return parts.front();
    auto filter = std::make_shared<Filter>();
    filter->kind = kind;
    filter->parts = std::move(parts);
    return filter;
  }

  FilterPtr Or() {
    std::vector<FilterPtr> parts;
    do {
      Blank();
      FilterPtr part = And();
      if (part == nullptr) return nullptr;
      parts.push_back(std::move(part));
      Blank();
    } while (Take("||"));
    return Join(Filter::Kind::kOr, std::move(parts));
  }

  FilterPtr And() {
    std::vector<FilterPtr> parts;
    do {
      Blank();
      FilterPtr part = Basic();
      if (part == nullptr) return nullptr;
      parts.push_back(std::move(part));
      Blank();
    } while (Take("&&"));
    return Join(Filter::Kind::kAnd, std::move(parts));
  }

  FilterPtr Basic() {
    if (++depth_ > kDeepestFilter) return Fail("the filter is nested too deeply"), nullptr;
    FilterPtr result = BasicInner();
    --depth_;
    return result;
  }

  FilterPtr BasicInner() {
    if (Take('!')) {
      Blank();
      FilterPtr inner = Peek() == '(' ? Paren() : Test(true);
      return inner == nullptr ? nullptr : Join2(Filter::Kind::kNot, std::move(inner));
    }
    if (Peek() == '(') return Paren();
    return Test(false);
  }

  FilterPtr Join2(Filter::Kind kind, FilterPtr part) {
    auto filter = std::make_shared<Filter>();
    filter->kind = kind;
    filter->parts.push_back(std::move(part));
    return filter;
  }

  FilterPtr Paren() {
    ++at_;
    FilterPtr inner = Or();
    if (inner == nullptr) return nullptr;
    Blank();
    if (!Take(')')) return Fail("\")\" is missing"), nullptr;
    return inner;
  }

  // A comparison, or a test of a query or function alone. `negated`: "!" stands before it.
  FilterPtr Test(bool negated) {
    auto filter = std::make_shared<Filter>();
    const std::size_t begin = at_;
    if (!OneOperand(filter->left)) return nullptr;
    const std::size_t after = at_;
    Blank();
    static constexpr std::pair<std::string_view, Filter::Compare> kOperators[] = {
        {"==", Filter::Compare::kEq}, {"!=", Filter::Compare::kNe}, {"<=", Filter::Compare::kLe},
        {">=", Filter::Compare::kGe}, {"<", Filter::Compare::kLt},  {">", Filter::Compare::kGt}};
    for (const auto& [word, compare] : kOperators) {
      if (negated || !Take(word)) continue;
      filter->kind = Filter::Kind::kCompare;
      filter->compare = compare;
      if (!Comparable(filter->left, begin)) return nullptr;
      Blank();
      const std::size_t right = at_;
      if (!OneOperand(filter->right) || !Comparable(filter->right, right)) return nullptr;
      return filter;
    }
    at_ = after;
    const Operand& left = filter->left;
    const bool logical =
        left.kind == Operand::Kind::kFunction &&
        (left.function == Operand::Function::kMatch || left.function == Operand::Function::kSearch);
    if (left.kind != Operand::Kind::kQuery && !logical)
      return Fail("a comparison is missing"), nullptr;
    return filter;
  }

  bool Comparable(const Operand& operand, std::size_t where) {
    const bool query = operand.kind == Operand::Kind::kQuery && !operand.query.singular();
    const bool logical = operand.kind == Operand::Kind::kFunction &&
                         (operand.function == Operand::Function::kMatch ||
                          operand.function == Operand::Function::kSearch);
    if (!query && !logical) return true;
    at_ = where;
    return Fail(query ? "only a path of names and indexes can be compared"
                      : "match() and search() are conditions by themselves");
  }

  bool OneOperand(Operand& out) {
    if (++depth_ > kDeepestFilter) return Fail("the filter is nested too deeply");
    const bool good = OneOperandInner(out);
    --depth_;
    return good;
  }

  bool OneOperandInner(Operand& out) {
    const char c = Peek();
    if (c == '\'' || c == '"') {
      out.kind = Operand::Kind::kString;
      return String(out.text);
    }
    if (c == '@' || c == '$') {
      ++at_;
      out.kind = Operand::Kind::kQuery;
      out.query.relative = c == '@';
      return Segments(out.query);
    }
    if (IsDigit(c) || c == '-') return Number(out);
    if (c >= 'a' && c <= 'z') return Word(out);
    return Fail("a value, \"@\", \"$\" or a function belongs here");
  }

  bool Number(Operand& out) {
    std::size_t end = at_;
    if (text_[end] == '-') ++end;
    const std::size_t digits = end;
    const auto run = [&] {
      const std::size_t from = end;
      while (end < text_.size() && IsDigit(text_[end])) ++end;
      return end > from;
    };
    if (!run()) return Fail("digits belong here");
    if (text_[digits] == '0' && end - digits > 1) return Fail("a number has no leading zero");
    if (end < text_.size() && text_[end] == '.') {
      ++end;
      if (!run()) return Fail("digits belong behind \".\"");
    }
    if (end < text_.size() && (text_[end] == 'e' || text_[end] == 'E')) {
      ++end;
      if (end < text_.size() && (text_[end] == '+' || text_[end] == '-')) ++end;
      if (!run()) return Fail("digits belong into the exponent");
    }
    out.kind = Operand::Kind::kNumber;
    std::from_chars(text_.data() + at_, text_.data() + end, out.number);
    at_ = end;
    return true;
  }

  bool Word(Operand& out) {
    const std::size_t begin = at_;
    std::string word;
    while ((Peek() >= 'a' && Peek() <= 'z') || Peek() == '_' || IsDigit(Peek()))
      word += text_[at_++];
    if (Peek() == '(') return Function(word, begin, out);
    if (word == "true" || word == "false") {
      out.kind = Operand::Kind::kBool;
      out.boolean = word == "true";
      return true;
    }
    if (word == "null") {
      out.kind = Operand::Kind::kNull;
      return true;
    }
    at_ = begin;
    return Fail("\"" + word + "\" is unknown here", "text stands in quotes");
  }

  bool Function(const std::string& name, std::size_t begin, Operand& out) {
    static constexpr std::string_view kNames[] = {"length", "count", "match", "search", "value"};
    int which = -1;
    for (int i = 0; i < 5; ++i) {
      if (name == kNames[i]) which = i;
    }
    if (which < 0) {
      at_ = begin;
      return Fail("there is no function " + name + "()", "length, count, match, search, value");
    }
    ++at_;  // (
    out.kind = Operand::Kind::kFunction;
    out.function = static_cast<Operand::Function>(which);
    Blank();
    while (!Take(')')) {
      if (!out.arguments.empty()) {
        if (!Take(',')) return Fail("\",\" or \")\" is missing");
        Blank();
      }
      if (!OneOperand(out.arguments.emplace_back())) return false;
      Blank();
    }
    return CheckArguments(name, begin, out);
  }

  bool CheckArguments(const std::string& name, std::size_t begin, Operand& out) {
    using F = Operand::Function;
    const bool two = out.function == F::kMatch || out.function == F::kSearch;
    at_ = out.arguments.size() == (two ? 2u : 1u) ? at_ : begin;
    if (at_ == begin) return Fail(name + "() wants " + (two ? "two arguments" : "one argument"));
    const bool nodes = out.function == F::kCount || out.function == F::kValue;
    for (const Operand& argument : out.arguments) {
      const bool query = argument.kind == Operand::Kind::kQuery;
      if (nodes ? query : !query || argument.query.singular()) continue;
      at_ = begin;
      return Fail(nodes ? name + "() wants a path"
                        : name + "() wants one value: a path of names and indexes");
    }
    if (two && out.arguments[1].kind == Operand::Kind::kString) {
      out.pattern = CompilePattern(out.arguments[1].text,
                                   out.function == F::kMatch ? Anchor::kWhole : Anchor::kAnywhere);
    }
    return true;
  }

  const std::string_view text_;
  model::LoadError& error_;
  std::size_t at_ = 0;
  int depth_ = 0;
  bool failed_ = false;
};

}  // namespace

bool Query::singular() const {
  for (const Segment& segment : segments) {
    if (segment.descendant || segment.selectors.size() != 1) return false;
    const Selector::Kind kind = segment.selectors.front().kind;
    if (kind != Selector::Kind::kName && kind != Selector::Kind::kIndex) return false;
  }
  return true;
}

std::optional<Query> Parse(std::string_view text, model::LoadError& error) {
  return Parser(text, error).Path();
}

std::shared_ptr<const re2::RE2> CompilePattern(const std::string& pattern, Anchor anchor) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(1 << 20);
  // RFC 9485: a dot is any character but CR and LF; RE2's excludes LF only.
  std::string translated;
  bool in_class = false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '\\' && i + 1 < pattern.size()) {
      translated += c;
      translated += pattern[++i];
      continue;
    }
    if (c == '[') in_class = true;
    if (c == ']') in_class = false;
    if (c == '.' && !in_class) {
      translated += "[^\\n\\r]";
    } else {
      translated += c;
    }
  }
  const std::string whole = anchor == Anchor::kWhole ? "\\A(?:" + translated + ")\\z" : translated;
  auto compiled = std::make_shared<const re2::RE2>(whole, options);
  return compiled->ok() ? compiled : nullptr;
}

}  // namespace ronda::engine::extract::json_path
