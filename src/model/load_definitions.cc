// The kinds: from a YAML document to a Definition.
#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "model/load.h"
#include "model/tables.h"
#include "model/units.h"

namespace ronda::model {
namespace {

constexpr std::array<std::string_view, 14> kKinds = {
    "Scenario",     "Component", "Feed",    "Drill",   "Environment",
    "Patrol",       "Plan",      "Action",  "Package", "IsolationProfile",
    "TrafficModel", "Recording", "Trigger", "InitTask"};

// ---- the envelope, which every kind has

std::vector<Field<Definition>> MakeEnvelopeFields() {
  using D = Definition;
  return {{{.name = "kind",
            .type = FieldType::kString,
            .description = "What it is.",
            .required = true,
            .one_of = {kKinds.begin(), kKinds.end()}},
           [](Loader&, const FieldSpec&, const Node&, D&) {}},
          {{.name = "name",
            .type = FieldType::kString,
            .description = "Its name: letters, digits, `.`, `_`, `-`.",
            .required = true,
            .literal = true},
           [](Loader& loader, const FieldSpec&, const Node& node, D& out) {
             if (node.is_scalar() && IsDefinitionName(node.scalar)) {
               out.name = node.scalar;
             } else {
               loader.Error(node,
                            "a name has letters, digits, \".\", \"_\" and \"-\", at most 100");
             }
           }},
          Bind<D, &D::version>({.name = "version",
                                .type = FieldType::kInt,
                                .description = "From 1; not said: a draft, which answers to every "
                                               "version.",
                                .min = 1,
                                .max = 1e9}),
          Bind<D, &D::title>({.name = "title",
                              .type = FieldType::kString,
                              .description = "For people, one line.",
                              .max = 200,
                              .literal = true}),
          Bind<D, &D::description>({.name = "description",
                                    .type = FieldType::kString,
                                    .description = "For people, Markdown.",
                                    .max = 20'000,
                                    .literal = true}),
          {{.name = "labels",
            .type = FieldType::kMap,
            .description = "Words to find it by.",
            .literal = true},
           [](Loader& loader, const FieldSpec& spec, const Node& node, D&) {
             (void)ExpectMap(loader, node, '"' + spec.name + '"');
           }}};
}

const std::vector<Field<Definition>>& EnvelopeFields() {
  static const std::vector<Field<Definition>> fields = MakeEnvelopeFields();
  return fields;
}

// Reads the envelope and returns the members that are not of it.
Node ReadEnvelope(Loader& loader, const Node& document, Definition& definition) {
  Node envelope = document, rest = document;
  const auto of_envelope = [](const auto& member) {
    return FindField(EnvelopeFields(), member.first.scalar) != nullptr;
  };
  std::erase_if(envelope.members, [&](const auto& member) { return !of_envelope(member); });
  std::erase_if(rest.members, of_envelope);
  ReadFields(loader, envelope, NameOf(definition.kind), EnvelopeFields(), definition);
  return rest;
}

// ---- fields that Scenario and Drill share

template <typename T, auto member>
Field<T> Plan(FieldSpec spec) {
  return {std::move(spec), [](Loader& loader, const FieldSpec& s, const Node& node, T& out) {
            Read(loader, s, node, out.plan.*member);
          }};
}

template <typename T>
std::vector<Field<T>> PlanFields() {
  using P = LoadPlan;
  return {Plan<T, &P::http>({.name = "http",
                             .type = FieldType::kMap,
                             .description = "What every http.request has unless it says otherwise.",
                             .see = "Http"}),
          Plan<T, &P::loads>({.name = "load",
                              .type = FieldType::kMap,
                              .also = FieldType::kMap,
                              .description = "How much, how long; one load, or several by name.",
                              .see = "Load"}),
          Plan<T, &P::meets>({.name = "meets",
                              .type = FieldType::kMap,
                              .description = "Points where users wait for one another, by name.",
                              .by_name = true,
                              .see = "Meet"}),
          Plan<T, &P::thresholds>({.name = "thresholds",
                                   .type = FieldType::kList,
                                   .description = "Expressions over the whole run that decide its "
                                                  "verdict.",
                                   .see = "Threshold"}),
          Plan<T, &P::guards>({.name = "guards",
                               .type = FieldType::kList,
                               .description = "Conditions that act while it runs.",
                               .see = "Guard"}),
          Plan<T, &P::outputs>({.name = "outputs",
                                .type = FieldType::kMap,
                                .description = "Reports by kind, as `--out`: `html`, `json`, "
                                               "`junit`, `csv`, `text` to a file at the end; "
                                               "`ndjson` or `csv-samples` to a file, `prometheus` "
                                               "and `otlp` to a URL, `metrics` at an address while "
                                               "it runs."})};
}

template <typename T, auto member>
Field<T> StepsField(const std::string& name, const std::string& description, bool required) {
  return Bind<T, member>({.name = name,
                          .type = FieldType::kList,
                          .description = description,
                          .required = required,
                          .see = "Step"});
}

template <typename T>
Field<T> ParamsField() {
  return Bind<T, &T::params>({.name = "params",
                              .type = FieldType::kMap,
                              .description = "What can be set from outside, by name: a default or "
                                             "a map; read as `params.name`.",
                              .by_name = true,
                              .see = "Param"});
}

template <typename T>
void Append(std::vector<Field<T>>& fields, std::vector<Field<T>> more) {
  for (Field<T>& field : more) fields.push_back(std::move(field));
}

// ---- Scenario, Component

const std::vector<Field<Scenario>>& ScenarioFields() {
  static const std::vector<Field<Scenario>> fields = [] {
    using S = Scenario;
    std::vector<Field<S>> made = {
        ParamsField<S>(),
        Bind<S, &S::feeds>({.name = "feeds",
                            .type = FieldType::kMap,
                            .description = "Tables of data by name; a row is read as "
                                           "`name.column`. A feed, or a reference to one.",
                            .by_name = true,
                            .see = "Feed"}),
        {{.name = "pacing",
          .type = FieldType::kMap,
          .description = "`{every: 5s}`: from the start of an iteration to that of the next of the "
                         "same user, at least.",
          .see = "Pacing"},
         [](Loader& loader, const FieldSpec& spec, const Node& node, S& out) {
           const Node* every = node.is_map() ? node.Find("every") : nullptr;
           if (every != nullptr && node.members.size() > 1) {
             loader.Error(node, "\"pacing\" has \"every\" and nothing else");
           }
           Read(loader, spec, every != nullptr ? *every : node, out.pacing);
         }},
        StepsField<S, &S::setup>("setup", "Run once, before the load.", false),
        StepsField<S, &S::steps>("steps", "An iteration.", true),
        StepsField<S, &S::finally>("finally", "Run once at the end, whatever happened.", false)};
    Append(made, PlanFields<S>());
    return made;
  }();
  return fields;
}

const std::vector<Field<Component>>& ComponentFields() {
  static const std::vector<Field<Component>> fields = {
      ParamsField<Component>(),
      StepsField<Component, &Component::steps>("steps", "What it does.", true),
      {{.name = "outputs",
        .type = FieldType::kMap,
        .description = "What the step that uses it can be asked for, by name: templates. Not said: "
                       "the outputs of its last step."},
       [](Loader& loader, const FieldSpec& spec, const Node& node, Component& out) {
         if (!ExpectMap(loader, node, '"' + spec.name + '"')) return;
         for (const auto& [name, value] : node.members) {
           CheckIdentifier(loader, name, "an output's name");
           Text text;
           Read(loader, {.name = name.scalar, .type = FieldType::kString}, value, text);
           out.outputs.emplace_back(name.scalar, std::move(text));
         }
       }}};
  return fields;
}

// ---- Drill

const std::vector<Field<Drill>>& DrillFields() {
  static const std::vector<Field<Drill>> fields = [] {
    using D = Drill;
    std::vector<Field<D>> made = {
        ParamsField<D>(),
        Bind<D, &D::mix>({.name = "mix",
                          .type = FieldType::kList,
                          .description = "The scenarios and their weights.",
                          .see = "Mix"}),
        {{.name = "scenario",
          .type = FieldType::kRef,
          .description = "Instead of `mix`: the only scenario."},
         [](Loader& loader, const FieldSpec& spec, const Node& node, D& out) {
           MixEntry entry;
           Read(loader, spec, node, entry.scenario);
           out.mix.push_back(std::move(entry));
         }},
        Bind<D, &D::isolation>({.name = "isolation",
                                .type = FieldType::kMap,
                                .description = "Keeps the drill's data apart from the real.",
                                .see = "Isolation"}),
        Bind<D, &D::window>({.name = "window",
                             .type = FieldType::kMap,
                             .description = "When it may run.",
                             .see = "Window"}),
        Bind<D, &D::gates>({.name = "gates",
                            .type = FieldType::kList,
                            .description = "Who has to agree before it starts.",
                            .see = "Approval"}),
        Bind<D, &D::lease>({.name = "lease",
                            .type = FieldType::kDuration,
                            .description = "A worker that hears nothing for so long stops.",
                            .default_text = "15s",
                            .min = 3,
                            .max = 3600}),
        Bind<D, &D::search>({.name = "search",
                             .type = FieldType::kMap,
                             .description = "Looks for the capacity; kept as written."}),
        Bind<D, &D::triggers>({.name = "triggers",
                               .type = FieldType::kList,
                               .description = "What starts it; none: by hand, or by a Trigger.",
                               .see = "Start"}),
        StepsField<D, &D::setup>("setup", "Run once, before the load.", false),
        StepsField<D, &D::finally>("finally", "Run once at the end, whatever happened.", false)};
    Append(made, PlanFields<D>());
    return made;
  }();
  return fields;
}

// ---- a document

// A loop's variable would hide a step or a feed of its name.
void CheckLoopNames(Loader& loader) {
  for (const Node& name : loader.loop_names) {
    if (!loader.taken.contains(name.scalar)) continue;
    loader.Error(name,
                 "a loop's variable and a step or feed are both called \"" + name.scalar + '"',
                 "name the variable by forEach: {in: ..., as: name}");
  }
}

void ReadScenario(Loader& loader, const Node& rest, Definition& definition) {
  Scenario scenario;
  ReadFields(loader, rest, "a Scenario", ScenarioFields(), scenario, NamesOf(EnvelopeFields()));
  for (auto* steps : {&scenario.setup, &scenario.steps, &scenario.finally}) GiveIds(loader, *steps);
  CheckLoopNames(loader);
  for (const Load& load : scenario.plan.loads) {
    if (!load.mix.empty()) {
      loader.diagnostics.Error(load.where, "the load of a Scenario has no \"mix\"",
                               "write a Drill to mix scenarios");
    }
  }
  definition.body = std::move(scenario);
}

void ReadComponent(Loader& loader, const Node& rest, Definition& definition) {
  Component component;
  ReadFields(loader, rest, "a Component", ComponentFields(), component, NamesOf(EnvelopeFields()));
  GiveIds(loader, component.steps);
  CheckLoopNames(loader);
  definition.body = std::move(component);
}

void ReadDrill(Loader& loader, const Node& rest, Definition& definition) {
  Drill drill;
  ReadFields(loader, rest, "a Drill", DrillFields(), drill, NamesOf(EnvelopeFields()));
  for (auto* steps : {&drill.setup, &drill.finally}) GiveIds(loader, *steps);
  const Node* only = rest.Find("scenario");
  if (only != nullptr && rest.Find("mix") != nullptr) {
    loader.Error(*only, "a Drill has \"scenario\" or \"mix\", not both");
  }
  const bool each_has =
      !drill.plan.loads.empty() &&
      std::ranges::none_of(drill.plan.loads, &std::vector<MixEntry>::empty, &Load::mix);
  if (only == nullptr && rest.Find("mix") == nullptr && !each_has) {
    loader.diagnostics.Error(definition.where, "a Drill needs \"mix\" or \"scenario\"");
  }
  definition.body = std::move(drill);
}

void ReadBody(Loader& loader, const Node& rest, Definition& definition) {
  switch (definition.kind) {
    case Kind::kScenario: return ReadScenario(loader, rest, definition);
    case Kind::kComponent: return ReadComponent(loader, rest, definition);
    case Kind::kDrill: return ReadDrill(loader, rest, definition);
    case Kind::kFeed: return ReadFeedDefinition(loader, rest, definition.body.emplace<Feed>());
    case Kind::kEnvironment:
      return ReadEnvironment(loader, rest, NamesOf(EnvelopeFields()),
                             definition.body.emplace<Environment>());
    case Kind::kPatrol:
      return ReadPatrol(loader, rest, NamesOf(EnvelopeFields()), definition.body.emplace<Patrol>());
    case Kind::kTrigger:
      return ReadTriggerDefinition(loader, rest, NamesOf(EnvelopeFields()),
                                   definition.body.emplace<TriggerDefinition>());
    default: return;  // the others are kept as written
  }
}

std::optional<Kind> KindOf(Loader& loader, const Node& document) {
  if (!document.is_map()) {
    loader.Error(document, "a definition is a map with \"kind\" and \"name\"");
    return std::nullopt;
  }
  const Node* kind = document.Find("kind");
  if (kind == nullptr) {
    loader.Error(document, "a definition needs \"kind\"", "for example: kind: Scenario");
    return std::nullopt;
  }
  const auto index = ReadChoice(loader, EnvelopeFields()[0].spec, *kind);
  if (!index.has_value()) return std::nullopt;
  return static_cast<Kind>(*index);
}

bool IsDuplicate(Loader& loader, const DefinitionSet& set, const Definition& definition) {
  const auto same = [&definition](const auto& other) {
    return other->kind == definition.kind && other->name == definition.name &&
           other->version == definition.version;
  };
  const auto found = std::ranges::find_if(set.all, same);
  if (found == set.all.end()) return false;
  const Location& first = (*found)->where;
  loader.diagnostics.Error(
      definition.where,
      std::string(NameOf(definition.kind)) + " \"" + definition.name + "\" is defined twice",
      "the first is at " + first.source->name + ':' + std::to_string(first.line));
  return true;
}

void LoadDocument(Loader& loader, const Node& document, DefinitionSet& set) {
  const int errors = loader.diagnostics.error_count();
  const std::optional<Kind> kind = KindOf(loader, document);
  if (!kind.has_value()) return;
  auto definition = std::make_unique<Definition>();
  definition->kind = *kind;
  definition->where = document.where;
  definition->raw = document;
  const Node rest = ReadEnvelope(loader, document, *definition);
  ReadBody(loader, rest, *definition);
  if (IsDuplicate(loader, set, *definition)) return;
  if (loader.diagnostics.error_count() == errors) set.all.push_back(std::move(definition));
}

}  // namespace

std::string_view NameOf(Kind kind) { return kKinds[static_cast<std::size_t>(kind)]; }

const std::vector<std::string>& ReservedNames() {
  static const std::vector<std::string> names = {"env",   "secrets", "params", "run",  "vu",
                                                 "index", "true",    "false",  "null", "and",
                                                 "or",    "not",     "in",     "if"};
  return names;
}

std::vector<FieldSpec> EnvelopeSpecs() { return SpecsOf(EnvelopeFields()); }
std::vector<FieldSpec> ScenarioSpecs() { return SpecsOf(ScenarioFields()); }
std::vector<FieldSpec> ComponentSpecs() { return SpecsOf(ComponentFields()); }
std::vector<FieldSpec> DrillSpecs() { return SpecsOf(DrillFields()); }

void LoadDefinitions(const std::shared_ptr<const Source>& source, const Catalog& catalog,
                     DefinitionSet& set, Diagnostics& diagnostics) {
  for (const Node& document : ParseYaml(source, diagnostics)) {
    Loader loader{.catalog = catalog, .diagnostics = diagnostics};
    LoadDocument(loader, document, set);
  }
}

const Definition* DefinitionSet::Find(Kind kind, const Ref& ref) const {
  const Definition* draft = nullptr;
  const Definition* newest = nullptr;
  for (const auto& definition : all) {
    if (definition->kind != kind || definition->name != ref.name) continue;
    if (definition->version == 0) {
      draft = definition.get();
    } else if (definition->version == ref.version) {
      return definition.get();
    } else if (newest == nullptr || definition->version > newest->version) {
      newest = definition.get();
    }
  }
  if (draft != nullptr) return draft;
  return ref.version == 0 ? newest : nullptr;
}

std::vector<std::string> DefinitionSet::Names(Kind kind) const {
  std::vector<std::string> names;
  for (const auto& definition : all) {
    if (definition->kind == kind) names.push_back(definition->name);
  }
  return names;
}

}  // namespace ronda::model
