#include <benchmark/benchmark.h>

#include <cstdint>
#include <random>
#include <vector>

#include "base/core/histogram.h"

namespace ronda::base {
namespace {

// Records a latency-like stream; the count at the end is the answer that must hold.
void BM_Record(benchmark::State& state) {
  std::mt19937_64 random(3);
  std::lognormal_distribution<double> latency(14.0, 2.0);
  std::vector<std::uint64_t> values(1 << 16);
  for (auto& v : values) v = static_cast<std::uint64_t>(latency(random));

  Histogram h;
  std::size_t i = 0;
  for (auto _ : state) h.Record(values[i++ & 0xffff]);
  if (h.count() != static_cast<std::uint64_t>(state.iterations())) {
    state.SkipWithError("lost a value");
  }
}
BENCHMARK(BM_Record);

}  // namespace
}  // namespace ronda::base
