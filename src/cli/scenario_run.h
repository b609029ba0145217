#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/core/status.h"
#include "cli/command.h"
#include "cli/outputs.h"
#include "engine/program/compiler.h"
#include "engine/run/load_run.h"
#include "model/definitions.h"
#include "model/source.h"

namespace ronda::cli {

// What `ronda run` and `ronda bench` have in common: from texts of definitions to a run's result.
struct RunRequest {
  std::vector<std::shared_ptr<const model::Source>> sources;
  std::string folder;                 // of the first file
  std::string name;                   // of the scenario or drill; empty: the one there is
  std::string environment;            // --env; empty: the only one there is, if any
  std::vector<std::pair<std::string, std::string>> set;
  engine::LoadOverride load;
  engine::RunOptions options;
  std::function<void(const engine::Program&)> on_program;  // once it is compiled; may be empty
  bool traced = false;
  std::vector<Output> outputs;        // of the command line; the definition may name more
  std::uint32_t users_per_connection = 1;
  // Whether an error shows the place in the source; not when the user has not written it.
  enum class Places : std::uint8_t { kShown, kHidden } places = Places::kShown;
};

// A run that is over, with what it ran.
struct RunDone {
  std::unique_ptr<model::DefinitionSet> definitions;
  const model::Definition* root = nullptr;
  std::string digest;
  std::string environment;            // its name; may be empty
  std::string run_id;
  std::unique_ptr<engine::Program> program;
  engine::RunResult result;
  std::uint64_t cpu_ns = 0;           // user and system time that the run took
  std::vector<Output> outputs;        // of command line and definition
  bool samples_failed = false;  // the file of samples could not be written; a warning says why
};

// Loads, compiles and executes. Ctrl-C and SIGTERM drain it, a second one stops it at once. Everything
// that is wrong with the definitions is in the status's message, with its place.
[[nodiscard]] base::Result<RunDone> ExecuteRun(RunRequest request, Context& context);

// Reads a file of definitions into a source; "-" is the standard input. InvalidArgument, naming the
// file, when it cannot be read.
[[nodiscard]] base::Result<std::shared_ptr<const model::Source>> ReadSource(
    const std::string& path);

}  // namespace ronda::cli
