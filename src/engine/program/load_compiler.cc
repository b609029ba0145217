#include "engine/program/load_compiler.h"

#include <algorithm>
#include <cmath>

namespace ronda::engine {
namespace {

// An open load that does not say `maxVUs` makes as many users as it needs, up to this.
constexpr std::uint32_t kDefaultMaxUsers = 10'000;
// One that does not say `maxBacklog` keeps this many seconds of arrivals waiting.
constexpr double kDefaultBacklogSeconds = 60;
constexpr std::uint64_t kDefaultDurationNs = 30'000'000'000;

ExecutorKind KindOf(model::Executor executor) {
  switch (executor) {
    case model::Executor::kSharedIterations: return ExecutorKind::kSharedIterations;
    case model::Executor::kPerVuIterations: return ExecutorKind::kPerVuIterations;
    case model::Executor::kConstantVus: return ExecutorKind::kConstantVus;
    case model::Executor::kRampingVus: return ExecutorKind::kRampingVus;
    case model::Executor::kConstantArrivalRate: return ExecutorKind::kConstantArrivalRate;
    case model::Executor::kRampingArrivalRate: return ExecutorKind::kRampingArrivalRate;
    case model::Executor::kExternallyControlled: return ExecutorKind::kExternallyControlled;
  }
  return ExecutorKind::kConstantVus;
}

std::uint64_t Ns(model::Duration duration) { return static_cast<std::uint64_t>(duration.ns); }

double PeakRate(const LoadPlan& plan) {
  double peak = std::max(plan.rate, plan.start_value);
  for (const Stage& stage : plan.stages) peak = std::max(peak, stage.target);
  return peak;
}

void FillDefaults(LoadPlan& plan, std::int64_t preallocated, std::int64_t most,
                  std::int64_t backlog) {
  if (!plan.open_model()) return;
  plan.preallocated_users = static_cast<std::uint32_t>(std::max<std::int64_t>(preallocated, 1));
  plan.max_users = static_cast<std::uint32_t>(most);
  if (most == 0) plan.max_users = preallocated > 0 ? plan.preallocated_users : kDefaultMaxUsers;
  plan.max_backlog = static_cast<std::uint64_t>(backlog);
  if (backlog == 0) {
    plan.max_backlog =
        static_cast<std::uint64_t>(std::max(1000.0, PeakRate(plan) * kDefaultBacklogSeconds));
  }
}

const model::LoadPlan* PlanOf(const model::Definition& root) {
  if (const auto* scenario = root.As<model::Scenario>()) return &scenario->plan;
  return &root.As<model::Drill>()->plan;
}

}  // namespace

bool LoadCompiler::IsSingleIteration() const {
  const LoadOverride& said = input_.load;
  return said.once || (PlanOf(*input_.root)->loads.empty() && !said.users && !said.rate &&
                       !said.duration_ns && !said.iterations);
}

void LoadCompiler::AddMeets() {
  // A single user would wait for nobody: its steps have no meetings.
  if (IsSingleIteration()) return;
  for (const model::Meet& meet : PlanOf(*input_.root)->meets) {
    MeetPlan plan;
    plan.name = meet.name;
    plan.users = static_cast<std::uint32_t>(meet.users);
    if (meet.at) plan.at_ns = Ns(*meet.at);
    plan.timeout_ns = Ns(meet.timeout);
    plan.abort_on_timeout = meet.on_timeout == model::Meet::OnTimeout::kAbort;
    program_.meets.push_back(std::move(plan));
  }
}

void LoadCompiler::AddPlan(const model::LoadPlan& plan, const Flows& flows,
                           const std::vector<Flows>& load_flows) {
  program_.thresholds = plan.thresholds;
  program_.guards = plan.guards;
  program_.outputs = plan.outputs;
  // A span is only of use where the request carries its ids.
  program_.traced |= std::ranges::any_of(
      plan.outputs, [](const model::Output& output) { return output.kind == "otlp"; });
  const LoadOverride& said = input_.load;
  if (IsSingleIteration()) {
    program_.single_iteration = true;
    LoadUse use;
    use.name = "once";
    use.plan.kind = ExecutorKind::kSharedIterations;
    use.plan.users = 1;
    use.plan.iterations = flows.size();
    for (const auto& [flow, weight] : flows) use.flows.emplace_back(flow, 1.0);
    Push(std::move(use));
    return;
  }
  if (said.users || said.rate || said.iterations || plan.loads.empty()) {
    AddOverride(plan, flows);
  } else {
    for (std::size_t i = 0; i < plan.loads.size(); ++i) {
      AddLoad(plan.loads[i], i < load_flows.size() ? load_flows[i] : flows);
    }
  }
  CheckMeets(plan);
  CheckGuards(plan);
}

void LoadCompiler::AddOverride(const model::LoadPlan& plan, const Flows& flows) {
  const LoadOverride& said = input_.load;
  LoadUse use;
  use.name = "command line";
  if (!plan.loads.empty()) {
    use.warmup_ns = Ns(plan.loads.front().warmup);
    use.graceful_stop_ns = Ns(plan.loads.front().graceful_stop);
    use.plan.graceful_stop_ns = use.graceful_stop_ns;
  }
  use.flows = flows;
  LoadPlan& load = use.plan;
  load.duration_ns = said.duration_ns.value_or(kDefaultDurationNs);
  load.users = said.users.value_or(1);
  if (said.rate) {
    load.kind = ExecutorKind::kConstantArrivalRate;
    load.rate = *said.rate;
    FillDefaults(load, said.users.value_or(0), said.users.value_or(0), 0);
  } else if (said.iterations) {
    load.kind = ExecutorKind::kSharedIterations;
    load.iterations = *said.iterations;
    if (said.duration_ns) load.max_duration_ns = *said.duration_ns;
  } else {
    load.kind = ExecutorKind::kConstantVus;
  }
  Push(std::move(use));
}

void LoadCompiler::AddLoad(const model::Load& load, const Flows& flows) {
  LoadUse use;
  use.name = load.name;
  use.flows = flows;
  use.graceful_stop_ns = Ns(load.graceful_stop);
  use.warmup_ns = Ns(load.warmup);
  use.threads = load.threads;
  LoadPlan& plan = use.plan;
  plan.kind = KindOf(load.executor);
  if (input_.load.duration_ns && !load.stages.empty()) {
    diagnostics_.Error(load.where,
                       std::string("--duration does not apply to ") + NameOf(plan.kind) +
                           ": its stages say how long it takes",
                       "leave --duration out, or give --users or --rate with it");
  }
  plan.users = static_cast<std::uint32_t>(load.vus);
  plan.iterations = static_cast<std::uint64_t>(load.iterations);
  plan.duration_ns = input_.load.duration_ns.value_or(Ns(load.duration));
  plan.max_duration_ns = input_.load.duration_ns.value_or(Ns(load.max_duration));
  plan.rate = load.rate.per_second;
  plan.start_value = plan.kind == ExecutorKind::kRampingVus ? static_cast<double>(load.start_vus)
                                                            : load.start_rate.per_second;
  for (const model::Stage& stage : load.stages)
    plan.stages.push_back({stage.target, Ns(stage.duration)});
  plan.ramp_down_ns = Ns(load.graceful_ramp_down);
  plan.start_after_ns = Ns(load.start_time);
  plan.graceful_stop_ns = use.graceful_stop_ns;
  plan.by_rate = load.by_rate;
  if (!plan.open_model()) plan.max_users = static_cast<std::uint32_t>(load.max_vus);
  FillDefaults(plan, load.pre_allocated_vus, load.max_vus, load.max_backlog);
  Push(std::move(use));
}

void LoadCompiler::Push(LoadUse use) {
  for (const auto& [flow, weight] : use.flows) {
    stats::ScenarioInfo& info = program_.shape.scenarios[program_.flows[flow].stat];
    if (!program_.single_iteration) info.executor = NameOf(use.plan.kind);
  }
  program_.loads.push_back(std::move(use));
}

void LoadCompiler::CheckGuards(const model::LoadPlan& plan) {
  const bool open =
      std::ranges::any_of(program_.loads, [](const LoadUse& use) { return use.plan.open_model(); });
  for (const model::Guard& guard : plan.guards) {
    if (guard.action != model::Guard::Do::kThrottle || !guard.to_rate || open) continue;
    diagnostics_.Error(guard.where, "this load has no arrival rate that could be throttled to one",
                       "to: 50% throttles its users");
  }
}

void LoadCompiler::CheckMeets(const model::LoadPlan& plan) {
  std::uint64_t most = 0;
  for (const LoadUse& use : program_.loads) most += use.plan.MostUsers();
  for (const model::Meet& meet : plan.meets) {
    if (static_cast<std::uint64_t>(meet.users) <= most) continue;
    diagnostics_.Error(meet.where,
                       "meet \"" + meet.name + "\" wants " + std::to_string(meet.users) +
                           " users, the load has " + std::to_string(most) + " at most",
                       "raise `vus` or `maxVUs`, or lower `users`");
  }
}

}  // namespace ronda::engine
