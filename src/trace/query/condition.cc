#include "trace/query/condition.h"

#include <re2/re2.h>

#include <cmath>
#include <limits>
#include <utility>

namespace ronda::trace::query {
namespace {

using otlp::Value;
using otlp::ValueType;

template <typename T>
bool Ordered(Compare compare, const T& value, const T& literal) {
  switch (compare) {
    case Compare::kEqual: return value == literal;
    case Compare::kLess: return value < literal;
    case Compare::kLessOrEqual: return value <= literal;
    case Compare::kGreater: return value > literal;
    case Compare::kGreaterOrEqual: return value >= literal;
    default: return false;
  }
}

// Wide enough for every 64-bit integer and every double, so that 2^53 + 1 is not 2^53.
using Wide = long double;
static_assert(std::numeric_limits<Wide>::digits >= 64);

bool MatchesNumber(const Test& test, Wide value) {
  if (const auto* whole = std::get_if<std::int64_t>(&test.literal)) {
    return Ordered<Wide>(test.compare, value, static_cast<Wide>(*whole));
  }
  const auto* real = std::get_if<double>(&test.literal);
  return real != nullptr && Ordered<Wide>(test.compare, value, static_cast<Wide>(*real));
}

}  // namespace

bool MatchesText(const Test& test, std::string_view text) {
  if (test.compare == Compare::kExists) return true;
  const auto* literal = std::get_if<std::string>(&test.literal);
  if (literal == nullptr) return false;
  switch (test.compare) {
    case Compare::kContains: return text.find(*literal) != std::string_view::npos;
    case Compare::kStartsWith: return text.starts_with(*literal);
    case Compare::kMatches:
      return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *test.pattern);
    default: return Ordered<std::string_view>(test.compare, text, *literal);
  }
}

bool MatchesInt(const Test& test, std::int64_t value) {
  return test.compare == Compare::kExists || MatchesNumber(test, static_cast<Wide>(value));
}

bool MatchesValue(const Test& test, const Value& value) {
  if (test.compare == Compare::kExists) return true;
  switch (value.type()) {
    case ValueType::kString: return MatchesText(test, value.bytes());
    case ValueType::kInt: return MatchesInt(test, value.integer());
    case ValueType::kDouble: return MatchesNumber(test, static_cast<Wide>(value.number()));
    case ValueType::kBool: {
      const auto* literal = std::get_if<bool>(&test.literal);
      return literal != nullptr && test.compare == Compare::kEqual && *literal == value.boolean();
    }
    default: return false;
  }
}

bool MayMatchBetween(const Test& test, const Value& least, const Value& most) {
  if (test.compare == Compare::kExists) return true;
  if (least.type() == ValueType::kBool) return std::holds_alternative<bool>(test.literal);
  if (least.type() != ValueType::kInt && least.type() != ValueType::kDouble) return true;
  if (!std::holds_alternative<std::int64_t>(test.literal) &&
      !std::holds_alternative<double>(test.literal)) {
    return false;
  }
  if (least.type() == ValueType::kDouble &&
      (std::isnan(least.number()) || std::isnan(most.number()))) {
    return true;
  }
  Test bound = test;
  switch (test.compare) {
    case Compare::kEqual:
      bound.compare = Compare::kLessOrEqual;
      if (!MatchesValue(bound, least)) return false;
      bound.compare = Compare::kGreaterOrEqual;
      return MatchesValue(bound, most);
    case Compare::kLess:
    case Compare::kLessOrEqual: return MatchesValue(test, least);
    case Compare::kGreater:
    case Compare::kGreaterOrEqual: return MatchesValue(test, most);
    default: return false;
  }
}

Condition All(std::vector<Condition> parts) {
  return {.kind = Condition::Kind::kAll, .parts = std::move(parts)};
}
Condition Any(std::vector<Condition> parts) {
  return {.kind = Condition::Kind::kAny, .parts = std::move(parts)};
}
Condition Not(Condition part) {
  Condition made{
      .kind = Condition::Kind::kNot,
  };
  made.parts.push_back(std::move(part));
  return made;
}
Condition Is(Test test) { return {.kind = Condition::Kind::kTest, .test = std::move(test)}; }

}  // namespace ronda::trace::query
