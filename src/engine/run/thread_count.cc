#include "engine/run/thread_count.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <thread>

namespace ronda::engine {
namespace {

int UsableCores() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace

// As many threads as the load keeps busy; a small one is more exact on one.
int ThreadsFor(const Program& program, int asked, Share process) {
  double wanted = 0;
  // A thread without a user could not make its part of the arrivals.
  std::uint64_t most = 1024;
  for (const LoadUse& use : program.loads) {
    if (use.plan.open_model())
      most = std::clamp<std::uint64_t>(process.Of(use.plan.MostUsers()), 1, most);
  }
  const auto bounded = [&](int threads) {
    return static_cast<int>(std::min<std::uint64_t>(static_cast<std::uint64_t>(threads), most));
  };
  if (asked > 0) return bounded(asked);
  for (const LoadUse& use : program.loads) {
    if (use.threads > 0) return bounded(use.threads);
    const LoadPlan& plan = use.plan;
    double rate =
        std::max(plan.rate, plan.kind == ExecutorKind::kRampingArrivalRate ? plan.start_value : 0);
    if (plan.kind == ExecutorKind::kRampingArrivalRate) {
      for (const Stage& stage : plan.stages) rate = std::max(rate, stage.target);
    }
    wanted += plan.open_model() ? rate / 10'000 : static_cast<double>(plan.MostUsers()) / 64;
  }
  return bounded(static_cast<int>(std::clamp(std::ceil(wanted), 1.0, 1.0 * UsableCores())));
}

}  // namespace ronda::engine
