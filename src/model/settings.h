#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/catalog/catalog.h"
#include "model/field.h"
#include "model/node.h"
#include "model/source.h"

namespace ronda::model {

// Settings of the system that are changed while it runs, with structured values (F85). Options of a
// process, which it reads once at its start, are base/options.h's.
struct SettingSchema {
  std::string name;  // "retention": what actions require and the API names
  std::string title;  // for people
  std::string description;  // Markdown, a paragraph
  std::string group;  // the page it stands on: "runs", "notifications"
  int order = 0;  // on its page; equal ones by name
  // What a value is: its type, bounds and, of a map or a list of maps, its fields. A map from names
  // has one field without a name. Its own `name` is the setting's.
  FieldSpec value;
  std::optional<std::string> default_text;  // YAML; none: missing until somebody sets it
};

// Every setting that is known. Immutable; thread-safe.
class SettingCatalog {
 public:
  explicit SettingCatalog(std::vector<SettingSchema> settings);
  // What comes with Ronda.
  [[nodiscard]] static const SettingCatalog& BuiltIn();

  [[nodiscard]] const SettingSchema* Find(std::string_view name) const;
  [[nodiscard]] const std::vector<SettingSchema>& all() const { return settings_; }
  [[nodiscard]] std::vector<std::string> Names() const;

 private:
  std::vector<SettingSchema> settings_;  // by group, order and name
};

// Reads a value, YAML or JSON, and checks it against the schema; what is wrong goes to `diagnostics`
// with its place and the nearest name. A map from names may be given as forms show it, as a list of
// `{name: ..., ...}` or, where its values are single ones, `{name: ..., value: ...}`; what is returned
// is always the map. Nothing when there was an error. A setting takes no `${...}`.
[[nodiscard]] std::optional<Node> ReadSetting(const SettingSchema& schema,
                                              const std::shared_ptr<const Source>& source,
                                              Diagnostics& diagnostics);
// The default of the schema; nothing when it has none.
[[nodiscard]] std::optional<Node> DefaultOf(const SettingSchema& schema);

// Which of the action's required settings `has` lacks, in the order in which the schema names them;
// empty: the action can be shown.
[[nodiscard]] std::vector<std::string> MissingSettings(const ActionSchema& action,
                                                       const std::vector<std::string>& has);

// The reference page of the settings, Markdown.
[[nodiscard]] std::string SettingsReference(const SettingCatalog& settings);
// A JSON Schema (draft-07) of one setting's value, for forms.
[[nodiscard]] std::string SettingJsonSchema(const SettingSchema& schema);

}  // namespace ronda::model
