#include "stats/workers_needed.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <utility>

namespace ronda::stats {
namespace {

constexpr double kMostWorkers = 1'000'000;

bool AllSound(std::initializer_list<double> numbers) {
  return std::ranges::all_of(numbers, [](double n) { return std::isfinite(n) && n >= 0; });
}

// How many workers it takes to give `needed` when each gives that part of `has`.
double Divide(double needed, double has, double use) { return has > 0 ? needed / (has * use) : 0; }

}  // namespace

std::string_view NameOf(WorkerLimit limit) {
  switch (limit) {
    case WorkerLimit::kCores: return "cores";
    case WorkerLimit::kMemory: return "memory";
    case WorkerLimit::kNetwork: return "network";
    case WorkerLimit::kOpenFiles: return "open files";
  }
  return "";
}

std::string WorkersNeeded::Text() const {
  const double decisive = std::max({by_cores, by_memory, by_network, by_open_files});
  return fmt::format("{} worker{}: {:.6g} requests/s and {:.6g} users need the {} of {:.2g}",
                     workers, workers == 1 ? "" : "s", requests_per_s, std::ceil(users),
                     NameOf(limit), decisive);
}

base::Result<WorkersNeeded> ComputeWorkersNeeded(const LoadDemand& demand,
                                                 const WorkerMeans& worker,
                                                 const EngineCosts& costs) {
  if (!AllSound({demand.requests_per_s, demand.users, demand.response_s, demand.request_bytes,
                 demand.response_bytes, worker.cores, worker.memory_bytes,
                 worker.network_bytes_per_s, worker.open_files}))
    return base::InvalidArgument("workers needed: a number is negative or not finite");
  if (worker.cores == 0) return base::InvalidArgument("workers needed: a worker without cores");
  WorkersNeeded needed;
  needed.requests_per_s = demand.requests_per_s;
  if (needed.requests_per_s == 0) {
    if (demand.users == 0 || demand.response_s == 0) {
      return base::InvalidArgument(
          "workers needed: give requests/s, or users and the response time that they will see");
    }
    needed.requests_per_s = demand.users / demand.response_s;
  }
  needed.users = std::max(demand.users, demand.requests_per_s * demand.response_s);

  const bool tls = demand.transport == LoadDemand::Transport::kTls;
  const double bytes = demand.request_bytes + demand.response_bytes;
  const double byte_cpu = costs.byte_cpu_s + (tls ? costs.tls_byte_cpu_s : 0);
  const double cpu = needed.requests_per_s * (costs.request_cpu_s + bytes * byte_cpu);
  const double memory =
      needed.users * (costs.user_bytes + (tls ? costs.tls_user_bytes : 0) + bytes);
  const double network =
      needed.requests_per_s * std::max(demand.request_bytes, demand.response_bytes);
  needed.by_cores = Divide(cpu, worker.cores, costs.use_of_cores);
  needed.by_memory = Divide(memory, worker.memory_bytes, costs.use_of_memory);
  needed.by_network = Divide(network, worker.network_bytes_per_s, costs.use_of_network);
  needed.by_open_files = Divide(needed.users, worker.open_files, costs.use_of_open_files);
  double most = needed.by_cores;
  for (const auto& [count, limit] : {std::pair(needed.by_memory, WorkerLimit::kMemory),
                                     std::pair(needed.by_network, WorkerLimit::kNetwork),
                                     std::pair(needed.by_open_files, WorkerLimit::kOpenFiles)}) {
    if (count <= most) continue;
    most = count;
    needed.limit = limit;
  }
  if (most > kMostWorkers)
    return base::InvalidArgument("workers needed: more than a million, is a unit wrong?");
  needed.workers = static_cast<std::uint32_t>(std::max(1.0, std::ceil(most)));
  return needed;
}

}  // namespace ronda::stats
