#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "model/catalog/catalog.h"
#include "model/definitions.h"
#include "model/field.h"
#include "model/node.h"
#include "model/source.h"

// Private to the room, and to apps, which reads files of settings: how Nodes become typed
// definitions. Each object has one table of Fields; the loader, the reference pages and the JSON
// schema all read it.
namespace ronda::model {

// What a load carries along. One a call of LoadDefinitions.
struct Loader {
  const Catalog& catalog;
  Diagnostics& diagnostics;
  std::set<std::string, std::less<>> taken = {};  // names of the scope: step ids, feeds
  std::vector<Node> loop_names = {};  // variables of its forEach steps
  std::map<std::string, int> given_ids = {};  // how many ids were made from this word
  std::size_t steps = 0;  // of the scope so far

  void Error(const Node& at, std::string message, std::string hint = {});
};

// One field of T: its description, and how it is read.
template <typename T>
struct Field {
  FieldSpec spec;
  void (*read)(Loader&, const FieldSpec&, const Node&, T&);
};

// Reads into one type. Each leaves the target as it was and reports when the node does not fit.
void Read(Loader& loader, const FieldSpec& spec, const Node& node, bool& out);
void Read(Loader& loader, const FieldSpec& spec, const Node& node, int& out);
void Read(Loader& loader, const FieldSpec& spec, const Node& node, std::int64_t& out);
void Read(Loader& loader, const FieldSpec& spec, const Node& node, double& out);
void Read(Loader& loader, const FieldSpec& spec, const Node& node, std::string& out);
void Read(Loader& loader, const FieldSpec& spec, const Node& node, Duration& out);
void Read(Loader& loader, const FieldSpec& spec, const Node& node, Size& out);
void Read(Loader& loader, const FieldSpec& spec, const Node& node, Percent& out);
void Read(Loader& loader, const FieldSpec& spec, const Node& node, Text& out);
void Read(Loader& loader, const FieldSpec& spec, const Node& node, Ref& out);
void Read(Loader& loader, const FieldSpec& spec, const Node& node, Wait& out);
void Read(Loader& loader, const FieldSpec& spec, const Node& node, Node& out);
void Read(Loader& loader, const FieldSpec& spec, const Node& node, std::vector<std::string>& out);

template <typename T>
void Read(Loader& loader, const FieldSpec& spec, const Node& node, std::optional<T>& out) {
  T value{};
  const std::size_t before = loader.diagnostics.all().size();
  Read(loader, spec, node, value);
  if (loader.diagnostics.all().size() == before) out = std::move(value);
}

// A field that is read straight into a member.
template <typename T, auto member>
[[nodiscard]] Field<T> Bind(FieldSpec spec) {
  return {std::move(spec), [](Loader& loader, const FieldSpec& s, const Node& node, T& out) {
            Read(loader, s, node, out.*member);
          }};
}

// The index in spec.one_of, reported when it is none of them.
[[nodiscard]] std::optional<std::size_t> ReadChoice(Loader& loader, const FieldSpec& spec,
                                                    const Node& node);

template <typename T>
struct IsOptional {
  using Value = T;
};
template <typename T>
struct IsOptional<std::optional<T>> {
  using Value = T;
};

// A field whose words, in order, are the values of the member's enum.
template <typename T, auto member>
[[nodiscard]] Field<T> BindChoice(FieldSpec spec) {
  return {std::move(spec), [](Loader& loader, const FieldSpec& s, const Node& node, T& out) {
            using Enum = typename IsOptional<std::remove_reference_t<decltype(out.*member)>>::Value;
            if (const auto index = ReadChoice(loader, s, node); index.has_value()) {
              out.*member = static_cast<Enum>(*index);
            }
          }};
}

// "unknown key "vuss"" with the nearest of the known ones.
void ReportUnknownKey(Loader& loader, const Node& key, std::string_view what,
                      const std::vector<std::string>& known);
void ReportMissing(Loader& loader, const Node& map, std::string_view what, std::string_view key);
// False, and reported, when the node is no map or no list.
[[nodiscard]] bool ExpectMap(Loader& loader, const Node& node, std::string_view what);
[[nodiscard]] bool ExpectList(Loader& loader, const Node& node, std::string_view what);
// Reports a name that expressions could not say, or one that the scope has already.
bool CheckIdentifier(Loader& loader, const Node& name, std::string_view what);
bool TakeName(Loader& loader, const Node& name, std::string_view what);

// Reports a time zone that the system does not know.
void CheckZone(Loader& loader, const Node& zone);

template <typename T>
[[nodiscard]] const Field<T>* FindField(const std::vector<Field<T>>& fields,
                                        std::string_view name) {
  for (const Field<T>& field : fields) {
    if (field.spec.name == name) return &field;
  }
  return nullptr;
}

template <typename T>
[[nodiscard]] std::vector<FieldSpec> SpecsOf(const std::vector<Field<T>>& fields) {
  std::vector<FieldSpec> specs;
  specs.reserve(fields.size());
  for (const Field<T>& field : fields) specs.push_back(field.spec);
  return specs;
}

template <typename T>
[[nodiscard]] std::vector<std::string> NamesOf(const std::vector<Field<T>>& fields) {
  std::vector<std::string> names;
  names.reserve(fields.size());
  for (const Field<T>& field : fields) names.push_back(field.spec.name);
  return names;
}

// Reads a map by its table. `what` names the object in messages ("a step"); `others` are keys that
// somebody else has read, for the nearest one. False when the node is no map; other errors are
// reported and reading goes on.
template <typename T>
bool ReadFields(Loader& loader, const Node& node, std::string_view what,
                const std::vector<Field<T>>& fields, T& out,
                const std::vector<std::string>& others = {}) {
  if (!ExpectMap(loader, node, what)) return false;
  for (const auto& [key, value] : node.members) {
    const Field<T>* field = FindField(fields, key.scalar);
    if (field == nullptr) {
      std::vector<std::string> known = NamesOf(fields);
      known.insert(known.end(), others.begin(), others.end());
      ReportUnknownKey(loader, key, what, known);
    } else if (value.is_null() && field->spec.type != FieldType::kAny) {
      loader.Error(key, "\"" + key.scalar + "\" has no value");
    } else {
      field->read(loader, field->spec, value, out);
    }
  }
  for (const Field<T>& field : fields) {
    if (field.spec.required && node.Find(field.spec.name) == nullptr) {
      ReportMissing(loader, node, what, field.spec.name);
    }
  }
  return true;
}

// Text with the place of its first character.
[[nodiscard]] Text TextOf(const Node& scalar);

}  // namespace ronda::model
