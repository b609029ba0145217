#include "trace/query/query_text.h"

#include <re2/re2.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>
#include <vector>

#include "base/text.h"
#include "base/units.h"
#include "trace/query/query_lexer.h"

namespace ronda::trace::query {
namespace {

constexpr int kMostDepth = 64;
constexpr std::size_t kMostTests = 256;

struct Named {
  std::string_view word;
  std::int64_t value;
};
constexpr Named kKinds[] = {{"unspecified", 0}, {"internal", 1}, {"server", 2},
                            {"client", 3},      {"producer", 4}, {"consumer", 5}};
constexpr Named kStatuses[] = {{"unset", 0}, {"ok", 1}, {"error", 2}};

struct NamedField {
  std::string_view word;
  Field field;
};
constexpr NamedField kFields[] = {
    {"service", Field::kService},  {"name", Field::kName},
    {"operation", Field::kName},   {"kind", Field::kKind},
    {"status", Field::kStatus},    {"status.message", Field::kStatusMessage},
    {"duration", Field::kDuration}};
constexpr std::string_view kRun = "run";  // the attribute ronda.run
constexpr std::string_view kRunKey = "ronda.run";

struct Operator {
  std::string_view word;
  Compare compare;
  bool negated;
};
constexpr Operator kOperators[] = {{"=", Compare::kEqual, false},
                                   {"==", Compare::kEqual, false},
                                   {"!=", Compare::kEqual, true},
                                   {"<", Compare::kLess, false},
                                   {"<=", Compare::kLessOrEqual, false},
                                   {">", Compare::kGreater, false},
                                   {">=", Compare::kGreaterOrEqual, false},
                                   {"~", Compare::kMatches, false},
                                   {"!~", Compare::kMatches, true},
                                   {"contains", Compare::kContains, false},
                                   {"startswith", Compare::kStartsWith, false}};

std::string Hint(std::string_view word, const std::vector<std::string>& valid) {
  const std::string near = base::Nearest(word, valid);
  return near.empty() ? "" : "did you mean \"" + near + "\"?";
}

template <typename Table>
std::vector<std::string> WordsOf(const Table& table) {
  std::vector<std::string> words;
  for (const auto& row : table) words.emplace_back(row.word);
  return words;
}

std::string Listed(const std::vector<std::string>& words) {
  std::string list;
  for (const std::string& word : words) list += (list.empty() ? "" : ", ") + word;
  return list;
}

std::optional<Literal> NumberOf(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  const char* end = text.data() + text.size();
  std::int64_t whole = 0;
  if (const auto [at, error] = std::from_chars(text.data(), end, whole);
      error == std::errc() && at == end) {
    return whole;
  }
  double real = 0;
  if (const auto [at, error] = std::from_chars(text.data(), end, real);
      error == std::errc() && at == end) {
    return real;
  }
  return std::nullopt;
}

// Recursive descent; false and error_ once something is wrong.
class Parser {
 public:
  explicit Parser(std::string_view text) : lexer_(text) {}

  bool Run(Condition& out) {
    if (!Advance()) return false;
    if (token_.kind == TokenKind::kEnd) {
      out = All({});
      return true;
    }
    if (!Or(out, 0)) return false;
    if (token_.kind == TokenKind::kEnd) return true;
    if (token_.text == ")") return Fail("a ) without its (");
    return Fail("\"and\", \"or\" or the end is expected here", Hint(token_.text, {"and", "or"}));
  }
  [[nodiscard]] const QueryError& error() const { return error_; }

 private:
  bool Fail(std::string message, std::string hint = "") {
    return FailAt(token_, std::move(message), std::move(hint));
  }
  bool FailAt(const Token& token, std::string message, std::string hint = "") {
    error_ = {token.at, std::move(message), std::move(hint)};
    return false;
  }
  bool Advance() { return lexer_.Next(token_, error_); }
  [[nodiscard]] bool IsWord(std::string_view word) const {
    return token_.kind == TokenKind::kWord && token_.text == word;
  }
  [[nodiscard]] bool IsSymbol(std::string_view symbol) const {
    return token_.kind == TokenKind::kSymbol && token_.text == symbol;
  }

  // One part, or several with `word` between them.
  template <typename Part>
  bool Several(std::string_view word, Condition::Kind kind, const Part& part, Condition& out) {
    if (!part(out)) return false;
    if (!IsWord(word)) return true;
    Condition all{.kind = kind};
    all.parts.push_back(std::move(out));
    while (IsWord(word)) {
      if (!Advance() || !part(all.parts.emplace_back())) return false;
    }
    out = std::move(all);
    return true;
  }
  bool Or(Condition& out, int depth) {
    return Several("or", Condition::Kind::kAny, [&](Condition& c) { return And(c, depth); }, out);
  }
  bool And(Condition& out, int depth) {
    return Several(
        "and", Condition::Kind::kAll, [&](Condition& c) { return Unary(c, depth); }, out);
  }

