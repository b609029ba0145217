#include <re2/re2.h>

#include <algorithm>
#include <cstring>

#include "model/functions.h"

namespace ronda::model {
namespace {

constexpr std::string_view kSpaces = " \t\r\n\f\v";

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

std::int64_t CharactersOf(std::string_view text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return !IsContinuation(c); });
}

// The byte where the n-th character begins, or the end.
std::size_t ByteOf(std::string_view text, std::int64_t n) {
  std::size_t at = 0;
  for (; n > 0 && at < text.size(); --n) {
    ++at;
    while (at < text.size() && IsContinuation(text[at])) ++at;
  }
  return at;
}

bool Len(const Call& call, Value& out) {
  out = Value::Int(CharactersOf(call.String(0)));
  return true;
}

bool MapBytes(const Call& call, char (*map)(char), Value& out) {
  const std::string_view text = call.String(0);
  char* copy = call.NewText(text.size());
  if (copy == nullptr) return false;
  std::transform(text.begin(), text.end(), copy, map);
  out = Value::String({copy, text.size()});
  return true;
}

bool Lower(const Call& call, Value& out) {
  return MapBytes(
      call, [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }, out);
}

bool Upper(const Call& call, Value& out) {
  return MapBytes(
      call, [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }, out);
}

bool Trim(const Call& call, Value& out) {
  std::string_view text = call.String(0);
  text.remove_prefix(std::min(text.find_first_not_of(kSpaces), text.size()));
  text = text.substr(0, text.find_last_not_of(kSpaces) + 1);
  out = Value::String(text);
  return true;
}

bool Contains(const Call& call, Value& out) {
  out = Value::Bool(call.String(0).find(call.String(1)) != std::string_view::npos);
  return true;
}

bool StartsWith(const Call& call, Value& out) {
  out = Value::Bool(call.String(0).starts_with(call.String(1)));
  return true;
}

bool EndsWith(const Call& call, Value& out) {
  out = Value::Bool(call.String(0).ends_with(call.String(1)));
  return true;
}

// Calls take(piece) for each stretch of `text` between `separator`s, which is not empty.
template <typename Take>
void ForEachPiece(std::string_view text, std::string_view separator, Take&& take) {
  for (;;) {
    const std::size_t end = text.find(separator);
    take(text.substr(0, end));
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + separator.size());
  }
}

bool Replace(const Call& call, Value& out) {
  const std::string_view text = call.String(0);
  const std::string_view from = call.String(1);
  const std::string_view to = call.String(2);
  if (from.empty()) return call.Fail("the text to replace is empty");
  std::size_t pieces = 0;
  ForEachPiece(text, from, [&](std::string_view) { ++pieces; });
  const std::size_t size = text.size() - (pieces - 1) * from.size() + (pieces - 1) * to.size();
  char* begin = call.NewText(size);
  if (begin == nullptr) return false;
  char* end = begin;
  ForEachPiece(text, from, [&](std::string_view piece) {
    if (end != begin || piece.data() != text.data()) end = std::copy(to.begin(), to.end(), end);
    end = std::copy(piece.begin(), piece.end(), end);
  });
  out = Value::String({begin, size});
  return true;
}

bool Split(const Call& call, Value& out) {
  const std::string_view text = call.String(0);
  const std::string_view separator = call.String(1);
  if (separator.empty()) return call.Fail("the separator is empty");
  std::size_t pieces = 0;
  ForEachPiece(text, separator, [&](std::string_view) { ++pieces; });
  std::span<Value> list;
  if (!call.NewList(pieces, list)) return false;
  std::size_t i = 0;
  ForEachPiece(text, separator, [&](std::string_view piece) { list[i++] = Value::String(piece); });
  out = Value::List(list);
  return true;
}

