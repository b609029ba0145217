// What a definition holds: its steps with those of all that they use, and the files it reads.
#include "model/contents.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "model/catalog/catalog.h"
#include "model/units.h"

namespace ronda::model {
namespace {

// Numbers steps as the engine does: a step before those inside it.
class StepCollector {
 public:
  explicit StepCollector(const DefinitionSet& set) : set_(set) {}

  void AddScenario(const Definition& root, const Scenario& scenario) {
    AddOuter(scenario.setup, "setup");
    Add(scenario.steps, root.name, "");
    AddOuter(scenario.finally, "finally");
  }

  void AddDrill(const Drill& drill) {
    AddOuter(drill.setup, "setup");
    AddMix(drill.mix);
    for (const Load& load : drill.plan.loads) AddMix(load.mix);
    AddOuter(drill.finally, "finally");
  }

  [[nodiscard]] bool full() const { return paths_.size() > kMaxRunSteps; }
  [[nodiscard]] std::vector<StepPath> Take() { return std::move(paths_); }

 private:
  void AddMix(const std::vector<MixEntry>& mix) {
    for (const MixEntry& entry : mix) {
      const Definition* found = set_.Find(Kind::kScenario, entry.scenario);
      if (found != nullptr) AddScenario(*found, *found->As<Scenario>());
    }
  }

  void AddOuter(const std::vector<Step>& steps, const std::string& name) {
    Add(steps, name, name + '.');
  }

  void Add(const std::vector<Step>& steps, const std::string& scenario, const std::string& prefix) {
    for (const Step& step : steps) {
      if (full()) return;
      const std::string path = prefix + step.id;
      paths_.push_back(
          {scenario, path, step.kind == StepKind::kAction ? step.target.name : "group"});
      AddInner(step, scenario, prefix, path);
    }
  }

  void AddInner(const Step& step, const std::string& scenario, const std::string& prefix,
                const std::string& path) {
    const Definition* found = nullptr;
    switch (step.kind) {
      case StepKind::kAction: return;
      case StepKind::kGroup: return Add(step.steps, scenario, prefix);
      case StepKind::kUse:
        found = set_.Find(Kind::kComponent, step.target);
        if (found != nullptr) Add(found->As<Component>()->steps, scenario, path + '.');
        return;
      case StepKind::kScenario:
        found = set_.Find(Kind::kScenario, step.target);
        if (found != nullptr) Add(found->As<Scenario>()->steps, scenario, path + '.');
        return;
    }
  }

  const DefinitionSet& set_;
  std::vector<StepPath> paths_;
};

class FileCollector {
 public:
  void AddFeed(const Feed& feed) { Add(feed.file, feed.where); }

  void AddScenario(const Scenario& scenario) {
    for (const FeedUse& use : scenario.feeds) {
      if (!use.ref.has_value()) AddFeed(use.feed);
    }
    AddPlan(scenario.plan);
    for (const auto* steps : {&scenario.setup, &scenario.steps, &scenario.finally})
      AddSteps(*steps);
  }

  void AddPlan(const LoadPlan& plan) {
    if (!plan.http.tls.has_value()) return;
    for (const auto* file : {&plan.http.tls->ca, &plan.http.tls->cert, &plan.http.tls->key}) {
      Add(*file, plan.http.where);
    }
  }

  void AddSteps(const std::vector<Step>& steps) {
    for (const Step& step : steps) {
      if (step.schema != nullptr) AddArguments(step.with, step.schema->params);
      AddSteps(step.steps);
    }
  }

  [[nodiscard]] std::vector<FileUse> Take() { return std::move(files_); }

 private:
  void AddArguments(const Node& with, const std::vector<FieldSpec>& params) {
    for (const auto& [key, value] : with.members) {
      const FieldSpec* param = Find(params, key.scalar);
      if (param == nullptr) continue;
      if (param->file && value.is_scalar()) Add(value.scalar, value.where);
      if (value.is_map()) AddArguments(value, param->fields);
      for (const Node& item : value.items) AddArguments(item, param->fields);
    }
  }

  void Add(const std::string& file, const Location& where) {
    if (file.empty() || HasTemplate(file)) return;
    if (std::ranges::find(files_, file, &FileUse::file) != files_.end()) return;
    files_.push_back({file, where});
  }

  std::vector<FileUse> files_;
};

}  // namespace

base::Result<std::vector<StepPath>> StepPaths(const DefinitionSet& set, const Definition& root) {
  StepCollector collector(set);
  if (const auto* scenario = root.As<Scenario>()) collector.AddScenario(root, *scenario);
  if (const auto* drill = root.As<Drill>()) collector.AddDrill(*drill);
  if (collector.full()) {
    return base::ResourceExhausted('"' + root.name + "\" has more than " +
                                   std::to_string(kMaxRunSteps) +
                                   " steps with those of its components and scenarios");
  }
  return collector.Take();
}

std::vector<FileUse> FilesOf(const Definition& definition) {
  FileCollector collector;
  if (const auto* feed = definition.As<Feed>()) collector.AddFeed(*feed);
  if (const auto* scenario = definition.As<Scenario>()) collector.AddScenario(*scenario);
  if (const auto* component = definition.As<Component>()) collector.AddSteps(component->steps);
  if (const auto* drill = definition.As<Drill>()) {
    collector.AddPlan(drill->plan);
    collector.AddSteps(drill->setup);
    collector.AddSteps(drill->finally);
  }
  return collector.Take();
}

}  // namespace ronda::model
