#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/actions/action.h"
#include "engine/extract/extractor.h"
#include "engine/load/executor.h"
#include "engine/program/feed_table.h"
#include "engine/program/value_plan.h"
#include "model/definitions.h"
#include "model/expression.h"
#include "model/value.h"
#include "net/http_client.h"
#include "stats/interval.h"
#include "stats/shape.h"

namespace ronda::engine {

using Slot = std::uint32_t;
inline constexpr Slot kNoSlot = ~Slot{0};

// A compiled check of a step.
struct CheckPlan {
  std::unique_ptr<const model::Expression> expression;
  stats::CheckId id = 0;
  bool fatal = false;
};

// Something that a step reads out of its response into a slot.
struct ExtractPlan {
  std::string name;
  Slot slot = 0;
  std::unique_ptr<const extract::Extractor> extractor;          // or
  std::unique_ptr<const model::Expression> expression;
  std::optional<model::Value> fallback;
  bool required = false;
  bool secret = false;
};

// An output of the action that somebody reads: the action writes it, others pay nothing.
struct OutputUse {
  std::uint16_t output = 0;      // index into ActionSchema::outputs
  Slot slot = 0;
  bool kept = false;  // read by a later step: copied; else it may point into the response
  std::string key;  // `headers.x`, `cookies.x`: x
  std::unique_ptr<const extract::JsonPath> path;  // `json.a.b`
};

struct Assignment {
  Slot slot = 0;
  std::unique_ptr<const ValuePlan> value;
};

struct LoopPlan {
  enum class Kind : std::uint8_t { kForEach, kRepeat, kWhile } kind = Kind::kRepeat;
  std::unique_ptr<const ValuePlan> list_or_count;
  std::unique_ptr<const model::Expression> condition;  // kWhile
  Slot item = kNoSlot;
  Slot index = kNoSlot;
  std::int64_t max = 0;
};

struct PollPlan {
  std::unique_ptr<const model::Expression> until;
  std::uint64_t every_ns = 0, max_every_ns = 0, deadline_ns = 0;
  double backoff = 1;
};

// One step as it is executed. The tree is immutable and shared by all threads.
struct StepPlan {
  std::string path;  // "browse.item": as reports name it
  stats::StepId stat = 0;
  model::Location where;
  std::unique_ptr<const model::Expression> when;
  std::uint32_t meet = ~0u;  // index into Program::meets
  std::uint64_t timeout_ns = 0;  // of one attempt, when has_timeout; 0: none
  bool has_timeout = false;  // else the action's own
  std::optional<model::Retry> retry;
  std::optional<PollPlan> poll;
  std::optional<LoopPlan> loop;
  std::uint32_t parallel = 1;  // turns of the loop, or members of the group, at a time; 0: all
  std::optional<model::Wait> think;
  bool always = false;
  model::OnFailure::Kind on_failure = model::OnFailure::Kind::kAbort;
  std::uint32_t goto_index = 0;  // kGoto: in the same list

  std::unique_ptr<const ActionPlan> action;  // or
  std::vector<StepPlan> steps;  // a group, or the body of a component
  std::vector<Assignment> params;  // set before the body of a component
  std::vector<Assignment> outputs;  // set after it

  std::vector<OutputUse> uses;
  std::vector<ExtractPlan> extracts;
  std::vector<CheckPlan> checks;
  bool reads_body = false;  // something reads the response's body
  bool checks_status = false;  // a check reads `status`: then 4xx and 5xx fail by the check alone
};

struct FeedUsePlan {
  std::uint32_t feed = 0;  // index into Program::feeds
  std::vector<std::pair<std::uint32_t, Slot>> columns;  // column, where it goes
};

// One scenario as it is executed; in a drill one a mix entry.
struct FlowPlan {
  std::string name;
  stats::ScenarioId stat = 0;
  std::vector<StepPlan> steps;
  std::vector<FeedUsePlan> feeds;
  std::optional<model::Wait> pacing;
  bool cookies_per_iteration = true;
  bool connections_per_iteration = false;
};

// One load: an executor and what its iterations do.
struct LoadUse {
  std::string name;
  LoadPlan plan;
  std::uint64_t graceful_stop_ns = 30'000'000'000;
  std::uint64_t warmup_ns = 0;
  int threads = 0;  // 0: not said
  std::vector<std::pair<std::uint32_t, double>> flows;  // index into Program::flows, weight
};

struct MeetPlan {
  std::string name;
  std::uint32_t users = 0;
  std::optional<std::uint64_t> at_ns;  // since the run's start
  std::uint64_t timeout_ns = 0;
  bool abort_on_timeout = false;
};

// Slots that the engine fills for every user; kNoSlot when nobody reads them.
struct WellKnownSlots {
  Slot user_id = kNoSlot;  // `vu.id`
  Slot iteration = kNoSlot;  // `vu.iteration`
  Slot trace_id = kNoSlot;  // `vu.trace`
};

// A scenario or a drill, compiled: what virtual users execute. Immutable once compiled (feeds hand out
// rows by atomic counters); shared by all threads.
struct Program {
  std::string name;
  stats::Shape shape;
  std::deque<FlowPlan> flows;
  std::vector<StepPlan> setup, finally;
  std::vector<LoadUse> loads;  // at least one
  std::uint32_t users_per_connection = 1;  // more: they share one, by HTTP/2 streams
  bool traced = false;  // iterations have a trace id and carry traceparent
  std::size_t evidence_bytes = stats::Example::kBodyLimit;  // of a body, kept of an exchange
  bool single_iteration = false;  // no load was given: one iteration, checks decide the verdict
  std::vector<MeetPlan> meets;
  std::vector<std::unique_ptr<const net::Transport>> transports;  // lent to the HTTP actions
  std::vector<std::unique_ptr<FeedTable>> feeds;
  std::vector<model::Threshold> thresholds;
  std::vector<model::Guard> guards;
  std::vector<model::Output> outputs;

  // What every user's slots begin with: constants in place, the rest null.
  std::vector<model::Value> initial_slots;
  std::vector<std::string> slot_names;  // "login.token", for people
  WellKnownSlots well_known;
  std::vector<Slot> setup_slots;  // what setup leaves behind for everybody
  std::vector<Slot> secret_slots;  // never printed
  std::vector<std::string> secret_values;  // known at load; never printed
  model::Arena constants;  // what initial_slots point into
};

}  // namespace ronda::engine
