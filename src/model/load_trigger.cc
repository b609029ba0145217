// `triggers:` of patrols and drills, and `kind: Trigger`.
#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "model/cron.h"
#include "model/tables.h"
#include "model/units.h"

namespace ronda::model {
namespace {

constexpr double kDay = 86'400;

constexpr std::array<std::string_view, 5> kSources = {"cron", "every", "event", "risk", "run"};

// Which sources a field belongs to, beside those that every trigger has.
constexpr unsigned Bit(Trigger::Source source) { return 1u << static_cast<unsigned>(source); }
constexpr unsigned kTimed = Bit(Trigger::Source::kCron) | Bit(Trigger::Source::kEvery);

struct Belongs {
  std::string_view field;
  unsigned sources;
};
constexpr std::array<Belongs, 4> kBelongs = {{{"zone", Bit(Trigger::Source::kCron)},
                                              {"misfire", kTimed},
                                              {"jitter", kTimed},
                                              {"where", Bit(Trigger::Source::kEvent)}}};

void ReadEvent(Loader& loader, const FieldSpec& spec, const Node& node, Trigger& out) {
  if (node.is_scalar() && IsDefinitionName(node.scalar)) {
    out.event = node.scalar;
  } else {
    loader.Error(node, '"' + spec.name + "\" is the type of an event, like release.finished");
  }
}

void ReadQuota(Loader& loader, const FieldSpec& spec, const Node& node, Trigger& out) {
  const auto quota = ParseQuota(node.is_scalar() ? node.scalar : "");
  if (!quota.ok()) return loader.Error(node, '"' + spec.name + "\": " + quota.status().message());
  out.rate = *quota;
}

// What says when: one of them is given.
std::vector<Field<Trigger>> MakeSourceFields() {
  using T = Trigger;
  return {
      Bind<T, &T::cron>({.name = "cron",
                         .type = FieldType::kString,
                         .description = "At times: `minute hour day month weekday`, seconds before "
                                        "them if there are six fields, or `@hourly` and its like.",
                         .literal = true}),
      Bind<T, &T::every>({.name = "every",
                          .type = FieldType::kDuration,
                          .description = "Again and again, from start to start.",
                          .min = 1,
                          .max = 366 * kDay}),
      {{.name = "event",
        .type = FieldType::kString,
        .description = "When an event of this type comes in: `release.finished`.",
        .literal = true},
       ReadEvent},
      Bind<T, &T::condition>(
          {.name = "risk",
           .type = FieldType::kExpression,
           .description = "When a risk is raised for which this holds: `kind == 'overload'`."}),
      Bind<T, &T::condition>(
          {.name = "run",
           .type = FieldType::kExpression,
           .description = "When a run ended for which this holds: `state == 'failed'`."})};
}

std::vector<Field<Trigger>> MakeOtherFields() {
  using T = Trigger;
  return {
      Bind<T, &T::zone>({.name = "zone",
                         .type = FieldType::kString,
                         .description = "Of `cron`: the time zone, like Asia/Shanghai; not said: "
                                        "the server's.",
                         .min = 1,
                         .max = 64,
                         .literal = true}),
      BindChoice<T, &T::misfire>({.name = "misfire",
                                  .type = FieldType::kString,
                                  .description = "Of `cron` and `every`: what becomes of the times "
                                                 "that passed while no server ran.",
                                  .default_text = "once",
                                  .one_of = {"skip", "once", "all"}}),
      Bind<T, &T::jitter>({.name = "jitter",
                           .type = FieldType::kDuration,
                           .description = "Of `cron` and `every`: later by up to so much, spread "
                                          "evenly over the triggers.",
                           .default_text = "0s",
                           .min = 0,
                           .max = 3600}),
      Bind<T, &T::condition>({.name = "where",
                              .type = FieldType::kExpression,
                              .description = "Of `event`: only if this holds of it: `service == "
                                             "'cart'`, or `event.service == 'cart'`."}),
      BindChoice<T, &T::mode>({.name = "mode",
                               .type = FieldType::kString,
                               .description = "`confirm`: the run waits until somebody says yes.",
                               .default_text = "auto",
                               .one_of = {"auto", "confirm"}}),
      Bind<T, &T::cooldown>({.name = "cooldown",
                             .type = FieldType::kDuration,
                             .description = "After a start there is none for so long.",
                             .default_text = "0s",
                             .min = 0,
                             .max = 31 * kDay}),
      Bind<T, &T::dedup>({.name = "dedup",
                          .type = FieldType::kString,
                          .description = "A key, `${event.service}`: no second run while one of "
                                         "the same key is not over.",
                          .max = 1000}),
      {{.name = "rate", .type = FieldType::kString, .description = "Starts at most: `3 per 1h`."},
       ReadQuota}};
}

const std::vector<Field<Trigger>>& TriggerFields() {
  static const std::vector<Field<Trigger>> fields = [] {
    auto made = MakeSourceFields();
    for (auto& field : MakeOtherFields()) made.push_back(std::move(field));
    return made;
  }();
  return fields;
}

std::string Join(unsigned sources) {
  std::string names;
  for (std::size_t i = 0; i < kSources.size(); ++i) {
    if ((sources >> i & 1) != 0) (names += names.empty() ? "" : ", ") += kSources[i];
  }
  return names;
}

// The one key that says when, or null and reported.
const Node* TakeSource(Loader& loader, const Node& node, Trigger& out) {
  const Node* found = nullptr;
  for (std::size_t i = 0; i < kSources.size(); ++i) {
    const Node* source = node.Find(kSources[i]);
    if (source == nullptr) continue;
    if (found != nullptr) {
      loader.Error(*source, "a trigger has one of " + Join(~0u), "write two triggers");
      return nullptr;
    }
    found = source;
    out.source = static_cast<Trigger::Source>(i);
  }
  if (found == nullptr) loader.Error(node, "a trigger needs one of " + Join(~0u));
  return found;
}

void ReportAt(Loader& loader, const Text& text, const LoadError& error) {
  loader.diagnostics.Error(LocationOf(text, error.offset), error.message, error.hint,
                           static_cast<int>(error.length));
}

void CheckTexts(Loader& loader, const Trigger& trigger) {
  const std::string_view record = RecordName(trigger.source);
  LoadError error;
  if (trigger.source == Trigger::Source::kCron &&
      !Cron::Parse(trigger.cron.text, error).has_value()) {
    ReportAt(loader, trigger.cron, error);
  }
  if (!trigger.condition.empty() &&
      CompileCondition(trigger.condition.text, record, error) == nullptr) {
    ReportAt(loader, trigger.condition, error);
  }
  if (!trigger.dedup.empty() && CompileKey(trigger.dedup.text, record, error) == nullptr) {
    ReportAt(loader, trigger.dedup, error);
  }
}

// The rules that go over several fields.
void CheckTrigger(Loader& loader, const Node& node, Trigger& out) {
  const std::size_t before = loader.diagnostics.all().size();
  if (TakeSource(loader, node, out) == nullptr) return;
  for (const auto& [key, value] : node.members) {
    const auto belongs = std::ranges::find(kBelongs, key.scalar, &Belongs::field);
    if (belongs == kBelongs.end() || (belongs->sources & Bit(out.source)) != 0) continue;
    loader.Error(
        key, "a trigger by " + std::string(NameOf(out.source)) + " has no \"" + key.scalar + '"',
        "it belongs to " + Join(belongs->sources));
  }
  if (out.source == Trigger::Source::kEvery && out.every.ns > 0 && out.jitter.ns >= out.every.ns) {
    loader.Error(*node.Find("jitter"), "\"jitter\" is as long as \"every\" itself");
  }
  if (const Node* zone = node.Find("zone"); zone != nullptr) CheckZone(loader, *zone);
  if (loader.diagnostics.all().size() == before) CheckTexts(loader, out);
}

// ---- kind: Trigger

constexpr std::array<std::pair<std::string_view, Kind>, 3> kTargets = {
    {{"patrol", Kind::kPatrol}, {"drill", Kind::kDrill}, {"plan", Kind::kPlan}}};

struct TargetDraft {
  Ref patrol, drill, plan;
};

const std::vector<Field<TargetDraft>>& TargetFields() {
  using D = TargetDraft;
  static const std::vector<Field<D>> fields = {
      Bind<D, &D::patrol>(
          {.name = "patrol", .type = FieldType::kRef, .description = "The patrol it starts."}),
      Bind<D, &D::drill>(
          {.name = "drill", .type = FieldType::kRef, .description = "The drill it starts."}),
      Bind<D, &D::plan>(
          {.name = "plan", .type = FieldType::kRef, .description = "The plan it starts."})};
  return fields;
}

}  // namespace

std::string_view NameOf(Trigger::Source source) {
  return kSources[static_cast<std::size_t>(source)];
}

std::vector<FieldSpec> TriggerSpecs() { return SpecsOf(TriggerFields()); }

std::vector<FieldSpec> TriggerDefinitionSpecs() {
  auto specs = SpecsOf(TargetFields());
  for (FieldSpec& spec : TriggerSpecs()) specs.push_back(std::move(spec));
  return specs;
}

void Read(Loader& loader, const FieldSpec& spec, const Node& node, std::vector<Trigger>& out) {
  if (!ExpectList(loader, node, '"' + spec.name + '"')) return;
  for (const Node& item : node.items) {
    Trigger& trigger = out.emplace_back();
    trigger.where = item.where;
    if (ReadFields(loader, item, "a trigger", TriggerFields(), trigger)) {
      CheckTrigger(loader, item, trigger);
    }
  }
}

void ReadTriggerDefinition(Loader& loader, const Node& document,
                           const std::vector<std::string>& others, TriggerDefinition& out) {
  Node target = document, rest = document;
  const auto is_target = [](const auto& member) {
    return std::ranges::find(kTargets, member.first.scalar,
                             &std::pair<std::string_view, Kind>::first) != kTargets.end();
  };
  std::erase_if(target.members, [&](const auto& member) { return !is_target(member); });
  std::erase_if(rest.members, is_target);
  TargetDraft draft;
  ReadFields(loader, target, "a Trigger", TargetFields(), draft);
  if (target.members.size() != 1) {
    loader.Error(document, "a Trigger has one of patrol, drill, plan: what it starts");
  } else {
    out.target_kind = std::ranges::find(kTargets, target.members[0].first.scalar,
                                        &std::pair<std::string_view, Kind>::first)
                          ->second;
    out.target = out.target_kind == Kind::kPatrol  ? draft.patrol
                 : out.target_kind == Kind::kDrill ? draft.drill
                                                   : draft.plan;
  }
  std::vector<std::string> known = others;
  for (const FieldSpec& spec : SpecsOf(TargetFields())) known.push_back(spec.name);
  out.trigger.where = document.where;
  ReadFields(loader, rest, "a Trigger", TriggerFields(), out.trigger, known);
  CheckTrigger(loader, rest, out.trigger);
}

}  // namespace ronda::model
