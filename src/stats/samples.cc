#include "stats/samples.h"

#include <utility>

#include "base/core/check.h"

namespace ronda::stats {

SampleChannel::SampleChannel(std::size_t batches) : ring_(batches), mask_(batches - 1) {
  CHECK(batches > 0 && (batches & mask_) == 0);
  for (auto& batch : ring_) batch.reserve(kBatch);
  open_.reserve(kBatch);
}

void SampleChannel::Push(const Sample& sample) {
  open_.push_back(sample);
  if (open_.size() == kBatch) Flush();
}

void SampleChannel::Flush() {
  if (open_.empty()) return;
  const std::size_t written = written_.load(std::memory_order_relaxed);
  if (written - read_.load(std::memory_order_acquire) == ring_.size()) {
    dropped_.fetch_add(open_.size(), std::memory_order_relaxed);
    open_.clear();
    return;
  }
  std::swap(ring_[written & mask_], open_);  // the one taken over is empty and has its memory
  written_.store(written + 1, std::memory_order_release);
}

const SampleChannel::Batch* SampleChannel::Take() {
  const std::size_t read = read_.load(std::memory_order_relaxed);
  return read == written_.load(std::memory_order_acquire) ? nullptr : &ring_[read & mask_];
}

void SampleChannel::Release() {
  const std::size_t read = read_.load(std::memory_order_relaxed);
  ring_[read & mask_].clear();
  read_.store(read + 1, std::memory_order_release);
}

}  // namespace ronda::stats
