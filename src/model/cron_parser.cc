// The text of a schedule to its fields.
#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "model/cron.h"

namespace ronda::model {
namespace {

// Ends a parse; what is wrong lies in the parser's error.
constexpr std::nullopt_t kFailed = std::nullopt;

constexpr std::array<std::string_view, 12> kMonths = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                                      "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
constexpr std::array<std::string_view, 7> kWeekdays = {"SUN", "MON", "TUE", "WED",
                                                       "THU", "FRI", "SAT"};

struct Macro {
  std::string_view name, fields;
};
constexpr std::array<Macro, 7> kMacros = {{{"@yearly", "0 0 1 1 *"},
                                           {"@annually", "0 0 1 1 *"},
                                           {"@monthly", "0 0 1 * *"},
                                           {"@weekly", "0 0 * * 0"},
                                           {"@daily", "0 0 * * *"},
                                           {"@midnight", "0 0 * * *"},
                                           {"@hourly", "0 * * * *"}}};

enum class FieldKind { kSecond, kMinute, kHour, kDay, kMonth, kWeekday };

struct FieldRule {
  std::string_view what;
  int min, max;
};
constexpr std::array<FieldRule, 6> kRules = {{{"second", 0, 59},
                                              {"minute", 0, 59},
                                              {"hour", 0, 23},
                                              {"day of the month", 1, 31},
                                              {"month", 1, 12},
                                              {"weekday", 0, 7}}};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
char Upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }
bool IsLetter(char c) { return Upper(c) >= 'A' && Upper(c) <= 'Z'; }

// One field of the text, or the whole of it: reads items off its front.
class FieldParser {
 public:
  FieldParser(std::string_view text, std::size_t offset, FieldKind kind, Cron::Fields& out,
              LoadError& error)
      : text_(text), offset_(offset), kind_(kind), out_(out), error_(error) {}

  bool Parse() {
    while (true) {
      if (!ParseItem()) return false;
      if (at_ == text_.size()) return true;
      if (!Take(',')) return Fail(at_, 1, "unexpected character in the " + What());
    }
  }

 private:
  [[nodiscard]] const FieldRule& Rule() const { return kRules[static_cast<std::size_t>(kind_)]; }
  [[nodiscard]] std::string What() const { return std::string(Rule().what); }
  [[nodiscard]] std::string AWhat() const {
    return (kind_ == FieldKind::kHour ? "an " : "a ") + What();
  }
  [[nodiscard]] char Peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? Upper(text_[at_ + ahead]) : '\0';
  }
  bool Take(char c) {
    if (Peek() != c) return false;
    ++at_;
    return true;
  }
  bool Fail(std::size_t at, std::size_t length, std::string message, std::string hint = {}) {
    error_ = {.offset = static_cast<std::uint32_t>(offset_ + at),
              .length = static_cast<std::uint32_t>(std::max<std::size_t>(1, length)),
              .message = std::move(message),
              .hint = std::move(hint)};
    return false;
  }

  // A number or a name; reported when it is neither or out of bounds.
  std::optional<int> Value() {
    const std::size_t start = at_;
    while (IsLetter(Peek())) ++at_;
    if (at_ > start) return NamedValue(start);
    while (IsDigit(Peek())) ++at_;
    const std::string_view digits = text_.substr(start, at_ - start);
    if (digits.empty()) {
      (void)Fail(start, 1, AWhat() + " is expected here", Range());
      return kFailed;
    }
    int value = -1;
    std::from_chars(digits.data(), digits.data() + std::min<std::size_t>(digits.size(), 9), value);
    if (digits.size() > 9 || value < Rule().min || value > Rule().max) {
      (void)Fail(start, digits.size(),
                 "there is no " + What() + " " + std::string(digits.substr(0, 20)), Range());
      return kFailed;
    }
    return value;
  }

  // The letters from `start` on: a name, perhaps with an L behind it (FRIL).
  std::optional<int> NamedValue(std::size_t start) {
    std::string word;
    for (std::size_t i = start; i < at_; ++i) word += Upper(text_[i]);
    if (kind_ == FieldKind::kWeekday && word.size() == 4 && word[3] == 'L') {
      word.pop_back();
      --at_;
    }
    if (kind_ == FieldKind::kMonth) {
      if (const auto found = std::ranges::find(kMonths, word); found != kMonths.end()) {
        return static_cast<int>(found - kMonths.begin()) + 1;
      }
    }
    if (kind_ == FieldKind::kWeekday) {
      if (const auto found = std::ranges::find(kWeekdays, word); found != kWeekdays.end()) {
        return static_cast<int>(found - kWeekdays.begin());
      }
    }
    (void)Fail(start, at_ - start, "there is no " + What() + " \"" + word.substr(0, 20) + '"',
               Range());
    return kFailed;
  }

