// Steps: their table, extractions, checks, and the rules that go over several fields.
#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "model/tables.h"
#include "model/units.h"

namespace ronda::model {
namespace {

constexpr double kDay = 86'400;
constexpr std::size_t kMaxSteps = 10'000;  // of a scenario, groups included
constexpr std::ptrdiff_t kMostCandidates = 100;  // that a wrong `goto` is compared with

// Keys of plan steps, and why they have no place here.
constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kPlanOnly = {
    {{"undo", "a scenario's steps have no undo; clean up in `finally`"},
     {"preConfirm", "nobody is asked while a scenario runs"},
     {"irreversible", "it says that a plan's step has no undo"},
     {"expect", "use checks"},
     {"patrol", "a scenario may hold a scenario, not a patrol"},
     {"drill", "a scenario may hold a scenario, not a drill"},
     {"plan", "a scenario may hold a scenario, not a plan"}}};

// ---- extract

struct ExtractDraft : Extract {
  int sources = 0;
};

template <Extract::Kind kind>
Field<ExtractDraft> SourceField(const std::string& name, const std::string& description) {
  return {{.name = name,
           .type = kind == Extract::Kind::kExpression ? FieldType::kExpression : FieldType::kString,
           .description = description},
          [](Loader& loader, const FieldSpec& spec, const Node& node, ExtractDraft& out) {
            ++out.sources;
            out.kind = kind;
            Read(loader, spec, node, out.pattern);
          }};
}

const std::vector<Field<ExtractDraft>>& ExtractFields() {
  using K = Extract::Kind;
  static const std::vector<Field<ExtractDraft>> fields = {
      SourceField<K::kJson>("json", "A JSONPath (RFC 9535) into the body."),
      SourceField<K::kRegex>("regex", "An RE2 pattern over the body."),
      SourceField<K::kHeader>("header", "A response header, any case."),
      SourceField<K::kCookie>("cookie", "A cookie that the response sets."),
      SourceField<K::kXPath>("xpath", "An XPath 1.0 into an HTML or XML body."),
      SourceField<K::kCss>("css",
                           "A CSS selector into an HTML body; `@attr` or `::text` at its end."),
      SourceField<K::kExpression>("expr", "An expression over the step's outputs."),
      Bind<ExtractDraft, &Extract::group>(
          {.name = "group",
           .type = FieldType::kInt,
           .description = "The group of `regex`; not said: the first one, or the whole match.",
           .min = 0,
           .max = 100}),
      {{.name = "index",
        .type = FieldType::kInt,
        .description = "Which of several, from 0; from the end when negative; or `random`. Not "
                       "said: a single value as it is, several as a list.",
        .min = -1e6,
        .max = 1e6,
        .words = {"random"}},
       [](Loader& loader, const FieldSpec& spec, const Node& node, ExtractDraft& out) {
         if (node.scalar == "random") {
           out.random = true;
         } else {
           Read(loader, spec, node, out.index);
         }
       }},
      Bind<ExtractDraft, &Extract::fallback>(
          {.name = "default",
           .type = FieldType::kAny,
           .description = "The value when there is none; without it, null.",
           .literal = true}),
      Bind<ExtractDraft, &Extract::secret>({.name = "secret",
                                            .type = FieldType::kBool,
                                            .description = "Never printed.",
                                            .default_text = "false"}),
      Bind<ExtractDraft, &Extract::required>({.name = "required",
                                              .type = FieldType::kBool,
                                              .description = "A missing value fails the step.",
                                              .default_text = "false"})};
  return fields;
}

void ReadExtract(Loader& loader, const Node& name, const Node& node, Extract& out) {
  ExtractDraft draft;
  draft.name = name.scalar;
  draft.where = name.where;
  CheckIdentifier(loader, name, "the name of a value");
  if (!ReadFields(loader, node, "an extraction", ExtractFields(), draft)) return;
  if (draft.sources != 1) {
    loader.Error(name, "an extraction has one of json, regex, header, cookie, xpath, css, expr");
  }
  if (draft.group.has_value() && draft.kind != Extract::Kind::kRegex) {
    loader.Error(*node.Find("group"), "\"group\" belongs to \"regex\"");
  }
  if (draft.required && draft.fallback.has_value()) {
    loader.Error(*node.Find("required"), "a value with a default is never missing");
  }
  out = std::move(draft);
}

// ---- checks

const std::vector<Field<Check>>& CheckFields() {
  static const std::vector<Field<Check>> fields = {
      Bind<Check, &Check::expression>({.name = "expr",
                                       .type = FieldType::kExpression,
                                       .description = "What has to be true.",
                                       .required = true}),
      Bind<Check, &Check::name>({.name = "name",
                                 .type = FieldType::kString,
                                 .description = "Its name in reports; else the expression.",
                                 .min = 1,
                                 .max = 200,
                                 .literal = true}),
      Bind<Check, &Check::fatal>({.name = "fatal",
                                  .type = FieldType::kBool,
                                  .description = "A failed one fails the step.",
                                  .default_text = "false"})};
  return fields;
}

// ---- the step

// A field that says what the step is.
template <StepKind kind>
Field<Step> TargetField(const std::string& name, const std::string& description) {
  return {{.name = name, .type = FieldType::kRef, .description = description},
          [](Loader& loader, const FieldSpec& spec, const Node& node, Step& out) {
            out.kind = kind;
            Read(loader, spec, node, out.target);
          }};
}

void ReadParallel(Loader& loader, const FieldSpec& spec, const Node& node, Step& out) {
  if (node.scalar == "all") {
    out.parallel = 0;
  } else {
    Read(loader, spec, node, out.parallel);
  }
}

void ReadTimeout(Loader& loader, const FieldSpec& spec, const Node& node, Step& out) {
  if (node.scalar == "none") {
    out.timeout = Duration{0};
  } else {
    Read(loader, spec, node, out.timeout);
  }
}

void ReadRepeat(Loader& loader, const FieldSpec& spec, const Node& node, Step& out) {
  out.repeat = node;
  std::int64_t count = 0;
  if (!node.is_scalar() || !HasTemplate(node.scalar)) Read(loader, spec, node, count);
}

void ReadMeet(Loader& loader, const FieldSpec&, const Node& node, Step& out) {
  if (node.is_scalar() && IsDefinitionName(node.scalar)) {
    out.meet = node.scalar;
  } else {
    loader.Error(node, "\"meet\" names a meeting of the load, like pay-spike");
  }
}

std::vector<Field<Step>> MakeStepFields() {
  return {
      {{.name = "id",
        .type = FieldType::kString,
        .description = "Its name: outputs are read as `id.name`, reports list it. Not said: made "
                       "from the action's code.",
        .literal = true},
       [](Loader& loader, const FieldSpec&, const Node& node, Step& out) {
         if (TakeName(loader, node, "a step's id")) out.id = node.scalar;
       }},
      Bind<Step, &Step::title>({.name = "title",
                                .type = FieldType::kString,
                                .description = "For people.",
                                .max = 200,
                                .literal = true}),
      TargetField<StepKind::kAction>("action", "The action that the step does."),
      TargetField<StepKind::kUse>("use", "The component that the step runs."),
      TargetField<StepKind::kScenario>("scenario", "The scenario that the step runs."),
      {{.name = "steps",
        .type = FieldType::kList,
        .description = "A group: the steps that it runs.",
        .see = "Step"},
       [](Loader& loader, const FieldSpec& spec, const Node& node, Step& out) {
         out.kind = StepKind::kGroup;
         Read(loader, spec, node, out.steps);
       }},
      Bind<Step, &Step::with>({.name = "with",
                               .type = FieldType::kMap,
                               .description = "Arguments of the action, component or scenario."}),
      Bind<Step, &Step::when>({.name = "when",
                               .type = FieldType::kExpression,
                               .description = "The step is skipped unless this holds."}),
      {{.name = "timeout",
        .type = FieldType::kDuration,
        .description = "Of one attempt; `none`: no limit.",
        .min = 0.001,
        .max = kDay,
        .words = {"none"}},
       ReadTimeout},
      Bind<Step, &Step::retry>({.name = "retry",
                                .type = FieldType::kMap,
                                .description = "Tries again after a failure.",
                                .see = "Retry"}),
      Bind<Step, &Step::poll>({.name = "poll",
                               .type = FieldType::kMap,
                               .description = "Repeats the step until something holds.",
                               .see = "Poll"}),
      Bind<Step, &Step::extract>({.name = "extract",
                                  .type = FieldType::kMap,
                                  .description = "Values taken from the response, by name.",
                                  .by_name = true,
                                  .see = "Extract"}),
      Bind<Step, &Step::checks>(
          {.name = "checks",
           .type = FieldType::kList,
           .description = "Expressions that have to be true; each counts in the report.",
           .see = "Check"}),
      Bind<Step, &Step::think>({.name = "think",
                                .type = FieldType::kMap,
                                .description = "Time that the user takes after the step.",
                                .see = "Wait"}),
      {{.name = "meet",
        .type = FieldType::kString,
        .description = "Waits here for others; nothing happens where the load has no meeting of "
                       "that name.",
        .literal = true},
       ReadMeet},
      Bind<Step, &Step::on_failure>(
          {.name = "onFailure",
           .type = FieldType::kString,
           .description = "`abort`: the iteration ends; `continue`; `goto` and a later step of the "
                          "same list.",
           .default_text = "abort",
           .literal = true}),
      Bind<Step, &Step::always>(
          {.name = "always",
           .type = FieldType::kBool,
           .description = "Runs although an earlier step ended the iteration.",
           .default_text = "false"}),
      Bind<Step, &Step::for_each>({.name = "forEach",
                                   .type = FieldType::kMap,
                                   .description = "Runs once for each element.",
                                   .see = "ForEach"}),
      {{.name = "repeat",
        .type = FieldType::kInt,
        .also = FieldType::kString,
        .description = "Runs so many times; a number, or a template that yields one.",
        .min = 0,
        .max = 1e9},
       ReadRepeat},
      Bind<Step, &Step::loop_while>({.name = "while",
                                     .type = FieldType::kExpression,
                                     .description = "Runs as long as this holds."}),
      Bind<Step, &Step::max_loops>({.name = "maxLoops",
                                    .type = FieldType::kInt,
                                    .description = "Of `while`; one turn more fails the step.",
                                    .default_text = "1000",
                                    .min = 1,
                                    .max = 1e9}),
      {{.name = "parallel",
        .type = FieldType::kInt,
        .description = "So many members of the group or turns of the loop at a time; `all`: every "
                       "one.",
        .default_text = "1",
        .min = 1,
        .max = 1000,
        .words = {"all"}},
       ReadParallel}};
}

// ---- rules over several fields

constexpr std::array<std::string_view, 4> kTargets = {"action", "use", "scenario", "steps"};

// Why a key has no place in a scenario; empty when it is no plan's.
std::string_view PlanOnly(const NodeMember& member) {
  for (const auto& [key, why] : kPlanOnly) {
    if (member.first.scalar == key) return why;
  }
  return {};
}

bool IsPlanOnly(const NodeMember& member) { return !PlanOnly(member).empty(); }

// Reports plan-only keys under their own message and returns the step without them.
Node WithoutPlanKeys(Loader& loader, const Node& node) {
  Node rest = node;
  std::erase_if(rest.members, [&loader](const NodeMember& member) {
    if (!IsPlanOnly(member)) return false;
    loader.Error(member.first, '"' + member.first.scalar + "\" belongs to the steps of a Plan",
                 std::string(PlanOnly(member)));
    return true;
  });
  return rest;
}

void CheckTarget(Loader& loader, const Node& node) {
  const auto said = [&node](std::string_view key) { return node.Find(key) != nullptr; };
  if (std::ranges::count_if(kTargets, said) == 1) return;
  loader.Error(node, "a step has one of action, use, scenario, steps");
}

// The key of a field that this kind of step cannot have.
void Refuse(Loader& loader, const Node& node, std::string_view key, std::string_view why) {
  for (const auto& member : node.members) {
    if (member.first.scalar == key) {
      loader.Error(member.first, '"' + std::string(key) + "\" " + std::string(why));
    }
  }
}

void CheckShape(Loader& loader, const Node& node, const Step& step) {
  if (step.kind != StepKind::kAction) {
    Refuse(loader, node, "extract", "belongs to a step with an action");
  }
  if (step.kind == StepKind::kGroup) Refuse(loader, node, "with", "has no use in a group");
  const int loops = static_cast<int>(step.for_each.has_value()) +
                    static_cast<int>(!step.repeat.is_null()) +
                    static_cast<int>(!step.loop_while.empty());
  if (loops > 1) loader.Error(node, "a step has at most one of forEach, repeat, while");
  if (step.loop_while.empty()) Refuse(loader, node, "maxLoops", "belongs to \"while\"");
  const bool can_parallel =
      step.kind == StepKind::kGroup || step.for_each.has_value() || !step.repeat.is_null();
  if (!can_parallel) Refuse(loader, node, "parallel", "belongs to a group, forEach or repeat");
  if (!step.loop_while.empty()) Refuse(loader, node, "parallel", "does not go with \"while\"");
}

void CheckExclusive(Loader& loader, const Node& with, const std::vector<std::string>& exclusive) {
  const std::string* first = nullptr;
  for (const std::string& name : exclusive) {
    const Node* given = with.Find(name);
    if (given == nullptr) continue;
    if (first != nullptr) {
      loader.Error(*given, '"' + name + "\" excludes \"" + *first + '"', "at most one of them");
    }
    first = &name;
  }
}

void CheckAction(Loader& loader, const Node& node, Step& step) {
  const Node* code = node.Find("action");
  if (step.kind != StepKind::kAction || code == nullptr || step.target.name.empty()) return;
  step.schema = loader.catalog.Find(step.target.name);
  if (step.schema != nullptr) {
    CheckArguments(loader, step.with, *code, step.schema->code, step.schema->params);
    for (const auto& exclusive : step.schema->exclusive) {
      CheckExclusive(loader, step.with, exclusive);
    }
    return;
  }
  const std::string near = Nearest(step.target.name, loader.catalog.Codes());
  if (!near.empty()) {
    loader.Error(*code, "there is no action \"" + step.target.name + '"',
                 "did you mean \"" + near + "\"?");
  }
}

// An id for a step that has none, once all others of its list are known.
void GiveId(Loader& loader, Step& step) {
  if (!step.id.empty()) return;
  std::string base = step.kind == StepKind::kGroup ? "group" : step.target.name;
  std::ranges::replace_if(base, [](char c) { return c == '-' || c == '.'; }, '_');
  base = base.substr(0, 50);
  if (!IsIdentifier(base)) base = "step";
  int& given = loader.given_ids[base];
  do {
    step.id = ++given == 1 ? base : base + '_' + std::to_string(given);
  } while (!loader.taken.insert(step.id).second);
}

void CheckGoto(Loader& loader, const std::vector<Step>& steps) {
  for (auto step = steps.begin(); step != steps.end(); ++step) {
    if (step->on_failure.kind != OnFailure::Kind::kGoto) continue;
    const std::string& target = step->on_failure.target;
    if (std::ranges::find(step + 1, steps.end(), target, &Step::id) != steps.end()) continue;
    std::vector<std::string> later;
    const auto end = steps.end() - step > kMostCandidates ? step + kMostCandidates : steps.end();
    for (auto next = step + 1; next != end; ++next) later.push_back(next->id);
    const std::string near = Nearest(target, later);
    loader.diagnostics.Error(step->on_failure.where,
                             "no later step of this list has the id \"" + target + '"',
                             near.empty() ? "" : "did you mean \"" + near + "\"?");
  }
}

void ReadStep(Loader& loader, const Node& node, Step& step) {
  step.where = node.where;
  if (!ExpectMap(loader, node, "a step")) return;
  if (std::ranges::any_of(node.members, IsPlanOnly)) {
    ReadFields(loader, WithoutPlanKeys(loader, node), "a step", StepFields(), step);
    return;
  }
  CheckTarget(loader, node);
  ReadFields(loader, node, "a step", StepFields(), step);
  CheckShape(loader, node, step);
  CheckAction(loader, node, step);
}

}  // namespace

const std::vector<Field<Step>>& StepFields() {
  static const std::vector<Field<Step>> fields = MakeStepFields();
  return fields;
}

std::vector<FieldSpec> ExtractSpecs() { return SpecsOf(ExtractFields()); }
std::vector<FieldSpec> CheckSpecs() { return SpecsOf(CheckFields()); }

void Read(Loader& loader, const FieldSpec& spec, const Node& node, std::vector<Step>& out) {
  if (!ExpectList(loader, node, '"' + spec.name + '"')) return;
  if (node.items.empty()) return loader.Error(node, '"' + spec.name + "\" has no step");
  for (const Node& item : node.items) {
    if (++loader.steps > kMaxSteps) {
      if (loader.steps == kMaxSteps + 1) {
        loader.Error(item, "more than " + std::to_string(kMaxSteps) + " steps");
      }
      return;
    }
    ReadStep(loader, item, out.emplace_back());
  }
  CheckGoto(loader, out);
}

void GiveIds(Loader& loader, std::vector<Step>& steps) {
  for (Step& step : steps) {
    GiveId(loader, step);
    GiveIds(loader, step.steps);
  }
}

void Read(Loader& loader, const FieldSpec& spec, const Node& node, std::vector<Check>& out) {
  if (!ExpectList(loader, node, '"' + spec.name + '"')) return;
  for (const Node& item : node.items) {
    Check& check = out.emplace_back();
    if (item.is_map()) {
      ReadFields(loader, item, "a check", CheckFields(), check);
    } else {
      Read(loader, FindField(CheckFields(), "expr")->spec, item, check.expression);
    }
    if (check.name.empty()) check.name = check.expression.text;
  }
}

void Read(Loader& loader, const FieldSpec& spec, const Node& node, std::vector<Extract>& out) {
  if (!ExpectMap(loader, node, '"' + spec.name + '"')) return;
  for (const auto& [name, value] : node.members) {
    ReadExtract(loader, name, value, out.emplace_back());
  }
}

}  // namespace ronda::model
