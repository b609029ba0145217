#include "base/core/histogram.h"

#include <cmath>
#include <limits>
#include <utility>

#include "base/core/check.h"
#include "base/core/varint.h"

namespace ronda::base {
namespace {

constexpr std::uint64_t kFormatVersion = 1;

Status Malformed(const char* what) {
  return InvalidArgument(std::string("not an encoded histogram: ") + what);
}

std::uint64_t RankOf(double q, std::uint64_t count) {
  // 1-based: the smallest value is the quantile of every q up to 1/count.
  const double exact = std::ceil(std::clamp(q, 0.0, 1.0) * static_cast<double>(count));
  return std::clamp<std::uint64_t>(static_cast<std::uint64_t>(exact), 1, count);
}

}  // namespace

HistogramPool::Block* HistogramPool::Take() {
  if (free_.empty()) {
    slabs_.push_back(std::make_unique<Block[]>(kSlabBlocks));
    free_.reserve(slabs_.size() * kSlabBlocks);
    for (std::size_t i = kSlabBlocks; i-- > 0;) free_.push_back(&slabs_.back()[i]);
  }
  Block* block = free_.back();
  free_.pop_back();
  return block;
}

void HistogramPool::Give(Block* block) {
  block->fill(0);
  free_.push_back(block);
}

Histogram::Histogram(HistogramPool* pool, Layout layout) : pool_(pool), layout_(layout) {
  CHECK(layout_.precision_bits >= 1 && layout_.precision_bits <= 14);
  CHECK(layout_.max_ns > 0);
  blocks_.resize((BucketOf(layout_.max_ns) >> HistogramPool::kBlockBits) + 1);
}

Histogram::~Histogram() {
  for (Block* block : blocks_) DropBlock(block);
}

Histogram::Histogram(const Histogram& other) : Histogram(nullptr, other.layout_) {
  CHECK(Merge(other).ok());
}

Histogram& Histogram::operator=(const Histogram& other) {
  if (this != &other) *this = Histogram(other);
  return *this;
}

Histogram::Histogram(Histogram&& other) noexcept { *this = std::move(other); }

Histogram& Histogram::operator=(Histogram&& other) noexcept {
  if (this == &other) return *this;
  for (Block* block : blocks_) DropBlock(block);
  pool_ = other.pool_;
  layout_ = other.layout_;
  blocks_ = std::exchange(other.blocks_, {});
  count_ = std::exchange(other.count_, 0);
  clamped_ = std::exchange(other.clamped_, 0);
  sum_ns_ = std::exchange(other.sum_ns_, 0);
  min_ns_ = std::exchange(other.min_ns_, ~std::uint64_t{0});
  max_ns_ = std::exchange(other.max_ns_, 0);
  return *this;
}

HistogramPool::Block* Histogram::NewBlock() {
  return pool_ != nullptr ? pool_->Take() : new Block();
}

void Histogram::DropBlock(Block* block) {
  if (block == nullptr) return;
  if (pool_ != nullptr) {
    pool_->Give(block);
  } else {
    delete block;
  }
}

Status Histogram::Merge(const Histogram& other) {
  if (other.layout_ != layout_) {
    return InvalidArgument(
        "histograms of different layouts do not merge: record both with the layout of the run");
  }
  if (other.count_ == 0) return Ok();
  for (std::size_t b = 0; b < blocks_.size(); ++b) {
    if (other.blocks_[b] == nullptr) continue;
    if (blocks_[b] == nullptr) blocks_[b] = NewBlock();
    const Block& from = *other.blocks_[b];
    Block& to = *blocks_[b];
    for (std::size_t i = 0; i < HistogramPool::kBlockCounts; ++i) to[i] += from[i];
  }
  count_ += other.count_;
  clamped_ += other.clamped_;
  sum_ns_ += other.sum_ns_;
  min_ns_ = std::min(min_ns_, other.min_ns_);
  max_ns_ = std::max(max_ns_, other.max_ns_);
  return Ok();
}

void Histogram::Clear() {
  if (count_ == 0) return;
  for (Block*& block : blocks_) DropBlock(std::exchange(block, nullptr));
  count_ = clamped_ = sum_ns_ = max_ns_ = 0;
  min_ns_ = ~std::uint64_t{0};
}

std::uint64_t Histogram::Quantile(double q) const {
  std::uint64_t value = 0;
  Quantiles({&q, 1}, {&value, 1});
  return value;
}

void Histogram::Quantiles(std::span<const double> q, std::span<std::uint64_t> out) const {
  CHECK(q.size() == out.size());
  std::fill(out.begin(), out.end(), count_ == 0 ? 0 : max_ns_);
  if (count_ == 0 || q.empty()) return;
  std::size_t next = 0;
  std::uint64_t rank = RankOf(q[0], count_);
  std::uint64_t seen = 0;
  for (std::size_t b = 0; b < blocks_.size(); ++b) {
    if (blocks_[b] == nullptr) continue;
    for (std::size_t i = 0; i < HistogramPool::kBlockCounts; ++i) {
      seen += (*blocks_[b])[i];
      while (seen >= rank) {
        const std::uint64_t middle = MiddleOf((b << HistogramPool::kBlockBits) + i);
        out[next] = std::clamp(middle, min_ns_, max_ns_);
        if (++next == q.size()) return;
        rank = RankOf(q[next], count_);
      }
    }
  }
}

std::uint64_t Histogram::CountUpTo(std::uint64_t ns) const {
  const std::size_t last = BucketOf(std::min(ns, layout_.max_ns));
  std::uint64_t seen = 0;
  for (std::size_t b = 0; b <= (last >> HistogramPool::kBlockBits); ++b) {
    if (blocks_[b] == nullptr) continue;
    const std::size_t first_of_block = b << HistogramPool::kBlockBits;
    const std::size_t n = std::min(HistogramPool::kBlockCounts, last - first_of_block + 1);
    for (std::size_t i = 0; i < n; ++i) seen += (*blocks_[b])[i];
  }
  return seen;
}

double Histogram::MeanNs() const {
  return count_ == 0 ? 0.0 : static_cast<double>(sum_ns_) / static_cast<double>(count_);
}

std::uint64_t Histogram::MiddleOf(std::size_t bucket) const {
  const std::size_t octave = bucket >> layout_.precision_bits;
  if (octave <= 1) return bucket;  // one value a bucket: exact
  const std::size_t shift = octave - 1;
  const std::uint64_t low = (bucket - (shift << layout_.precision_bits)) << shift;
  return std::min(low + (std::uint64_t{1} << shift) / 2, layout_.max_ns);
}

void Histogram::Encode(std::string& out) const {
  PutVarint(kFormatVersion, out);
  PutVarint(static_cast<std::uint64_t>(layout_.precision_bits), out);
  PutVarint(layout_.max_ns, out);
  PutVarint(count_, out);
  PutVarint(clamped_, out);
  PutVarint(sum_ns_, out);
  PutVarint(MinNs(), out);
  PutVarint(max_ns_, out);
  std::size_t next = 0;  // the first bucket not yet written
  for (std::size_t b = 0; b < blocks_.size(); ++b) {
    if (blocks_[b] == nullptr) continue;
    for (std::size_t i = 0; i < HistogramPool::kBlockCounts; ++i) {
      const std::uint64_t n = (*blocks_[b])[i];
      if (n == 0) continue;
      const std::size_t bucket = (b << HistogramPool::kBlockBits) + i;
      PutVarint(bucket - next, out);
      PutVarint(n, out);
      next = bucket + 1;
    }
  }
}

Result<Histogram> Histogram::Decode(std::string_view bytes) {
  VarintReader reader(bytes);
  std::uint64_t version = 0, precision = 0, max = 0;
  if (!reader.Next(version)) return Malformed("it is empty");
  if (version != kFormatVersion) return Malformed("its version is not 1");
  if (!reader.Next(precision) || precision < 1 || precision > 14) return Malformed("precision");
  if (!reader.Next(max) || max == 0) return Malformed("maximum");
  Histogram h(Layout{.precision_bits = static_cast<int>(precision), .max_ns = max});
  std::uint64_t count = 0, min_ns = 0;
  if (!reader.Next(count) || !reader.Next(h.clamped_) || !reader.Next(h.sum_ns_) ||
      !reader.Next(min_ns) || !reader.Next(h.max_ns_)) {
    return Malformed("it ends within its head");
  }
  const std::size_t buckets = h.BucketOf(max) + 1;
  std::size_t next = 0;
  std::size_t first = 0;
  while (!reader.at_end()) {
    std::uint64_t gap = 0, n = 0;
    if (!reader.Next(gap) || !reader.Next(n)) return Malformed("it ends within a bucket");
    if (gap >= buckets - next) return Malformed("a bucket beyond the maximum");
    if (n == 0 || n > std::numeric_limits<std::uint64_t>::max() - h.count_) {
      return Malformed("a bucket's count");
    }
    next += gap;
    if (h.count_ == 0) first = next;
    h.CountOf(next++) = n;
    h.count_ += n;
    if (next == buckets && !reader.at_end()) return Malformed("bytes after its last bucket");
  }
  if (h.count_ != count || h.clamped_ > count) return Malformed("the counts do not add up");
  if (count == 0) {
    if (min_ns != 0 || h.max_ns_ != 0 || h.sum_ns_ != 0)
      return Malformed("an empty one with values");
    return h;
  }
  if (min_ns > h.max_ns_ || h.max_ns_ > max || h.BucketOf(min_ns) != first ||
      h.BucketOf(h.max_ns_) != next - 1) {
    return Malformed("its extremes lie outside its buckets");
  }
  h.min_ns_ = min_ns;
  return h;
}

Status Histogram::MergeEncoded(std::string_view bytes) {
  VarintReader reader(bytes);
  std::uint64_t version = 0, precision = 0, layout_max = 0;
  std::uint64_t count = 0, clamped = 0, sum_ns = 0, min_ns = 0, max_ns = 0;
  if (!reader.Next(version) || version != kFormatVersion) return Malformed("its version is not 1");
  if (!reader.Next(precision) || !reader.Next(layout_max) || !reader.Next(count) ||
      !reader.Next(clamped) || !reader.Next(sum_ns) || !reader.Next(min_ns) ||
      !reader.Next(max_ns)) {
    return Malformed("it ends within its head");
  }
  if (precision != static_cast<std::uint64_t>(layout_.precision_bits) ||
      layout_max != layout_.max_ns) {
    return InvalidArgument("histograms of different layouts do not merge");
  }
  const std::size_t buckets = BucketOf(layout_.max_ns) + 1;
  const auto each = [&](const auto& visit) {
    VarintReader pairs = reader;
    std::size_t next = 0;
    while (!pairs.at_end()) {
      std::uint64_t gap = 0, n = 0;
      if (!pairs.Next(gap) || !pairs.Next(n) || next >= buckets || gap >= buckets - next) {
        return false;
      }
      next += gap;
      visit(next++, n);
    }
    return true;
  };
  std::uint64_t seen = 0;
  if (!each([&](std::size_t, std::uint64_t n) { seen += n; }) || seen != count) {
    return Malformed("the counts do not add up");
  }
  if (count == 0) return Ok();
  each([&](std::size_t bucket, std::uint64_t n) { CountOf(bucket) += n; });
  count_ += count;
  clamped_ += clamped;
  sum_ns_ += sum_ns;
  min_ns_ = std::min(min_ns_, min_ns);
  max_ns_ = std::max(max_ns_, max_ns);
  return Ok();
}

bool Histogram::operator==(const Histogram& other) const {
  if (layout_ != other.layout_ || count_ != other.count_ || clamped_ != other.clamped_ ||
      sum_ns_ != other.sum_ns_ || MinNs() != other.MinNs() || max_ns_ != other.max_ns_) {
    return false;
  }
  static constexpr Block kZeros{};
  for (std::size_t b = 0; b < blocks_.size(); ++b) {
    const Block& left = blocks_[b] != nullptr ? *blocks_[b] : kZeros;
    const Block& right = other.blocks_[b] != nullptr ? *other.blocks_[b] : kZeros;
    if (left != right) return false;
  }
  return true;
}

}  // namespace ronda::base