  bool Unary(Condition& out, int depth) {
    if (depth == kMostDepth) return Fail("nested too deep");
    if (IsWord("not")) {
      Condition part;
      if (!Advance() || !Unary(part, depth + 1)) return false;
      out = Not(std::move(part));
      return true;
    }
    if (IsSymbol("(")) {
      const Token open = token_;
      if (!Advance() || !Or(out, depth + 1)) return false;
      if (token_.kind == TokenKind::kEnd) return FailAt(open, "a ( that is not closed");
      if (!IsSymbol(")")) {
        return Fail("\"and\", \"or\" or ) is expected here", Hint(token_.text, {"and", "or"}));
      }
      return Advance();
    }
    return TestOf(out);
  }

  bool TestOf(Condition& out) {
    if (++tests_ > kMostTests) return Fail("too many conditions; the limit is 256");
    Test test;
    const Token field = token_;
    if (!FieldOf(test) || !Advance()) return false;
    if (IsWord("exists")) {
      if (!IsAttributeField(test.field)) {
        return Fail("every span has \"" + field.text + "\"; only attributes may be missing");
      }
      test.compare = Compare::kExists;
      out = Is(std::move(test));
      return Advance();
    }
    if (IsWord("in")) return In(std::move(test), out);
    const auto* op = std::ranges::find(kOperators, token_.text, &Operator::word);
    if (op == std::end(kOperators) ||
        (token_.kind != TokenKind::kWord && token_.kind != TokenKind::kSymbol)) {
      std::vector<std::string> words = WordsOf(kOperators);
      words.insert(words.end(), {"exists", "in"});
      return Fail("an operator is expected after \"" + field.text + "\": " + Listed(words),
                  Hint(token_.text, words));
    }
    test.compare = op->compare;
    const Token at = token_;
    if (!Advance() || !ValueOf(test, at)) return false;
    out = Compared(std::move(test), op->negated);
    return true;
  }

  // `a != 1`: there is an a, and none is 1.
  static Condition Compared(Test test, bool negated) {
    if (!negated) return Is(std::move(test));
    Test exists = test;
    exists.compare = Compare::kExists;
    exists.pattern = nullptr;
    std::vector<Condition> parts;
    if (IsAttributeField(test.field)) parts.push_back(Is(std::move(exists)));
    parts.push_back(Not(Is(std::move(test))));
    return All(std::move(parts));
  }

  bool In(Test test, Condition& out) {
    const Token at = token_;
    if (!Advance()) return false;
    if (!IsSymbol("(")) return Fail("a list is expected after \"in\": (\"a\", \"b\")");
    out = Any({});
    do {
      if (++tests_ > kMostTests) return Fail("too many conditions; the limit is 256");
      Test each = test;
      if (!Advance() || !ValueOf(each, at)) return false;
      out.parts.push_back(Is(std::move(each)));
    } while (IsSymbol(","));
    if (!IsSymbol(")")) return Fail("a , or ) is expected here");
    return Advance();
  }

  bool FieldOf(Test& test) {
    if (token_.kind == TokenKind::kKey) {
      test.field = Field::kAttribute;
      test.key = token_.text;
      return true;
    }
    if (token_.kind != TokenKind::kWord) {
      return Fail(
          "a field is expected here: service, name, kind, status, duration, run or the "
          "key of an attribute",
          token_.kind == TokenKind::kText
              ? "the key of an attribute goes in backquotes: `" + token_.text + "`"
              : "");
    }
    const std::string& word = token_.text;
    if (const auto* named = std::ranges::find(kFields, word, &NamedField::word);
        named != std::end(kFields)) {
      test.field = named->field;
      return true;
    }
    constexpr std::string_view kSpan = "span.", kResource = "resource.";
    test.field = Field::kAttribute;
    test.key = word == kRun ? kRunKey : std::string_view(word);
    if (word.starts_with(kSpan)) {
      test.field = Field::kSpanAttribute;
      test.key = word.substr(kSpan.size());
    } else if (word.starts_with(kResource)) {
      test.field = Field::kResourceAttribute;
      test.key = word.substr(kResource.size());
    }
    if (test.key.empty()) return Fail("the key of an attribute is missing after \"" + word + "\"");
    return word == kRun || word.find('.') != word.npos || NotMistyped(word);
  }

  // A word without a dot that is almost a field is one mistyped, not an attribute.
  bool NotMistyped(const std::string& word) {
    std::vector<std::string> fields = WordsOf(kFields);
    fields.emplace_back(kRun);
    for (const std::string_view reserved : {"and", "or", "not", "in", "exists"}) {
      if (word == reserved) return Fail("a field is expected before \"" + word + "\"");
    }
    const std::string near = base::Nearest(word, fields);
    if (near.empty()) return true;
    return Fail("unknown field \"" + word + "\"",
                "did you mean \"" + near + "\"? An attribute of that name is `" + word + "`");
  }

