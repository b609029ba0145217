#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/status.h"
#include "store/database.h"

namespace ronda::store {

// The one server that plans and dispatches.
struct LeaderRow {
  std::string owner = {};
  std::string address = {};  // of its API
  std::int64_t epoch = 0;  // grows with each change of hands
  std::int64_t until_ns = 0;  // since 1970; over: anybody may take it
};

struct WorkerRow {
  std::string id = {}, zone = {};
  std::string labels = "{}", capacity = "{}";  // JSON
  std::string version = {};
  std::string state = {};  // "attached", "away", "left"
  std::int64_t first_seen_ns = 0, last_seen_ns = 0, clock_offset_ns = 0;
};

// Takes the lead for `owner` when nobody has it, or its time is over, or it is the owner's own of an
// earlier life; a new epoch each time. Nothing when somebody else has it.
[[nodiscard]] base::Result<std::optional<LeaderRow>> TakeLead(Transaction& t, std::string_view role,
                                                              const std::string& owner,
                                                              const std::string& address,
                                                              std::int64_t now_ns,
                                                              std::int64_t until_ns);
// False: the lead of that epoch is over; nothing that rests on it may be written.
[[nodiscard]] base::Result<bool> KeepLead(Transaction& t, std::string_view role, std::int64_t epoch,
                                          std::int64_t until_ns);
// Gives it back, so that another can have it at once.
[[nodiscard]] base::Status LeaveLead(Transaction& t, std::string_view role, std::int64_t epoch);
[[nodiscard]] base::Result<std::optional<LeaderRow>> FindLeader(Transaction& t,
                                                                std::string_view role);

[[nodiscard]] base::Status PutWorker(Transaction& t, const WorkerRow& worker);
[[nodiscard]] base::Result<std::vector<WorkerRow>> ListWorkers(Transaction& t);
[[nodiscard]] base::Result<bool> DeleteWorker(Transaction& t, std::string_view id);

}  // namespace ronda::store
