#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/core/varint.h"

namespace ronda::series {

// How numbers are spread, as OTLP's histograms say: by explicit bounds or by exponential buckets. Two that
// have not the same buckets are added in the finest ones that both have, so that counts stay exact. A
// value; one thread.
class Distribution {
 public:
  // One side of an exponential one: counts[i] is of (base^(offset+i), base^(offset+i+1)].
  struct Side {
    std::int64_t offset = 0;
    std::vector<std::uint64_t> counts = {};
    bool operator==(const Side&) const = default;
  };

  Distribution() = default;
  // By bounds, which ascend; counts are one more, or none when only the count is known.
  static Distribution Explicit(std::span<const double> bounds,
                               std::span<const std::uint64_t> counts);
  // base = 2^(2^-scale); what lies between -zero_threshold and it is zero.
  static Distribution Exponential(std::int32_t scale, std::uint64_t zero_count,
                                  double zero_threshold, Side positive, Side negative);

  // Sum and extremes, where they are known.
  void set_sum(double sum) { sum_ = sum; }
  void set_min(double min) { min_ = min; }
  void set_max(double max) { max_ = max; }
  // Of one without buckets.
  void set_count(std::uint64_t count) { count_ = count; }

  void Add(const Distribution& other);
  // What came after `earlier`, of which this is a later state: extremes are not known of that.
  [[nodiscard]] Distribution Since(const Distribution& earlier) const;
  // Whether it cannot be a later state of `earlier`.
  [[nodiscard]] bool IsBefore(const Distribution& earlier) const { return count_ < earlier.count_; }

  [[nodiscard]] bool is_exponential() const { return exponential_; }
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] double sum() const { return sum_; }
  // NaN when not known.
  [[nodiscard]] double min() const { return min_; }
  [[nodiscard]] double max() const { return max_; }
  [[nodiscard]] const std::vector<double>& bounds() const { return bounds_; }
  [[nodiscard]] const std::vector<std::uint64_t>& counts() const { return counts_; }
  // The number that the share `q` of all lies at or below, 0 <= q <= 1: inside its bucket in proportion.
  // NaN when there are no buckets, or nothing in them.
  [[nodiscard]] double Quantile(double q) const;

  void Encode(std::string& out) const;
  // Foreign bytes; false when they are none.
  [[nodiscard]] bool Decode(base::VarintReader& reader);
  bool operator==(const Distribution& other) const;

 private:
  struct Bucket {
    double from = 0, to = 0;
    std::uint64_t count = 0;
  };

  void AddBounds(const Distribution& other);
  void AddExponential(const Distribution& other);
  void KeepBounds(const std::vector<double>& bounds);
  void CoarsenTo(std::int32_t scale);
  [[nodiscard]] std::vector<Bucket> Buckets() const;
  [[nodiscard]] double EdgeOf(std::int64_t index) const;
  [[nodiscard]] bool DecodeBounds(base::VarintReader& reader);
  [[nodiscard]] bool DecodeExponential(base::VarintReader& reader);

  bool exponential_ = false;
  std::uint64_t count_ = 0;
  double sum_ = 0;
  double min_ = kUnknown, max_ = kUnknown;
  std::vector<double> bounds_;
  std::vector<std::uint64_t> counts_;
  std::int32_t scale_ = 0;
  std::uint64_t zero_count_ = 0;
  double zero_threshold_ = 0;
  Side positive_, negative_;

  static constexpr double kUnknown = __builtin_nan("");
};

// A double as 8 bytes.
void PutDouble(double value, std::string& out);
[[nodiscard]] bool ReadDouble(base::VarintReader& reader, double& value);
// Small numbers of either sign are short (protobuf.dev, "ZigZag").
void PutSigned(std::int64_t value, std::string& out);
[[nodiscard]] bool ReadSigned(base::VarintReader& reader, std::int64_t& value);

}  // namespace ronda::series
