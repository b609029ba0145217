#pragma once

#include <memory>
#include <string>

#include "base/core/status.h"
#include "store/database.h"

namespace ronda::store {

// The file at `path`, made if it is missing: write-ahead log, each commit synced, one connection that
// writes and a few that read (https://sqlite.org/wal.html).
[[nodiscard]] base::Result<std::unique_ptr<Database>> OpenSqlite(const std::string& path);

}  // namespace ronda::store
