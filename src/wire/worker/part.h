#pragma once

#include <string>

#include "wire/worker/worker.pb.h"

namespace ronda::wire::worker {

// Whether both are the same attempt at the same part of the same run; epochs may differ.
[[nodiscard]] bool SamePart(const PartId& a, const PartId& b);
// "<run>/<ordinal>.<attempt>", for maps and messages.
[[nodiscard]] std::string KeyOf(const PartId& part);

}  // namespace ronda::wire::worker
