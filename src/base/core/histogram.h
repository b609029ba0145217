#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/core/status.h"

namespace ronda::base {

// Counts of durations in buckets whose width grows with the value, so that every quantile has the
// same relative error however many values were recorded. Two histograms of one layout merge without
// loss: the merged one equals the one that would have recorded all values itself.
//
// Layout: values below 2^precision_bits have a bucket each; above, every power of two is cut into
// 2^precision_bits equal buckets. A quantile is off by at most 2^-(precision_bits + 1) of itself.
// The idea is Gil Tene's High Dynamic Range histogram (hdrhistogram.org).
//
// Owned and written by one thread; hand it over by move, or Merge it on the thread that reports.
class Histogram {
 public:
  struct Layout {
    int precision_bits = 9;                 // 1..14; 9 keeps quantiles within 0.1 %
    std::uint64_t max_ns = 3'600'000'000'000;  // one hour; larger values count as this one

    bool operator==(const Layout&) const = default;
  };

  Histogram() : Histogram(Layout{}) {}
  explicit Histogram(Layout layout);

  // Adds one duration in nanoseconds. A value beyond the layout's max_ns is recorded as max_ns and
  // counted in clamped(). Never allocates.
  void Record(std::uint64_t ns) {
    if (ns > layout_.max_ns) [[unlikely]] {
      ns = layout_.max_ns;
      ++clamped_;
    }
    ++counts_[BucketOf(ns)];
    ++count_;
    sum_ns_ += ns;
  }

  // Adds all that `other` recorded. InvalidArgument, and nothing changed, if the layouts differ.
  [[nodiscard]] Status Merge(const Histogram& other);

  // The value in nanoseconds below or at which the fraction `q` of all values lies, 0 <= q <= 1:
  // the middle of its bucket. 0 when nothing was recorded.
  [[nodiscard]] std::uint64_t Quantile(double q) const;

  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] std::uint64_t clamped() const { return clamped_; }
  [[nodiscard]] double MeanNs() const;
  [[nodiscard]] const Layout& layout() const { return layout_; }

  bool operator==(const Histogram&) const = default;

 private:
  [[nodiscard]] std::size_t BucketOf(std::uint64_t ns) const {
    const int shift = std::max(0, static_cast<int>(std::bit_width(ns)) - 1 - layout_.precision_bits);
    return (static_cast<std::size_t>(shift) << layout_.precision_bits) + (ns >> shift);
  }
  [[nodiscard]] std::uint64_t MiddleOf(std::size_t bucket) const;

  Layout layout_;
  std::vector<std::uint64_t> counts_;
  std::uint64_t count_ = 0;
  std::uint64_t clamped_ = 0;
  std::uint64_t sum_ns_ = 0;
};

}  // namespace ronda::base
