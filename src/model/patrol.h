#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/node.h"
#include "model/trigger.h"
#include "model/types.h"

namespace ronda::model {

// A scenario that a patrol walks.
struct PatrolScenario {
  Ref scenario;
  Node with;  // params of the scenario; a map, or kNull
};

// Which workers walk it.
struct WorkerSelector {
  std::vector<std::string> zones;             // empty: any zone
  std::map<std::string, std::string> labels;  // a worker has all of them
  int count = 0;  // workers a round; 0: not said, one of each zone, or one
};

// A walk that failed is tried again on the same worker before it counts as failed.
struct PatrolRetry {
  int times = 0;  // further walks
  Duration every{1'000'000'000};
};

// Whether a path is up: one scenario in one environment.
struct Verdict {
  Share fail;  // it fails when so many of its newest results did, whichever worker they came from
};

// How many verdicts in a row change the state.
struct Flap {
  int fail = 1;  // to failing
  int pass = 1;  // back to passing
};

enum class RiskSeverity : std::uint8_t { kP1, kP2, kP3, kP4 };

// The risk that a failing path raises.
struct Raise {
  RiskSeverity severity = RiskSeverity::kP3;
  Duration after;  // how long it has been failing by then
};

// What is kept of a walk beside its figures: requests, responses, timings, trace ids.
struct Evidence {
  enum class Keep : std::uint8_t { kFailures, kAll, kNone } keep = Keep::kFailures;
  Size body{64 * 1024};  // of each body, at most
};

// The name of an entry of an environment.
struct EntryName {
  std::string name;
  Location where;
};

// Walks scenarios in environments again and again and says whether they are up
// (docs/formats/patrol.md).
struct Patrol {
  std::vector<PatrolScenario> scenarios;  // at least one
  std::vector<Ref> environments;  // empty: without an environment
  WorkerSelector workers;
  std::vector<Trigger> triggers;  // empty: by hand only
  Verdict verdict;
  PatrolRetry retry;
  Flap flap;
  Duration timeout{60'000'000'000};  // of one walk
  std::optional<Raise> raise;  // none: no risk
  Evidence evidence;
  std::vector<EntryName> covers;  // entries of its environments that it walks
  std::optional<Percent> slo;  // the part of the time that a path has to be up
};

}  // namespace ronda::model
