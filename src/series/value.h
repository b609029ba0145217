#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/histogram.h"
#include "base/core/status.h"
#include "series/key.h"
#include "series/metric_value.h"

namespace ronda::series {

// Of all histograms in series: quantiles within 1.6 %, up to a week.
inline constexpr base::Histogram::Layout kLayout{.precision_bits = 5,
                                                 .max_ns = 604'800'000'000'000};

// A point of a series. The value is a varint (kCount), what Histogram::Encode writes (kHistogram) or
// what MetricSum writes (the others). Borrowed.
struct Point {
  std::uint64_t time_s = 0;  // begin of its step, since 1970
  std::string_view value;
};

// Points of one series that become one. One thread.
class Sum {
 public:
  // InvalidArgument, and nothing added, when `value` is none of that kind.
  [[nodiscard]] base::Status Add(Kind kind, std::string_view value);
  // One that was measured: adds it to the count, or records it, in ns. No metric's.
  void AddOne(Kind kind, std::uint64_t value);
  // Appends the value.
  void Encode(Kind kind, std::string& out) const;
  void Clear();

  [[nodiscard]] std::uint64_t count() const { return count_; }  // of kCount
  [[nodiscard]] const base::Histogram& histogram() const { return histogram_; }
  // Null when no metric's value was added.
  [[nodiscard]] const MetricSum* metric() const {
    return metric_.empty() ? nullptr : metric_.data();
  }

 private:
  std::uint64_t count_ = 0;
  std::vector<MetricSum> metric_;  // one, or none
  base::Histogram histogram_{kLayout};
};

}  // namespace ronda::series
