#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/core/status.h"

namespace ronda::stats {

// What a load asks of all its workers together, at its peak.
struct LoadDemand {
  double requests_per_s = 0;  // 0: as many as its users can make, who do not wait between requests
  double users = 0;  // most at a time; 0: as many as the rate needs
  double response_s = 0;  // of one request, as it is expected
  double request_bytes = 0;  // head and body
  double response_bytes = 0;
  enum class Transport : std::uint8_t { kPlain, kTls } transport = Transport::kPlain;
};

// What one worker has to give; of unequal ones that of the smallest. 0: not known, no limit.
struct WorkerMeans {
  double cores = 1;
  double memory_bytes = 0;
  double network_bytes_per_s = 0;  // the lesser of both directions
  double open_files = 0;
};

// What the engine needs. The CPU of a request without its bytes is what `ronda bench` takes at small
// answers (18 us, measured); the rest is set on the safe side.
struct EngineCosts {
  double request_cpu_s = 20e-6;
  double byte_cpu_s = 1e-9;  // copied and scanned
  double tls_byte_cpu_s = 2e-9;  // on top
  double user_bytes = 32'768;  // one that has a connection
  double tls_user_bytes = 65'536;  // on top
  // How much of a worker is planned with: a busy core makes its own measurements late.
  double use_of_cores = 0.6;
  double use_of_memory = 0.7;
  double use_of_network = 0.7;
  double use_of_open_files = 0.9;
};

enum class WorkerLimit : std::uint8_t { kCores, kMemory, kNetwork, kOpenFiles };
[[nodiscard]] std::string_view NameOf(WorkerLimit limit);  // "cores", "open files"

struct WorkersNeeded {
  std::uint32_t workers = 1;
  WorkerLimit limit = WorkerLimit::kCores;  // what decides
  double requests_per_s = 0;
  double users = 0;
  // How many workers, not rounded, each of them would ask for.
  double by_cores = 0, by_memory = 0, by_network = 0, by_open_files = 0;

  // "4 workers: 100000 requests/s and 5000 users need 3.3 workers' cores".
  [[nodiscard]] std::string Text() const;
};

// How many workers a load needs (F134). Users in flight and rate follow from each other by Little's law
// (users = rate * response time; "A Proof for the Queuing Formula L = λW", 1961). InvalidArgument when
// neither rate nor users with a response time are given, or a number is negative or not finite.
[[nodiscard]] base::Result<WorkersNeeded> ComputeWorkersNeeded(const LoadDemand& demand,
                                                               const WorkerMeans& worker,
                                                               const EngineCosts& costs = {});

}  // namespace ronda::stats
