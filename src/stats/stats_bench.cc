#include <benchmark/benchmark.h>

#include <cstdint>
#include <vector>

#include "base/core/random.h"
#include "stats/aggregator.h"
#include "stats/stats_test_util.h"

namespace ronda::stats {
namespace {

// Everything that the engine tells of one request; the counts at the end are the answer.
void BM_RecordRequest(benchmark::State& state) {
  const Shape shape = TestShape();
  Aggregator aggregator(shape, {.start_ns = kStart});
  Recorder& recorder = aggregator.AddRecorder();
  base::Random random(3);
  std::vector<std::uint64_t> durations(1 << 12);
  for (auto& d : durations) d = 50'000 + random.Below(1'000'000);
  std::uint64_t now = kStart;
  std::size_t i = 0;
  for (auto _ : state) {
    Exchange e = ExchangeAt(now, durations[i++ & 0xfff]);
    e.intended_ns = e.start_ns - 1000;
    e.phases = {0, 0, 0, 0, 3'000, durations[i & 0xfff], 5'000};
    recorder.RecordExchange(e);
    recorder.RecordCheck(0, CheckResult::kPassed);
    recorder.RecordIteration(0, e.intended_ns, e.start_ns, e.end_ns, IterationOutcome::kOk);
    now += 10'000;
    if ((i & 0xffff) == 0) aggregator.Collect(now);
  }
  recorder.Rotate(now + kSecond, Recorder::Flush::kFinal);
  aggregator.Finish(now + kSecond);
  if (aggregator.totals().all.requests != static_cast<std::uint64_t>(state.iterations())) {
    state.SkipWithError("lost a request");
  }
}
BENCHMARK(BM_RecordRequest);

// One second of 300 steps on four threads: what the aggregator pays once a second, and what all of it
// holds in memory.
void BM_CollectSecond(benchmark::State& state) {
  Shape shape = TestShape();
  shape.steps.assign(300, StepInfo{"step", 0, "http.request", StepKind::kExchange});
  Aggregator aggregator(shape, {.start_ns = kStart});
  std::vector<Recorder*> recorders;
  for (int t = 0; t < 4; ++t) recorders.push_back(&aggregator.AddRecorder());
  base::Random random(5);
  std::uint64_t second = 0;
  std::uint64_t sent = 0;
  for (auto _ : state) {
    state.PauseTiming();
    for (Recorder* recorder : recorders) {
      for (std::uint64_t i = 0; i < 25'000; ++i, ++sent) {
        Exchange e =
            ExchangeAt(kStart + second * kSecond + 1 + i, 1'000'000 + random.Below(80'000'000));
        e.step = static_cast<StepId>(random.Below(300));
        e.phases[5] = 1'000'000;
        recorder->RecordExchange(e);
      }
      recorder->Rotate(kStart + (second + 1) * kSecond);
    }
    ++second;
    state.ResumeTiming();
    aggregator.Collect(kStart + second * kSecond);
  }
  if (aggregator.totals().all.requests != sent) state.SkipWithError("lost a request");
}
BENCHMARK(BM_CollectSecond)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace ronda::stats
