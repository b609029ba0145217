#include "wire/worker/part.h"

namespace ronda::wire::worker {

bool SamePart(const PartId& a, const PartId& b) {
  return a.run_id() == b.run_id() && a.ordinal() == b.ordinal() && a.attempt() == b.attempt();
}

std::string KeyOf(const PartId& part) {
  return part.run_id() + "/" + std::to_string(part.ordinal()) + "." +
         std::to_string(part.attempt());
}

}  // namespace ronda::wire::worker
