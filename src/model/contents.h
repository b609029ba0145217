#pragma once

#include <string>
#include <vector>

#include "base/core/status.h"
#include "model/definitions.h"

namespace ronda::model {

// A step of a run, as the engine's figures name it (stats::StepInfo).
struct StepPath {
  std::string scenario;  // the scenario's name; "setup" and "finally" for those of the root
  std::string path;      // "login", "browse.item", "setup.seed"
  std::string action;    // "http.request"; "group" of what holds further steps
  bool operator==(const StepPath&) const = default;
};

inline constexpr std::size_t kMaxRunSteps = 100'000;

// Every step that a run of `root`, a Scenario or a Drill whose references are right, consists of: each
// once, in the order in which the engine numbers them, steps of components and nested scenarios
// included. ResourceExhausted beyond kMaxRunSteps; empty for any other kind.
[[nodiscard]] base::Result<std::vector<StepPath>> StepPaths(const DefinitionSet& set,
                                                            const Definition& root);

// A file that a definition reads when it runs.
struct FileUse {
  std::string file;  // as written: relative to the file that the definition stands in
  Location where;  // of what names it
};

// The files that the definition itself names, each once: of feeds, of TLS, of steps. Those of a name
// that is a template are known to the run only and left out, and so are files of secrets, which lie
// where the run is.
[[nodiscard]] std::vector<FileUse> FilesOf(const Definition& definition);

}  // namespace ronda::model
