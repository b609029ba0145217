#pragma once

#include <string>
#include <vector>

#include "model/catalog/catalog.h"
#include "model/field.h"

namespace ronda::model {

// One object of the definitions: a kind ("Scenario") or a part of one ("Step").
struct ObjectSpec {
  std::string name;
  std::string description;
  std::vector<FieldType> short_forms;  // what may stand in its place: an expression for a Check
  std::vector<FieldSpec> fields;
  bool is_kind = false;
};
// Every object, kinds first.
[[nodiscard]] const std::vector<ObjectSpec>& Objects();

// The reference pages, Markdown: every kind and object with its fields; every action with its
// parameters and outputs.
[[nodiscard]] std::string DefinitionsReference();
[[nodiscard]] std::string ActionsReference(const Catalog& catalog);
// One action's page, as `ronda help http.request` shows it.
[[nodiscard]] std::string ActionReference(const ActionSchema& action);

// A JSON Schema (draft-07, which editors read) of a definition file.
[[nodiscard]] std::string JsonSchema(const Catalog& catalog);

}  // namespace ronda::model
