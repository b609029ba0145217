#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/status.h"
#include "base/log.h"
#include "wire/worker/link.h"

namespace ronda::worker {

struct WorkerOptions {
  std::string folder;  // its own: id, journal, lock; made if it is missing
  wire::worker::LinkOptions link;
  std::string name;  // for people; empty: the machine's
  std::string zone;
  std::map<std::string, std::string> labels;
  std::string version;
  std::uint32_t capacity = 200;    // parts at a time
  int check_threads = 0;           // 0: one for two cores
  std::string feeds;  // files of definitions are relative to it; empty: `files` in folder
  std::string control_path;  // a local socket: "status", "stop"; empty: none
};

// A worker: attaches to a server, executes the parts of runs that it is given, reports. It has one loop
// of its own; checks and loads have their threads, and everything they say comes back to the loop.
//
// What holds whatever happens: nothing is executed that the journal does not know of; a part is executed
// once an attempt, however often it is assigned; a result is told until a server acknowledges it, also
// by a later life of the process; when the lease ends, everything is interrupted.
class Worker {
 public:
  // `log` outlives it. FailedPrecondition when another process uses the folder.
  [[nodiscard]] static base::Result<std::unique_ptr<Worker>> Start(WorkerOptions options,
                                                                   base::Log& log);
  virtual ~Worker() = default;
  // Takes no more, lets checks end and drains loads, tells the results and leaves: at most for
  // `patience_ns`, then what is left is interrupted. Blocks. Any thread.
  virtual void Drain(std::uint64_t patience_ns) = 0;
  // Blocks until a server refuses the token before it ever let the worker in, or Drain was called.
  [[nodiscard]] virtual base::Status Await() = 0;
};

}  // namespace ronda::worker
