#pragma once

#include <cstdint>
#include <string>

namespace ronda::stats {

// How a meeting of users went over a run. The skew of a round is the time from its first user that goes
// on to its last, over all threads of the process. A plain value.
struct MeetResult {
  std::string name;
  std::uint64_t planned = 0;  // users that a round waits for
  std::uint64_t rounds = 0;  // in which somebody waited
  std::uint64_t users = 0;  // that went on together, of all rounds
  std::uint64_t timeouts = 0;  // rounds that were not full in time
  std::uint64_t last_skew_ns = 0;
  std::uint64_t max_skew_ns = 0;
};

}  // namespace ronda::stats
