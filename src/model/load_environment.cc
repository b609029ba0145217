// `kind: Environment`: addresses, values, where secrets are, and the entries to be walked.
#include <array>
#include <string>
#include <string_view>

#include "model/tables.h"
#include "model/units.h"

namespace ronda::model {
namespace {

constexpr std::array<std::string_view, 6> kStages = {"development", "test", "stress",
                                                     "pre-release", "gray", "production"};

void ReadValues(Loader& loader, const FieldSpec& spec, const Node& node, Environment& out) {
  if (!ExpectMap(loader, node, '"' + spec.name + '"')) return;
  for (const auto& [name, value] : node.members) {
    if (!CheckIdentifier(loader, name, "a name of an environment")) continue;
    if (!value.is_scalar()) {
      loader.Error(name, '"' + name.scalar + "\" is text, a number or a bool");
    } else if (HasTemplate(value.scalar)) {
      loader.Error(value, "an environment takes no ${...}");
    } else if (!loader.taken.insert(name.scalar).second) {
      loader.Error(name, "an endpoint and a variable are both called \"" + name.scalar + '"',
                   "both are read as env." + name.scalar);
    } else {
      out.values.emplace_back(name.scalar, value);
    }
  }
}

const std::vector<Field<SecretSource>>& SecretFields() {
  static const std::vector<Field<SecretSource>> fields = {
      Bind<SecretSource, &SecretSource::env>({.name = "env",
                                              .type = FieldType::kString,
                                              .description = "An environment variable.",
                                              .min = 1,
                                              .max = 200,
                                              .literal = true}),
      Bind<SecretSource, &SecretSource::file>({.name = "file",
                                               .type = FieldType::kString,
                                               .description = "A file; a newline at its end is "
                                                              "not part of it.",
                                               .min = 1,
                                               .max = 4000,
                                               .literal = true}),
      Bind<SecretSource, &SecretSource::stored>(
          {.name = "stored",
           .type = FieldType::kBool,
           .description = "`true`: the server keeps the value, encrypted."})};
  return fields;
}

void ReadSecrets(Loader& loader, const FieldSpec& spec, const Node& node, Environment& out) {
  if (!ExpectMap(loader, node, '"' + spec.name + '"')) return;
  for (const auto& [name, value] : node.members) {
    SecretSource& secret = out.secrets.emplace_back();
    secret.name = name.scalar;
    secret.where = name.where;
    CheckIdentifier(loader, name, "a secret's name");
    if (value.is_scalar()) {
      loader.Error(name, "a secret is not written into a definition",
                   "say where it is: {env: VARIABLE}, {file: path} or {stored: true}");
    } else if (ReadFields(loader, value, "a secret", SecretFields(), secret) &&
               value.members.size() != 1) {
      loader.Error(name, "a secret has one of env, file, stored");
    } else if (const Node* stored = value.Find("stored"); stored != nullptr && !secret.stored) {
      loader.Error(*stored, "\"stored\" is true, or not said");
    }
  }
}

const std::vector<Field<Entry>>& EntryFields() {
  static const std::vector<Field<Entry>> fields = {
      Bind<Entry, &Entry::title>({.name = "title",
                                  .type = FieldType::kString,
                                  .description = "For people.",
                                  .max = 200,
                                  .literal = true}),
      Bind<Entry, &Entry::service>({.name = "service",
                                    .type = FieldType::kString,
                                    .description = "The service that answers, as its traces name "
                                                   "it.",
                                    .required = true,
                                    .min = 1,
                                    .max = 200,
                                    .literal = true}),
      Bind<Entry, &Entry::operation>({.name = "operation",
                                      .type = FieldType::kString,
                                      .description = "Its operation, as its traces name it.",
                                      .min = 1,
                                      .max = 500,
                                      .literal = true}),
      Bind<Entry, &Entry::method>(
          {.name = "method",
           .type = FieldType::kString,
           .description = "Of HTTP; not said: any.",
           .one_of = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}}),
      Bind<Entry, &Entry::path>({.name = "path",
                                 .type = FieldType::kString,
                                 .description = "Of HTTP: `/cart/{id}`; a segment in braces is any "
                                                "one, `**` at the end any rest.",
                                 .min = 1,
                                 .max = 500,
                                 .literal = true})};
  return fields;
}

// "/cart/{id}/**": segments without braces, a whole one in braces, "**" as the last.
bool IsPathPattern(std::string_view path) {
  if (!path.starts_with('/')) return false;
  while (path.starts_with('/')) {
    path.remove_prefix(1);
    const std::string_view segment = path.substr(0, path.find('/'));
    path.remove_prefix(segment.size());
    if (segment == "**") return path.empty();
    const bool braces = segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
    const std::string_view inner = braces ? segment.substr(1, segment.size() - 2) : segment;
    if (inner.find_first_of("{}*?# ") != std::string_view::npos) return false;
  }
  return path.empty();
}

void ReadEntries(Loader& loader, const FieldSpec& spec, const Node& node, Environment& out) {
  if (!ExpectMap(loader, node, '"' + spec.name + '"')) return;
  for (const auto& [name, value] : node.members) {
    Entry& entry = out.entries.emplace_back();
    entry.name = name.scalar;
    entry.where = name.where;
    if (!IsDefinitionName(name.scalar)) {
      loader.Error(name, "this is no name for an entry", "letters, digits, \".\", \"_\", \"-\"");
    }
    if (!ReadFields(loader, value, "an entry", EntryFields(), entry)) continue;
    const Node* operation = value.Find("operation");
    const Node* path = value.Find("path");
    if ((operation == nullptr) == (path == nullptr)) {
      loader.Error(name, "an entry has either \"operation\" or \"path\"");
    } else if (const Node* method = value.Find("method"); method != nullptr && path == nullptr) {
      loader.Error(*method, "\"method\" belongs to \"path\"");
    } else if (path != nullptr && !entry.path.empty() && !IsPathPattern(entry.path)) {
      loader.Error(*path, "\"path\" is a path like /cart/{id} or /static/**");
    }
  }
}

const std::vector<Field<Environment>>& EnvironmentFields() {
  static const std::vector<Field<Environment>> fields = {
      BindChoice<Environment, &Environment::stage>({.name = "stage",
                                                    .type = FieldType::kString,
                                                    .description = "What it is for.",
                                                    .one_of = {kStages.begin(), kStages.end()}}),
      {{.name = "endpoints",
        .type = FieldType::kMap,
        .description = "Addresses by name, read as `env.name`.",
        .literal = true},
       ReadValues},
      {{.name = "variables",
        .type = FieldType::kMap,
        .description = "Values by name, read as `env.name`.",
        .literal = true},
       ReadValues},
      {{.name = "secrets",
        .type = FieldType::kMap,
        .description = "Where secrets are: `{env: VARIABLE}`, `{file: path}` or `{stored: true}`; "
                       "read as `secrets.name`, never printed.",
        .by_name = true,
        .see = "Secret"},
       ReadSecrets},
      {{.name = "entries",
        .type = FieldType::kMap,
        .description = "Core business entries, by name: patrols say which of them they walk, "
                       "coverage lists the others.",
        .by_name = true,
        .see = "Entry"},
       ReadEntries}};
  return fields;
}

}  // namespace

std::string_view NameOf(EnvironmentStage stage) { return kStages[static_cast<std::size_t>(stage)]; }

std::vector<FieldSpec> EnvironmentSpecs() { return SpecsOf(EnvironmentFields()); }
std::vector<FieldSpec> SecretSpecs() { return SpecsOf(SecretFields()); }
std::vector<FieldSpec> EntrySpecs() { return SpecsOf(EntryFields()); }

void ReadEnvironment(Loader& loader, const Node& document, const std::vector<std::string>& others,
                     Environment& out) {
  ReadFields(loader, document, "an Environment", EnvironmentFields(), out, others);
}

}  // namespace ronda::model
