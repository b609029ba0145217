#include "model/settings.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "model/tables.h"

namespace ronda::model {
namespace {

SettingSchema RetentionSchema() {
  const auto keep = [](std::string name, std::string description, std::string text) {
    return FieldSpec{.name = std::move(name),
                     .type = FieldType::kDuration,
                     .description = std::move(description),
                     .default_text = std::move(text),
                     .min = 3600,
                     .max = 3650.0 * 86'400};
  };
  return {
      .name = "retention",
      .title = "Retention",
      .description = "How long what runs leave behind is kept. What is not said has its default.",
      .group = "runs",
      .value = {.name = "retention",
                .type = FieldType::kMap,
                .description = "Times by what is kept.",
                .fields = {keep("runs", "Runs with their nodes and gates.", "90d"),
                           keep("results", "Single results of patrols.", "30d"),
                           keep("evidence", "Requests and responses of walks.", "14d"),
                           keep("rollups", "Availability by the hour.", "400d")}},
      .default_text = "{runs: 90d, results: 30d, evidence: 14d, rollups: 400d}"};
}

FieldSpec WithoutTemplates(FieldSpec spec) {
  spec.literal = true;
  for (FieldSpec& field : spec.fields) field = WithoutTemplates(std::move(field));
  return spec;
}

bool IsMapFromNames(const FieldSpec& spec) {
  return spec.type == FieldType::kMap && spec.fields.size() == 1 && spec.fields[0].name.empty();
}

// [{name: a, x: 1}] to {a: {x: 1}}, [{name: a, value: 1}] to {a: 1}; as it was, and reported, when an
// item has no such form.
Node MapOfList(Loader& loader, const FieldSpec& spec, const Node& list) {
  const bool single = spec.fields[0].type != FieldType::kMap;
  Node map = list;
  map.kind = Node::Kind::kMap;
  map.items.clear();
  for (const Node& item : list.items) {
    const Node* name = item.is_map() ? item.Find("name") : nullptr;
    const Node* value = single && item.is_map() ? item.Find("value") : &item;
    if (name == nullptr || !name->is_scalar() || value == nullptr ||
        (single && item.members.size() != 2)) {
      loader.Error(
          item, single ? "an item is {name: ..., value: ...}" : "an item is a map with \"name\"");
      continue;
    }
    if (map.Find(name->scalar) != nullptr) {
      loader.Error(*name, '"' + name->scalar + "\" is named twice");
      continue;
    }
    Node rest = *value;
    if (!single) {
      std::erase_if(rest.members, [](const auto& member) { return member.first.scalar == "name"; });
    }
    map.members.push_back({*name, std::move(rest)});
  }
  return map;
}

}  // namespace

SettingCatalog::SettingCatalog(std::vector<SettingSchema> settings)
    : settings_(std::move(settings)) {
  std::ranges::sort(settings_, {}, [](const SettingSchema& setting) {
    return std::tie(setting.group, setting.order, setting.name);
  });
}

const SettingCatalog& SettingCatalog::BuiltIn() {
  static const SettingCatalog catalog({RetentionSchema()});
  return catalog;
}

const SettingSchema* SettingCatalog::Find(std::string_view name) const {
  const auto found = std::ranges::find(settings_, name, &SettingSchema::name);
  return found == settings_.end() ? nullptr : &*found;
}

std::vector<std::string> SettingCatalog::Names() const {
  std::vector<std::string> names;
  for (const SettingSchema& setting : settings_) names.push_back(setting.name);
  return names;
}

std::optional<Node> ReadSetting(const SettingSchema& schema,
                                const std::shared_ptr<const Source>& source,
                                Diagnostics& diagnostics) {
  const int errors = diagnostics.error_count();
  std::vector<Node> documents = ParseYaml(source, diagnostics);
  if (diagnostics.error_count() != errors) return std::nullopt;
  if (documents.size() != 1) {
    diagnostics.Error({source, 0, 0}, "a setting is one value");
    return std::nullopt;
  }
  Loader loader{.catalog = Catalog::BuiltIn(), .diagnostics = diagnostics};
  Node value = std::move(documents[0]);
  if (value.is_list() && IsMapFromNames(schema.value)) {
    value = MapOfList(loader, schema.value, value);
  }
  CheckArgument(loader, value, WithoutTemplates(schema.value));
  if (diagnostics.error_count() != errors) return std::nullopt;
  return value;
}

std::optional<Node> DefaultOf(const SettingSchema& schema) {
  if (!schema.default_text.has_value()) return std::nullopt;
  Diagnostics diagnostics;
  return ReadSetting(schema,
                     std::make_shared<const Source>(Source{schema.name, *schema.default_text}),
                     diagnostics);
}

std::vector<std::string> MissingSettings(const ActionSchema& action,
                                         const std::vector<std::string>& has) {
  std::vector<std::string> missing;
  for (const std::string& name : action.required_settings) {
    if (std::ranges::find(has, name) == has.end()) missing.push_back(name);
  }
  return missing;
}

}  // namespace ronda::model
