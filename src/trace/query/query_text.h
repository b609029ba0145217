#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>

#include "base/core/status.h"
#include "trace/query/condition.h"

namespace ronda::trace::query {

inline constexpr std::size_t kMostQueryBytes = 16 << 10;

// What is wrong with a query, and where.
struct QueryError {
  std::size_t column = 1;  // in characters, from 1
  std::string message;
  std::string hint = {};  // the nearest valid word, or what to write instead; may be empty
  bool operator==(const QueryError&) const = default;
};

// Reads the query language of docs/formats/trace-query.md; an empty text matches every span.
[[nodiscard]] std::variant<Condition, QueryError> ParseQuery(std::string_view text);

// For people: "column 9: ...", the query, a caret under the place, the hint.
[[nodiscard]] std::string Render(const QueryError& error, std::string_view text);

}  // namespace ronda::trace::query
