#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/core/status.h"
#include "control/library.h"
#include "model/definitions.h"

namespace ronda::control {

// Which workers may execute a part.
struct WorkerWish {
  std::vector<std::string> zones;  // empty: any
  std::map<std::string, std::string> labels;  // all of them
  int count = 0;  // 0: one of each zone, or one
};

// Everything that runs of one definition in one environment have in common. A value, immutable; runs hold
// it by shared pointer.
struct Recipe {
  // What is run.
  std::string kind, name;  // "Patrol", "buy-one-prod"
  std::int64_t version = 0;
  std::string digest;  // of that definition
  // What a worker executes: the root in the snapshot.
  std::string root_kind, root_name;
  std::int64_t root_version = 0;
  std::string environment;  // empty: none
  std::string snapshot_digest, snapshot_text;
  std::vector<std::pair<std::string, std::string>> set;  // as --set
  // Values of the environment's secrets; kept in memory only.
  std::map<std::string, std::string> secrets;
  std::vector<std::string> paths;  // of its steps, as the engine names them: one node each
  // Every step can be executed twice without harm; else what is uncertain halts the run.
  bool repeatable = false;

  WorkerWish workers;
  std::uint64_t timeout_ns = 60'000'000'000;  // of one attempt
  int retries = 0;  // of a part that failed
  std::uint64_t retry_every_ns = 1'000'000'000;
  enum class Keep : std::uint8_t { kFailures, kAll, kNothing } keep = Keep::kFailures;
  std::uint64_t body_bytes = 64 * 1024;
};

// Gives the values of an environment's secrets; may be empty: there are none.
using SecretsOf =
    std::function<base::Result<std::map<std::string, std::string>>(const model::Definition&)>;

// The recipe of `scenario` in `environment` (empty: none), as somebody runs it by hand.
// ResourceExhausted when it has too many steps (model::kMaxRunSteps).
[[nodiscard]] base::Result<std::shared_ptr<Recipe>> RecipeOf(Library& library,
                                                             const SecretsOf& secrets,
                                                             const model::NamedRef& scenario,
                                                             const std::string& environment);

// Whether every step of it may be executed again when it is not known whether it was: what only reads,
// and HTTP's idempotent methods (RFC 9110, 9.2.2).
[[nodiscard]] bool IsRepeatable(const model::DefinitionSet& set, const model::Definition& root);

}  // namespace ronda::control
