#include "stats/workers_needed.h"

#include <gtest/gtest.h>

#include <limits>

namespace ronda::stats {
namespace {

constexpr double kGiB = 1024.0 * 1024 * 1024;

// Round costs, so that every expectation can be worked out by hand.
EngineCosts Round() {
  return {.request_cpu_s = 1e-5,
          .byte_cpu_s = 0,
          .tls_byte_cpu_s = 0,
          .user_bytes = 1024,
          .tls_user_bytes = 1024,
          .use_of_cores = 1,
          .use_of_memory = 1,
          .use_of_network = 1,
          .use_of_open_files = 1};
}

WorkersNeeded Compute(const LoadDemand& demand, const WorkerMeans& worker,
                      const EngineCosts& costs = Round()) {
  const auto needed = ComputeWorkersNeeded(demand, worker, costs);
  EXPECT_TRUE(needed.ok()) << needed.status().message();
  return needed.ok() ? *needed : WorkersNeeded{};
}

TEST(WorkersNeeded, CoresDecideASmallExchangeAtAHighRate) {
  const WorkersNeeded n =
      Compute({.requests_per_s = 500'000, .response_s = 0.01}, {.cores = 2, .memory_bytes = kGiB});
  EXPECT_EQ(n.workers, 3u);  // 5 cores of work, 2 a worker
  EXPECT_EQ(n.limit, WorkerLimit::kCores);
  EXPECT_DOUBLE_EQ(n.users, 5000);  // Little's law
  EXPECT_EQ(n.Text(), "3 workers: 500000 requests/s and 5000 users need the cores of 2.5");
}

TEST(WorkersNeeded, MemoryDecidesWhenAnswersAreSlow) {
  const WorkersNeeded n = Compute({.requests_per_s = 1000, .response_s = 1024},
                                  {.cores = 4, .memory_bytes = 512.0 * 1024 * 1024});
  EXPECT_DOUBLE_EQ(n.users, 1'024'000);
  EXPECT_EQ(n.limit, WorkerLimit::kMemory);
  EXPECT_EQ(n.workers, 2u);  // 1000 MiB in 512 MiB each
}

TEST(WorkersNeeded, NetworkDecidesWhenBodiesAreLarge) {
  const WorkersNeeded n = Compute({.requests_per_s = 1000, .response_bytes = 1e6},
                                  {.cores = 8, .network_bytes_per_s = 125e6});
  EXPECT_EQ(n.limit, WorkerLimit::kNetwork);
  EXPECT_EQ(n.workers, 8u);  // 1 GB/s over 1 Gbit/s each
}

TEST(WorkersNeeded, OpenFilesDecideForUsersThatWait) {
  const WorkersNeeded n =
      Compute({.requests_per_s = 100, .users = 100'000}, {.cores = 2, .open_files = 30'000});
  EXPECT_EQ(n.limit, WorkerLimit::kOpenFiles);
  EXPECT_EQ(n.workers, 4u);
}

TEST(WorkersNeeded, UsersWithoutARateMakeAsManyRequestsAsTheirResponseTimeLets) {
  const WorkersNeeded n = Compute({.users = 1000, .response_s = 0.002}, {.cores = 2});
  EXPECT_DOUBLE_EQ(n.requests_per_s, 500'000);
  EXPECT_DOUBLE_EQ(n.users, 1000);
  EXPECT_EQ(n.workers, 3u);
}

TEST(WorkersNeeded, MoreIsNeededOfTlsAndOfLargerBodiesAndNeverLessThanOne) {
  const WorkerMeans worker{.cores = 2, .memory_bytes = kGiB};
  const EngineCosts costs;
  LoadDemand demand{.requests_per_s = 10'000, .response_s = 0.1, .response_bytes = 1000};
  const WorkersNeeded plain = Compute(demand, worker, costs);
  demand.transport = LoadDemand::Transport::kTls;
  const WorkersNeeded tls = Compute(demand, worker, costs);
  EXPECT_GT(tls.by_cores, plain.by_cores);
  EXPECT_GT(tls.by_memory, plain.by_memory);
  demand.response_bytes = 100'000;
  EXPECT_GT(Compute(demand, worker, costs).by_cores, tls.by_cores);
  EXPECT_EQ(Compute({.requests_per_s = 0.1}, worker, costs).workers, 1u);
}

TEST(WorkersNeeded, WhatCannotBeComputedIsSaid) {
  const WorkerMeans worker{.cores = 2};
  EXPECT_FALSE(ComputeWorkersNeeded({}, worker).ok());
  EXPECT_FALSE(ComputeWorkersNeeded({.users = 10}, worker).ok());
  EXPECT_FALSE(ComputeWorkersNeeded({.requests_per_s = -1}, worker).ok());
  EXPECT_FALSE(
      ComputeWorkersNeeded({.requests_per_s = std::numeric_limits<double>::infinity()}, worker)
          .ok());
  EXPECT_FALSE(ComputeWorkersNeeded({.requests_per_s = 1}, {.cores = 0}).ok());
  EXPECT_FALSE(ComputeWorkersNeeded({.requests_per_s = 1e15}, worker).ok());
}

}  // namespace
}  // namespace ronda::stats
