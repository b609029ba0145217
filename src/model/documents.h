#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/definitions.h"

namespace ronda::model {

// One document of a YAML text that may hold several ("---" between them).
struct DocumentText {
  std::string text;  // without the separators, comments kept
  int line = 1;  // of its first line in the whole, from 1
};

// The documents in order; those without content are left out. Reads no YAML but the separators (YAML
// 1.2, 9.1: "---" and "..." at the beginning of a line, which nothing else can have there).
[[nodiscard]] std::vector<DocumentText> SplitDocuments(std::string_view text);

// The text without its top-level `version:` line, where it has one of its own (block style).
[[nodiscard]] std::string WithoutVersion(std::string_view text);
// The text with that version, which it did not have: a line before its first, or in its first brace.
[[nodiscard]] std::string WithVersion(std::string_view text, int version);

// What a definition names, each once.
struct NamedRef {
  Kind kind = Kind::kScenario;
  std::string name;
  int version = 0;  // 0: not said
  bool operator==(const NamedRef&) const = default;
};
[[nodiscard]] std::vector<NamedRef> ReferencesOf(const Definition& definition);

}  // namespace ronda::model
