#pragma once

#include <string>
#include <string_view>

#include "api/call.h"
#include "api/router.h"
#include "base/core/clock.h"
#include "store/audit.h"
#include "store/database.h"

namespace ronda::api {

// States of an object before and after a change, as text that is digested; "" where there is none.
struct Change {
  std::string_view before = {}, after = {};
  std::string detail = {};  // for people; no secrets
};
// The row of a change that `call` makes: append it in the change's transaction (store::AppendAudit). The
// reason is the request's X-Reason.
[[nodiscard]] store::AuditRow AuditOf(const Call& call, const base::Clock& clock,
                                      std::string_view action, std::string object,
                                      const Change& change);

// /api/v1/audit. Borrows the database; outlives the router. Any thread.
class AuditRoutes {
 public:
  explicit AuditRoutes(store::Database& database) : database_(database) {}
  void AddTo(Router& router);

 private:
  base::Result<http::Response> List(const Call& call);
  store::Database& database_;
};

}  // namespace ronda::api