bool Join(const Call& call, Value& out) {
  const auto items = call[0].AsList();
  const std::string_view separator = call.Or(1, Value::String("")).AsString();
  std::string text;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (items[i].is_null()) return call.Fail("an item of the list is null");
    if (i > 0) text += separator;
    AppendText(items[i], text);
    if (text.size() > kMaxText) return call.Fail("the text would be longer than 16 MiB");
  }
  char* copy = call.NewText(text.size());
  if (copy == nullptr) return false;
  std::copy(text.begin(), text.end(), copy);
  out = Value::String({copy, text.size()});
  return true;
}

bool Substr(const Call& call, Value& out) {
  const std::string_view text = call.String(0);
  std::int64_t start = call[1].AsInt();
  if (start < 0) start = std::max<std::int64_t>(0, CharactersOf(text) + start);
  const std::string_view rest = text.substr(ByteOf(text, start));
  if (call.count() < 3) {
    out = Value::String(rest);
    return true;
  }
  if (call[2].AsInt() < 0) return call.Fail("the length is negative");
  out = Value::String(rest.substr(0, ByteOf(rest, call[2].AsInt())));
  return true;
}

enum class Side { kLeft, kRight };

bool Pad(const Call& call, Side side, Value& out) {
  const std::string_view text = call.String(0);
  const std::string_view fill = call.Or(2, Value::String(" ")).AsString();
  if (CharactersOf(fill) != 1) return call.Fail("the fill has to be one character");
  const std::int64_t missing = call[1].AsInt() - CharactersOf(text);
  if (missing <= 0) {
    out = call[0];
    return true;
  }
  if (missing > static_cast<std::int64_t>(kMaxText))
    return call.Fail("the text would be longer than 16 MiB");
  const std::size_t size = text.size() + static_cast<std::size_t>(missing) * fill.size();
  char* begin = call.NewText(size);
  if (begin == nullptr) return false;
  char* end = begin;
  if (side == Side::kRight) end = std::copy(text.begin(), text.end(), end);
  for (std::int64_t i = 0; i < missing; ++i) end = std::copy(fill.begin(), fill.end(), end);
  if (side == Side::kLeft) std::copy(text.begin(), text.end(), end);
  out = Value::String({begin, size});
  return true;
}

bool PadLeft(const Call& call, Value& out) { return Pad(call, Side::kLeft, out); }
bool PadRight(const Call& call, Value& out) { return Pad(call, Side::kRight, out); }

bool Repeat(const Call& call, Value& out) {
  const std::string_view text = call.String(0);
  const std::int64_t times = call[1].AsInt();
  if (times < 0) return call.Fail("the number of times is negative");
  std::size_t size = 0;
  if (__builtin_mul_overflow(text.size(), static_cast<std::size_t>(times), &size))
    size = kMaxText + 1;
  char* begin = call.NewText(size);
  if (begin == nullptr) return false;
  for (std::size_t at = 0; at < size; at += text.size())
    std::memcpy(begin + at, text.data(), text.size());
  out = Value::String({begin, size});
  return true;
}

re2::StringPiece Piece(std::string_view text) { return {text.data(), text.size()}; }

bool Matches(const Call& call, Value& out) {
  if (!call.Charge(call.String(0).size() / 16)) return false;
  out = Value::Bool(re2::RE2::PartialMatch(Piece(call.String(0)), call.pattern()));
  return true;
}

bool Capture(const Call& call, Value& out) {
  constexpr int kMaxGroups = 32;
  const std::int64_t group =
      call.Or(2, Value::Int(std::min(call.pattern().NumberOfCapturingGroups(), 1))).AsInt();
  if (group < 0 || group > call.pattern().NumberOfCapturingGroups() || group >= kMaxGroups) {
    return call.Fail("the pattern has no such group");
  }
  if (!call.Charge(call.String(0).size() / 16)) return false;
  re2::StringPiece groups[kMaxGroups];
  const re2::StringPiece text = Piece(call.String(0));
  out = {};
  const int wanted = static_cast<int>(group);
  if (!call.pattern().Match(text, 0, text.size(), re2::RE2::UNANCHORED, groups, wanted + 1))
    return true;
  const re2::StringPiece found = groups[wanted];
  if (found.data() != nullptr) out = Value::String({found.data(), found.size()});
  return true;
}

