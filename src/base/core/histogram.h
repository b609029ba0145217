#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/status.h"

namespace ronda::base {

// Blocks of counts for many histograms that live and move together: cleared histograms give their
// blocks back, so that the memory is what the busiest moment needed. Belongs to one thread at a time;
// outlives its histograms.
class HistogramPool {
 public:
  static constexpr std::size_t kBlockBits = 6;
  static constexpr std::size_t kBlockCounts = std::size_t{1} << kBlockBits;
  using Block = std::array<std::uint64_t, kBlockCounts>;

  HistogramPool() = default;
  HistogramPool(const HistogramPool&) = delete;
  HistogramPool& operator=(const HistogramPool&) = delete;

  // A block of zeros.
  [[nodiscard]] Block* Take();
  void Give(Block* block);
  // Of memory held, in use or not.
  [[nodiscard]] std::size_t bytes() const { return slabs_.size() * kSlabBlocks * sizeof(Block); }

 private:
  static constexpr std::size_t kSlabBlocks = 32;

  std::vector<std::unique_ptr<Block[]>> slabs_;
  std::vector<Block*> free_;
};

// Counts of durations in buckets whose width grows with the value, so that every quantile has the
// same relative error however many values were recorded. Two histograms of one layout merge without
// loss: the merged one equals the one that would have recorded all values itself.
//
// Layout: values below 2^precision_bits have a bucket each; above, every power of two is cut into
// 2^precision_bits equal buckets. A quantile is off by at most 2^-(precision_bits + 1) of itself.
// The idea is Gil Tene's High Dynamic Range histogram (hdrhistogram.org). Counts lie in blocks of 64
// buckets that exist only where something was recorded.
//
// Owned and written by one thread; hand it over by move (one with a pool: together with its pool), or
// Merge it on the thread that reports. One that was moved from may be assigned to or destroyed.
class Histogram {
 public:
  struct Layout {
    int precision_bits = 9;  // 1..14; 9 keeps quantiles within 0.1 %
    std::uint64_t max_ns = 3'600'000'000'000;  // one hour; larger values count as this one

    bool operator==(const Layout&) const = default;
  };

  Histogram() : Histogram(Layout{}) {}
  explicit Histogram(Layout layout) : Histogram(nullptr, layout) {}
  // Its blocks come from `pool`, borrowed; from the heap if that is null.
  explicit Histogram(HistogramPool* pool) : Histogram(pool, Layout{}) {}
  Histogram(HistogramPool* pool, Layout layout);
  ~Histogram();
  // A copy has its blocks on the heap.
  Histogram(const Histogram& other);
  Histogram& operator=(const Histogram& other);
  Histogram(Histogram&& other) noexcept;
  Histogram& operator=(Histogram&& other) noexcept;

  // Adds one duration in nanoseconds, `count` times. A value beyond the layout's max_ns is recorded as
  // max_ns and counted in clamped(). Allocates only where nothing has been recorded before.
  void Record(std::uint64_t ns, std::uint64_t count = 1) {
    if (ns > layout_.max_ns) [[unlikely]] {
      ns = layout_.max_ns;
      clamped_ += count;
    }
    CountOf(BucketOf(ns)) += count;
    count_ += count;
    sum_ns_ += ns * count;
    min_ns_ = std::min(min_ns_, ns);
    max_ns_ = std::max(max_ns_, ns);
  }

  // Adds all that `other` recorded. InvalidArgument, and nothing changed, if the layouts differ.
  [[nodiscard]] Status Merge(const Histogram& other);
  // The same of one that Encode wrote. InvalidArgument, and nothing changed, if the layouts differ or
  // its buckets are no histogram's; `bytes` is taken to be whole, as behind a checksum: its extremes and
  // its sum are not compared with its buckets.
  [[nodiscard]] Status MergeEncoded(std::string_view bytes);
  // Forgets all that was recorded.
  void Clear();

  // The value in nanoseconds below or at which the fraction `q` of all values lies, 0 <= q <= 1: the
  // middle of its bucket, and never outside [MinNs, MaxNs]. 0 when nothing was recorded.
  [[nodiscard]] std::uint64_t Quantile(double q) const;
  // Several at once, in one pass; `q` ascending, `out` of the same size.
  void Quantiles(std::span<const double> q, std::span<std::uint64_t> out) const;
  // How many values are at most `ns`, as far as buckets tell.
  [[nodiscard]] std::uint64_t CountUpTo(std::uint64_t ns) const;

  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] std::uint64_t clamped() const { return clamped_; }
  [[nodiscard]] std::uint64_t SumNs() const { return sum_ns_; }
  [[nodiscard]] double MeanNs() const;
  // Exact; 0 when nothing was recorded.
  [[nodiscard]] std::uint64_t MinNs() const { return count_ == 0 ? 0 : min_ns_; }
  [[nodiscard]] std::uint64_t MaxNs() const { return max_ns_; }
  [[nodiscard]] const Layout& layout() const { return layout_; }

  // Calls f(value in the middle of the bucket, count) for every bucket that is not empty, ascending.
  template <typename F>
  void ForEachBucket(F&& f) const {
    for (std::size_t b = 0; b < blocks_.size(); ++b) {
      if (blocks_[b] == nullptr) continue;
      for (std::size_t i = 0; i < HistogramPool::kBlockCounts; ++i) {
        const std::uint64_t n = (*blocks_[b])[i];
        if (n != 0) f(MiddleOf((b << HistogramPool::kBlockBits) + i), n);
      }
    }
  }

  // Appends a form for other processes and files (docs/formats/metrics.md, "Histogram"): a version,
  // the layout, and runs of buckets that are not empty, as variable-length integers.
  void Encode(std::string& out) const;
  // The histogram that was encoded. `bytes` is foreign: anything inconsistent is InvalidArgument.
  [[nodiscard]] static Result<Histogram> Decode(std::string_view bytes);

  // Equal layouts and equal counts, bucket for bucket.
  bool operator==(const Histogram& other) const;

 private:
  using Block = HistogramPool::Block;

  [[nodiscard]] std::size_t BucketOf(std::uint64_t ns) const {
    const int shift =
        std::max(0, static_cast<int>(std::bit_width(ns)) - 1 - layout_.precision_bits);
    return (static_cast<std::size_t>(shift) << layout_.precision_bits) + (ns >> shift);
  }
  [[nodiscard]] std::uint64_t& CountOf(std::size_t bucket) {
    Block*& block = blocks_[bucket >> HistogramPool::kBlockBits];
    if (block == nullptr) [[unlikely]]
      block = NewBlock();
    return (*block)[bucket & (HistogramPool::kBlockCounts - 1)];
  }
  [[nodiscard]] std::uint64_t MiddleOf(std::size_t bucket) const;
  [[nodiscard]] Block* NewBlock();
  void DropBlock(Block* block);

  HistogramPool* pool_ = nullptr;
  Layout layout_;
  std::vector<Block*> blocks_;  // null where nothing was recorded
  std::uint64_t count_ = 0;
  std::uint64_t clamped_ = 0;
  std::uint64_t sum_ns_ = 0;
  std::uint64_t min_ns_ = ~std::uint64_t{0};
  std::uint64_t max_ns_ = 0;
};

}  // namespace ronda::base
