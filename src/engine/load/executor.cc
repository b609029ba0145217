#include "engine/load/executor.h"

#include <algorithm>
#include <cmath>

#include "engine/load/arrival_executor.h"
#include "engine/load/user_executor.h"

namespace ronda::engine {

const char* NameOf(ExecutorKind kind) {
  switch (kind) {
    case ExecutorKind::kSharedIterations: return "shared-iterations";
    case ExecutorKind::kPerVuIterations: return "per-vu-iterations";
    case ExecutorKind::kConstantVus: return "constant-vus";
    case ExecutorKind::kRampingVus: return "ramping-vus";
    case ExecutorKind::kConstantArrivalRate: return "constant-arrival-rate";
    case ExecutorKind::kRampingArrivalRate: return "ramping-arrival-rate";
    case ExecutorKind::kExternallyControlled: return "externally-controlled";
  }
  return "?";
}

std::uint64_t LoadPlan::planned_ns() const {
  std::uint64_t ns = 0;
  switch (kind) {
    case ExecutorKind::kSharedIterations:
    case ExecutorKind::kPerVuIterations: ns = max_duration_ns; break;
    case ExecutorKind::kConstantVus:
    case ExecutorKind::kConstantArrivalRate: ns = duration_ns; break;
    case ExecutorKind::kExternallyControlled:
      if (duration_ns == 0) return 0;
      ns = duration_ns;
      break;
    case ExecutorKind::kRampingVus:
    case ExecutorKind::kRampingArrivalRate:
      for (const Stage& s : stages) ns += s.duration_ns;
      break;
  }
  return start_after_ns + ns;
}

std::uint32_t LoadPlan::MostUsers() const {
  if (open_model()) return std::max(max_users, preallocated_users);
  if (kind == ExecutorKind::kRampingVus) return UserRamp(0, start_value, stages).Max();
  if (kind == ExecutorKind::kExternallyControlled) return std::max(users, max_users);
  return users;
}

std::unique_ptr<Executor> Executor::Create(const LoadPlan& plan, Share share, UserHost& host) {
  if (plan.open_model()) return std::make_unique<ArrivalExecutor>(plan, share, host);
  return std::make_unique<UserExecutor>(plan, share, host);
}

}  // namespace ronda::engine
