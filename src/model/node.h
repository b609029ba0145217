#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/source.h"

namespace ronda::model {

struct NodeMember;

// A piece of YAML with its place: what stays untyped in a definition (`with:`, `json:`), and what the
// loaders read. A plain value type.
struct Node {
  enum class Kind { kNull, kScalar, kList, kMap };

  Kind kind = Kind::kNull;
  Location where;
  std::string scalar;
  bool quoted = false;  // a quoted scalar is always a string: "8080" stays text
  bool block = false;  // quoted by "|" or ">"; `where` is that sign then
  std::vector<Node> items;
  std::vector<NodeMember> members;  // of a map, in the order of the file

  // The value of that key of a map, or null.
  [[nodiscard]] const Node* Find(std::string_view key) const;
  [[nodiscard]] bool is_null() const { return kind == Kind::kNull; }
  [[nodiscard]] bool is_scalar() const { return kind == Kind::kScalar; }
  [[nodiscard]] bool is_list() const { return kind == Kind::kList; }
  [[nodiscard]] bool is_map() const { return kind == Kind::kMap; }
  // "a map", "a list", "text", "a number", ... for messages.
  [[nodiscard]] std::string_view Describe() const;
};

// A key, which is a scalar, and its value.
struct NodeMember {
  Node first, second;
};

// What a scalar means by YAML 1.2's core schema: only true and false are bools; quoted is text; so is
// a number that would lose something, one with a leading zero or beyond 64 bits.
struct Literal {
  enum class Type { kNull, kBool, kInt, kFloat, kString };
  Type type = Type::kNull;
  bool boolean = false;
  std::int64_t integer = 0;
  double number = 0;  // of kInt and kFloat
};
// `node` is a scalar or null; the text of a kString is node.scalar.
[[nodiscard]] Literal LiteralOf(const Node& node);

// The documents of a YAML text, as far as they are right; empty documents are left out. Aliases and
// merge keys are expanded, within bounds on size, depth and number of nodes.
inline constexpr std::size_t kMaxSourceBytes = 4u << 20;
[[nodiscard]] std::vector<Node> ParseYaml(const std::shared_ptr<const Source>& source,
                                          Diagnostics& diagnostics);

}  // namespace ronda::model