  [[nodiscard]] std::string Range() const {
    const std::string names = kind_ == FieldKind::kMonth     ? ", or JAN to DEC"
                              : kind_ == FieldKind::kWeekday ? ", or SUN to SAT"
                                                             : "";
    return AWhat() + " is " + std::to_string(Rule().min) + " to " + std::to_string(Rule().max) +
           names;
  }

  bool ParseItem() {
    if (kind_ == FieldKind::kDay && Peek() == 'L') return LastDays();
    if (kind_ == FieldKind::kWeekday && Peek() == 'L') {
      return Fail(at_, 1, "\"L\" needs a weekday before it", "the last Friday is 5L or FRIL");
    }
    const std::size_t start = at_;
    if (Take('?')) return QuestionMark(start);
    if (Take('*')) {
      if (start == 0) MarkAny();
      return Steps(start, Rule().min, kind_ == FieldKind::kWeekday ? 6 : Rule().max);
    }
    const std::optional<int> first = Value();
    if (!first.has_value()) return false;
    if (kind_ == FieldKind::kDay && Take('W')) {
      out_.nearest_weekday |= 1u << *first;
      return true;
    }
    if (kind_ == FieldKind::kWeekday && Take('L')) {
      out_.last_weekdays |= 1u << *first % 7;
      return true;
    }
    if (kind_ == FieldKind::kWeekday && Take('#')) return NthWeekday(*first % 7);
    if (Take('-')) return SpanFrom(start, *first);
    if (Peek() == '/') return Steps(start, *first, kind_ == FieldKind::kWeekday ? 6 : Rule().max);
    Set(*first);
    return true;
  }

  bool SpanFrom(std::size_t start, int first) {
    std::optional<int> last = Value();
    if (!last.has_value()) return false;
    // A week that begins on another day ends on Sunday: SAT-SUN.
    if (kind_ == FieldKind::kWeekday && *last == 0 && first > 0) last = 7;
    if (*last < first) {
      return Fail(start, at_ - start, "the span ends before it begins",
                  "write two, with a comma between them");
    }
    return Steps(start, first, *last);
  }

  // first to last, every n-th of them when a step follows.
  bool Steps(std::size_t start, int first, int last) {
    int step = 1;
    if (Take('/')) {
      const std::size_t number = at_;
      while (IsDigit(Peek())) ++at_;
      const std::string_view digits = text_.substr(number, at_ - number);
      step = 0;
      if (digits.size() <= 4) {
        std::from_chars(digits.data(), digits.data() + digits.size(), step);
      }
      if (step < 1 || step > Rule().max) {
        return Fail(number, digits.size(),
                    "a step of the " + What() + " is 1 to " + std::to_string(Rule().max),
                    "use every: for what goes over the hour or the day");
      }
    }
    if (last < first) return Fail(start, at_ - start, "the span ends before it begins");
    for (int value = first; value <= last; value += step) Set(value);
    return true;
  }

  bool QuestionMark(std::size_t start) {
    if (kind_ != FieldKind::kDay && kind_ != FieldKind::kWeekday) {
      return Fail(start, 1, "\"?\" stands for a day or a weekday only", "write *");
    }
    if (text_.size() != 1) return Fail(start, 1, "\"?\" stands alone");
    MarkAny();
    return Steps(start, Rule().min, Rule().max);
  }

  // L, LW, L-3
  bool LastDays() {
    ++at_;
    if (Take('W')) {
      out_.last_weekday = true;
      return true;
    }
    if (!Take('-')) {
      out_.before_last |= 1;
      return true;
    }
    const std::size_t start = at_;
    while (IsDigit(Peek())) ++at_;
    const std::string_view digits = text_.substr(start, at_ - start);
    int days = 0;
    if (digits.size() <= 2) {
      std::from_chars(digits.data(), digits.data() + digits.size(), days);
    }
    if (days < 1 || days > 30) {
      return Fail(start, digits.size(), "L-n is the last day less 1 to 30 days");
    }
    out_.before_last |= 1u << days;
    return true;
  }

