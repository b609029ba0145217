#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "model/expression.h"
#include "model/types.h"

namespace ronda::model {

// What starts a patrol, a drill or a plan: one of `triggers:`, or the body of a `kind: Trigger`
// (docs/formats/patrol.md, "Triggers").
struct Trigger {
  enum class Source : std::uint8_t { kCron, kEvery, kEvent, kRisk, kRun };
  enum class Misfire : std::uint8_t { kSkip, kOnce, kAll };
  enum class Mode : std::uint8_t { kAuto, kConfirm };

  Location where;
  Source source = Source::kCron;

  Text cron;         // kCron: five or six fields
  std::string zone;  // kCron: an IANA name; empty: the server's
  Duration every;    // kEvery
  // What becomes of the times that passed while no server ran: none, one run for all, each.
  Misfire misfire = Misfire::kOnce;  // kCron, kEvery
  Duration jitter;                   // kCron, kEvery: later by up to so much

  std::string event;  // kEvent: "release.finished"
  // The condition over the event, the risk or the run (CompileCondition): `where:` of an event, which
  // may be empty, or what `risk:` and `run:` say.
  Text condition;

  Mode mode = Mode::kAuto;  // kConfirm: the run waits at a gate until somebody says yes
  Duration cooldown;  // after a start, none for so long; 0: no such time
  Text dedup;  // a template over the record: no second run while one of that key is open
  std::optional<Quota> rate;
};
[[nodiscard]] std::string_view NameOf(Trigger::Source source);  // "cron", as the key says

// A `kind: Trigger`: it stands apart from what it starts.
struct TriggerDefinition {
  Kind target_kind = Kind::kPatrol;  // kPatrol, kDrill, kPlan
  Ref target;
  Trigger trigger;
};

// What the record is called that a trigger's condition and its `dedup` read: "event", "risk", "run";
// of kCron and kEvery "trigger".
[[nodiscard]] std::string_view RecordName(Trigger::Source source);

// Compiles a condition over one record, which is slot 0 of the EvalContext. Its fields are read as
// `event.service`, or bare: `service`. A field that the record lacks is null. Null, with `error`, when
// the text is no expression.
[[nodiscard]] std::unique_ptr<const Expression> CompileCondition(std::string_view text,
                                                                 std::string_view record,
                                                                 LoadError& error);
// The same for a template: `dedup: "${event.service}"`.
[[nodiscard]] std::unique_ptr<const Template> CompileKey(std::string_view text,
                                                         std::string_view record, LoadError& error);

}  // namespace ronda::model