  bool ValueOf(Test& test, const Token& op) {
    const bool ordered = test.compare != Compare::kEqual;
    switch (test.field) {
      case Field::kKind: return NamedValue(test, ordered ? &op : nullptr, kKinds);
      case Field::kStatus: return NamedValue(test, ordered ? &op : nullptr, kStatuses);
      case Field::kDuration: return DurationValue(test, op);
      default: break;
    }
    const bool text_only = test.compare >= Compare::kContains;
    if (token_.kind == TokenKind::kText) {
      test.literal = token_.text;
      return (test.compare != Compare::kMatches || Pattern(test)) && Advance();
    }
    if (text_only) return Fail("\"" + op.text + "\" needs a text in quotes");
    if (token_.kind == TokenKind::kWord) {
      const bool truth = IsWord("true") || IsWord("false");
      if (truth && IsAttributeField(test.field)) {
        if (ordered) return FailAt(op, "true and false can be equal only");
        test.literal = IsWord("true");
      } else {
        test.literal = token_.text;
      }
      return Advance();
    }
    if (token_.kind != TokenKind::kNumber) return Fail("a value is expected here");
    if (!IsAttributeField(test.field)) {
      return Fail("a text is expected here", "write it in quotes: \"" + token_.text + "\"");
    }
    const auto number = NumberOf(token_.text);
    if (!number) {
      return Fail(
          "\"" + token_.text + "\" is no number",
          base::ParseDuration(token_.text).ok()
              ? "units are for \"duration\"; an attribute is compared with the number it has"
              : "a text goes in quotes");
    }
    test.literal = *number;
    return Advance();
  }

  template <typename Table>
  bool NamedValue(Test& test, const Token* ordered, const Table& table) {
    if (ordered != nullptr) return FailAt(*ordered, "kind and status can be = , != or in only");
    const bool word = token_.kind == TokenKind::kWord || token_.kind == TokenKind::kText;
    const auto* named = std::ranges::find(table, token_.text, &Named::word);
    if (!word || named == std::end(table)) {
      const std::vector<std::string> words = WordsOf(table);
      return Fail("one of these is expected here: " + Listed(words), Hint(token_.text, words));
    }
    test.literal = named->value;
    return Advance();
  }

  bool DurationValue(Test& test, const Token& op) {
    if (test.compare >= Compare::kContains) {
      return FailAt(op, "\"duration\" is compared with = != < <= > >=");
    }
    const auto duration = base::ParseDuration(token_.text);
    if (token_.kind != TokenKind::kNumber || !duration.ok()) {
      return Fail("a duration is expected here, like 200ms, 1.5s or 1m30s",
                  NumberOf(token_.text) ? "did you mean \"" + token_.text + "ms\"?" : "");
    }
    test.literal = *duration;
    return Advance();
  }

  bool Pattern(Test& test) {
    RE2::Options options(RE2::Quiet);
    options.set_max_mem(1 << 20);
    test.pattern = std::make_shared<const RE2>(token_.text, options);
    if (test.pattern->ok()) return true;
    return Fail("the expression cannot be read: " + test.pattern->error());
  }

  QueryLexer lexer_;
  Token token_;
  QueryError error_;
  std::size_t tests_ = 0;
};

// Characters before a byte, plus one.
std::size_t ColumnOf(std::string_view text, std::size_t byte) {
  std::size_t column = 1;
  base::ForEachCharacter(text.substr(0, byte),
                         [&](const base::Character&, std::string_view) { ++column; });
  return column;
}

}  // namespace

std::variant<Condition, QueryError> ParseQuery(std::string_view text) {
  if (text.size() > kMostQueryBytes) {
    return QueryError{1, "the query is too long; the limit is 16 KiB"};
  }
  Condition condition;
  Parser parser(text);
  if (parser.Run(condition)) return condition;
  QueryError error = parser.error();
  error.column = ColumnOf(text, error.column);
  return error;
}

std::string Render(const QueryError& error, std::string_view text) {
  constexpr std::size_t kBefore = 60, kShown = 100;
  const std::size_t first = error.column > kBefore ? error.column - kBefore : 0;
  std::string shown;
  std::size_t at = 0;
  base::ForEachCharacter(text, [&](const base::Character& c, std::string_view bytes) {
    const std::size_t column = at++;
    if (column < first || column >= first + kShown) return;
    const bool printable = c.good && c.code >= 0x20 && (c.code < 0x7f || c.code >= 0xa0);
    shown += printable ? bytes : std::string_view(" ");
  });
  std::string out = "column " + std::to_string(error.column) + ": " + error.message + "\n  " +
                    shown + "\n  " + std::string(error.column - 1 - first, ' ') + "^";
  if (!error.hint.empty()) out += "\n" + error.hint;
  return out;
}

}  // namespace ronda::trace::query
