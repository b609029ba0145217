#pragma once

#include <memory>
#include <string>

#include "base/core/status.h"
#include "control/recipe.h"
#include "store/runs.h"

namespace ronda::control {

// What a recipe has beside its snapshot, as JSON in the run's row: with both, a server that takes over
// goes on. Secrets are not in it.
[[nodiscard]] std::string OverlayOf(const Recipe& recipe);
[[nodiscard]] base::Result<std::shared_ptr<Recipe>> RecipeOfRun(const store::RunRow& run,
                                                                const std::string& snapshot_text);

}  // namespace ronda::control
