#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/core/clock.h"
#include "base/core/status.h"
#include "base/log.h"
#include "control/event_bus.h"
#include "control/fleet.h"
#include "control/journal.h"
#include "control/library.h"
#include "control/path_book.h"
#include "control/planner.h"
#include "control/run_book.h"
#include "store/database.h"
#include "store/servers.h"

namespace ronda::control {

// What one call waits for. Whoever drops it without an answer has given up the lead or the process.
template <typename T>
class Pending {
 public:
  ~Pending() { Set(base::Unavailable("this server does not lead any more; ask again")); }
  void Set(base::Result<T> result) {
    {
      const std::lock_guard lock(state_->mutex);
      if (state_->result) return;
      state_->result.emplace(std::move(result));
    }
    state_->ready.notify_all();
  }

  struct State {
    std::mutex mutex;
    std::condition_variable ready;
    std::optional<base::Result<T>> result;
  };
  [[nodiscard]] std::shared_ptr<State> state() const { return state_; }

 private:
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

// The control thread: it takes the lead if nobody has it, owns the run-time state while it leads, and turns
// what comes in (calls of the API, messages of workers, time) into changes, which are written in one
// transaction, and effects, which happen then.
//
// A second thread loads definitions that were changed.
class Controller {
 public:
  struct Options {
    std::string server_id;  // stays the same over restarts
    std::string address;  // of this server's API, for those who ask a server that does not lead
    std::uint64_t lead_ns = 4'000'000'000;  // how long the lead lasts without being kept
    // How long runs of patrols are kept, by verdict.
    std::int64_t keep_passed_ns = 24ll * 3600 * 1'000'000'000;
    std::int64_t keep_failed_ns = 30ll * 24 * 3600 * 1'000'000'000;
  };
  struct Parts {
    store::Database* database;
    Library* library;
    EventBus* events;
    const base::Clock* clock;
    base::Log* log;
    SecretsOf secrets;
  };

  Controller(Options options, Parts parts);
  ~Controller();
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;

  // Where messages to workers go; before Start.
  void set_port(WorkerPort* port) { port_ = port; }
  void Start();
  // Gives the lead back, ends both threads. Idempotent.
  void Stop();

  // What a call may use, on the control thread.
  struct Turn {
    RunBook& runs;
    Planner& planner;
    PathBook& paths;
    Fleet& fleet;
    Journal& journal;
  };
  // Runs `call` on the control thread; its answer comes once what it wrote is in the database. Unavailable
  // when this server does not lead, or the database does not answer. Any thread but the control thread.
  template <typename T>
  [[nodiscard]] base::Result<T> Ask(std::function<base::Result<T>(Turn&)> call) {
    auto pending = std::make_shared<Pending<T>>();
    const auto state = pending->state();
    Post([this, call = std::move(call), pending = std::move(pending)]() mutable {
      if (!leading_) return pending->Set(NotLeading());
      Turn turn{*runs_, *planner_, *paths_, *fleet_, *journal_};
      base::Result<T> result = call(turn);
      if (!result.ok()) return pending->Set(std::move(result));
      journal_->Then([pending, result = std::move(result)] { pending->Set(result); });
    });
    std::unique_lock lock(state->mutex);
    if (!state->ready.wait_for(lock, std::chrono::seconds(20),
                               [&] { return state->result.has_value(); })) {
      return base::Unavailable("the database does not answer; what was asked may still happen");
    }
    return *state->result;
  }

  // Definitions were changed here: they are loaded at once. Any thread.
  void OnDefinitions();
  // Events were written to the database. Any thread.
  void OnEvents();
  // Quiet times were changed. Any thread.
  void OnQuietTimes();

  // ---- workers; any thread, of one session in order
  void OnWorkerMessage(SessionId session, wire_worker::FromWorker message);
  void OnWorkerGone(SessionId session);

  // For /readyz and for whoever has to find the leader. Any thread.
  struct Standing {
    bool leading = false;
    std::string leader_address;
    std::string trouble;  // why nothing is decided now; empty: all is well
    std::uint64_t turns = 0, commits = 0;
  };
  [[nodiscard]] Standing standing() const;

 private:
  void Post(std::function<void()> message);
  void Run();
  void RunLoader();
  // Everything that is due; returns when the next thing is, monotonic.
  std::uint64_t TurnOnce();
  void TryLead();
  void LoseLead(const std::string& why);
  void Commit();
  void HandleEvents();
  void CleanUp();
  void OnHello(SessionId session, const wire_worker::Hello& hello);
  void Handle(SessionId session, const wire_worker::FromWorker& message);
  void OnRunEnd(const ActiveRun& run);
  void SaveWorker(const FleetWorker& worker, std::string_view state);
  [[nodiscard]] base::Status NotLeading() const;
  // Loads what was changed since `seen`; the new `seen`.
  [[nodiscard]] std::int64_t LoadChanged(std::int64_t seen);

  const Options options_;
  const Parts parts_;
  WorkerPort* port_ = nullptr;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;
  bool stopping_ = false;
  bool reload_ = false;  // for the loader
  std::condition_variable wake_loader_;
  Standing standing_;

  // The control thread's.
  bool leading_ = false;
  std::uint64_t generation_ = 0;  // of the lead, for the loader
  std::int64_t epoch_ = 0;
  std::uint64_t lead_kept_ns_ = 0, next_try_ns_ = 0, next_clean_ns_ = 0, next_events_ns_ = 0;
  std::int64_t clock_difference_ns_ = 0;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<Fleet> fleet_;
  std::unique_ptr<RunBook> runs_;
  std::unique_ptr<PathBook> paths_;
  std::unique_ptr<Planner> planner_;

  std::thread thread_, loader_;
};

}  // namespace ronda::control
