#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/program/program.h"
#include "model/definitions.h"
#include "model/source.h"

namespace ronda::engine {

// What the command line says about the load instead of the file.
struct LoadOverride {
  std::optional<std::uint32_t> users;
  std::optional<double> rate;                // arrivals/s
  std::optional<std::uint64_t> duration_ns;
  std::optional<std::uint64_t> iterations;   // shared by all users
  bool once = false;                         // one iteration, whatever the file says
};

struct CompileInput {
  const model::DefinitionSet* definitions = nullptr;
  const model::Definition* root = nullptr;         // a Scenario or a Drill
  const model::Definition* environment = nullptr;  // may be null
  // --set: "user=5" is a param; "env.shop=http://..." a value of the environment.
  std::vector<std::pair<std::string, std::string>> set;
  std::map<std::string, std::string> secrets;      // values of the environment's secrets
  std::map<std::string, std::string> variables;    // of the process: HTTP_PROXY and the like
  std::string folder;                              // feeds and body files are relative to it
  Share process;                                   // --shard
  LoadOverride load;
  std::string run_id;
  std::string run_mark;
  bool traced = false;                             // give every iteration a trace
  std::uint32_t users_per_connection = 1;
  std::size_t evidence_bytes =
      stats::Example::kBodyLimit;  // of a body; more with one iteration only
};

// Compiles a scenario or drill with everything that it names: expressions against the names they can
// see, actions, feeds (read here), loads. All that is wrong goes to `diagnostics`, with its place; null
// then.
[[nodiscard]] std::unique_ptr<Program> CompileProgram(const CompileInput& input,
                                                      model::Diagnostics& diagnostics);

}  // namespace ronda::engine
