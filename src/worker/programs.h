#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/core/ids.h"
#include "base/core/status.h"
#include "engine/program/program.h"
#include "model/definitions.h"
#include "wire/worker/worker.pb.h"

namespace ronda::worker {

// A part's definition, ready to be executed. Shared by the executions of one program and the cache;
// whoever is last frees it. Not const, because an execution hands out rows of its feeds.
struct Prepared {
  std::shared_ptr<const model::DefinitionSet> definitions;  // what the program was compiled from
  std::unique_ptr<engine::Program> program;
  base::Environment environment = base::Environment::kUnknown;
};

// Why a part was refused.
struct PrepareError {
  wire::worker::Refused::Code code = wire::worker::Refused::OTHER;
  std::string message;
};

// Compiles what is assigned. Keeps the snapshots that were sent, and of single iterations the programs
// too: a check that comes every minute is compiled once. Thread-safe; compiling takes milliseconds and
// reads files of feeds, so it is no work for a loop.
class Programs {
 public:
  struct Options {
    std::string folder;  // files of feeds and bodies are relative to it
    std::size_t programs = 2'000;  // kept at most
    std::size_t snapshots = 200;
  };
  explicit Programs(Options options) : options_(std::move(options)) {}

  // The program if it is at hand, else null. Quick.
  [[nodiscard]] std::shared_ptr<Prepared> Find(const wire::worker::Assign& assign);
  // Compiles it unless it is at hand; null then means *error.
  [[nodiscard]] std::shared_ptr<Prepared> Prepare(const wire::worker::Assign& assign,
                                                  PrepareError* error);

 private:
  struct Kept {
    std::shared_ptr<Prepared> prepared;
    std::list<std::string>::iterator age;
  };
  struct Snapshot {
    std::shared_ptr<const model::DefinitionSet> definitions;
    std::list<std::string>::iterator age;
  };

  [[nodiscard]] std::shared_ptr<const model::DefinitionSet> SnapshotOf(
      const wire::worker::Assign& assign, PrepareError* error);
  void Keep(const std::string& key, std::shared_ptr<Prepared> prepared);

  const Options options_;
  std::mutex mutex_;  // guards all below
  std::map<std::string, Kept> programs_;
  std::map<std::string, Snapshot> snapshots_;  // by digest
  std::list<std::string> program_ages_, snapshot_ages_;  // least recently used first
};

}  // namespace ronda::worker
