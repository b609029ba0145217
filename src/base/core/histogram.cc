#include "base/core/histogram.h"

#include <cmath>

#include "base/core/check.h"

namespace ronda::base {

Histogram::Histogram(Layout layout) : layout_(layout) {
  CHECK(layout_.precision_bits >= 1 && layout_.precision_bits <= 14);
  CHECK(layout_.max_ns > 0);
  counts_.resize(BucketOf(layout_.max_ns) + 1);
}

Status Histogram::Merge(const Histogram& other) {
  if (other.layout_ != layout_) {
    return InvalidArgument(
        "histograms of different layouts do not merge: record both with the layout of the run");
  }
  for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  clamped_ += other.clamped_;
  sum_ns_ += other.sum_ns_;
  return Ok();
}

std::uint64_t Histogram::Quantile(double q) const {
  if (count_ == 0) return 0;
  // The rank is 1-based: the smallest value is the quantile of every q up to 1/count.
  const double exact = std::ceil(std::clamp(q, 0.0, 1.0) * static_cast<double>(count_));
  const auto rank = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(exact), 1, count_);
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    seen += counts_[i];
    if (seen >= rank) return MiddleOf(i);
  }
  return layout_.max_ns;
}

double Histogram::MeanNs() const {
  return count_ == 0 ? 0.0 : static_cast<double>(sum_ns_) / static_cast<double>(count_);
}

std::uint64_t Histogram::MiddleOf(std::size_t bucket) const {
  const std::size_t block = bucket >> layout_.precision_bits;
  if (block <= 1) return bucket;  // one value a bucket: exact
  const std::size_t shift = block - 1;
  const std::uint64_t low = (bucket - (shift << layout_.precision_bits)) << shift;
  return std::min(low + (std::uint64_t{1} << shift) / 2, layout_.max_ns);
}

}  // namespace ronda::base
