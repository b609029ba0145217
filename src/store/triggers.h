#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/status.h"
#include "store/database.h"

namespace ronda::store {

// Where a trigger of a definition stands. Times: nanoseconds since 1970; 0: none.
struct TriggerRow {
  std::string kind = {}, name = {};  // of the definition
  std::int64_t ordinal = 0;  // in it
  std::string spec_digest = {};
  std::int64_t next_ns = 0;  // due then; 0: not by time
  std::int64_t last_due_ns = 0;
  std::string last_run = {};
  std::int64_t cool_until_ns = 0;
  bool enabled = true;
  std::int64_t suppressed = 0;
  std::string suppressed_why = {};
};

struct EventRow {
  std::string dedup = {};  // once each
  std::string type = {};
  std::string payload = "{}";  // JSON
  std::string source = {};
  std::int64_t received_ns = 0;
};

struct QuietTimeRow {
  std::string id = {};
  std::string kind = {};  // "maintenance", "freeze"
  std::string environment = {};  // empty: all
  std::int64_t from_ns = 0, to_ns = 0;
  std::string reason = {}, author = {};
};

[[nodiscard]] base::Status PutTrigger(Transaction& t, const TriggerRow& trigger);
[[nodiscard]] base::Result<std::vector<TriggerRow>> ListTriggers(Transaction& t);
// Those of a definition from `ordinal` on.
[[nodiscard]] base::Status DeleteTriggers(Transaction& t, std::string_view kind,
                                          std::string_view name, std::int64_t ordinal);

// False: it was there already.
[[nodiscard]] base::Result<bool> InsertEvent(Transaction& t, const EventRow& event);
// Oldest first.
[[nodiscard]] base::Result<std::vector<EventRow>> OpenEvents(Transaction& t, std::int64_t limit);
[[nodiscard]] base::Status MarkEventHandled(Transaction& t, std::string_view dedup);
[[nodiscard]] base::Status DeleteEvents(Transaction& t, std::int64_t before_ns);

[[nodiscard]] base::Status PutQuietTime(Transaction& t, const QuietTimeRow& quiet);
[[nodiscard]] base::Result<bool> DeleteQuietTime(Transaction& t, std::string_view id);
// Those that end after `now_ns`.
[[nodiscard]] base::Result<std::vector<QuietTimeRow>> QuietTimes(Transaction& t,
                                                                 std::int64_t now_ns);

}  // namespace ronda::store
