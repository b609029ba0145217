#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/ids.h"
#include "base/core/status.h"
#include "engine/program/program.h"
#include "engine/run/tap.h"
#include "engine/vu/user_thread.h"
#include "model/source.h"
#include "stats/aggregator.h"
#include "stats/guards.h"
#include "stats/meet_result.h"
#include "stats/thresholds.h"

namespace ronda::engine {

struct RunOptions {
  int threads = 0;  // reactor threads; 0: as many as the load needs and cores allow
  Share process;  // this process's part of the load
  std::uint64_t seed = 0;  // 0: from the kernel
  base::Environment environment = base::Environment::kUnknown;
  std::string control_path;  // of the control socket; empty: none
  StepObserver* observer = nullptr;  // `--once -v`
  RunTap* tap = nullptr;  // samples, spans and metrics; borrowed, may be null
  // Called about four times a second, and once more at the end, on Execute's thread.
  std::function<void(const stats::Snapshot&)> on_look;
  // Every interval of the load, for another process: stats/aggregator.h, on_interval. May be empty.
  std::function<void(std::size_t recorder, const stats::Interval&)> on_interval;
  // A line for people: guards, control commands, `log` steps. Any thread.
  std::function<void(std::string_view level, std::string_view text)> on_log;
};

// How a run came to its end.
enum class RunEnd : std::uint8_t {
  kDone,  // all that was planned
  kStopped,  // a feed ended, a guard or command said stop: drained
  kAborted,  // setup failed, a meeting was missed, a second Ctrl-C
  kBreaker,  // a guard aborted it
  kInterrupted,  // Ctrl-C
};

[[nodiscard]] constexpr std::string_view NameOf(RunEnd end) {
  switch (end) {
    case RunEnd::kDone: return "done";
    case RunEnd::kStopped: return "stopped";
    case RunEnd::kAborted: return "aborted";
    case RunEnd::kBreaker: return "breaker";
    case RunEnd::kInterrupted: return "interrupted";
  }
  return "?";
}

struct RunResult {
  RunEnd end = RunEnd::kDone;
  std::string reason;  // of any end but kDone
  bool passed = false;  // the verdict
  std::string verdict;  // why, in a few words
  std::vector<stats::ThresholdResult> thresholds;
  std::vector<stats::GuardEvent> guard_events;
  std::vector<stats::MeetResult> meets;  // in the order of the plan
  std::unique_ptr<stats::Aggregator> load;  // what the load did
  std::unique_ptr<stats::Aggregator> outer;  // setup and finally; null without
  std::uint64_t start_wall_ns = 0;
  std::uint64_t duration_ns = 0;
  int threads = 0;
  std::vector<std::string> warnings;

  [[nodiscard]] base::ExitCode exit_code() const;
};

// Executes a program: makes threads, users and connections, watches guards, ends in order, judges.
// One run an object. `program` is borrowed.
class LoadRun {
 public:
  // Compiles thresholds and guards, and checks what the machine has to give (files, ports).
  [[nodiscard]] static base::Result<std::unique_ptr<LoadRun>> Create(
      Program& program, RunOptions options, model::Diagnostics& diagnostics);
  virtual ~LoadRun() = default;
  // The load starts at this monotonic time, or as soon as setup is over; without it at once. Before
  // Execute.
  virtual void SetStart(std::uint64_t monotonic_ns) = 0;
  // Blocks until the run is over.
  [[nodiscard]] virtual RunResult Execute() = 0;
  // Ctrl-C: the first call drains (no new iterations, running ones may finish, `finally` runs), the
  // second interrupts at once. Thread-safe, async-signal-safe.
  virtual void Interrupt() = 0;
  // A command as a control socket takes it (docs/formats/control-socket.md); `answer` gets the line of
  // JSON, once, on Execute's thread, or on this one when the run is over or has not begun. Thread-safe.
  virtual void Command(std::string command, std::function<void(std::string)> answer) = 0;
};

}  // namespace ronda::engine
