#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/clock.h"
#include "base/core/ids.h"
#include "base/core/status.h"
#include "control/event_bus.h"
#include "control/fleet.h"
#include "control/journal.h"
#include "control/recipe.h"
#include "control/run_state.h"
#include "store/runs.h"
#include "wire/worker/worker.pb.h"

namespace ronda::control {

// A run to be made.
struct RunOrder {
  std::shared_ptr<const Recipe> recipe;
  std::string cause_kind;  // "cron", "every", "event", "user", "api"
  std::string cause = "{}";  // JSON: which trigger, who
  bool confirm = false;  // wait at a gate until somebody says yes
};

// A worker's part of a run, as it is now.
struct RunPart {
  store::AssignmentRow row;
  PartState state = PartState::kSent;
  std::uint64_t deadline_ns = 0;  // monotonic: told to stop then; 0: not sent yet
  bool told_to_stop = false;
  std::uint64_t retry_at_ns = 0;  // monotonic: a further attempt then; 0: none
  std::uint64_t give_up_ns =
      0;  // monotonic: no worker was free; not tried any more then; 0: not so
};

// A run that is not over.
struct ActiveRun {
  store::RunRow row;
  RunState state = RunState::kCreated;
  std::vector<store::NodeRow> nodes;
  std::vector<RunPart> parts;  // by ordinal: the newest attempt of each
  std::shared_ptr<const Recipe> recipe;
  std::string gate;  // that it waits at; empty: none
  std::uint64_t queued_until_ns = 0;  // monotonic
  bool stopping = false;
};

// Runs from their order to their end: gates, dispatch to workers, results, what is lost. Owned by the
// control thread; everything that is decided goes through the journal, and messages leave after it.
class RunBook {
 public:
  // A run came to its end; `run` is whole and not active any more.
  using OnEnd = std::function<void(const ActiveRun& run)>;

  struct Parts {
    Journal* journal;
    Fleet* fleet;
    WorkerPort* port;
    EventBus* events;
    const base::Clock* clock;
    OnEnd on_end;
  };
  explicit RunBook(Parts parts);

  void set_port(WorkerPort* port) { parts_.port = port; }
  void set_epoch(std::uint64_t epoch) { epoch_ = epoch; }
  // Takes in the runs that were active under another lead. Their workers are given one lease to come back.
  [[nodiscard]] base::Status Load(store::Database& database);
  // Forgets everything: somebody else leads.
  void Clear();

  // The id of the run.
  std::string Start(const RunOrder& order);
  enum class How : std::uint8_t { kDrain, kInterrupt };
  [[nodiscard]] base::Status Stop(const std::string& id, How how, const std::string& reason);
  // What becomes of a halted run: resume (its uncertain parts are executed again) or abandon.
  enum class Decision : std::uint8_t { kResume, kAbandon };
  [[nodiscard]] base::Status Decide(const std::string& id, Decision decision,
                                    const std::string& who, const std::string& reason);
  struct Answer {
    std::string gate, who, reason;
    bool accept = true;
  };
  [[nodiscard]] base::Status AnswerGate(const Answer& answer);

  // Whether a run of that definition, scenario and environment is active.
  [[nodiscard]] bool IsActive(const Recipe& recipe) const;
  [[nodiscard]] const std::map<std::string, std::unique_ptr<ActiveRun>>& active() const {
    return runs_;
  }

  // ---- workers
  // What the worker holds, against what it should: fills `welcome`, sends what it never got.
  void OnAttach(FleetWorker& worker, const wire_worker::Hello& hello,
                wire_worker::Welcome& welcome);
  void OnAccepted(FleetWorker& worker, const wire_worker::Accepted& accepted);
  void OnRefused(FleetWorker& worker, const wire_worker::Refused& refused);
  void OnDone(FleetWorker& worker, const wire_worker::Done& done);
  // Its lease is over: what it held is uncertain.
  void OnLeaseEnd(FleetWorker& worker);

  // Retries, queues, deadlines that are due.
  void Tick();
  // When Tick has something to do, monotonic; ~0: nothing.
  [[nodiscard]] std::uint64_t NextDue() const;

 private:
  void Enqueue(ActiveRun& run);
  // False: it goes on waiting.
  bool Dispatch(ActiveRun& run);
  void Send(ActiveRun& run, RunPart& part, FleetWorker& worker);
  // A further attempt at a part; where no worker is free it is tried again by Tick for a while. Never ends
  // the run.
  enum class By : std::uint8_t { kSameWorker, kAnyWorker };
  void Again(ActiveRun& run, RunPart& part, By by);
  void Lose(ActiveRun& run, RunPart& part, const std::string& why);
  void TakeSteps(ActiveRun& run, RunPart& part, const wire_worker::Done& done);
  void Evaluate(ActiveRun& run);
  void Finish(ActiveRun& run, RunState state, std::string verdict, std::string reason);
  void Move(ActiveRun& run, RunState to);
  // Writes the run as it is now.
  void Save(const ActiveRun& run);
  void SaveNodes(const ActiveRun& run);
  void SavePart(const RunPart& part);
  void Tell(const ActiveRun& run);
  [[nodiscard]] wire_worker::Assign AssignOf(const ActiveRun& run, const RunPart& part,
                                             FleetWorker& worker) const;
  struct Place {
    ActiveRun* run = nullptr;
    RunPart* part = nullptr;
  };
  // The newest attempt at that part; none when it is another, or the run is over.
  [[nodiscard]] Place Find(const wire_worker::PartId& id);
  void Acknowledge(FleetWorker& worker, const wire_worker::PartId& part);
  [[nodiscard]] std::int64_t Wall() const;

  Parts parts_;
  std::uint64_t epoch_ = 0;
  base::TraceIdGenerator ids_;
  std::map<std::string, std::unique_ptr<ActiveRun>> runs_;
};

}  // namespace ronda::control
