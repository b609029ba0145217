// engine.merge_exact: ten million values recorded by one histogram, and the same values split over
// several recorders and merged, must be equal bucket for bucket. Prints {"values":N,"exact":0|1}.

#include <cstdio>
#include <vector>

#include "base/core/histogram.h"
#include "common.h"

namespace ronda::bench {
namespace {

constexpr std::uint64_t kParts = 7;

// Log-uniform durations of 1 us to more than an hour, so that every width of bucket is met.
std::uint64_t NextDuration(std::uint64_t& state) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  const int shift = static_cast<int>(state >> 58);
  return (1000 + (state & 0xffff)) << (shift % 32);
}

bool MergesExactly(std::uint64_t values) {
  base::Histogram whole;
  std::vector<base::Histogram> parts(kParts);
  std::uint64_t state = 0x9e3779b97f4a7c15ull;
  for (std::uint64_t i = 0; i < values; ++i) {
    const std::uint64_t duration = NextDuration(state);
    whole.Record(duration);
    parts[state % kParts].Record(duration);
  }
  base::Histogram merged;
  for (const base::Histogram& part : parts) {
    if (!merged.Merge(part).ok()) return false;
  }
  return merged == whole && merged.count() == values;
}

}  // namespace
}  // namespace ronda::bench

int main(int argc, char** argv) {
  const ronda::bench::Flags flags(argc, argv);
  const auto values = static_cast<std::uint64_t>(flags.Number("--values", 10'000'000));
  const bool exact = ronda::bench::MergesExactly(values);
  std::printf("{\"values\":%lu,\"exact\":%d}\n", values, exact ? 1 : 0);
  return 0;
}
