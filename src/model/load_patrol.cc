// `kind: Patrol`: its table, and the rules that go over several fields.
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "model/tables.h"
#include "model/units.h"

namespace ronda::model {
namespace {

constexpr double kDay = 86'400;

// ---- scenarios, environments

const std::vector<Field<PatrolScenario>>& PatrolScenarioFields() {
  using S = PatrolScenario;
  static const std::vector<Field<S>> fields = {
      Bind<S, &S::scenario>({.name = "scenario",
                             .type = FieldType::kRef,
                             .description = "The scenario.",
                             .required = true}),
      Bind<S, &S::with>(
          {.name = "with", .type = FieldType::kMap, .description = "Its parameters."})};
  return fields;
}

void ReadScenarios(Loader& loader, const FieldSpec& spec, const Node& node, Patrol& out) {
  if (!ExpectList(loader, node, '"' + spec.name + '"')) return;
  if (node.items.empty()) return loader.Error(node, "\"scenarios\" has no scenario");
  for (const Node& item : node.items) {
    PatrolScenario& scenario = out.scenarios.emplace_back();
    if (item.is_map()) {
      ReadFields(loader, item, "a patrol's scenario", PatrolScenarioFields(), scenario);
    } else {
      Read(loader, PatrolScenarioFields()[0].spec, item, scenario.scenario);
    }
  }
}

void ReadEnvironments(Loader& loader, const FieldSpec& spec, const Node& node, Patrol& out) {
  if (!ExpectList(loader, node, '"' + spec.name + '"')) return;
  if (node.items.empty()) return loader.Error(node, "\"environments\" has no environment");
  for (const Node& item : node.items) Read(loader, spec, item, out.environments.emplace_back());
}

// ---- workers

void ReadLabels(Loader& loader, const FieldSpec& spec, const Node& node, WorkerSelector& out) {
  if (!ExpectMap(loader, node, '"' + spec.name + '"')) return;
  for (const auto& [name, value] : node.members) {
    if (!IsDefinitionName(name.scalar)) {
      loader.Error(name, "this is no name for a label", "letters, digits, \".\", \"_\" and \"-\"");
    } else if (!value.is_scalar()) {
      loader.Error(name, "a label's value is text, a number or a bool");
    } else {
      out.labels[name.scalar] = value.scalar;
    }
  }
}

const std::vector<Field<WorkerSelector>>& WorkerFields() {
  using W = WorkerSelector;
  static const std::vector<Field<W>> fields = {
      Bind<W, &W::zones>({.name = "zones",
                          .type = FieldType::kList,
                          .also = FieldType::kString,
                          .description = "Zones that it is walked from; not said: any.",
                          .literal = true}),
      {{.name = "labels",
        .type = FieldType::kMap,
        .description = "Labels that a worker must have, all of them.",
        .literal = true},
       ReadLabels},
      Bind<W, &W::count>({.name = "count",
                          .type = FieldType::kInt,
                          .description = "Workers that walk it each time, taken from the zones in "
                                         "turn. Not said: one of each zone, or one.",
                          .min = 1,
                          .max = 1000})};
  return fields;
}

// ---- verdict, retry, flap

void ReadShare(Loader& loader, const FieldSpec& spec, const Node& node, Verdict& out) {
  const auto share = ParseShare(node.is_scalar() ? node.scalar : "");
  if (!share.ok()) return loader.Error(node, '"' + spec.name + "\": " + share.status().message());
  out.fail = *share;
}

const std::vector<Field<Verdict>>& VerdictFields() {
  static const std::vector<Field<Verdict>> fields = {
      {{.name = "fail",
        .type = FieldType::kString,
        .description = "`2 of 3`: a path fails when so many of its newest results failed, "
                       "whichever worker or zone they came from.",
        .default_text = "1 of 1"},
       ReadShare}};
  return fields;
}

const std::vector<Field<PatrolRetry>>& PatrolRetryFields() {
  using R = PatrolRetry;
  static const std::vector<Field<R>> fields = {
      Bind<R, &R::times>({.name = "times",
                          .type = FieldType::kInt,
                          .description = "Further walks, on the same worker.",
                          .required = true,
                          .min = 0,
                          .max = 10}),
      Bind<R, &R::every>({.name = "every",
                          .type = FieldType::kDuration,
                          .description = "The pause before each.",
                          .default_text = "1s",
                          .min = 0,
                          .max = 600})};
  return fields;
}

void ReadRetry(Loader& loader, const FieldSpec&, const Node& node, Patrol& out) {
  if (node.is_scalar()) {
    Read(loader, PatrolRetryFields()[0].spec, node, out.retry.times);
  } else {
    ReadFields(loader, node, "\"retry\"", PatrolRetryFields(), out.retry);
  }
}

const std::vector<Field<Flap>>& FlapFields() {
  static const std::vector<Field<Flap>> fields = {
      Bind<Flap, &Flap::fail>({.name = "fail",
                               .type = FieldType::kInt,
                               .description = "Failed verdicts in a row until it is failing.",
                               .default_text = "1",
                               .min = 1,
                               .max = 100}),
      Bind<Flap, &Flap::pass>({.name = "pass",
                               .type = FieldType::kInt,
                               .description = "Passed verdicts in a row until it is passing again.",
                               .default_text = "1",
                               .min = 1,
                               .max = 100})};
  return fields;
}

// ---- raise, evidence

const std::vector<Field<Raise>>& RaiseFields() {
  static const std::vector<Field<Raise>> fields = {
      BindChoice<Raise, &Raise::severity>({.name = "severity",
                                           .type = FieldType::kString,
                                           .description = "How bad it is; P1 is the worst.",
                                           .default_text = "P3",
                                           .one_of = {"P1", "P2", "P3", "P4"}}),
      Bind<Raise, &Raise::after>({.name = "after",
                                  .type = FieldType::kDuration,
                                  .description = "Once it has been failing for so long.",
                                  .default_text = "0s",
                                  .min = 0,
                                  .max = kDay})};
  return fields;
}

const std::vector<Field<Evidence>>& EvidenceFields() {
  static const std::vector<Field<Evidence>> fields = {
      BindChoice<Evidence, &Evidence::keep>({.name = "keep",
                                             .type = FieldType::kString,
                                             .description = "Of which walks.",
                                             .default_text = "failures",
                                             .one_of = {"failures", "all", "none"}}),
      Bind<Evidence, &Evidence::body>({.name = "body",
                                       .type = FieldType::kSize,
                                       .description = "Of each body, at most.",
                                       .default_text = "64KiB",
                                       .min = 0,
                                       .max = 16.0 * 1024 * 1024})};
  return fields;
}

void ReadCovers(Loader& loader, const FieldSpec& spec, const Node& node, Patrol& out) {
  const auto take = [&](const Node& item) {
    if (!item.is_scalar() || !IsDefinitionName(item.scalar)) {
      return loader.Error(item, '"' + spec.name + "\" has names of entries of the environment");
    }
    out.covers.push_back({item.scalar, item.where});
  };
  if (node.is_scalar()) return take(node);
  if (!ExpectList(loader, node, '"' + spec.name + '"')) return;
  for (const Node& item : node.items) take(item);
}

// ---- the patrol

template <auto member, typename Table>
void ReadPart(Loader& loader, const FieldSpec& spec, const Node& node, const Table& table,
              Patrol& out) {
  ReadFields(loader, node, '"' + spec.name + '"', table, out.*member);
}

std::vector<Field<Patrol>> MakeWhatFields() {
  using P = Patrol;
  return {{{.name = "scenario", .type = FieldType::kRef, .description = "The scenario it walks."},
           [](Loader& loader, const FieldSpec& spec, const Node& node, P& out) {
             if (out.scenarios.empty()) out.scenarios.emplace_back();
             Read(loader, spec, node, out.scenarios[0].scenario);
           }},
          {{.name = "with",
            .type = FieldType::kMap,
            .description = "Parameters of `scenario`.",
            .literal = true},
           [](Loader& loader, const FieldSpec& spec, const Node& node, P& out) {
             if (out.scenarios.empty()) out.scenarios.emplace_back();
             Read(loader, spec, node, out.scenarios[0].with);
           }},
          {{.name = "scenarios",
            .type = FieldType::kList,
            .description = "Instead of `scenario`: several, each with its own parameters.",
            .see = "PatrolScenario"},
           ReadScenarios},
          {{.name = "environment",
            .type = FieldType::kRef,
            .description = "Where: the environment that `env` and `secrets` are read from."},
           [](Loader& loader, const FieldSpec& spec, const Node& node, P& out) {
             Read(loader, spec, node, out.environments.emplace_back());
           }},
          {{.name = "environments",
            .type = FieldType::kList,
            .description = "Instead of `environment`: several; each scenario is walked in each."},
           ReadEnvironments},
          {{.name = "workers",
            .type = FieldType::kMap,
            .description = "Which workers walk it.",
            .see = "Workers"},
           [](Loader& loader, const FieldSpec& spec, const Node& node, P& out) {
             ReadPart<&P::workers>(loader, spec, node, WorkerFields(), out);
           }},
          Bind<P, &P::triggers>({.name = "triggers",
                                 .type = FieldType::kList,
                                 .description = "What starts it; none: by hand, or by a Trigger.",
                                 .see = "Start"})};
}

std::vector<Field<Patrol>> MakeJudgeFields() {
  using P = Patrol;
  return {
      {{.name = "verdict",
        .type = FieldType::kMap,
        .description = "When a path, a scenario in an environment, fails.",
        .see = "Verdict"},
       [](Loader& loader, const FieldSpec& spec, const Node& node, P& out) {
         ReadPart<&P::verdict>(loader, spec, node, VerdictFields(), out);
       }},
      {{.name = "retry",
        .type = FieldType::kMap,
        .description = "A walk that fails is walked again before it counts as failed.",
        .see = "PatrolRetry"},
       ReadRetry},
      {{.name = "flap",
        .type = FieldType::kMap,
        .description = "How many verdicts in a row change the state.",
        .see = "Flap"},
       [](Loader& loader, const FieldSpec& spec, const Node& node, P& out) {
         ReadPart<&P::flap>(loader, spec, node, FlapFields(), out);
       }},
      Bind<P, &P::timeout>({.name = "timeout",
                            .type = FieldType::kDuration,
                            .description = "A walk that takes longer fails.",
                            .default_text = "1m",
                            .min = 0.001,
                            .max = kDay}),
      {{.name = "raise",
        .type = FieldType::kMap,
        .description = "The risk that a failing path raises; not said: none.",
        .see = "Raise"},
       [](Loader& loader, const FieldSpec&, const Node& node, P& out) {
         ReadFields(loader, node, "\"raise\"", RaiseFields(), out.raise.emplace());
       }},
      {{.name = "evidence",
        .type = FieldType::kMap,
        .description = "What is kept of a walk.",
        .see = "Evidence"},
       [](Loader& loader, const FieldSpec& spec, const Node& node, P& out) {
         ReadPart<&P::evidence>(loader, spec, node, EvidenceFields(), out);
       }},
      {{.name = "covers",
        .type = FieldType::kList,
        .also = FieldType::kString,
        .description = "Entries of its environments that it walks, by name.",
        .literal = true},
       ReadCovers},
      Bind<P, &P::slo>({.name = "slo",
                        .type = FieldType::kPercent,
                        .description = "The part of the time that a path has to be up: `99.9%`.",
                        .min = 0.01,
                        .max = 1})};
}

const std::vector<Field<Patrol>>& PatrolFields() {
  static const std::vector<Field<Patrol>> fields = [] {
    auto made = MakeWhatFields();
    for (auto& field : MakeJudgeFields()) made.push_back(std::move(field));
    return made;
  }();
  return fields;
}

// One of the two keys, not both. False when neither is there.
bool OneOfTwo(Loader& loader, const Node& node, const std::string& one, const std::string& many) {
  const Node* other = node.Find(many);
  if (node.Find(one) != nullptr && other != nullptr) {
    loader.Error(*other, "a Patrol has \"" + one + "\" or \"" + many + "\", not both");
  }
  return node.Find(one) != nullptr || other != nullptr;
}

void CheckTwice(Loader& loader, const Ref& ref, std::set<std::string>& seen) {
  if (ref.name.empty() || seen.insert(ref.name).second) return;
  loader.diagnostics.Error(ref.where, '"' + ref.name + "\" is named twice", {},
                           static_cast<int>(ref.name.size()));
}

}  // namespace

std::vector<FieldSpec> PatrolSpecs() { return SpecsOf(PatrolFields()); }
std::vector<FieldSpec> PatrolScenarioSpecs() { return SpecsOf(PatrolScenarioFields()); }
std::vector<FieldSpec> WorkerSpecs() { return SpecsOf(WorkerFields()); }
std::vector<FieldSpec> VerdictSpecs() { return SpecsOf(VerdictFields()); }
std::vector<FieldSpec> PatrolRetrySpecs() { return SpecsOf(PatrolRetryFields()); }
std::vector<FieldSpec> FlapSpecs() { return SpecsOf(FlapFields()); }
std::vector<FieldSpec> RaiseSpecs() { return SpecsOf(RaiseFields()); }
std::vector<FieldSpec> EvidenceSpecs() { return SpecsOf(EvidenceFields()); }

void ReadPatrol(Loader& loader, const Node& document, const std::vector<std::string>& others,
                Patrol& out) {
  ReadFields(loader, document, "a Patrol", PatrolFields(), out, others);
  if (!OneOfTwo(loader, document, "scenario", "scenarios")) {
    ReportMissing(loader, document, "a Patrol", "scenario");
  }
  (void)OneOfTwo(loader, document, "environment", "environments");
  if (const Node* with = document.Find("with"); with != nullptr && document.Find("scenarios")) {
    loader.Error(*with, "\"with\" belongs to \"scenario\"",
                 "write scenarios: [{scenario: name, with: {...}}]");
  }
  std::set<std::string> scenarios, environments;
  for (const PatrolScenario& each : out.scenarios) CheckTwice(loader, each.scenario, scenarios);
  for (const Ref& environment : out.environments) CheckTwice(loader, environment, environments);
}

}  // namespace ronda::model
