#include "model/node.h"

#include <charconv>
#include <cmath>

namespace ronda::model {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// [-+]?[0-9]+ without a leading zero, that fits 64 bits.
bool ReadInt(std::string_view text, std::int64_t& value) {
  if (text.starts_with('+')) text.remove_prefix(1);
  const std::string_view digits = text.substr(text.starts_with('-') ? 1 : 0);
  if (digits.empty() || !IsDigit(digits[0]) || (digits[0] == '0' && digits.size() > 1))
    return false;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  return code == std::errc() && end == text.data() + text.size();
}

// [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)? with a point or an exponent.
bool ReadFloat(std::string_view text, double& value) {
  if (text.starts_with('+')) text.remove_prefix(1);
  const std::string_view digits = text.substr(text.starts_with('-') ? 1 : 0);
  if (digits.empty() || (!IsDigit(digits[0]) && digits[0] != '.')) return false;
  if (digits.size() > 1 && digits[0] == '0' && IsDigit(digits[1])) return false;
  if (digits.find_first_of(".eE") == std::string_view::npos) return false;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  return code == std::errc() && end == text.data() + text.size() && std::isfinite(value);
}

}  // namespace

const Node* Node::Find(std::string_view key) const {
  for (const auto& member : members) {
    if (member.first.scalar == key) return &member.second;
  }
  return nullptr;
}

Literal LiteralOf(const Node& node) {
  Literal literal;
  if (node.is_null()) return literal;
  literal.type = Literal::Type::kString;
  if (node.quoted) return literal;
  const std::string_view text = node.scalar;
  if (text == "true" || text == "false") {
    literal.type = Literal::Type::kBool;
    literal.boolean = text == "true";
  } else if (ReadInt(text, literal.integer)) {
    literal.type = Literal::Type::kInt;
    literal.number = static_cast<double>(literal.integer);
  } else if (ReadFloat(text, literal.number)) {
    literal.type = Literal::Type::kFloat;
  }
  return literal;
}

std::string_view Node::Describe() const {
  switch (kind) {
    case Kind::kNull: return "nothing";
    case Kind::kList: return "a list";
    case Kind::kMap: return "a map";
    case Kind::kScalar: break;
  }
  switch (LiteralOf(*this).type) {
    case Literal::Type::kBool: return "a bool";
    case Literal::Type::kInt: return "a number";
    case Literal::Type::kFloat: return "a number";
    default: return "text";
  }
}

}  // namespace ronda::model
