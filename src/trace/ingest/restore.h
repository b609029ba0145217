#pragma once

#include <cstdint>
#include <string>

#include "base/core/status.h"

namespace ronda::trace::ingest {

struct Restored {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::uint64_t spans = 0;
  std::uint64_t log_records = 0;
};

// Copies a backup (Lanes::BackUp), or any traces' folder that no process has open, to `to`, which is
// empty or missing. Every segment is read whole before anything is copied: DataLoss names the one that
// is damaged. FailedPrecondition when `to` has something in it or `from` is no such folder. The folder
// can be used when this returns Ok, and not before: it gets its name at the end.
[[nodiscard]] base::Result<Restored> Restore(std::string from, std::string to);

}  // namespace ronda::trace::ingest
