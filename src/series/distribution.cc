#include "series/distribution.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <iterator>
#include <limits>
#include <numeric>
#include <utility>

#include "disk/compression.h"

namespace ronda::series {
namespace {

using Side = Distribution::Side;

// A side that would get longer is made coarser.
constexpr std::int64_t kMostBuckets = 2048;
constexpr std::uint64_t kMostRead = 1u << 16;
constexpr std::int64_t kMostScale = 1 << 20;  // of what is read

std::uint64_t TotalOf(std::span<const std::uint64_t> counts) {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

std::uint64_t Less(std::uint64_t a, std::uint64_t b) { return a > b ? a - b : 0; }

// Index of the bucket that has bucket `index` when every 2^shift become one.
std::int64_t Shifted(std::int64_t index, std::int64_t shift) {
  return index >> std::min<std::int64_t>(shift, 62);
}

void Coarsen(Side& side, std::int64_t shift) {
  if (side.counts.empty() || shift <= 0) return;
  Side coarse{.offset = Shifted(side.offset, shift)};
  const auto last = Shifted(side.offset + static_cast<std::int64_t>(side.counts.size()) - 1, shift);
  coarse.counts.resize(static_cast<std::size_t>(last - coarse.offset + 1));
  for (std::size_t i = 0; i < side.counts.size(); ++i) {
    const std::int64_t to = Shifted(side.offset + static_cast<std::int64_t>(i), shift);
    coarse.counts[static_cast<std::size_t>(to - coarse.offset)] += side.counts[i];
  }
  side = std::move(coarse);
}

// First and one past the last bucket of both.
std::pair<std::int64_t, std::int64_t> Span(const Side& a, const Side& b) {
  const auto end = [](const Side& s) {
    return s.offset + static_cast<std::int64_t>(s.counts.size());
  };
  if (a.counts.empty()) return {b.offset, end(b)};
  if (b.counts.empty()) return {a.offset, end(a)};
  return {std::min(a.offset, b.offset), std::max(end(a), end(b))};
}

// By how much both are to be coarsened so that their sum is not too long.
std::int64_t ShiftFor(const Side& a, const Side& b) {
  const auto [from, to] = Span(a, b);
  std::int64_t shift = 0;
  while (Shifted(to, shift) - Shifted(from, shift) >= kMostBuckets) ++shift;
  return shift;
}

void AddSide(const Side& other, Side& side) {
  if (other.counts.empty()) return;
  const auto [from, to] = Span(side, other);
  Side sum{.offset = from,
           .counts = std::vector<std::uint64_t>(static_cast<std::size_t>(to - from))};
  for (const Side* part : {&std::as_const(side), &other}) {
    for (std::size_t i = 0; i < part->counts.size(); ++i) {
      sum.counts[static_cast<std::size_t>(part->offset - from) + i] += part->counts[i];
    }
  }
  side = std::move(sum);
}

void SubtractSide(const Side& earlier, Side& side) {
  for (std::size_t i = 0; i < earlier.counts.size(); ++i) {
    const std::int64_t at = earlier.offset + static_cast<std::int64_t>(i) - side.offset;
    if (at < 0 || at >= static_cast<std::int64_t>(side.counts.size())) continue;
    std::uint64_t& count = side.counts[static_cast<std::size_t>(at)];
    count = Less(count, earlier.counts[i]);
  }
}

void PutSide(const Side& side, std::string& out) {
  PutSigned(side.offset, out);
  base::PutVarint(side.counts.size(), out);
  for (const std::uint64_t count : side.counts) base::PutVarint(count, out);
}

bool ReadSide(base::VarintReader& reader, Side& side) {
  constexpr std::int64_t kFarthest = std::int64_t{1} << 40;
  std::uint64_t size = 0;
  if (!ReadSigned(reader, side.offset) || side.offset > kFarthest || side.offset < -kFarthest ||
      !reader.NextUpTo(std::min<std::uint64_t>(kMostRead, reader.left()), size)) {
    return false;
  }
  side.counts.resize(static_cast<std::size_t>(size));
  return std::ranges::all_of(side.counts, [&](std::uint64_t& count) { return reader.Next(count); });
}

}  // namespace

void PutDouble(double value, std::string& out) {
  disk::PutFixed64(std::bit_cast<std::uint64_t>(value), out);
}

bool ReadDouble(base::VarintReader& reader, double& value) {
  std::string_view bytes;
  if (!reader.NextRaw(8, bytes)) return false;
  value = std::bit_cast<double>(disk::Fixed64At(bytes.data()));
  return true;
}

void PutSigned(std::int64_t value, std::string& out) {
  const auto bits = static_cast<std::uint64_t>(value);
  base::PutVarint(bits << 1 ^ (value < 0 ? ~std::uint64_t{0} : 0), out);
}

bool ReadSigned(base::VarintReader& reader, std::int64_t& value) {
  std::uint64_t bits = 0;
  if (!reader.Next(bits)) return false;
  value = static_cast<std::int64_t>(bits >> 1 ^ (0 - (bits & 1)));
  return true;
}

Distribution Distribution::Explicit(std::span<const double> bounds,
                                    std::span<const std::uint64_t> counts) {
  Distribution made;
  made.bounds_.assign(bounds.begin(), bounds.end());
  made.counts_.assign(counts.begin(), counts.end());
  made.count_ = TotalOf(counts);
  return made;
}

Distribution Distribution::Exponential(std::int32_t scale, std::uint64_t zero_count,
                                       double zero_threshold, Side positive, Side negative) {
  Distribution made;
  made.exponential_ = true;
  made.scale_ = scale;
  made.zero_count_ = zero_count;
  made.zero_threshold_ = zero_threshold;
  made.positive_ = std::move(positive);
  made.negative_ = std::move(negative);
  made.count_ = zero_count + TotalOf(made.positive_.counts) + TotalOf(made.negative_.counts);
  return made;
}

void Distribution::Add(const Distribution& other) {
  if (other.count_ == 0) return;
  if (count_ == 0) {
    *this = other;
    return;
  }
  count_ += other.count_;
  sum_ += other.sum_;
  min_ = std::isnan(min_) || std::isnan(other.min_) ? kUnknown : std::min(min_, other.min_);
  max_ = std::isnan(max_) || std::isnan(other.max_) ? kUnknown : std::max(max_, other.max_);
  if (exponential_ && other.exponential_) {
    AddExponential(other);
  } else if (!exponential_ && !other.exponential_) {
    AddBounds(other);
  } else {
    // They have no bucket in common but the one of everything.
    exponential_ = false;
    bounds_.clear();
    counts_.assign(1, count_);
    positive_ = negative_ = {};
  }
}

void Distribution::KeepBounds(const std::vector<double>& bounds) {
  if (counts_.empty()) counts_.assign(1, count_);  // all that is known
  std::vector<std::uint64_t> counts(bounds.size() + 1);
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    const auto to =
        i < bounds_.size() ? std::ranges::lower_bound(bounds, bounds_[i]) : bounds.end();
    counts[static_cast<std::size_t>(to - bounds.begin())] += counts_[i];
  }
  bounds_ = bounds;
  counts_ = std::move(counts);
}

void Distribution::AddBounds(const Distribution& other) {
  std::vector<double> common;
  std::ranges::set_intersection(bounds_, other.bounds_, std::back_inserter(common));
  Distribution same = other;
  // Its count has grown already: what it had is in its buckets.
  if (counts_.empty()) counts_.assign(1, count_ - other.count_);
  KeepBounds(common);
  same.KeepBounds(common);
  for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += same.counts_[i];
}

void Distribution::CoarsenTo(std::int32_t scale) {
  const std::int64_t shift = std::int64_t{scale_} - scale;
  if (shift <= 0) return;
  Coarsen(positive_, shift);
  Coarsen(negative_, shift);
  scale_ = scale;
}

void Distribution::AddExponential(const Distribution& other) {
  Distribution same = other;
  const std::int32_t scale = std::min(scale_, other.scale_);
  CoarsenTo(scale);
  same.CoarsenTo(scale);
  const std::int64_t shift =
      std::max(ShiftFor(positive_, same.positive_), ShiftFor(negative_, same.negative_));
  const auto coarser = static_cast<std::int32_t>(scale - shift);
  CoarsenTo(coarser);
  same.CoarsenTo(coarser);
  AddSide(same.positive_, positive_);
  AddSide(same.negative_, negative_);
  zero_count_ += same.zero_count_;
  zero_threshold_ = std::max(zero_threshold_, same.zero_threshold_);
}

Distribution Distribution::Since(const Distribution& earlier) const {
  Distribution since = *this, before = earlier;
  since.count_ = Less(count_, before.count_);
  since.sum_ -= before.sum_;
  since.min_ = since.max_ = kUnknown;
  if (exponential_ != earlier.exponential_) {
    since.exponential_ = false;
    since.bounds_.clear();
    since.counts_.assign(1, since.count_);
    since.positive_ = since.negative_ = {};
  } else if (exponential_) {
    const std::int32_t scale = std::min(scale_, earlier.scale_);
    since.CoarsenTo(scale);
    before.CoarsenTo(scale);
    SubtractSide(before.positive_, since.positive_);
    SubtractSide(before.negative_, since.negative_);
    since.zero_count_ = Less(zero_count_, before.zero_count_);
  } else {
    std::vector<double> common;
    std::ranges::set_intersection(bounds_, before.bounds_, std::back_inserter(common));
    if (since.counts_.empty()) since.counts_.assign(1, count_);
    since.KeepBounds(common);
    before.KeepBounds(common);
    for (std::size_t i = 0; i < since.counts_.size(); ++i) {
      since.counts_[i] = Less(since.counts_[i], before.counts_[i]);
    }
  }
  return since;
}

double Distribution::EdgeOf(std::int64_t index) const {
  return std::exp2(std::ldexp(static_cast<double>(index), -scale_));
}

std::vector<Distribution::Bucket> Distribution::Buckets() const {
  std::vector<Bucket> buckets;
  if (!exponential_) {
    for (std::size_t i = 0; i < counts_.size() && !bounds_.empty(); ++i) {
      double from = i > 0 ? bounds_[i - 1] : std::isnan(min_) ? std::min(0.0, bounds_[0]) : min_;
      const double to = i < bounds_.size() ? bounds_[i] : std::isnan(max_) ? bounds_.back() : max_;
      from = std::min(from, to);
      if (counts_[i] > 0) buckets.push_back({from, to, counts_[i]});
    }
    return buckets;
  }
  for (std::size_t i = negative_.counts.size(); i-- > 0;) {
    const std::int64_t index = negative_.offset + static_cast<std::int64_t>(i);
    if (negative_.counts[i] > 0) {
      buckets.push_back({-EdgeOf(index + 1), -EdgeOf(index), negative_.counts[i]});
    }
  }
  if (zero_count_ > 0) buckets.push_back({-zero_threshold_, zero_threshold_, zero_count_});
  for (std::size_t i = 0; i < positive_.counts.size(); ++i) {
    const std::int64_t index = positive_.offset + static_cast<std::int64_t>(i);
    if (positive_.counts[i] > 0) {
      buckets.push_back({EdgeOf(index), EdgeOf(index + 1), positive_.counts[i]});
    }
  }
  return buckets;
}

double Distribution::Quantile(double q) const {
  const std::vector<Bucket> buckets = Buckets();
  double total = 0;
  for (const Bucket& bucket : buckets) total += static_cast<double>(bucket.count);
  double before = 0, found = kUnknown;
  for (const Bucket& bucket : buckets) {
    const auto count = static_cast<double>(bucket.count);
    const double share = std::clamp((q * total - before) / count, 0.0, 1.0);
    found = bucket.from + (bucket.to - bucket.from) * share;
    before += count;
    if (before >= q * total) break;
  }
  // Comparisons with what is not known are false.
  if (found > max_) found = max_;
  if (found < min_) found = min_;
  return found;
}

void Distribution::Encode(std::string& out) const {
  base::PutVarint(exponential_ ? 1 : 0, out);
  base::PutVarint(count_, out);
  for (const double number : {sum_, min_, max_}) PutDouble(number, out);
  if (!exponential_) {
    base::PutVarint(counts_.size(), out);
    for (const std::uint64_t count : counts_) base::PutVarint(count, out);
    for (const double bound : bounds_) PutDouble(bound, out);
    return;
  }
  PutSigned(scale_, out);
  base::PutVarint(zero_count_, out);
  PutDouble(zero_threshold_, out);
  PutSide(positive_, out);
  PutSide(negative_, out);
}

bool Distribution::Decode(base::VarintReader& reader) {
  std::uint64_t form = 0;
  if (!reader.NextUpTo(1, form) || !reader.Next(count_) || !ReadDouble(reader, sum_) ||
      !ReadDouble(reader, min_) || !ReadDouble(reader, max_)) {
    return false;
  }
  exponential_ = form == 1;
  return exponential_ ? DecodeExponential(reader) : DecodeBounds(reader);
}

bool Distribution::DecodeBounds(base::VarintReader& reader) {
  std::uint64_t size = 0;
  if (!reader.NextUpTo(std::min<std::uint64_t>(kMostRead, reader.left()), size)) return false;
  counts_.resize(static_cast<std::size_t>(size));
  bounds_.resize(size > 0 ? counts_.size() - 1 : 0);
  return std::ranges::all_of(counts_, [&](std::uint64_t& count) { return reader.Next(count); }) &&
         std::ranges::all_of(bounds_, [&](double& bound) { return ReadDouble(reader, bound); }) &&
         std::ranges::adjacent_find(bounds_, [](double a, double b) { return !(a < b); }) ==
             bounds_.end();
}

bool Distribution::DecodeExponential(base::VarintReader& reader) {
  std::int64_t scale = 0;
  if (!ReadSigned(reader, scale) || scale > kMostScale || scale < -kMostScale ||
      !reader.Next(zero_count_) || !ReadDouble(reader, zero_threshold_)) {
    return false;
  }
  scale_ = static_cast<std::int32_t>(scale);
  return ReadSide(reader, positive_) && ReadSide(reader, negative_);
}

bool Distribution::operator==(const Distribution& other) const {
  std::string mine, theirs;
  Encode(mine);
  other.Encode(theirs);
  return mine == theirs;
}

}  // namespace ronda::series
