// What definitions say of one another: names that exist, arguments that fit, no circles.
#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "model/load.h"
#include "model/tables.h"

namespace ronda::model {
namespace {

constexpr std::size_t kMaxDepth = 32;

class Walker {
 public:
  Walker(const DefinitionSet& set, Diagnostics& diagnostics)
      : set_(set), loader_{.catalog = Catalog::BuiltIn(), .diagnostics = diagnostics} {}

  void Walk(const Definition& definition) {
    if (std::ranges::find(open_, &definition) != open_.end() || !done_.insert(&definition).second) {
      return;
    }
    open_.push_back(&definition);
    if (const auto* scenario = definition.As<Scenario>()) WalkScenario(*scenario);
    if (const auto* component = definition.As<Component>()) WalkSteps(component->steps);
    if (const auto* drill = definition.As<Drill>()) WalkDrill(*drill);
    if (const auto* patrol = definition.As<Patrol>()) WalkPatrol(*patrol);
    if (const auto* trigger = definition.As<TriggerDefinition>()) {
      (void)Follow(trigger->target_kind, trigger->target);
    }
    open_.pop_back();
  }

 private:
  void WalkScenario(const Scenario& scenario) {
    for (const FeedUse& use : scenario.feeds) {
      if (use.ref.has_value()) (void)Follow(Kind::kFeed, *use.ref);
    }
    WalkSteps(scenario.setup);
    WalkSteps(scenario.steps);
    WalkSteps(scenario.finally);
    const auto has = [&scenario](const std::string& meet) {
      return UsesMeet(scenario.steps, meet);
    };
    for (const Meet& meet : scenario.plan.meets) {
      if (has(meet.name)) continue;
      loader_.diagnostics.Warning(meet.where, "no step meets at \"" + meet.name + '"');
    }
  }

  void WalkDrill(const Drill& drill) {
    for (const MixEntry& entry : drill.mix) WalkMix(entry);
    for (const Load& load : drill.plan.loads) {
      for (const MixEntry& entry : load.mix) WalkMix(entry);
    }
    WalkSteps(drill.setup);
    WalkSteps(drill.finally);
  }

  void WalkMix(const MixEntry& entry) { WalkScenarioOf(entry.scenario, entry.with); }

  void WalkPatrol(const Patrol& patrol) {
    for (const PatrolScenario& each : patrol.scenarios) WalkScenarioOf(each.scenario, each.with);
    std::vector<std::string> entries;
    bool all_found = true;
    for (const Ref& ref : patrol.environments) {
      const Definition* environment = Follow(Kind::kEnvironment, ref);
      all_found = all_found && environment != nullptr;
      if (environment == nullptr) continue;
      for (const Entry& entry : environment->As<Environment>()->entries) {
        entries.push_back(entry.name);
      }
    }
    // An environment that is missing might have them.
    if (all_found) WalkCovers(patrol, entries);
  }

  void WalkCovers(const Patrol& patrol, const std::vector<std::string>& entries) {
    for (const EntryName& covered : patrol.covers) {
      if (std::ranges::find(entries, covered.name) != entries.end()) continue;
      const std::string near = Nearest(covered.name, entries);
      Error({covered.name, 0, covered.where},
            "no environment of the patrol has an entry \"" + covered.name + '"',
            near.empty() ? "name it under `entries:` of the environment"
                         : "did you mean \"" + near + "\"?");
    }
  }

  void WalkScenarioOf(const Ref& scenario, const Node& with) {
    const Definition* target = Follow(Kind::kScenario, scenario);
    if (target != nullptr) CheckWith(with, scenario, target->As<Scenario>()->params);
  }

  void WalkSteps(const std::vector<Step>& steps) {
    for (const Step& step : steps) WalkStep(step);
  }

  void WalkStep(const Step& step) {
    switch (step.kind) {
      case StepKind::kGroup: return WalkSteps(step.steps);
      case StepKind::kAction:
        if (step.schema == nullptr) {
          loader_.diagnostics.Error(
              step.target.where, "there is no action \"" + step.target.name + '"',
              "known: " + Join(loader_.catalog.Codes()), static_cast<int>(step.target.name.size()));
        }
        return;
      case StepKind::kUse:
        if (const Definition* target = Follow(Kind::kComponent, step.target)) {
          CheckWith(step.with, step.target, target->As<Component>()->params);
        }
        return;
      case StepKind::kScenario:
        if (const Definition* target = Follow(Kind::kScenario, step.target)) {
          CheckWith(step.with, step.target, target->As<Scenario>()->params);
        }
        return;
    }
  }

  // The definition, walked, or null and reported.
  const Definition* Follow(Kind kind, const Ref& ref) {
    const Definition* target = set_.Find(kind, ref);
    if (target == nullptr) {
      ReportUnknown(kind, ref);
      return nullptr;
    }
    const auto from = std::ranges::find(open_, target);
    if (from == open_.end() && open_.size() >= kMaxDepth) {
      Error(ref, "components and scenarios are nested deeper than 32 levels", {});
      return nullptr;
    }
    if (from == open_.end()) {
      Walk(*target);
      return target;
    }
    std::string circle;
    for (auto each = from; each != open_.end(); ++each) (circle += (*each)->name) += " -> ";
    Error(ref, '"' + ref.name + "\" would contain itself", circle + ref.name);
    return nullptr;
  }

  void ReportUnknown(Kind kind, const Ref& ref) {
    const std::string what(NameOf(kind));
    const Definition* other = set_.Find(kind, {ref.name, 0, ref.where});
    if (other != nullptr) {
      Error(ref, what + " \"" + ref.name + "\" has no version " + std::to_string(ref.version),
            "loaded is version " + std::to_string(other->version));
      return;
    }
    const std::string near = Nearest(ref.name, set_.Names(kind));
    Error(ref, "there is no " + what + " \"" + ref.name + '"',
          near.empty() ? "load the file that defines it too" : "did you mean \"" + near + "\"?");
  }

  void CheckWith(const Node& with, const Ref& ref, const std::vector<FieldSpec>& params) {
    Node at;
    at.kind = Node::Kind::kScalar;
    at.scalar = ref.name;
    at.where = ref.where;
    CheckArguments(loader_, with, at, '"' + ref.name + '"', params);
  }

  void Error(const Ref& ref, std::string message, std::string hint) {
    loader_.diagnostics.Error(ref.where, std::move(message), std::move(hint),
                              static_cast<int>(ref.name.size()));
  }

  static bool UsesMeet(const std::vector<Step>& steps, const std::string& meet) {
    return std::ranges::any_of(steps, [&meet](const Step& step) {
      // What a component or another scenario holds is not looked into.
      return step.meet == meet || step.kind == StepKind::kUse || step.kind == StepKind::kScenario ||
             UsesMeet(step.steps, meet);
    });
  }

  static std::string Join(const std::vector<std::string>& words) {
    std::string out;
    for (const std::string& word : words) (out += out.empty() ? "" : ", ") += word;
    return out;
  }

  const DefinitionSet& set_;
  Loader loader_;
  std::vector<const Definition*> open_;  // from the root to the one being walked
  std::set<const Definition*> done_;
};

}  // namespace

void CheckReferences(const DefinitionSet& set, const Definition& root, Diagnostics& diagnostics) {
  Walker(set, diagnostics).Walk(root);
}

}  // namespace ronda::model
