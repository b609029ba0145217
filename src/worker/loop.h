#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/log.h"
#include "disk/file_system.h"
#include "engine/run/control_socket.h"
#include "net/reactor.h"
#include "wire/worker/link.h"
#include "wire/worker/worker.pb.h"
#include "worker/checks.h"
#include "worker/journal.h"
#include "worker/lease.h"
#include "worker/loader.h"
#include "worker/loads.h"
#include "worker/programs.h"
#include "worker/server_clock.h"
#include "worker/worker.h"

// The worker's loop; private to the room.
namespace ronda::worker {

// A part of a run, from its Assign until a server has acknowledged its Done.
struct Part {
  enum class State : std::uint8_t {
    kCompiling,    // on the loader's thread
    kReady,        // a load: waits for StartAt
    kBeginning,    // the journal is about to know of it
    kRunning,
    kFinished,     // its Done is told until it is acknowledged
    kInterrupted,  // an earlier life of the process was executing it
  } state = State::kCompiling;
  wire::worker::PartId id;  // with the newest epoch
  bool load = false;
  bool barrier = false;
  std::shared_ptr<Prepared> prepared;
  Check check;                  // of a single iteration
  std::uint64_t start_ns = 0;   // of a load; monotonic, 0: at once
  std::uint64_t start_wall_ns = 0;  // by the server's clock
  std::string shape;            // of a load
  std::deque<wire::worker::Samples> samples;  // not acknowledged
  std::size_t sample_bytes = 0;
  std::uint64_t last_sequence = 0;
  wire::worker::Done done;

  // Holds a place of the capacity.
  [[nodiscard]] bool active() const { return state <= State::kRunning; }
};

// All state is the loop's thread's, but for what mutex_ guards; everybody else posts.
class Loop : public Worker,
             private wire::worker::LinkEvents,
             private LoadEvents,
             private net::Deferred {
 public:
  Loop(WorkerOptions options, base::Log& log) : options_(std::move(options)), log_(log) {}
  ~Loop() override;

  base::Status Start();
  void Drain(std::uint64_t patience_ns) override;
  base::Status Await() override;

 private:
  // A timer that calls a function of the loop.
  class Tick : public net::Timer {
   public:
    Tick(Loop& loop, void (Loop::*tick)()) : loop_(loop), tick_(tick) {}

   private:
    void OnTimer() override { (loop_.*tick_)(); }
    Loop& loop_;
    void (Loop::* const tick_)();
  };

  // ---- loop.cc: files, link, lease, end
  base::Status OpenFolder();
  base::Status OpenParts();
  void OnUp(const std::string& url) override;
  void OnMessage(wire::worker::ToWorker message) override;
  void OnDown(Was was, const std::string& url, const base::Status& why,
              std::chrono::milliseconds pause) override;
  void Handle(const wire::worker::ToWorker& message);
  void OnWelcome(const wire::worker::Welcome& welcome);
  void OnLease(const wire::worker::LeaseGranted& lease);
  void SayHello();
  void Beat();
  void OnLeaseTime();
  void Reconcile();
  void ArmLease();
  // Sends if a server has welcomed us; what matters is said again after the next Welcome.
  void Send(wire::worker::FromWorker message);
  std::string Control(std::string_view command);
  void BeginDrain(std::uint64_t patience_ns);
  void OnPatienceEnd();
  void LookWhetherDrained();
  void SetOver(const base::Status& status);

  // ---- loop_parts.cc: parts
  void OnAssign(const wire::worker::Assign& assign);
  void OnPrepared(const std::string& key, const wire::worker::Assign& assign,
                  std::shared_ptr<Prepared> prepared, const PrepareError& error);
  void OnStartAt(const wire::worker::StartAt& start);
  void OnStop(const wire::worker::Stop& stop);
  void OnCommand(const wire::worker::Command& command);
  void OnSamplesAck(const wire::worker::SamplesAck& ack);
  void Forget(const wire::worker::PartId& id);
  void Begin(Part& part);
  void OnDeferred() override;  // all that begin together are journaled together
  void Launch(Part& part);
  void Interrupt(Part& part, wire::worker::Done::Outcome outcome, const std::string& reason);
  std::size_t InterruptAll(wire::worker::Done::Outcome outcome, const std::string& reason);
  void FinishUnexecuted(Part& part, wire::worker::Done::Outcome outcome, const std::string& reason);
  void Finish(wire::worker::Done done);
  void Refuse(const wire::worker::PartId& id, wire::worker::Refused::Code code,
              std::string message);
  // Everything that the server has to know of it and may not know.
  void Tell(const Part& part);
  void TellAccepted(const Part& part);
  void TellReady(const Part& part);
  void TellStarted(const Part& part);
  void TellDone(const Part& part);
  [[nodiscard]] Part* Find(const wire::worker::PartId& id);
  [[nodiscard]] std::size_t ActiveParts() const;
  void OnInterval(const wire::worker::PartId& part, std::uint32_t source,
                  std::string interval) override;
  void OnLog(const wire::worker::PartId& part, std::string_view level,
             std::string_view text) override;
  void OnDone(wire::worker::Done done) override;

  const WorkerOptions options_;
  base::Log& log_;
  int lock_ = -1;
  std::unique_ptr<disk::FileSystem> files_;
  std::unique_ptr<Journal> journal_;
  std::string id_, boot_id_;

  std::unique_ptr<net::Reactor> reactor_;
  std::unique_ptr<Programs> programs_;
  std::unique_ptr<Loader> loader_;
  std::unique_ptr<Checks> checks_;
  std::unique_ptr<Loads> loads_;
  std::unique_ptr<wire::worker::Link> link_;
  std::unique_ptr<engine::ControlSocket> control_;
  std::thread thread_;

  Tick beat_{*this, &Loop::Beat}, lease_end_{*this, &Loop::OnLeaseTime},
      reconcile_{*this, &Loop::Reconcile}, patience_{*this, &Loop::OnPatienceEnd};
  bool attached_ = false;
  bool welcomed_ = false;
  bool ever_attached_ = false;
  bool draining_ = false;
  bool patience_over_ = false;
  std::uint64_t epoch_ = 0;
  std::uint64_t hello_ns_ = 0;  // when the last one was sent; monotonic
  std::uint64_t heartbeat_ns_ = 2'000'000'000;
  std::uint64_t heartbeats_ = 0;
  std::uint64_t cpu_ns_ = 0, cpu_at_ns_ = 0;  // at the last heartbeat
  Lease lease_;
  ServerClock clock_;
  std::map<std::string, Part> parts_;  // by KeyOf
  std::vector<std::string> beginning_;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool over_ = false;  // guarded by mutex_, as the next
  base::Status status_;
};

}  // namespace ronda::worker
