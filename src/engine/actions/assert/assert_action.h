#pragma once

#include <memory>

#include "engine/actions/registry.h"

namespace ronda::engine {

// Action `assert`: model/catalog/assert.cc says what it takes.
[[nodiscard]] std::unique_ptr<ActionPlan> CompileAssert(ActionContext& context);

}  // namespace ronda::engine
