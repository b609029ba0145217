#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "wire/otlp/model.h"

namespace re2 {
class RE2;
}

// What a span has to be like (docs/formats/trace-query.md). Values: any thread.
namespace ronda::trace::query {

namespace otlp = ronda::wire::otlp;

// What of a span is looked at.
enum class Field : std::uint8_t {
  kService,  // text: the resource's service.name
  kName,  // text: the operation
  kKind,  // number: SpanKind
  kStatus,  // number: StatusCode
  kStatusMessage,  // text
  kDuration,  // number: ns; 0 where the end is before the start
  kAttribute,  // the span's or its resource's attribute of a key
  kSpanAttribute,
  kResourceAttribute,
};

enum class Compare : std::uint8_t {
  kExists,  // any value
  kEqual,
  kLess,
  kLessOrEqual,
  kGreater,
  kGreaterOrEqual,
  kContains,  // a text in a text
  kStartsWith,
  kMatches,  // an RE2 expression somewhere in a text
};

// A text is compared with texts, byte by byte; a number with integers and floats, by value; a truth
// with truths, for equality. Values of other types do not match.
using Literal = std::variant<std::string, std::int64_t, double, bool>;

struct Test {
  Field field = Field::kName;
  std::string key = {};  // of an attribute
  Compare compare = Compare::kEqual;
  Literal literal = {};
  std::shared_ptr<const re2::RE2> pattern = {};  // of kMatches
};

// A tree of tests over one span. A key that a span has more than once matches when one of its values
// does. No parts: kAll is true, kAny is false.
struct Condition {
  enum class Kind : std::uint8_t { kAll, kAny, kNot, kTest };
  Kind kind = Kind::kAll;
  std::vector<Condition> parts = {};  // one of kNot
  Test test = {};  // of kTest
};

[[nodiscard]] bool MatchesText(const Test& test, std::string_view text);
[[nodiscard]] bool MatchesInt(const Test& test, std::int64_t value);
[[nodiscard]] bool MatchesValue(const Test& test, const otlp::Value& value);

// Whether a number that lies between the two, which are of one type, could match; false is certain.
[[nodiscard]] bool MayMatchBetween(const Test& test, const otlp::Value& least,
                                   const otlp::Value& most);

[[nodiscard]] Condition All(std::vector<Condition> parts);
[[nodiscard]] Condition Any(std::vector<Condition> parts);
[[nodiscard]] Condition Not(Condition part);
[[nodiscard]] Condition Is(Test test);
// kAttribute and the two more special ones.
[[nodiscard]] inline bool IsAttributeField(Field field) { return field >= Field::kAttribute; }

}  // namespace ronda::trace::query
