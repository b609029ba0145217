#include "store/servers.h"

namespace ronda::store {

base::Result<std::optional<LeaderRow>> FindLeader(Transaction& t, std::string_view role) {
  std::optional<LeaderRow> found;
  RETURN_IF_ERROR(t.Query(
      "SELECT owner, address, epoch, until_ns FROM leaders WHERE role = $1", {std::string(role)},
      [&](const Row& row) { found = {row.Text(0), row.Text(1), row.Int(2), row.Int(3)}; }));
  return found;
}

base::Result<std::optional<LeaderRow>> TakeLead(Transaction& t, std::string_view role,
                                                const std::string& owner,
                                                const std::string& address, std::int64_t now_ns,
                                                std::int64_t until_ns) {
  ASSIGN_OR_RETURN(const std::optional<LeaderRow> found, FindLeader(t, role));
  if (found && !found->owner.empty() && found->owner != owner && found->until_ns > now_ns) {
    return std::optional<LeaderRow>();
  }
  LeaderRow taken{owner, address, found ? found->epoch + 1 : 1, until_ns};
  RETURN_IF_ERROR(t.Run(
      "INSERT INTO leaders (role, owner, address, epoch, until_ns) VALUES ($1, $2, $3, $4, $5) ON "
      "CONFLICT (role) DO UPDATE SET owner = excluded.owner, address = excluded.address, epoch = "
      "excluded.epoch, until_ns = excluded.until_ns",
      {std::string(role), taken.owner, taken.address, taken.epoch, taken.until_ns}));
  return std::optional(std::move(taken));
}

base::Result<bool> KeepLead(Transaction& t, std::string_view role, std::int64_t epoch,
                            std::int64_t until_ns) {
  ASSIGN_OR_RETURN(
      const std::int64_t kept,
      t.Execute("UPDATE leaders SET until_ns = $3 WHERE role = $1 AND epoch = $2 AND owner <> ''",
                {std::string(role), epoch, until_ns}));
  return kept == 1;
}

base::Status LeaveLead(Transaction& t, std::string_view role, std::int64_t epoch) {
  return t.Run("UPDATE leaders SET owner = '', until_ns = 0 WHERE role = $1 AND epoch = $2",
               {std::string(role), epoch});
}

base::Status PutWorker(Transaction& t, const WorkerRow& worker) {
  return t.Run(
      "INSERT INTO workers (id, zone, labels, version, capacity, state, first_seen_ns, "
      "last_seen_ns, "
      "clock_offset_ns) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO UPDATE SET "
      "zone = excluded.zone, labels = excluded.labels, version = excluded.version, capacity = "
      "excluded.capacity, state = excluded.state, last_seen_ns = excluded.last_seen_ns, "
      "clock_offset_ns = excluded.clock_offset_ns",
      {worker.id, worker.zone, worker.labels, worker.version, worker.capacity, worker.state,
       worker.first_seen_ns, worker.last_seen_ns, worker.clock_offset_ns});
}

base::Result<std::vector<WorkerRow>> ListWorkers(Transaction& t) {
  std::vector<WorkerRow> found;
  RETURN_IF_ERROR(
      t.Query("SELECT id, zone, labels, version, capacity, state, first_seen_ns, last_seen_ns, "
              "clock_offset_ns FROM workers ORDER BY zone, id",
              {}, [&](const Row& row) {
                found.push_back({.id = row.Text(0),
                                 .zone = row.Text(1),
                                 .labels = row.Text(2),
                                 .capacity = row.Text(4),
                                 .version = row.Text(3),
                                 .state = row.Text(5),
                                 .first_seen_ns = row.Int(6),
                                 .last_seen_ns = row.Int(7),
                                 .clock_offset_ns = row.Int(8)});
              }));
  return found;
}

base::Result<bool> DeleteWorker(Transaction& t, std::string_view id) {
  ASSIGN_OR_RETURN(
      const std::int64_t gone,
      t.Execute("DELETE FROM workers WHERE id = $1 AND state <> 'attached'", {std::string(id)}));
  return gone == 1;
}

}  // namespace ronda::store
