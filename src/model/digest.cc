#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/check.h"
#include "model/load.h"

namespace ronda::model {
namespace {

void AppendQuoted(std::string_view text, std::string& out) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      (out += '\\') += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      std::array<char, 8> escape;
      std::snprintf(escape.data(), escape.size(), "\\u%04x", static_cast<unsigned>(c));
      out += escape.data();
    } else {
      out += c;
    }
  }
  out += '"';
}

// A float as the shortest text that reads back; a whole one as an int, so that 1.0 and 1 are one.
void AppendNumber(const Literal& literal, std::string& out) {
  std::array<char, 40> text;
  const auto end = literal.type == Literal::Type::kInt
                       ? std::to_chars(text.data(), text.data() + text.size(), literal.integer).ptr
                       : std::to_chars(text.data(), text.data() + text.size(), literal.number).ptr;
  out.append(text.data(), end);
}

void AppendScalar(const Node& node, std::string& out) {
  const Literal literal = LiteralOf(node);
  switch (literal.type) {
    case Literal::Type::kNull: out += "null"; return;
    case Literal::Type::kBool: out += literal.boolean ? "true" : "false"; return;
    case Literal::Type::kInt:
    case Literal::Type::kFloat: AppendNumber(literal, out); return;
    case Literal::Type::kString: AppendQuoted(node.scalar, out); return;
  }
}

void Append(const Node& node, std::string& out);

void AppendMap(const Node& node, std::string& out) {
  std::vector<const NodeMember*> members;
  for (const auto& member : node.members) members.push_back(&member);
  std::ranges::sort(members, {}, [](const auto* member) { return member->first.scalar; });
  out += '{';
  for (const auto* member : members) {
    if (member != members.front()) out += ',';
    AppendQuoted(member->first.scalar, out);
    out += ':';
    Append(member->second, out);
  }
  out += '}';
}

void Append(const Node& node, std::string& out) {
  if (node.is_map()) return AppendMap(node, out);
  if (!node.is_list()) return AppendScalar(node, out);
  out += '[';
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    if (i > 0) out += ',';
    Append(node.items[i], out);
  }
  out += ']';
}

}  // namespace

std::string CanonicalForm(const Node& node) {
  std::string out;
  Append(node, out);
  return out;
}

std::string Digest(const Definition& definition) {
  return DigestOfText(CanonicalForm(definition.raw));
}

std::string DigestOfText(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes;
  unsigned size = 0;
  CHECK(EVP_Digest(text.data(), text.size(), bytes.data(), &size, EVP_sha256(), nullptr) == 1);
  std::string digest = "sha256:";
  constexpr std::string_view kHex = "0123456789abcdef";
  for (unsigned i = 0; i < size; ++i) {
    (digest += kHex[bytes[i] >> 4]) += kHex[bytes[i] & 15];
  }
  return digest;
}

}  // namespace ronda::model
