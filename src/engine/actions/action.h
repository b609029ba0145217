#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

namespace ronda::engine {

class Strand;

// One execution of an action that is under way. Owned by the action (a pool of its thread).
class ActionCall {
 public:
  virtual ~ActionCall() = default;
  // Ends it without telling the strand; the call is gone afterwards.
  virtual void Cancel() = 0;
};

// An action of a step, compiled from its `with:`. Immutable; shared by all threads. One folder of
// engine/actions each; its schema is in model/catalog, its compile function in actions/registry.cc.
class ActionPlan {
 public:
  virtual ~ActionPlan() = default;
  // Begins it for the strand's user. Either it ends at once: Strand::Settle has been called and null
  // is returned; or the call is returned, and Strand::Settle and Strand::Continue follow later on the
  // same thread, the call being put away between them.
  [[nodiscard]] virtual ActionCall* Start(Strand& strand) const = 0;
  // Whether a user may hold a connection because of it.
  [[nodiscard]] virtual bool connects() const { return false; }
};

}  // namespace ronda::engine
