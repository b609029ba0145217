#include "control/journal.h"

#include <utility>

#include "store/servers.h"

namespace ronda::control {

base::Status Journal::Commit(std::int64_t lead_until_ns) {
  bool lost = false;
  const base::Status status = database_.Write([&](store::Transaction& transaction) -> base::Status {
    lost = false;
    ASSIGN_OR_RETURN(const bool leads, store::KeepLead(transaction, role_, epoch_, lead_until_ns));
    if (!leads) {
      lost = true;
      return base::Aborted("another server leads");
    }
    for (const Change& change : changes_) RETURN_IF_ERROR(change(transaction));
    return base::Ok();
  });
  if (lost) return base::Aborted("another server leads");
  RETURN_IF_ERROR(status);
  changes_.clear();
  const std::vector<Effect> effects = std::exchange(effects_, {});
  for (const Effect& effect : effects) effect();
  return base::Ok();
}

void Journal::Discard() {
  changes_.clear();
  effects_.clear();
}

}  // namespace ronda::control
