#include "store/triggers.h"

namespace ronda::store {

base::Status PutTrigger(Transaction& t, const TriggerRow& row) {
  return t.Run(
      "INSERT INTO triggers (kind, name, ordinal, spec_digest, next_ns, last_due_ns, last_run, "
      "cool_until_ns, enabled, suppressed, suppressed_why) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, "
      "$9, $10, $11) ON CONFLICT (kind, name, ordinal) DO UPDATE SET spec_digest = "
      "excluded.spec_digest, next_ns = excluded.next_ns, last_due_ns = excluded.last_due_ns, "
      "last_run "
      "= excluded.last_run, cool_until_ns = excluded.cool_until_ns, enabled = excluded.enabled, "
      "suppressed = excluded.suppressed, suppressed_why = excluded.suppressed_why",
      {row.kind, row.name, row.ordinal, row.spec_digest, row.next_ns, row.last_due_ns, row.last_run,
       row.cool_until_ns, std::int64_t{row.enabled}, row.suppressed, row.suppressed_why});
}

base::Result<std::vector<TriggerRow>> ListTriggers(Transaction& t) {
  std::vector<TriggerRow> found;
  RETURN_IF_ERROR(t.Query(
      "SELECT kind, name, ordinal, spec_digest, next_ns, last_due_ns, last_run, cool_until_ns, "
      "enabled, suppressed, suppressed_why FROM triggers ORDER BY kind, name, ordinal",
      {}, [&](const Row& row) {
        found.push_back({.kind = row.Text(0),
                         .name = row.Text(1),
                         .ordinal = row.Int(2),
                         .spec_digest = row.Text(3),
                         .next_ns = row.Int(4),
                         .last_due_ns = row.Int(5),
                         .last_run = row.Text(6),
                         .cool_until_ns = row.Int(7),
                         .enabled = row.Int(8) != 0,
                         .suppressed = row.Int(9),
                         .suppressed_why = row.Text(10)});
      }));
  return found;
}

base::Status DeleteTriggers(Transaction& t, std::string_view kind, std::string_view name,
                            std::int64_t ordinal) {
  return t.Run("DELETE FROM triggers WHERE kind = $1 AND name = $2 AND ordinal >= $3",
               {std::string(kind), std::string(name), ordinal});
}

base::Result<bool> InsertEvent(Transaction& t, const EventRow& event) {
  ASSIGN_OR_RETURN(
      const std::int64_t made,
      t.Execute("INSERT INTO events (dedup, type, payload, source, received_ns, handled) "
                "VALUES ($1, $2, $3, $4, $5, 0) ON CONFLICT DO NOTHING",
                {event.dedup, event.type, event.payload, event.source, event.received_ns}));
  return made == 1;
}

base::Result<std::vector<EventRow>> OpenEvents(Transaction& t, std::int64_t limit) {
  std::vector<EventRow> found;
  RETURN_IF_ERROR(t.Query(
      "SELECT dedup, type, payload, source, received_ns FROM events WHERE handled = 0 ORDER BY "
      "received_ns LIMIT $1",
      {limit}, [&](const Row& row) {
        found.push_back({row.Text(0), row.Text(1), row.Text(2), row.Text(3), row.Int(4)});
      }));
  return found;
}

base::Status MarkEventHandled(Transaction& t, std::string_view dedup) {
  return t.Run("UPDATE events SET handled = 1 WHERE dedup = $1", {std::string(dedup)});
}

base::Status DeleteEvents(Transaction& t, std::int64_t before_ns) {
  return t.Run("DELETE FROM events WHERE handled = 1 AND received_ns < $1", {before_ns});
}

base::Status PutQuietTime(Transaction& t, const QuietTimeRow& quiet) {
  return t.Run(
      "INSERT INTO quiet_times (id, kind, environment, from_ns, to_ns, reason, author) VALUES ($1, "
      "$2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, environment = "
      "excluded.environment, from_ns = excluded.from_ns, to_ns = excluded.to_ns, reason = "
      "excluded.reason, author = excluded.author",
      {quiet.id, quiet.kind, quiet.environment, quiet.from_ns, quiet.to_ns, quiet.reason,
       quiet.author});
}

base::Result<bool> DeleteQuietTime(Transaction& t, std::string_view id) {
  ASSIGN_OR_RETURN(const std::int64_t gone,
                   t.Execute("DELETE FROM quiet_times WHERE id = $1", {std::string(id)}));
  return gone == 1;
}

base::Result<std::vector<QuietTimeRow>> QuietTimes(Transaction& t, std::int64_t now_ns) {
  std::vector<QuietTimeRow> found;
  RETURN_IF_ERROR(
      t.Query("SELECT id, kind, environment, from_ns, to_ns, reason, author FROM quiet_times WHERE "
              "to_ns > $1 "
              "ORDER BY from_ns, id",
              {now_ns}, [&](const Row& row) {
                found.push_back({row.Text(0), row.Text(1), row.Text(2), row.Int(3), row.Int(4),
                                 row.Text(5), row.Text(6)});
              }));
  return found;
}

}  // namespace ronda::store
