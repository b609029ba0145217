// `load:`: k6's executors with k6's fields, one or several by name.
#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <string_view>
#include <utility>

#include "model/tables.h"
#include "model/units.h"

namespace ronda::model {
namespace {

constexpr double kWeek = 7 * 86'400;
constexpr std::size_t kMaxStages = 1000;
constexpr double kMaxUsers = 10'000'000;
constexpr double kMaxRate = 10'000'000;  // arrivals a second

constexpr std::array<std::string_view, 7> kExecutors = {
    "shared-iterations",     "per-vu-iterations",    "constant-vus",         "ramping-vus",
    "constant-arrival-rate", "ramping-arrival-rate", "externally-controlled"};

// Which executors a field belongs to, beside those that every executor has.
constexpr unsigned Bit(Executor executor) { return 1u << static_cast<unsigned>(executor); }
constexpr unsigned kIterating = Bit(Executor::kSharedIterations) | Bit(Executor::kPerVuIterations);
constexpr unsigned kArriving =
    Bit(Executor::kConstantArrivalRate) | Bit(Executor::kRampingArrivalRate);
constexpr unsigned kExternal = Bit(Executor::kExternallyControlled);
constexpr unsigned kRamping = Bit(Executor::kRampingVus) | Bit(Executor::kRampingArrivalRate);

struct Belongs {
  std::string_view field;
  unsigned executors;
  unsigned required_by = 0;
};
constexpr std::array<Belongs, 13> kBelongs = {
    {{"vus", kIterating | Bit(Executor::kConstantVus) | kExternal},
     {"iterations", kIterating},
     {"maxDuration", kIterating},
     {"duration", Bit(Executor::kConstantVus) | Bit(Executor::kConstantArrivalRate) | kExternal,
      Bit(Executor::kConstantVus) | Bit(Executor::kConstantArrivalRate)},
     {"startVUs", Bit(Executor::kRampingVus)},
     {"stages", kRamping, kRamping},
     {"gracefulRampDown", Bit(Executor::kRampingVus)},
     {"rate", Bit(Executor::kConstantArrivalRate) | kExternal, Bit(Executor::kConstantArrivalRate)},
     {"startRate", Bit(Executor::kRampingArrivalRate)},
     {"timeUnit", kArriving | kExternal},
     {"preAllocatedVUs", kArriving | kExternal},
     {"maxVUs", kArriving | kExternal},
     {"maxBacklog", kArriving | kExternal}}};

// Rates are read once `timeUnit` and the executor are known.
struct LoadDraft : Load {
  Duration time_unit{1'000'000'000};
  Node rate_node, start_rate_node, stages_node;
};

template <auto member>
Field<LoadDraft> Users(const std::string& name, const std::string& description,
                       const std::string& default_text) {
  return Bind<LoadDraft, member>({.name = name,
                                  .type = FieldType::kInt,
                                  .description = description,
                                  .default_text = default_text,
                                  .min = 1,
                                  .max = kMaxUsers});
}

template <auto member>
Field<LoadDraft> Time(const std::string& name, const std::string& description,
                      const std::optional<std::string>& default_text, double min) {
  return Bind<LoadDraft, member>({.name = name,
                                  .type = FieldType::kDuration,
                                  .description = description,
                                  .default_text = default_text,
                                  .min = min,
                                  .max = kWeek});
}

std::vector<Field<LoadDraft>> MakeLoadFields() {
  using D = LoadDraft;
  return {
      BindChoice<D, &Load::executor>({.name = "executor",
                                      .type = FieldType::kString,
                                      .description = "How iterations are started.",
                                      .required = true,
                                      .one_of = {kExecutors.begin(), kExecutors.end()}}),
      Users<&Load::vus>("vus", "Virtual users.", "1"),
      Bind<D, &Load::iterations>({.name = "iterations",
                                  .type = FieldType::kInt,
                                  .description = "Iterations: in all, or of each user.",
                                  .default_text = "1",
                                  .min = 1,
                                  .max = 1e15}),
      Time<&Load::max_duration>("maxDuration", "Ends it although iterations are left.", "10m",
                                0.001),
      Time<&Load::duration>("duration", "How long iterations are started.", std::nullopt, 0.001),
      Bind<D, &Load::start_vus>({.name = "startVUs",
                                 .type = FieldType::kInt,
                                 .description = "Users before the first stage.",
                                 .default_text = "1",
                                 .min = 0,
                                 .max = kMaxUsers}),
      Bind<D, &LoadDraft::stages_node>(
          {.name = "stages",
           .type = FieldType::kList,
           .description = "Each leads in a straight line from the last target to its own.",
           .see = "Stage"}),
      Time<&Load::graceful_ramp_down>(
          "gracefulRampDown",
          "Time that a user which is no longer wanted has to finish its "
          "iteration.",
          "30s", 0),
      Time<&Load::graceful_stop>("gracefulStop",
                                 "Time that iterations have to finish at the end; then they are "
                                 "interrupted.",
                                 "30s", 0),
      Bind<D, &LoadDraft::rate_node>(
          {.name = "rate",
           .type = FieldType::kRate,
           .description = "Iterations started per `timeUnit`, or with a unit: `100/s`, `600/m`.",
           .min = 0,
           .max = kMaxRate}),
      Bind<D, &LoadDraft::start_rate_node>({.name = "startRate",
                                            .type = FieldType::kRate,
                                            .description = "The rate before the first stage.",
                                            .default_text = "0",
                                            .min = 0,
                                            .max = kMaxRate}),
      Time<&LoadDraft::time_unit>("timeUnit", "What rates without a unit count by.", "1s", 0.001),
      Users<&Load::pre_allocated_vus>(
          "preAllocatedVUs", "Users made before the start; not said: 1, more are made as needed.",
          ""),
      Users<&Load::max_vus>("maxVUs", "Users at most; not said: preAllocatedVUs, else 10000.", ""),
      Bind<D, &Load::max_backlog>(
          {.name = "maxBacklog",
           .type = FieldType::kInt,
           .description = "Arrivals that wait for a free user; more are counted as dropped. Not "
                          "said: those of 60 s at the highest rate, at least 1000.",
           .min = 1,
           .max = 1e8}),
      Time<&Load::start_time>("startTime", "Since the start of the run.", "0s", 0),
      Time<&Load::warmup>("warmup", "Left out of totals, thresholds and the verdict.", "0s", 0),
      Bind<D, &Load::threads>({.name = "threads",
                               .type = FieldType::kInt,
                               .description = "Reactor threads; not said: one a core.",
                               .min = 1,
                               .max = 1024}),
      Bind<D, &Load::mix>({.name = "mix",
                           .type = FieldType::kList,
                           .description = "Scenarios that this load runs; not said: the drill's.",
                           .see = "Mix"})};
}

const std::vector<Field<LoadDraft>>& LoadFields() {
  static const std::vector<Field<LoadDraft>> fields = [] {
    auto made = MakeLoadFields();
    for (auto& field : made) {
      if (field.spec.default_text == "") field.spec.default_text.reset();
      const auto belongs =
          std::ranges::find(kBelongs, std::string_view(field.spec.name), &Belongs::field);
      if (belongs == kBelongs.end()) continue;
      field.spec.description += " Of:";
      for (std::size_t i = 0; i < kExecutors.size(); ++i) {
        if ((belongs->executors >> i & 1) == 0) continue;
        ((field.spec.description += field.spec.description.ends_with(':') ? " `" : ", `") +=
         kExecutors[i]) += '`';
      }
      field.spec.description += '.';
    }
    return made;
  }();
  return fields;
}

struct StageDraft {
  Node target;
  Duration duration;
};

const std::vector<Field<StageDraft>>& StageFields() {
  static const std::vector<Field<StageDraft>> fields = {
      Bind<StageDraft, &StageDraft::target>(
          {.name = "target",
           .type = FieldType::kRate,
           .description = "Users, or arrivals per `timeUnit`, at its end; `100/s` too.",
           .required = true,
           .min = 0,
           .max = kMaxRate}),
      Bind<StageDraft, &StageDraft::duration>({.name = "duration",
                                               .type = FieldType::kDuration,
                                               .description = "How long it takes; 0: at once.",
                                               .required = true,
                                               .min = 0,
                                               .max = kWeek})};
  return fields;
}

const std::vector<Field<MixEntry>>& MixFields() {
  static const std::vector<Field<MixEntry>> fields = {
      Bind<MixEntry, &MixEntry::scenario>({.name = "scenario",
                                           .type = FieldType::kRef,
                                           .description = "The scenario.",
                                           .required = true}),
      Bind<MixEntry, &MixEntry::weight>({.name = "weight",
                                         .type = FieldType::kFloat,
                                         .description = "Its share, beside the others' weights.",
                                         .default_text = "1",
                                         .min = 0.000001,
                                         .max = 1e6}),
      Bind<MixEntry, &MixEntry::with>(
          {.name = "with", .type = FieldType::kMap, .description = "Its parameters."})};
  return fields;
}

void ReadRate(Loader& loader, const FieldSpec& spec, const Node& node, Duration unit, Rate& out) {
  if (node.is_null()) return;
  const auto rate = ParseRate(node.scalar, unit);
  if (!node.is_scalar() || !rate.ok()) {
    loader.Error(node, '"' + spec.name + "\": " + "expected a rate like 100, 100/s or 600/m");
  } else if (rate->per_second > kMaxRate) {
    loader.Error(node, '"' + spec.name + "\" is at most 10000000/s");
  } else {
    out = *rate;
  }
}

void ReadStages(Loader& loader, const Node& node, LoadDraft& draft) {
  if (node.is_null() || !ExpectList(loader, node, "\"stages\"")) return;
  if (node.items.empty()) return loader.Error(node, "\"stages\" has no stage");
  if (node.items.size() > kMaxStages) return loader.Error(node, "more than 1000 stages");
  const FieldSpec& target = StageFields()[0].spec;
  for (const Node& item : node.items) {
    StageDraft stage;
    if (!ReadFields(loader, item, "a stage", StageFields(), stage)) continue;
    Stage& out = draft.stages.emplace_back();
    out.duration = stage.duration;
    if (draft.executor == Executor::kRampingVus) {
      FieldSpec users = target;
      users.type = FieldType::kInt;
      users.max = kMaxUsers;
      std::int64_t count = 0;
      if (!stage.target.is_null()) Read(loader, users, stage.target, count);
      out.target = static_cast<double>(count);
    } else {
      Rate rate;
      ReadRate(loader, target, stage.target, draft.time_unit, rate);
      out.target = rate.per_second;
    }
  }
}

std::string ExecutorsWith(unsigned executors) {
  std::string names;
  for (std::size_t i = 0; i < kExecutors.size(); ++i) {
    if ((executors >> i & 1) != 0) (names += names.empty() ? "" : ", ") += kExecutors[i];
  }
  return names;
}

void CheckBelongs(Loader& loader, const Node& node, Executor executor) {
  const std::string name(NameOf(executor));
  for (const auto& member : node.members) {
    const auto belongs =
        std::ranges::find(kBelongs, std::string_view(member.first.scalar), &Belongs::field);
    if (belongs == kBelongs.end() || (belongs->executors & Bit(executor)) != 0) continue;
    loader.Error(member.first, name + " has no \"" + member.first.scalar + '"',
                 "it belongs to " + ExecutorsWith(belongs->executors));
  }
  for (const Belongs& belongs : kBelongs) {
    if ((belongs.required_by & Bit(executor)) == 0 || node.Find(belongs.field) != nullptr) continue;
    ReportMissing(loader, node, name, belongs.field);
  }
}

void CheckNumbers(Loader& loader, const Node& node, const LoadDraft& load) {
  if (load.max_vus != 0 && load.max_vus < load.pre_allocated_vus) {
    loader.Error(*node.Find("maxVUs"), "\"maxVUs\" is less than \"preAllocatedVUs\"");
  }
  const Node* rate = node.Find("rate");
  if (load.executor == Executor::kConstantArrivalRate && rate != nullptr &&
      load.rate.per_second <= 0) {
    loader.Error(*rate, "\"rate\" is more than 0");
  }
  if (load.executor == Executor::kSharedIterations && load.iterations < load.vus) {
    loader.Error(node, "\"iterations\" is less than \"vus\": some users would have none");
  }
  std::int64_t total = load.duration.ns;
  for (const Stage& stage : load.stages) total += stage.duration.ns;
  if (!load.stages.empty() && total == 0) loader.Error(node, "the stages take no time at all");
  if (load.warmup.ns > 0 && total > 0 && load.warmup.ns >= total) {
    loader.Error(*node.Find("warmup"), "\"warmup\" is as long as the load itself");
  }
}

void ReadLoad(Loader& loader, const Node& node, Load& out) {
  LoadDraft draft;
  draft.name = out.name;
  draft.where = node.where;
  const std::size_t before = loader.diagnostics.all().size();
  if (!ReadFields(loader, node, "a load", LoadFields(), draft)) return;
  const Node* executor = node.Find("executor");
  if (executor == nullptr || std::ranges::find(kExecutors, executor->scalar) == kExecutors.end()) {
    return;
  }
  CheckBelongs(loader, node, draft.executor);
  draft.by_rate = !draft.rate_node.is_null();
  ReadRate(loader, FindField(LoadFields(), "rate")->spec, draft.rate_node, draft.time_unit,
           draft.rate);
  ReadRate(loader, FindField(LoadFields(), "startRate")->spec, draft.start_rate_node,
           draft.time_unit, draft.start_rate);
  ReadStages(loader, draft.stages_node, draft);
  if (loader.diagnostics.all().size() == before) CheckNumbers(loader, node, draft);
  out = std::move(draft);
}

// One load has its executor at once; several have maps under names of their own.
bool IsNamed(const Node& node) {
  const auto is_map = [](const auto& member) { return member.second.is_map(); };
  return !node.members.empty() && std::ranges::all_of(node.members, is_map);
}

}  // namespace

std::string_view NameOf(Executor executor) {
  return kExecutors[static_cast<std::size_t>(executor)];
}

std::vector<FieldSpec> LoadSpecs() { return SpecsOf(LoadFields()); }
std::vector<FieldSpec> StageSpecs() { return SpecsOf(StageFields()); }
std::vector<FieldSpec> MixSpecs() { return SpecsOf(MixFields()); }

void Read(Loader& loader, const FieldSpec& spec, const Node& node, std::vector<Load>& out) {
  if (!ExpectMap(loader, node, '"' + spec.name + '"')) return;
  if (!IsNamed(node)) return ReadLoad(loader, node, out.emplace_back());
  for (const auto& [name, value] : node.members) {
    Load& load = out.emplace_back();
    load.name = name.scalar;
    if (!IsDefinitionName(name.scalar)) loader.Error(name, "this is no name for a load");
    ReadLoad(loader, value, load);
  }
}

void Read(Loader& loader, const FieldSpec& spec, const Node& node, std::vector<MixEntry>& out) {
  if (!ExpectList(loader, node, '"' + spec.name + '"')) return;
  if (node.items.empty()) return loader.Error(node, "\"mix\" has no scenario");
  for (const Node& item : node.items) {
    ReadFields(loader, item, "a part of the mix", MixFields(), out.emplace_back());
  }
}

}  // namespace ronda::model
