#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/core/ids.h"
#include "stats/interval.h"
#include "stats/shape.h"

namespace ronda::stats {

// One finished exchange or local step, for a file of samples.
struct Sample {
  std::uint64_t start_ns = 0;    // monotonic
  std::uint64_t latency_ns = 0;  // from the intended start where there is one
  std::uint64_t service_ns = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::uint64_t iteration = 0;   // of its user
  base::TraceId trace;           // zero: none
  StepId step = 0;
  std::uint32_t user = 0;
  std::uint16_t status = 0;
  ErrorId error = 0;
  Outcome outcome = Outcome::kOk;
};

// Samples on their way from one reactor thread to the thread that writes them down. Bounded, and
// never in the load's way: when the writer cannot keep up, whole batches are dropped and counted.
class SampleChannel {
 public:
  static constexpr std::size_t kBatch = 256;
  using Batch = std::vector<Sample>;

  // Memory: `batches` times 256 samples, allocated here; a power of two.
  explicit SampleChannel(std::size_t batches = 64);

  // --- The reactor's thread ---
  void Push(const Sample& sample);
  // Sends what lies in the open batch: with each Recorder::Rotate, and at the end.
  void Flush();

  // --- The writer's thread ---
  // The oldest batch, or null. Give it back by Release before the next Take.
  [[nodiscard]] const Batch* Take();
  void Release();

  // Any thread.
  [[nodiscard]] std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  std::vector<Batch> ring_;
  const std::size_t mask_;
  Batch open_;
  alignas(64) std::atomic<std::size_t> written_{0};
  alignas(64) std::atomic<std::size_t> read_{0};
  std::atomic<std::uint64_t> dropped_{0};
};

}  // namespace ronda::stats
