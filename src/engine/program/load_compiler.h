#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "engine/program/compiler.h"

namespace ronda::engine {

// Turns `load:`, `meets:` and what the command line says into the program's LoadUses.
class LoadCompiler {
 public:
  using Flows = std::vector<std::pair<std::uint32_t, double>>;

  LoadCompiler(const CompileInput& input, Program& program, model::Diagnostics& diagnostics)
      : input_(input), program_(program), diagnostics_(diagnostics) {
    AddMeets();
  }

  // `flows`: what a load without a mix of its own does. `load_flows`: by index of plan.loads.
  void AddPlan(const model::LoadPlan& plan, const Flows& flows,
               const std::vector<Flows>& load_flows = {});

 private:
  [[nodiscard]] bool IsSingleIteration() const;
  void AddMeets();
  void AddLoad(const model::Load& load, const Flows& flows);
  void AddOverride(const model::LoadPlan& plan, const Flows& flows);
  void CheckMeets(const model::LoadPlan& plan);
  void CheckGuards(const model::LoadPlan& plan);
  void Push(LoadUse use);

  const CompileInput& input_;
  Program& program_;
  model::Diagnostics& diagnostics_;
};

}  // namespace ronda::engine
