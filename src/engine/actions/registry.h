#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "engine/actions/action.h"
#include "engine/program/compiler.h"
#include "engine/program/names.h"
#include "model/definitions.h"

namespace ronda::engine {

// What an action's compile function sees.
struct ActionContext {
  const model::Step& step;
  // `http:` of the drill and of the scenario, the first that says something wins.
  std::vector<const model::HttpSettings*> http;
  Scope& names;                   // for templates and expressions in `with:`
  SlotTable& slots;
  Program& program;
  const CompileInput& input;
  model::Diagnostics& diagnostics;
  // Whether anything reads the response's body: extractions, or outputs such as `json`. Known only when
  // all is compiled, so it is asked at the end.
  const StepNames& own;
};

// Compiles a step's `with:`; what is wrong goes to the diagnostics, null then.
using CompileAction = std::unique_ptr<ActionPlan> (*)(ActionContext& context);

// The compile function of that code, or null. Adding an action: a folder here, its schema in
// model/catalog, and a line in registry.cc.
[[nodiscard]] CompileAction FindAction(std::string_view code);

}  // namespace ronda::engine