  bool NthWeekday(int weekday) {
    const char nth = Peek();
    if (nth < '1' || nth > '5' || IsDigit(Peek(1))) {
      return Fail(at_, 1, "a month has a weekday 1 to 5 times", "the third Friday is 5#3 or FRI#3");
    }
    ++at_;
    out_.nth_weekdays[static_cast<std::size_t>(nth - '0')] |= 1u << weekday;
    return true;
  }

  void MarkAny() {
    if (kind_ == FieldKind::kDay) out_.any_day = true;
    if (kind_ == FieldKind::kWeekday) out_.any_weekday = true;
    if (kind_ == FieldKind::kMinute || kind_ == FieldKind::kHour) out_.follows_clock = true;
  }

  void Set(int value) {
    switch (kind_) {
      case FieldKind::kSecond: out_.seconds |= 1ULL << value; return;
      case FieldKind::kMinute: out_.minutes |= 1ULL << value; return;
      case FieldKind::kHour: out_.hours |= 1u << value; return;
      case FieldKind::kDay: out_.days |= 1u << value; return;
      case FieldKind::kMonth: out_.months |= 1u << value; return;
      case FieldKind::kWeekday: out_.weekdays |= 1u << value % 7; return;
    }
  }

  std::string_view text_;
  std::size_t offset_;  // of the field in the whole text
  std::size_t at_ = 0;
  FieldKind kind_;
  Cron::Fields& out_;
  LoadError& error_;
};

struct Word {
  std::size_t offset = 0;
  std::string_view text;
};

std::vector<Word> WordsOf(std::string_view text) {
  std::vector<Word> words;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t start = text.find_first_not_of(" \t", at);
    if (start == std::string_view::npos) break;
    at = std::min(text.find_first_of(" \t", start), text.size());
    words.push_back({start, text.substr(start, at - start)});
  }
  return words;
}

LoadError ErrorOver(const Word& word, std::string message, std::string hint) {
  return {.offset = static_cast<std::uint32_t>(word.offset),
          .length = static_cast<std::uint32_t>(std::max<std::size_t>(1, word.text.size())),
          .message = std::move(message),
          .hint = std::move(hint)};
}

std::string MacroNames() {
  std::string names;
  for (const Macro& macro : kMacros) (names += names.empty() ? "" : ", ") += macro.name;
  return names;
}

// @hourly and its like, in any case.
std::optional<std::string_view> ExpandMacro(const Word& word, LoadError& error) {
  const auto same = [&word](const Macro& macro) {
    return std::ranges::equal(word.text, macro.name,
                              [](char a, char b) { return Upper(a) == Upper(b); });
  };
  const auto found = std::ranges::find_if(kMacros, same);
  if (found != kMacros.end()) return found->fields;
  error =
      ErrorOver(word, "there is no " + std::string(word.text.substr(0, 20)),
                "known: " + MacroNames() + "; for a span of time write every: instead of cron:");
  return kFailed;
}

}  // namespace

std::optional<Cron::Fields> ParseCronFields(std::string_view text, LoadError& error) {
  std::vector<Word> words = WordsOf(text);
  if (!words.empty() && words[0].text.starts_with('@')) {
    const auto fields = ExpandMacro(words[0], error);
    if (!fields.has_value()) return kFailed;
    if (words.size() > 1) {
      error = ErrorOver(words[1], "nothing stands behind " + std::string(words[0].text), {});
      return kFailed;
    }
    words = WordsOf(*fields);
  }
  if (words.size() != 5 && words.size() != 6) {
    error = ErrorOver(words.size() > 6 ? words[6] : Word{0, text},
                      "a schedule has five or six fields, this has " + std::to_string(words.size()),
                      "minute hour day month weekday, or second before them");
    return kFailed;
  }
  Cron::Fields fields;
  if (words.size() == 6) fields.seconds = 0;
  std::size_t kind = words.size() == 6 ? 0 : 1;
  for (const Word& word : words) {
    FieldParser parser(word.text, word.offset, static_cast<FieldKind>(kind++), fields, error);
    if (!parser.Parse()) return kFailed;
  }
  return fields;
}

}  // namespace ronda::model
