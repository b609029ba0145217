#include "control/recipe.h"

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

#include "model/catalog/catalog.h"
#include "model/load.h"

namespace ronda::control {
namespace {

// Calls `each(step, path)` for every step that the engine would compile, groups before their members.
class StepWalk {
 public:
  using Each = std::function<void(const model::Step&, const std::string& path)>;

  StepWalk(const model::DefinitionSet& set, Each each) : set_(set), each_(std::move(each)) {}

  void Scenario(const model::Scenario& scenario) {
    for (const auto* steps : {&scenario.setup, &scenario.steps, &scenario.finally})
      Steps(*steps, "");
  }

 private:
  void Steps(const std::vector<model::Step>& steps, const std::string& prefix) {
    for (const model::Step& step : steps) {
      const std::string path = prefix + step.id;
      each_(step, path);
      Steps(step.steps, prefix);
      if (step.kind == model::StepKind::kUse) {
        if (const auto* found = set_.Find(model::Kind::kComponent, step.target))
          Steps(found->As<model::Component>()->steps, path + ".");
      }
      if (step.kind == model::StepKind::kScenario) {
        if (const auto* found = set_.Find(model::Kind::kScenario, step.target))
          Steps(found->As<model::Scenario>()->steps, path + ".");
      }
    }
  }

  const model::DefinitionSet& set_;
  const Each each_;
};

bool IsRepeatable(const model::Step& step) {
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

}  // namespace

std::vector<std::string> StepPaths(const model::DefinitionSet& set, const model::Definition& root) {
  std::vector<std::string> paths;
  StepWalk walk(set, [&](const model::Step&, const std::string& path) { paths.push_back(path); });
  if (const auto* scenario = root.As<model::Scenario>()) walk.Scenario(*scenario);
  return paths;
}

bool IsRepeatable(const model::DefinitionSet& set, const model::Definition& root) {
  bool repeatable = true;
  StepWalk walk(set, [&](const model::Step& step, const std::string&) {
    repeatable = repeatable && IsRepeatable(step);
  });
  if (const auto* scenario = root.As<model::Scenario>()) walk.Scenario(*scenario);
  return repeatable;
}

base::Result<std::shared_ptr<Recipe>> RecipeOf(Library& library, const model::NamedRef& scenario,
                                               const std::string& environment) {
  std::vector<model::NamedRef> more;
  if (!environment.empty()) more.push_back({model::Kind::kEnvironment, environment, 0});
  ASSIGN_OR_RETURN(const Closure closure, library.Load(scenario, more));
  auto recipe = std::make_shared<Recipe>();
  recipe->kind = recipe->root_kind = model::NameOf(closure.root->kind);
  recipe->name = recipe->root_name = closure.root->name;
  recipe->version = recipe->root_version = closure.root->version;
  recipe->digest = model::Digest(*closure.root);
  recipe->environment = environment;
  recipe->snapshot_digest = closure.digest;
  recipe->snapshot_text = closure.text;
  recipe->paths = StepPaths(*closure.set, *closure.root);
  recipe->repeatable = IsRepeatable(*closure.set, *closure.root);
  return recipe;
}

}  // namespace ronda::control
