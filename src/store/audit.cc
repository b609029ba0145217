#include "store/audit.h"

#include <limits>

#include "store/definitions.h"

namespace ronda::store {

base::Status AppendAudit(Transaction& t, const AuditRow& row) {
  ASSIGN_OR_RETURN(const std::int64_t id, NextOf(t, "audit"));
  return t.Run(
      "INSERT INTO audit (id, at_ns, who, credential, peer, action, object, before_digest, "
      "after_digest, detail, reason, request_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, "
      "$11, $12)",
      {id, row.at_ns, row.who, row.credential, row.peer, row.action, row.object, row.before_digest,
       row.after_digest, row.detail, row.reason, row.request_id});
}

base::Result<std::vector<AuditRow>> ListAudit(Transaction& t, const AuditFilter& filter) {
  std::vector<AuditRow> found;
  const std::int64_t before =
      filter.before_id == 0 ? std::numeric_limits<std::int64_t>::max() : filter.before_id;
  RETURN_IF_ERROR(t.Query(
      "SELECT id, at_ns, who, credential, peer, action, object, before_digest, after_digest, "
      "detail, reason, request_id FROM audit WHERE id < $1 AND ($2 = '' OR who = $2) AND ($3 = '' "
      "OR substr(object, 1, length($3)) = $3) ORDER BY id DESC LIMIT $4",
      {before, filter.who, filter.object, filter.limit}, [&](const Row& row) {
        found.push_back({.id = row.Int(0),
                         .at_ns = row.Int(1),
                         .who = row.Text(2),
                         .credential = row.Text(3),
                         .peer = row.Text(4),
                         .action = row.Text(5),
                         .object = row.Text(6),
                         .before_digest = row.Text(7),
                         .after_digest = row.Text(8),
                         .detail = row.Text(9),
                         .reason = row.Text(10),
                         .request_id = row.Text(11)});
      }));
  return found;
}

}  // namespace ronda::store
