#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/source.h"

namespace ronda::model {

// A piece of YAML with its place: what stays untyped in a definition (`with:`, `json:`), and what the
// loaders read. A plain value type.
struct Node {
  enum class Kind { kNull, kScalar, kList, kMap };

  Kind kind = Kind::kNull;
  Location where;
  std::string scalar;
  bool quoted = false;  // a quoted scalar is always a string: "8080" stays text
  std::vector<Node> items;
  std::vector<std::pair<Node, Node>> members;  // key (a scalar) and value, in file order

  [[nodiscard]] const Node* Find(std::string_view key) const;
};

}  // namespace ronda::model
