#pragma once

#include <memory>

#include "engine/actions/registry.h"

namespace ronda::engine {

// Action `http.request`: model/catalog/http_request.cc says what it takes.
[[nodiscard]] std::unique_ptr<ActionPlan> CompileHttp(ActionContext& context);

}  // namespace ronda::engine
