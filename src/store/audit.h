#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/core/status.h"
#include "store/database.h"

namespace ronda::store {

// Who changed what, when and why. Written in the transaction of the change; never changed or removed.
struct AuditRow {
  std::int64_t id = 0;  // grows
  std::int64_t at_ns = 0;  // since 1970
  std::string who = {}, credential = {}, peer = {};
  std::string action = {};  // "user.create"
  std::string object = {};  // "user/ann"
  std::string before_digest = {}, after_digest = {};  // empty: there is, or was, nothing
  std::string detail = {};  // for people; no secrets
  std::string reason = {};
  std::string request_id = {};
};
// Gives it its id.
[[nodiscard]] base::Status AppendAudit(Transaction& t, const AuditRow& row);

struct AuditFilter {
  std::string who = {};  // empty: anybody
  std::string object = {};  // empty: everything; "user/": all that begin so
  std::int64_t before_id = 0;  // 0: from the newest on
  std::int64_t limit = 100;
};
// Newest first.
[[nodiscard]] base::Result<std::vector<AuditRow>> ListAudit(Transaction& t,
                                                            const AuditFilter& filter);

}  // namespace ronda::store
