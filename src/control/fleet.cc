#include "control/fleet.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace ronda::control {
namespace {

bool Fits(const FleetWorker& worker, const WorkerWish& wish) {
  if (!worker.attached()) return false;
  if (!wish.zones.empty() && std::ranges::find(wish.zones, worker.zone) == wish.zones.end())
    return false;
  return std::ranges::all_of(wish.labels, [&](const auto& label) {
    const auto found = worker.labels.find(label.first);
    return found != worker.labels.end() && found->second == label.second;
  });
}

std::string Describe(const WorkerWish& wish) {
  std::string text;
  if (!wish.zones.empty()) text += fmt::format(" in {}", fmt::join(wish.zones, ", "));
  for (const auto& [key, value] : wish.labels) text += fmt::format(" with {}={}", key, value);
  return text;
}

}  // namespace

FleetWorker& Fleet::Attach(SessionId session, const wire_worker::Hello& hello, std::uint64_t now_ns,
                           std::uint64_t wall_ns, SessionId* replaced) {
  FleetWorker& worker = workers_[hello.worker_id()];
  *replaced = worker.session == session ? 0 : worker.session;
  if (*replaced != 0) sessions_.erase(*replaced);
  if (worker.id.empty()) worker.first_seen_wall_ns = wall_ns;
  worker.id = hello.worker_id();
  worker.zone = hello.zone();
  worker.version = hello.version();
  worker.boot_id = hello.boot_id();
  worker.labels = {hello.labels().begin(), hello.labels().end()};
  worker.cores = hello.capacity().cores();
  worker.memory_bytes = hello.capacity().memory_bytes();
  worker.capacity = std::max(1u, hello.capacity().parts());
  worker.session = session;
  worker.lease_until_ns = now_ns + kLeaseNs;
  worker.last_seen_wall_ns = wall_ns;
  worker.snapshots.clear();
  sessions_[session] = worker.id;
  return worker;
}

void Fleet::Expect(const std::string& id, const std::string& part, std::uint64_t now_ns) {
  FleetWorker& worker = workers_[id];
  worker.id = id;
  worker.parts.insert(part);
  if (!worker.attached()) worker.lease_until_ns = now_ns + kLeaseNs;
}

void Fleet::Beat(FleetWorker& worker, const wire_worker::Heartbeat& heartbeat, std::uint64_t now_ns,
                 std::uint64_t wall_ns) {
  worker.lease_until_ns = now_ns + kLeaseNs;
  worker.last_seen_wall_ns = wall_ns;
  worker.cpu = heartbeat.cpu();
  worker.used_memory_bytes = heartbeat.memory_bytes();
  // The way takes some time, which is counted to the offset: it is never smaller than the difference.
  worker.clock_offset_ns = static_cast<std::int64_t>(heartbeat.wall_ns() - wall_ns);
}

FleetWorker* Fleet::Detach(SessionId session) {
  FleetWorker* worker = OfSession(session);
  sessions_.erase(session);
  if (worker == nullptr || worker->session != session) return nullptr;
  worker->session = 0;
  return worker;
}

FleetWorker* Fleet::OfSession(SessionId session) {
  const auto found = sessions_.find(session);
  return found == sessions_.end() ? nullptr : Find(found->second);
}

FleetWorker* Fleet::Find(const std::string& id) {
  const auto found = workers_.find(id);
  return found == workers_.end() ? nullptr : &found->second;
}

std::vector<FleetWorker*> Fleet::Expired(std::uint64_t now_ns) {
  std::vector<FleetWorker*> expired;
  for (auto& [id, worker] : workers_) {
    if (!worker.parts.empty() && worker.lease_until_ns <= now_ns) expired.push_back(&worker);
  }
  return expired;
}

std::uint64_t Fleet::NextExpiry() const {
  std::uint64_t next = ~std::uint64_t{0};
  for (const auto& [id, worker] : workers_) {
    if (!worker.parts.empty()) next = std::min(next, worker.lease_until_ns);
  }
  return next;
}

std::vector<FleetWorker*> Fleet::Pick(const WorkerWish& wish, std::string* why) {
  std::map<std::string, std::vector<FleetWorker*>> by_zone;
  std::size_t fitting = 0;
  for (auto& [id, worker] : workers_) {
    if (!Fits(worker, wish)) continue;
    ++fitting;
    if (worker.free() > 0) by_zone[worker.zone].push_back(&worker);
  }
  const std::size_t wanted = wish.count > 0 ? static_cast<std::size_t>(wish.count)
                                            : std::max<std::size_t>(1, wish.zones.size());
  for (const std::string& zone : wish.zones) {
    if (wish.count == 0 && !by_zone.contains(zone)) {
      *why = fmt::format("no worker is free in zone {}", zone);
      return {};
    }
  }
  for (auto& [zone, workers] : by_zone) {
    std::ranges::sort(workers, [](const FleetWorker* a, const FleetWorker* b) {
      if (a->free() != b->free()) return a->free() > b->free();
      return a->last_given < b->last_given;
    });
  }
  std::vector<FleetWorker*> picked;
  // The zone whose last part is longest ago first, and round again.
  std::vector<std::vector<FleetWorker*>*> zones;
  for (auto& [zone, workers] : by_zone) zones.push_back(&workers);
  std::ranges::sort(zones, {}, [](const auto* workers) {
    return std::ranges::max(*workers, {}, &FleetWorker::last_given)->last_given;
  });
  for (std::size_t turn = 0; picked.size() < wanted; ++turn) {
    bool any = false;
    for (const auto* workers : zones) {
      if (turn >= workers->size() || picked.size() >= wanted) continue;
      picked.push_back((*workers)[turn]);
      any = true;
    }
    if (!any) break;
  }
  if (picked.size() < wanted) {
    *why = fitting == 0 ? fmt::format("no worker is attached{}", Describe(wish))
                        : fmt::format("{} of the {} wanted workers{} are free", picked.size(),
                                      wanted, Describe(wish));
    return {};
  }
  for (FleetWorker* worker : picked) worker->last_given = ++given_;
  return picked;
}

}  // namespace ronda::control
