#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "control/recipe.h"
#include "wire/worker/worker.pb.h"

namespace ronda::control {

namespace wire_worker = wire::worker;

using SessionId = std::uint64_t;

// How messages get to a worker. Any call is from the control thread.
class WorkerPort {
 public:
  virtual ~WorkerPort() = default;
  // A session that is gone is told by its end, not here.
  virtual void Send(SessionId session, const wire_worker::ToWorker& message) = 0;
  virtual void Close(SessionId session) = 0;
};

// How long a worker may go on without hearing from a server, and how often it asks.
inline constexpr std::uint64_t kLeaseNs = 15'000'000'000;
inline constexpr std::uint64_t kHeartbeatNs = 2'000'000'000;

// A worker as the server knows it. Times of the monotonic clock unless said otherwise.
struct FleetWorker {
  std::string id, zone, version, boot_id;
  std::map<std::string, std::string> labels;
  std::uint32_t cores = 0, capacity = 1;
  std::uint64_t memory_bytes = 0;
  SessionId session = 0;  // 0: away
  std::uint64_t lease_until_ns = 0;
  std::int64_t clock_offset_ns = 0;  // its clock minus the server's, as well as is known
  double cpu = 0;
  std::uint64_t used_memory_bytes = 0;
  std::uint64_t first_seen_wall_ns = 0, last_seen_wall_ns = 0;
  std::set<std::string> parts;  // that it was given and has not finished: wire::worker::KeyOf
  std::set<std::string> snapshots;  // that this session was sent
  std::uint64_t last_given = 0;  // counts assignments: who had the last one longest ago is next

  [[nodiscard]] bool attached() const { return session != 0; }
  [[nodiscard]] std::uint32_t free() const {
    return parts.size() >= capacity ? 0 : capacity - static_cast<std::uint32_t>(parts.size());
  }
};

// Which workers there are, and who gets the next part. Owned by the control thread; no I/O.
class Fleet {
 public:
  // A worker came. Another session of the same worker (it reconnected, or a second process has its id) is
  // returned in *replaced to be closed; 0: none.
  FleetWorker& Attach(SessionId session, const wire_worker::Hello& hello, std::uint64_t now_ns,
                      std::uint64_t wall_ns, SessionId* replaced);
  // A worker that holds a part, from before this server led: it has one lease to come back.
  void Expect(const std::string& id, const std::string& part, std::uint64_t now_ns);
  // A heartbeat prolongs the lease and tells of the clocks.
  void Beat(FleetWorker& worker, const wire_worker::Heartbeat& heartbeat, std::uint64_t now_ns,
            std::uint64_t wall_ns);
  // The session's worker is away from now on; its lease goes on. Null for an unknown session.
  FleetWorker* Detach(SessionId session);

  [[nodiscard]] FleetWorker* OfSession(SessionId session);
  [[nodiscard]] FleetWorker* Find(const std::string& id);
  // Those whose lease is over and who still hold parts: nothing of what they do is believed from now on.
  [[nodiscard]] std::vector<FleetWorker*> Expired(std::uint64_t now_ns);
  // When the next lease of a worker with parts ends; ~0: none.
  [[nodiscard]] std::uint64_t NextExpiry() const;

  // Workers for a round: `wish.count` of them, or one of each zone, each once, spread over the zones, the
  // freest first. Empty when there are not enough: *why then says what is missing.
  [[nodiscard]] std::vector<FleetWorker*> Pick(const WorkerWish& wish, std::string* why);

  [[nodiscard]] const std::map<std::string, FleetWorker>& workers() const { return workers_; }

 private:
  std::map<std::string, FleetWorker> workers_;
  std::map<SessionId, std::string> sessions_;
  std::uint64_t given_ = 0;
};

}  // namespace ronda::control
