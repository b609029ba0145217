#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/status.h"
#include "store/database.h"

namespace ronda::store {

// A step of the schema, forward only. The text never changes once it was released: the database keeps
// its digest. {bytes} stands for the column type of bytes.
struct Migration {
  int number = 0;  // from 1, without gaps
  std::string_view name;
  std::string_view sql;  // statements with ';' after each; -- begins a comment
};

// All of them: src/store/schema.
[[nodiscard]] const std::vector<Migration>& Migrations();

// Brings the schema to `up_to` (0: the newest), one transaction a step; several servers may start at
// once. FailedPrecondition when the database is newer than this binary, or a step was made otherwise.
[[nodiscard]] base::Status Migrate(Database& database, std::uint64_t now_ns, int up_to = 0);
// The schema's number; 0: empty.
[[nodiscard]] base::Result<int> SchemaVersion(Database& database);

}  // namespace ronda::store
