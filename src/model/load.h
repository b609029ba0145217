#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "model/definitions.h"
#include "model/source.h"

namespace ronda::model {

class Catalog;

// Reads every YAML document of `source` and adds the definitions that are right to `set`; all that is
// wrong goes to `diagnostics`. Bounded in time and memory whatever the text (docs/formats/
// definitions.md, "Bounds"); reads no file. Thread-safe on different sets.
void LoadDefinitions(const std::shared_ptr<const Source>& source, const Catalog& catalog,
                     DefinitionSet& set, Diagnostics& diagnostics);

// Follows every reference from `root`: what it names exists, `with:` fits the params of a component
// or scenario, nothing contains itself, every action is in the catalog. Before a program is compiled.
void CheckReferences(const DefinitionSet& set, const Definition& root, Diagnostics& diagnostics);

// "sha256:<hex>" of the canonical form (docs/formats/definitions.md, "Digest"): comments, layout, the
// order of keys and the way a scalar is written do not matter.
[[nodiscard]] std::string Digest(const Definition& definition);
// The same of any text as it is.
[[nodiscard]] std::string DigestOfText(std::string_view text);
// The canonical form itself: JSON with sorted keys.
[[nodiscard]] std::string CanonicalForm(const Node& node);

}  // namespace ronda::model
