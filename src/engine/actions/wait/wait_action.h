#pragma once

#include <memory>

#include "engine/actions/registry.h"

namespace ronda::engine {

// Action `wait`: model/catalog/wait.cc says what it takes.
[[nodiscard]] std::unique_ptr<ActionPlan> CompileWait(ActionContext& context);

}  // namespace ronda::engine
