#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "base/core/clock.h"
#include "base/core/status.h"
#include "control/event_bus.h"
#include "control/journal.h"
#include "store/patrols.h"

namespace ronda::control {

// When a path is failing: `fail` of its newest `of` results failed, `fail_rounds` times in a row; and what
// it takes to be passing again.
struct PathRule {
  int fail = 1, of = 1;
  int fail_rounds = 1, pass_rounds = 1;
};

// One walk of a path, by all its workers.
struct PathResult {
  std::string patrol, scenario, environment;
  std::string run_id;
  std::vector<bool> failed;  // of each part that is known; empty: nothing is known
  std::uint64_t duration_ns = 0;
};

// How the paths stand: state, streaks, availability. Owned by the control thread; writes go through the
// journal.
class PathBook {
 public:
  PathBook(Journal& journal, EventBus& events, const base::Clock& clock)
      : journal_(journal), events_(events), clock_(clock) {}

  [[nodiscard]] base::Status Load(store::Database& database);
  void Take(const PathResult& result, const PathRule& rule);
  // The patrol is gone.
  void Forget(const std::string& patrol);

  // The path's row, as it stands; null: never walked.
  [[nodiscard]] const store::PatrolStateRow* Find(const std::string& patrol,
                                                  const std::string& scenario,
                                                  const std::string& environment) const;

 private:
  using Key = std::tuple<std::string, std::string, std::string>;

  Journal& journal_;
  EventBus& events_;
  const base::Clock& clock_;
  std::map<Key, store::PatrolStateRow> rows_;
};

}  // namespace ronda::control
