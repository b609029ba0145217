#include "model/reference.h"

#include <string_view>
#include <utility>

#include "model/settings.h"
#include "model/tables.h"

namespace ronda::model {
namespace {

std::vector<FieldSpec> Together(std::vector<FieldSpec> first, std::vector<FieldSpec> second) {
  for (FieldSpec& spec : second) first.push_back(std::move(spec));
  return first;
}

ObjectSpec KindOf(std::string name, std::string description, std::vector<FieldSpec> fields) {
  return {.name = std::move(name),
          .description = std::move(description),
          .short_forms = {},
          .fields = Together(EnvelopeSpecs(), std::move(fields)),
          .is_kind = true};
}

ObjectSpec Part(std::string name, std::string description, std::vector<FieldSpec> fields,
                std::vector<FieldType> short_forms = {}) {
  return {.name = std::move(name),
          .description = std::move(description),
          .short_forms = std::move(short_forms),
          .fields = std::move(fields)};
}

std::vector<ObjectSpec> MakeObjects() {
  return {
      KindOf("Scenario", "What one user does, step by step, and how much of it.", ScenarioSpecs()),
      KindOf("Component", "Steps with parameters, used by the steps of others.", ComponentSpecs()),
      KindOf("Feed", "A table of data, shared by scenarios.", FeedSpecs()),
      KindOf("Drill", "Several scenarios mixed under one load.", DrillSpecs()),
      KindOf("Environment", "Where things are: addresses, values, secrets.", EnvironmentSpecs()),
      KindOf("Patrol", "Walks scenarios again and again and says whether they are up.",
             PatrolSpecs()),
      KindOf("Trigger", "Starts a patrol, a drill or a plan, apart from its definition.",
             TriggerDefinitionSpecs()),
      Part("Step", "One of `action`, `use`, `scenario`, `steps`, and how it is run.",
           SpecsOf(StepFields())),
      Part("Param", "A parameter.", ParamSpecs(), {FieldType::kAny}),
      Part("Extract", "Exactly one of `json`, `regex`, `header`, `cookie`, `xpath`, `css`, `expr`.",
           ExtractSpecs()),
      Part("Check", "An expression that has to be true.", CheckSpecs(), {FieldType::kExpression}),
      Part("Wait", "A time: fixed, uniform by `min` and `max`, or log-normal by `p50` and `p95`.",
           WaitSpecs(), {FieldType::kDuration}),
      Part("Pacing", "The time from start to start.",
           {{.name = "every",
             .type = FieldType::kMap,
             .description = "The time.",
             .required = true,
             .see = "Wait"}},
           {FieldType::kDuration}),
      Part("Retry", "Further attempts.", RetrySpecs(), {FieldType::kInt}),
      Part("Poll", "Tries until something holds.", PollSpecs()),
      Part("ForEach", "A loop over a list.", ForEachSpecs(),
           {FieldType::kList, FieldType::kString}),
      Part("Http", "Defaults of http.request.", HttpSpecs()),
      Part("Tls", "How TLS is made.", TlsSpecs()),
      Part("Load", "An executor and its figures, as in k6.", LoadSpecs()),
      Part("Stage", "A part of a ramp.", StageSpecs()),
      Part("Mix", "A scenario and its share.", MixSpecs()),
      Part("Meet", "A point where users wait for one another.", MeetSpecs()),
      Part("Threshold", "What decides the verdict.", ThresholdSpecs(), {FieldType::kExpression}),
      Part("Guard", "A condition that acts.", GuardSpecs()),
      Part("Isolation", "Keeps a drill's data apart.", IsolationSpecs()),
      Part("Window", "When a drill may run.", WindowSpecs()),
      Part("Approval", "Who has to agree.", ApprovalSpecs()),
      Part("Start", "What starts a run: exactly one of `cron`, `every`, `event`, `risk`, `run`.",
           TriggerSpecs()),
      Part("PatrolScenario", "A scenario of a patrol.", PatrolScenarioSpecs(), {FieldType::kRef}),
      Part("Workers", "Which workers walk a patrol.", WorkerSpecs()),
      Part("Verdict", "When a path fails.", VerdictSpecs()),
      Part("PatrolRetry", "Further walks before one counts as failed.", PatrolRetrySpecs(),
           {FieldType::kInt}),
      Part("Flap", "How many verdicts in a row change the state.", FlapSpecs()),
      Part("Raise", "The risk that a failing path raises.", RaiseSpecs()),
      Part("Evidence", "What is kept of a walk.", EvidenceSpecs()),
      Part("Secret", "Where a secret is: exactly one of the three.", SecretSpecs()),
      Part("Entry", "A core business entry: `operation`, or `path` and perhaps `method`.",
           EntrySpecs())};
}

// A number without needless digits.
std::string Number(double value) {
  std::string text = std::to_string(value);
  while (text.ends_with('0')) text.pop_back();
  if (text.ends_with('.')) text.pop_back();
  return text;
}

std::string Anchor(std::string_view name) {
  std::string anchor;
  for (const char c : name) {
    if (c >= 'A' && c <= 'Z') anchor += static_cast<char>(c - 'A' + 'a');
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) anchor += c;
  }
  return anchor;
}

std::string TypeText(const FieldSpec& spec) {
  std::string text;
  if (!spec.see.empty()) {
    text = '[' + spec.see + "](#" + Anchor(spec.see) + ')';
    if (spec.type == FieldType::kList) text = "list of " + text;
    if (spec.by_name) text = "map from names to " + text;
  } else {
    text = NameOf(spec.type);
  }
  if (spec.also.has_value())
    text += spec.also == FieldType::kMap ? ", or several by name"
                                         : " or " + std::string(NameOf(*spec.also));
  return text;
}

std::string BoundsText(const FieldSpec& spec) {
  const bool is_length = spec.type == FieldType::kString || spec.type == FieldType::kList;
  const std::string of = is_length ? " long" : "";
  const bool percent = spec.type == FieldType::kPercent;
  const auto write = [&](double value) {
    const std::string unit = spec.type == FieldType::kDuration ? "s" : percent ? "%" : "";
    return Number(percent ? value * 100 : value) + unit;
  };
  if (spec.min.has_value() && spec.max.has_value()) {
    return write(*spec.min) + " to " + write(*spec.max) + of;
  }
  if (spec.min.has_value()) return "at least " + write(*spec.min) + of;
  if (spec.max.has_value()) return "at most " + write(*spec.max) + of;
  return {};
}

void AppendWords(const std::vector<std::string>& words, std::string& out) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    out += i == 0 ? "`" : ", `";
    (out += words[i]) += '`';
  }
}

