#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/core/ids.h"
#include "engine/program/program.h"
#include "engine/vu/user_thread.h"
#include "net/http_client.h"
#include "net/reactor.h"

namespace ronda::engine {

// How a single iteration ended.
struct SingleResult {
  enum class End : std::uint8_t {
    kDone,         // it came to its end
    kInterrupted,  // Interrupt was called
    kTimedOut,     // SingleRunOptions::timeout_ns
    kAborted,      // setup failed, a feed had no row
  } end = End::kDone;
  bool passed = false;  // it came to its end, and no step or check failed
  std::string reason;   // of anything but passed: the first failure, secrets taken out
  std::uint64_t start_wall_ns = 0;
  std::uint64_t end_wall_ns = 0;
};

struct SingleRunOptions {
  std::string run_id;            // what `run.id` and `run.mark` are, whatever was compiled
  std::string run_mark;
  std::uint64_t timeout_ns = 0;  // of setup and iteration; 0: none
  std::uint64_t seed = 0;
  base::Environment environment = base::Environment::kUnknown;
  StepObserver* observer = nullptr;  // may be null
  // A line of the action `log`; may be empty.
  std::function<void(std::string_view level, std::string_view text)> on_log = {};
};

// One iteration of a program that was compiled for one (LoadOverride::once), with setup and finally,
// on a reactor and a client that many of them share: a check costs no thread. Several of one program may
// run at a time. All on the reactor's thread.
class SingleRun {
 public:
  // Begins at once. `done` is called once, from the reactor's loop; it may destroy the run. Program,
  // reactor and client outlive the run.
  [[nodiscard]] static std::unique_ptr<SingleRun> Start(
      Program& program, net::Reactor& reactor, net::HttpClient& client, SingleRunOptions options,
      std::function<void(const SingleResult& result)> done);
  // Ends it where it is.
  virtual ~SingleRun() = default;
  // Ends the iteration where it is; `finally` still runs, and `done` follows. `why` is the result's
  // reason.
  virtual void Interrupt(std::string why) = 0;
};

}  // namespace ronda::engine