bool ReplaceRegex(const Call& call, Value& out) {
  const std::string_view rewrite = call.String(2);
  std::string error;
  if (!call.pattern().CheckRewriteString(Piece(rewrite), &error)) {
    return call.Fail("the replacement names a group that the pattern does not have");
  }
  if (!call.Charge(call.String(0).size() / 16)) return false;
  // Each byte may become the replacement with every group in it: bounded before it is made.
  if ((call.String(0).size() + 1) * (rewrite.size() + 1) > 8 * kMaxText)
    return call.Fail("the text would be longer than 16 MiB");
  std::string text(call.String(0));
  re2::RE2::GlobalReplace(&text, call.pattern(), Piece(rewrite));
  char* copy = call.NewText(text.size());
  if (copy == nullptr) return false;
  std::copy(text.begin(), text.end(), copy);
  out = Value::String({copy, text.size()});
  return true;
}

}  // namespace

void AddTextFunctions(std::vector<Function>& table) {
  constexpr std::string_view kGroup = "Text";
  const Parameter text{"text", kStringMask};
  const Parameter width{"width", kIntMask};
  const Parameter fill{"fill", kStringMask, ParameterKind::kOptional};
  const Parameter pattern{"pattern", kStringMask, ParameterKind::kPattern};
  const auto add = [&](std::string_view name, std::vector<Parameter> parameters, TypeMask result,
                       bool (*call)(const Call&, Value&), std::string_view summary) {
    table.push_back({name, kGroup, std::move(parameters), result, Purity::kPure, call, summary});
  };
  add("len", {text}, kIntMask, Len, "the number of characters (Unicode code points)");
  add("lower", {text}, kStringMask, Lower, "A-Z in lower case; other characters stay");
  add("upper", {text}, kStringMask, Upper, "a-z in upper case; other characters stay");
  add("trim", {text}, kStringMask, Trim, "without white space at both ends");
  add("contains", {text, {"part", kStringMask}}, kBoolMask, Contains,
      "whether part is in the text");
  add("startsWith", {text, {"part", kStringMask}}, kBoolMask, StartsWith,
      "whether the text begins so");
  add("endsWith", {text, {"part", kStringMask}}, kBoolMask, EndsWith, "whether the text ends so");
  add("replace", {text, {"from", kStringMask}, {"to", kStringMask}}, kStringMask, Replace,
      "every `from` replaced by `to`");
  add("split", {text, {"separator", kStringMask}}, kListMask, Split,
      "the pieces between separators");
  add("join", {{"items", kListMask}, {"separator", kStringMask, ParameterKind::kOptional}},
      kStringMask, Join, "the items as text, separated");
  add("substr", {text, {"start", kIntMask}, {"length", kIntMask, ParameterKind::kOptional}},
      kStringMask, Substr,
      "a part, counted in characters from 0; a negative start counts from the end");
  add("padLeft", {text, width, fill}, kStringMask, PadLeft,
      "filled up on the left to `width` characters");
  add("padRight", {text, width, fill}, kStringMask, PadRight, "filled up on the right");
  add("repeat", {text, {"times", kIntMask}}, kStringMask, Repeat, "the text that many times");
  add("matches", {text, pattern}, kBoolMask, Matches,
      "whether the pattern (RE2) is found anywhere; `^` and `$` tie it to the ends");
  add("capture", {text, pattern, {"group", kIntMask, ParameterKind::kOptional}},
      kStringMask | kNullMask, Capture,
      "what the group matched first (1, or the whole match without groups); null without a match");
  add("replaceRegex", {text, pattern, {"to", kStringMask}}, kStringMask, ReplaceRegex,
      "every match replaced; `\\1` is the first group");
}

}  // namespace ronda::model