// What a reader has to know of a value beside its type.
std::string NotesText(const FieldSpec& spec) {
  std::string notes = spec.description;
  const auto add = [&notes](const std::string& text) {
    (notes += notes.empty() ? "" : " ") += text;
  };
  if (!spec.one_of.empty()) {
    std::string words;
    AppendWords(spec.one_of, words);
    add("One of " + words + '.');
  }
  if (const std::string bounds = BoundsText(spec); !bounds.empty()) add("(" + bounds + ")");
  if (spec.secret) add("Secret.");
  return notes;
}

std::string Escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

void AppendRows(const std::vector<FieldSpec>& fields, const std::string& prefix, std::string& out) {
  for (const FieldSpec& spec : fields) {
    const std::string name = prefix + (spec.name.empty() ? "*name*" : spec.name);
    out += "| `" + name + "` | " + Escaped(TypeText(spec)) + " | ";
    if (spec.required) out += "required";
    if (spec.default_text.has_value()) out += '`' + Escaped(*spec.default_text) + '`';
    out += " | " + Escaped(NotesText(spec)) + " |\n";
    AppendRows(spec.fields, name + (spec.type == FieldType::kList ? "[]." : "."), out);
  }
}

void AppendTable(const std::vector<FieldSpec>& fields, std::string& out) {
  out += "| field | type | default | |\n|---|---|---|---|\n";
  AppendRows(fields, "", out);
  out += '\n';
}

void AppendObject(const ObjectSpec& object, std::string& out) {
  out += "## " + object.name + "\n\n" + object.description;
  for (const FieldType form : object.short_forms) {
    out += form == object.short_forms.front() ? " Short form: " : ", ";
    out += NameOf(form);
  }
  out += "\n\n";
  AppendTable(object.fields, out);
}

}  // namespace

const std::vector<ObjectSpec>& Objects() {
  static const std::vector<ObjectSpec> objects = MakeObjects();
  return objects;
}

std::string DefinitionsReference() {
  std::string out =
      "# Definitions\n\nEvery kind and every object, with its fields. Made from the tables that "
      "the "
      "loader reads.\n\n";
  for (const ObjectSpec& object : Objects()) AppendObject(object, out);
  return out;
}

std::string ActionReference(const ActionSchema& action) {
  std::string out = "## " + action.code + "\n\n" + action.description + "\n\n";
  out += "Layer " + std::string(NameOf(action.layer)) + ", effect " +
         std::string(NameOf(action.effect)) + (action.idempotent ? ", idempotent" : "") +
         ", version " + std::to_string(action.version) + ".\n\n";
  out += "For: " + NamesOf(action.use_in) + ". In plans of: " + NamesOf(action.scenes) + '.';
  if (!action.visible) out += " Not shown where an action is chosen.";
  if (!action.required_settings.empty()) {
    out += " Needs the settings ";
    AppendWords(action.required_settings, out);
    out += '.';
  }
  out += "\n\n";
  out += "```yaml\n" + action.example + "```\n\n### Parameters (`with:`)\n\n";
  AppendTable(action.params, out);
  for (const auto& exclusive : action.exclusive) {
    out += "At most one of ";
    AppendWords(exclusive, out);
    out += ".\n\n";
  }
  if (action.outputs.empty()) return out;
  out += "### Outputs\n\n| name | type | |\n|---|---|---|\n";
  for (const FieldSpec& output : action.outputs) {
    out += "| `" + output.name + "` | " + std::string(NameOf(output.type)) + " | " +
           Escaped(output.description) + " |\n";
  }
  return out + '\n';
}

std::string SettingsReference(const SettingCatalog& settings) {
  std::string out =
      "# Settings\n\nEvery setting of the system with its value. Made from their schemas.\n\n";
  for (const SettingSchema& setting : settings.all()) {
    out += "## " + setting.name + "\n\n" + setting.description + "\n\n";
    AppendTable({setting.value}, out);
    if (setting.default_text.has_value()) out += "Default: `" + *setting.default_text + "`\n\n";
  }
  return out;
}

std::string ActionsReference(const Catalog& catalog) {
  std::string out =
      "# Actions\n\nEvery action with its parameters and outputs. Made from the catalog.\n\n";
  for (const ActionSchema& action : catalog.all()) out += ActionReference(action);
  return out;
}

}  // namespace ronda::model
