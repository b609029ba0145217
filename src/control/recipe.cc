#include "control/recipe.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "model/catalog/catalog.h"
#include "model/contents.h"
#include "model/load.h"

namespace ronda::control {
namespace {

bool MayRepeat(const model::Step& step) {
  if (step.kind != model::StepKind::kAction) return true;  // its members are looked at
  if (step.schema == nullptr) return false;
  if (step.schema->code == "http.request") {
    const model::Node* method = step.with.Find("method");
    if (method == nullptr) return true;  // GET
    constexpr std::array<std::string_view, 6> kIdempotent = {"GET",   "HEAD", "OPTIONS",
                                                             "TRACE", "PUT",  "DELETE"};
    return std::ranges::find(kIdempotent, method->scalar) != kIdempotent.end();
  }
  return step.schema->idempotent || step.schema->effect <= model::Effect::kRead;
}

// Looks at the steps of each definition once, however often it is used.
class RepeatCheck {
 public:
  explicit RepeatCheck(const model::DefinitionSet& set) : set_(set) {}

  [[nodiscard]] bool Holds(const std::vector<model::Step>& steps) {
    return std::ranges::all_of(
        steps, [this](const model::Step& step) { return MayRepeat(step) && HoldsWithin(step); });
  }

 private:
  [[nodiscard]] bool HoldsWithin(const model::Step& step) {
    switch (step.kind) {
      case model::StepKind::kAction: return true;
      case model::StepKind::kGroup: return Holds(step.steps);
      case model::StepKind::kUse: return HoldsOnce<model::Component>(model::Kind::kComponent, step);
      case model::StepKind::kScenario:
        return HoldsOnce<model::Scenario>(model::Kind::kScenario, step);
    }
    return true;
  }

  template <typename Body>
  [[nodiscard]] bool HoldsOnce(model::Kind kind, const model::Step& step) {
    const model::Definition* found = set_.Find(kind, step.target);
    if (found == nullptr || !seen_.insert(found).second) return true;
    return Holds(found->As<Body>()->steps);
  }

  const model::DefinitionSet& set_;
  std::set<const model::Definition*> seen_;
};

}  // namespace

bool IsRepeatable(const model::DefinitionSet& set, const model::Definition& root) {
  const auto* scenario = root.As<model::Scenario>();
  if (scenario == nullptr) return true;
  RepeatCheck check(set);
  return check.Holds(scenario->setup) && check.Holds(scenario->steps) &&
         check.Holds(scenario->finally);
}

base::Result<std::shared_ptr<Recipe>> RecipeOf(Library& library, const SecretsOf& secrets,
                                               const model::NamedRef& scenario,
                                               const std::string& environment) {
  std::vector<model::NamedRef> more;
  if (!environment.empty()) more.push_back({model::Kind::kEnvironment, environment, 0});
  ASSIGN_OR_RETURN(const Closure closure, library.Load(scenario, more));
  ASSIGN_OR_RETURN(const std::vector<model::StepPath> steps,
                   model::StepPaths(*closure.set, *closure.root));
  auto recipe = std::make_shared<Recipe>();
  recipe->kind = recipe->root_kind = model::NameOf(closure.root->kind);
  recipe->name = recipe->root_name = closure.root->name;
  recipe->version = recipe->root_version = closure.root->version;
  recipe->digest = model::Digest(*closure.root);
  recipe->environment = environment;
  recipe->snapshot_digest = closure.digest;
  recipe->snapshot_text = closure.text;
  for (const model::StepPath& step : steps) recipe->paths.push_back(step.path);
  recipe->repeatable = IsRepeatable(*closure.set, *closure.root);
  if (!environment.empty() && secrets) {
    ASSIGN_OR_RETURN(recipe->secrets,
                     secrets(*closure.set->Find(model::Kind::kEnvironment, {environment, 0, {}})));
  }
  return recipe;
}

}  // namespace ronda::control
