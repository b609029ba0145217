#include "control/planner.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/json_writer.h"
#include "model/catalog/catalog.h"
#include "model/expression_json.h"
#include "model/load.h"

namespace ronda::control {
namespace {

// A time that is missed by more is a misfire.
constexpr std::int64_t kLateNs = 2'000'000'000;
constexpr int kMostMisfires = 100;

std::string CauseJson(std::string_view trigger, std::size_t ordinal, std::int64_t due_ns) {
  base::JsonWriter json;
  json.Object().Field("trigger", trigger).Field("ordinal", ordinal).Field("dueNs", due_ns);
  json.EndObject();
  return std::move(json.out);
}

// The texts of params, as --set takes them.
std::vector<std::pair<std::string, std::string>> SetOf(const model::Node& with) {
  std::vector<std::pair<std::string, std::string>> set;
  for (const auto& [name, value] : with.members) {
    set.emplace_back(name.scalar, value.is_scalar() ? value.scalar : model::CanonicalForm(value));
  }
  return set;
}

base::Status Fill(Library& library, const SecretsOf& secrets, PatrolPlan& plan) {
  ASSIGN_OR_RETURN(const Library::Found found, library.Get("Patrol", plan.name, 0));
  plan.version = found.version.version;
  plan.digest = found.version.digest;
  if (plan.version == 0) return base::FailedPrecondition("it is only a draft");
  model::DefinitionSet set;
  model::Diagnostics diagnostics;
  LoadDefinitions(std::make_shared<const model::Source>(
                      model::Source{"Patrol/" + plan.name, found.version.text}),
                  model::Catalog::BuiltIn(), set, diagnostics);
  RETURN_IF_ERROR(diagnostics.ToStatus());
  if (set.all.empty() || set.all[0]->As<model::Patrol>() == nullptr)
    return base::DataLoss("it is kept as no patrol");
  const model::Patrol& patrol = *set.all[0]->As<model::Patrol>();
  plan.rule = {.fail = patrol.verdict.fail.count,
               .of = patrol.verdict.fail.of,
               .fail_rounds = patrol.flap.fail,
               .pass_rounds = patrol.flap.pass};
  std::vector<std::string> environments;
  for (const model::Ref& environment : patrol.environments)
    environments.push_back(environment.name);
  if (environments.empty()) environments.emplace_back();
  for (const model::PatrolScenario& scenario : patrol.scenarios) {
    for (const std::string& environment : environments) {
      ASSIGN_OR_RETURN(
          const std::shared_ptr<Recipe> recipe,
          RecipeOf(library, secrets,
                   {model::Kind::kScenario, scenario.scenario.name, scenario.scenario.version},
                   environment));
      recipe->kind = "Patrol";
      recipe->name = plan.name;
      recipe->version = plan.version;
      recipe->digest = plan.digest;
      recipe->set = SetOf(scenario.with);
      recipe->workers = {patrol.workers.zones, patrol.workers.labels, patrol.workers.count};
      recipe->timeout_ns = static_cast<std::uint64_t>(patrol.timeout.ns);
      recipe->retries = patrol.retry.times;
      recipe->retry_every_ns = static_cast<std::uint64_t>(patrol.retry.every.ns);
      switch (patrol.evidence.keep) {
        case model::Evidence::Keep::kAll: recipe->keep = Recipe::Keep::kAll; break;
        case model::Evidence::Keep::kFailures: recipe->keep = Recipe::Keep::kFailures; break;
        case model::Evidence::Keep::kNone: recipe->keep = Recipe::Keep::kNothing; break;
      }
      recipe->body_bytes = patrol.evidence.body.bytes;
      plan.recipes.push_back(recipe);
    }
  }
  for (std::size_t i = 0; i < patrol.triggers.size(); ++i) {
    const model::Trigger& trigger = patrol.triggers[i];
    PatrolPlan::TriggerPlan made;
    made.trigger = trigger;
    made.digest = model::DigestOfText(
        fmt::format("{} {} {} {} {} {}", static_cast<int>(trigger.source), trigger.cron.text,
                    trigger.zone, trigger.every.ns, trigger.jitter.ns, trigger.event));
    ASSIGN_OR_RETURN(made.schedule, ScheduleOf(trigger, fmt::format("Patrol/{}#{}", plan.name, i)));
    if (!trigger.condition.empty()) {
      model::LoadError error;
      made.condition =
          model::CompileCondition(trigger.condition.text, model::RecordName(trigger.source), error);
      if (made.condition == nullptr)
        return base::InvalidArgument("its trigger's condition: " + error.message);
    }
    plan.triggers.push_back(std::move(made));
  }
  return base::Ok();
}

// Whether the record that `json` holds meets the condition.
base::Result<bool> Meets(const model::Expression& condition, const std::string& json) {
  model::Arena arena;
  std::string_view why;
  model::Value record;
  if (!model::ParseJson(json, arena, record, why)) return base::InvalidArgument(std::string(why));
  const std::vector<model::Value> slots = {record};
  model::EvalContext context;
  context.slots = slots;
  context.arena = &arena;
  bool result = false;
  if (!condition.Test(context, result)) return base::InvalidArgument(std::string(context.error));
  return result;
}

}  // namespace

std::shared_ptr<const PatrolPlan> PlanOf(Library& library, const SecretsOf& secrets,
                                         const std::string& name) {
  auto plan = std::make_shared<PatrolPlan>();
  plan->name = name;
  const base::Status status = Fill(library, secrets, *plan);
  if (!status.ok()) {
    plan->error = status.message();
    plan->recipes.clear();
    plan->triggers.clear();
  }
  return plan;
}

base::Status Planner::Load(store::Database& database) {
  return database.Read([&](store::Transaction& t) -> base::Status {
    entries_.clear();
    kept_.clear();
    ASSIGN_OR_RETURN(const auto rows, store::ListTriggers(t));
    for (const store::TriggerRow& row : rows) {
      if (row.kind == "Patrol") kept_[row.name].push_back(row);
    }
    ASSIGN_OR_RETURN(quiet_, store::QuietTimes(t, Wall()));
    return base::Ok();
  });
}

void Planner::Save(const State& state) {
  journal_.Write([row = state.row](store::Transaction& t) { return store::PutTrigger(t, row); });
}

void Planner::Plan(State& state, const PatrolPlan::TriggerPlan& trigger, std::int64_t after_ns) {
  state.row.next_ns =
      trigger.schedule == nullptr ? 0 : trigger.schedule->Next(after_ns).value_or(0);
}

void Planner::Put(std::shared_ptr<const PatrolPlan> plan) {
  Entry& entry = entries_[plan->name];
  std::vector<store::TriggerRow> before = std::move(kept_[plan->name]);
  kept_.erase(plan->name);
  for (const State& state : entry.triggers) before.push_back(state.row);
  entry.plan = std::move(plan);
  if (!entry.plan->error.empty())
    log_.Warning("patrol " + entry.plan->name + " cannot run: " + entry.plan->error);
  entry.triggers.clear();
  for (std::size_t i = 0; i < entry.plan->triggers.size(); ++i) {
    const PatrolPlan::TriggerPlan& trigger = entry.plan->triggers[i];
    State state;
    state.row = {.kind = "Patrol",
                 .name = entry.plan->name,
                 .ordinal = static_cast<std::int64_t>(i),
                 .spec_digest = trigger.digest};
    // One that is written as before goes on where it stood.
    const auto same = std::ranges::find_if(before, [&](const store::TriggerRow& row) {
      return row.ordinal == state.row.ordinal && row.spec_digest == trigger.digest;
    });
    if (same != before.end()) {
      state.row = *same;
    } else {
      Plan(state, trigger, Wall());
      Save(state);
    }
    entry.triggers.push_back(std::move(state));
  }
  journal_.Write([name = entry.plan->name,
                  n = static_cast<std::int64_t>(entry.triggers.size())](store::Transaction& t) {
    return store::DeleteTriggers(t, "Patrol", name, n);
  });
}

void Planner::Remove(const std::string& patrol) {
  entries_.erase(patrol);
  kept_.erase(patrol);
  journal_.Write(
      [patrol](store::Transaction& t) { return store::DeleteTriggers(t, "Patrol", patrol, 0); });
}

std::uint64_t Planner::NextDueWall() const {
  std::uint64_t next = ~std::uint64_t{0};
  for (const auto& [name, entry] : entries_) {
    for (const State& state : entry.triggers) {
      if (state.row.enabled && state.row.next_ns > 0)
        next = std::min(next, static_cast<std::uint64_t>(state.row.next_ns));
    }
  }
  return next;
}

void Planner::OnClockSet() {
  for (auto& [name, entry] : entries_) {
    for (std::size_t i = 0; i < entry.triggers.size(); ++i) {
      State& state = entry.triggers[i];
      if (state.row.next_ns == 0) continue;
      // Set back: what was planned lies too far ahead. Set forward: what was passed is a misfire.
      if (state.row.next_ns > Wall()) {
        Plan(state, entry.plan->triggers[i], Wall());
        Save(state);
      }
    }
  }
}

void Planner::Tick() {
  const std::int64_t now = Wall();
  for (auto& [name, entry] : entries_) {
    for (std::size_t i = 0; i < entry.triggers.size(); ++i) {
      State& state = entry.triggers[i];
      if (!state.row.enabled || state.row.next_ns == 0 || state.row.next_ns > now) continue;
      const PatrolPlan::TriggerPlan& trigger = entry.plan->triggers[i];
      const std::int64_t due = state.row.next_ns;
      // All times that have passed; the newest is the one that is due now unless it is too late.
      std::vector<std::int64_t> passed;
      std::int64_t next = due;
      while (next != 0 && next <= now) {
        passed.push_back(next);
        if (passed.size() > kMostMisfires) passed.erase(passed.begin());
        next = trigger.schedule->Next(next).value_or(0);
      }
      state.row.next_ns = next;
      const bool late = now - passed.back() > kLateNs;
      std::vector<std::int64_t> fire;
      switch (trigger.trigger.misfire) {
        case model::Trigger::Misfire::kSkip:
          if (!late) fire = {passed.back()};
          break;
        case model::Trigger::Misfire::kOnce: fire = {passed.back()}; break;
        case model::Trigger::Misfire::kAll: fire = passed; break;
      }
      for (const std::int64_t each : fire) {
        Fire(entry, i, each, CauseJson(model::NameOf(trigger.trigger.source), i, each));
      }
      Save(state);
    }
  }
}

std::string Planner::Hindrance(const Entry& entry, std::size_t trigger,
                               const Recipe& recipe) const {
  const std::int64_t now = Wall();
  for (const store::QuietTimeRow& quiet : quiet_) {
    if (quiet.from_ns <= now && now < quiet.to_ns &&
        (quiet.environment.empty() || quiet.environment == recipe.environment)) {
      return fmt::format("{}: {}", quiet.kind, quiet.reason);
    }
  }
  const State& state = entry.triggers[trigger];
  const model::Trigger& spec = entry.plan->triggers[trigger].trigger;
  if (now < state.row.cool_until_ns) return "it is cooling down";
  if (spec.rate) {
    const std::int64_t from = now - spec.rate->per.ns;
    const auto recent =
        std::ranges::count_if(state.starts, [&](std::int64_t at) { return at > from; });
    if (recent >= spec.rate->count)
      return fmt::format("its rate of {} is used up", spec.rate->count);
  }
  if (runs_.IsActive(recipe)) return "its last run is not over";
  return "";
}

void Planner::Fire(Entry& entry, std::size_t trigger, std::int64_t due_ns,
                   const std::string& cause) {
  State& state = entry.triggers[trigger];
  const model::Trigger& spec = entry.plan->triggers[trigger].trigger;
  state.row.last_due_ns = due_ns;
  bool started = false;
  for (const auto& recipe : entry.plan->recipes) {
    const std::string hindrance = Hindrance(entry, trigger, *recipe);
    if (!hindrance.empty()) {
      ++state.row.suppressed;
      state.row.suppressed_why = hindrance;
      continue;
    }
    state.row.last_run = runs_.Start({.recipe = recipe,
                                      .cause_kind = std::string(model::NameOf(spec.source)),
                                      .cause = cause,
                                      .confirm = spec.mode == model::Trigger::Mode::kConfirm});
    started = true;
  }
  if (!started) return;
  state.row.cool_until_ns = spec.cooldown.ns > 0 ? Wall() + spec.cooldown.ns : 0;
  if (!spec.rate) return;
  state.starts.push_back(Wall());
  while (state.starts.size() > static_cast<std::size_t>(spec.rate->count)) state.starts.pop_front();
}

int Planner::OnEvent(const store::EventRow& event) {
  int started = 0;
  for (auto& [name, entry] : entries_) {
    for (std::size_t i = 0; i < entry.triggers.size(); ++i) {
      const PatrolPlan::TriggerPlan& trigger = entry.plan->triggers[i];
      if (trigger.trigger.source != model::Trigger::Source::kEvent ||
          trigger.trigger.event != event.type || !entry.triggers[i].row.enabled) {
        continue;
      }
      if (trigger.condition != nullptr) {
        const auto meets = Meets(*trigger.condition, event.payload);
        if (!meets.ok()) {
          log_.Warning(fmt::format("patrol {}: the condition of its trigger {} and event {}: {}",
                                   name, i, event.dedup, meets.status().message()));
          continue;
        }
        if (!*meets) continue;
      }
      base::JsonWriter cause;
      cause.Object().Field("trigger", "event").Field("ordinal", i).Field("event", event.type);
      cause.Field("dedup", event.dedup).Field("source", event.source).EndObject();
      const std::string before = entry.triggers[i].row.last_run;
      Fire(entry, i, event.received_ns, cause.out);
      Save(entry.triggers[i]);
      started += entry.triggers[i].row.last_run != before;
    }
  }
  return started;
}

base::Result<std::vector<std::string>> Planner::StartPatrol(const std::string& name,
                                                            const std::string& scenario,
                                                            const std::string& environment,
                                                            const std::string& cause_kind,
                                                            const std::string& who) {
  const PatrolPlan* plan = Find(name);
  if (plan == nullptr) return base::NotFound("there is no Patrol/" + name);
  if (!plan->error.empty())
    return base::FailedPrecondition("patrol " + name + " cannot run: " + plan->error);
  base::JsonWriter cause;
  cause.Object().Field("who", who).EndObject();
  std::vector<std::string> ids;
  for (const auto& recipe : plan->recipes) {
    if (!scenario.empty() && recipe->root_name != scenario) continue;
    if (!environment.empty() && recipe->environment != environment) continue;
    ids.push_back(runs_.Start({.recipe = recipe, .cause_kind = cause_kind, .cause = cause.out}));
  }
  if (ids.empty())
    return base::NotFound("patrol " + name + " has no such scenario and environment");
  return ids;
}

const PatrolPlan* Planner::Find(const std::string& patrol) const {
  const auto found = entries_.find(patrol);
  return found == entries_.end() ? nullptr : found->second.plan.get();
}

std::vector<const PatrolPlan*> Planner::All() const {
  std::vector<const PatrolPlan*> all;
  for (const auto& [name, entry] : entries_) all.push_back(entry.plan.get());
  return all;
}

std::vector<store::TriggerRow> Planner::Triggers(const std::string& patrol) const {
  std::vector<store::TriggerRow> rows;
  const auto found = entries_.find(patrol);
  if (found == entries_.end()) return rows;
  for (const State& state : found->second.triggers) rows.push_back(state.row);
  return rows;
}

}  // namespace ronda::control
