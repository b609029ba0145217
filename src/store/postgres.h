#pragma once

#include <memory>
#include <string>

#include "base/core/status.h"
#include "store/database.h"

namespace ronda::store {

// The database that `url` names (libpq's connection URI): some connections, made when they are needed
// and again when they broke; writes are serializable and repeated on conflict.
[[nodiscard]] base::Result<std::unique_ptr<Database>> OpenPostgres(const std::string& url);

}  // namespace ronda::store
