#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/clock.h"
#include "base/core/status.h"
#include "base/log.h"
#include "control/journal.h"
#include "control/path_book.h"
#include "control/recipe.h"
#include "control/run_book.h"
#include "control/schedule.h"
#include "model/expression.h"
#include "model/patrol.h"
#include "model/trigger.h"
#include "store/triggers.h"

namespace ronda::control {

// A patrol ready to be run: its recipes, rules, triggers. Made off the control thread; immutable.
struct PatrolPlan {
  std::string name;
  std::int64_t version = 0;
  std::string digest;
  std::vector<std::shared_ptr<const Recipe>> recipes;  // one a scenario and environment
  PathRule rule;
  struct TriggerPlan {
    model::Trigger trigger;
    std::string digest;  // of the trigger as written
    std::shared_ptr<const Schedule> schedule;  // null: not by time
    std::shared_ptr<const model::Expression> condition;  // null: always
  };
  std::vector<TriggerPlan> triggers;
  std::string error;  // why it cannot be run; empty: it can
};

// Loads the patrol and everything that it needs; what is wrong stands in `error`.
[[nodiscard]] std::shared_ptr<const PatrolPlan> PlanOf(Library& library, const SecretsOf& secrets,
                                                       const std::string& name);

// Which patrols there are, when they are due, and whether they may start. Owned by the control thread;
// where triggers stand is written through the journal, together with the runs that they start.
class Planner {
 public:
  Planner(Journal& journal, RunBook& runs, const base::Clock& clock, base::Log& log)
      : journal_(journal), runs_(runs), clock_(clock), log_(log) {}

  // Where triggers stood under another lead, and quiet times.
  [[nodiscard]] base::Status Load(store::Database& database);
  void SetQuietTimes(std::vector<store::QuietTimeRow> times) { quiet_ = std::move(times); }

  void Put(std::shared_ptr<const PatrolPlan> plan);
  void Remove(const std::string& patrol);

  // Starts what is due.
  void Tick();
  // When the next trigger is due, by the wall clock; ~0: none.
  [[nodiscard]] std::uint64_t NextDueWall() const;
  // The clock was set: times are counted from now.
  void OnClockSet();

  // An event came in; how many runs it started.
  int OnEvent(const store::EventRow& event);
  // By hand: all paths of the patrol, or those of one scenario and environment. The runs' ids.
  [[nodiscard]] base::Result<std::vector<std::string>> StartPatrol(const std::string& name,
                                                                   const std::string& scenario,
                                                                   const std::string& environment,
                                                                   const std::string& cause_kind,
                                                                   const std::string& who);

  [[nodiscard]] const PatrolPlan* Find(const std::string& patrol) const;
  [[nodiscard]] std::vector<const PatrolPlan*> All() const;
  // How the triggers of a patrol stand.
  [[nodiscard]] std::vector<store::TriggerRow> Triggers(const std::string& patrol) const;

 private:
  struct State {
    store::TriggerRow row;
    std::deque<std::int64_t> starts;  // for its rate, wall ns
  };
  struct Entry {
    std::shared_ptr<const PatrolPlan> plan;
    std::vector<State> triggers;
  };

  void Fire(Entry& entry, std::size_t trigger, std::int64_t due_ns, const std::string& cause);
  // Why it may not start now; empty: it may.
  [[nodiscard]] std::string Hindrance(const Entry& entry, std::size_t trigger,
                                      const Recipe& recipe) const;
  void Plan(State& state, const PatrolPlan::TriggerPlan& trigger, std::int64_t after_ns);
  void Save(const State& state);
  [[nodiscard]] std::int64_t Wall() const { return static_cast<std::int64_t>(clock_.WallNs()); }

  Journal& journal_;
  RunBook& runs_;
  const base::Clock& clock_;
  base::Log& log_;
  std::map<std::string, Entry> entries_;
  std::map<std::string, std::vector<store::TriggerRow>> kept_;  // of patrols that are not put yet
  std::vector<store::QuietTimeRow> quiet_;
};

}  // namespace ronda::control
