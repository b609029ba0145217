#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/extract/extractor.h"

namespace re2 {
class RE2;
}

// A parsed JSONPath (RFC 9535). Private to the room.
namespace ronda::engine::extract::json_path {

struct Filter;

// One selector in brackets (2.3).
struct Selector {
  enum class Kind : std::uint8_t { kName, kIndex, kWildcard, kSlice, kFilter };
  Kind kind = Kind::kName;
  std::string name;
  std::int64_t index = 0;
  std::optional<std::int64_t> start, end;
  std::int64_t step = 1;
  std::shared_ptr<const Filter> filter;
};

struct Segment {
  bool descendant = false;
  std::vector<Selector> selectors;
};

// `$...` or, in a filter, `@...`.
struct Query {
  bool relative = false;
  std::vector<Segment> segments;
  // Names and indexes only: at most one node (2.3.5.1).
  [[nodiscard]] bool singular() const;
};

// What a comparison or function works on.
struct Operand {
  enum class Kind : std::uint8_t { kNull, kBool, kNumber, kString, kQuery, kFunction };
  enum class Function : std::uint8_t { kLength, kCount, kMatch, kSearch, kValue };
  Kind kind = Kind::kNull;
  bool boolean = false;
  double number = 0;
  std::string text;
  Query query;
  Function function = Function::kLength;
  std::vector<Operand> arguments;
  std::shared_ptr<const re2::RE2> pattern;  // of match and search with a literal
};

// A filter's logical expression (2.3.5).
struct Filter {
  enum class Kind : std::uint8_t { kOr, kAnd, kNot, kCompare, kTest };
  enum class Compare : std::uint8_t { kEq, kNe, kLt, kLe, kGt, kGe };
  Kind kind = Kind::kTest;
  std::vector<std::shared_ptr<const Filter>> parts;
  Compare compare = Compare::kEq;
  Operand left, right;  // kCompare; kTest: left
};

// Nothing, with `error` filled, when the text is no JSONPath.
[[nodiscard]] std::optional<Query> Parse(std::string_view text, model::LoadError& error);
// A pattern of RFC 9485 (I-Regexp) as RE2 has it; null when it is none. `whole`: match(), else search().
enum class Anchor : std::uint8_t { kWhole, kAnywhere };
[[nodiscard]] std::shared_ptr<const re2::RE2> CompilePattern(const std::string& pattern,
                                                             Anchor anchor);

}  // namespace ronda::engine::extract::json_path
