#pragma once

#include <memory>

#include "engine/actions/registry.h"

namespace ronda::engine {

// Action `log`: model/catalog/log.cc says what it takes.
[[nodiscard]] std::unique_ptr<ActionPlan> CompileLog(ActionContext& context);

}  // namespace ronda::engine
