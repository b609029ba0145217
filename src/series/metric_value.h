#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/core/varint.h"
#include "series/distribution.h"
#include "series/key.h"

// What the points of metrics that others send are made of (docs/formats/series.md, "Values"). Values; one
// thread.
namespace ronda::series {

// A number that adds up: integers stay exact.
struct Amount {
  std::int64_t whole = 0;
  double part = 0;

  [[nodiscard]] double value() const { return static_cast<double>(whole) + part; }
  void Add(const Amount& other);
  [[nodiscard]] Amount Since(const Amount& earlier) const;
  [[nodiscard]] bool IsBefore(const Amount& earlier) const { return value() < earlier.value(); }
  void Encode(std::string& out) const;
  [[nodiscard]] bool Decode(base::VarintReader& reader);
  bool operator==(const Amount&) const = default;
};

// What a gauge said within a step.
struct Gauge {
  std::uint64_t samples = 0;
  std::uint64_t last_ns = 0;
  double last = 0, least = 0, most = 0, sum = 0;

  static Gauge Of(std::uint64_t time_ns, double value) {
    return {.samples = 1,
            .last_ns = time_ns,
            .last = value,
            .least = value,
            .most = value,
            .sum = value};
  }
  void Add(const Gauge& other);
  void Encode(std::string& out) const;
  [[nodiscard]] bool Decode(base::VarintReader& reader);
};

// What was counted within a step (delta temporality).
template <typename T>
struct Delta {
  std::uint64_t samples = 0;
  T total = {};

  void Add(const Delta& other) {
    samples += other.samples;
    total.Add(other.total);
  }
  void Encode(std::string& out) const {
    base::PutVarint(samples, out);
    total.Encode(out);
  }
  [[nodiscard]] bool Decode(base::VarintReader& reader) {
    return reader.Next(samples) && total.Decode(reader);
  }
};

// States of something that counts on from its start until that begins anew (cumulative temporality): the
// first and the last within a step, and by how much it grew between them.
template <typename T>
struct Counted {
  struct State {
    std::uint64_t start_ns = 0;  // when it began to count; 0: not known
    std::uint64_t time_ns = 0;
    T total = {};
  };

  std::uint64_t samples = 0;
  State first, last;
  T growth = {};

  static Counted Of(std::uint64_t start_ns, std::uint64_t time_ns, T total) {
    Counted one;
    one.samples = 1;
    one.first = one.last = {start_ns, time_ns, std::move(total)};
    return one;
  }
  // From one state to a later one: all of it when it began anew between them.
  static T Growth(const State& before, const State& after) {
    const bool anew = after.start_ns > before.start_ns || after.total.IsBefore(before.total);
    return anew ? after.total : after.total.Since(before.total);
  }
  // In whatever order they come. States between each other's are passed over.
  void Add(const Counted& other) {
    if (other.samples == 0) return;
    if (samples == 0) {
      *this = other;
      return;
    }
    const bool later = other.first.time_ns >= first.time_ns;
    const Counted& before = later ? *this : other;
    const Counted& after = later ? other : *this;
    Counted both{.samples = samples + other.samples,
                 .first = before.first,
                 .last = before.last,
                 .growth = before.growth};
    if (after.first.time_ns > before.last.time_ns) {
      both.growth.Add(Growth(before.last, after.first));
      both.growth.Add(after.growth);
      both.last = after.last;
    } else if (after.last.time_ns > before.last.time_ns) {
      both.growth.Add(Growth(before.last, after.last));
      both.last = after.last;
    }
    *this = std::move(both);
  }
  void Encode(std::string& out) const {
    base::PutVarint(samples, out);
    Put(first, out);
    if (samples < 2) return;
    Put(last, out);
    growth.Encode(out);
  }
  [[nodiscard]] bool Decode(base::VarintReader& reader) {
    if (!reader.Next(samples) || !Read(reader, first)) return false;
    if (samples >= 2) return Read(reader, last) && growth.Decode(reader);
    last = first;
    return samples == 1;
  }

 private:
  static void Put(const State& state, std::string& out) {
    base::PutVarint(state.start_ns, out);
    base::PutVarint(state.time_ns, out);
    state.total.Encode(out);
  }
  static bool Read(base::VarintReader& reader, State& state) {
    return reader.Next(state.start_ns) && reader.Next(state.time_ns) && state.total.Decode(reader);
  }
};

// Points of one series of such a kind that become one.
class MetricSum {
 public:
  // False, and nothing added, when `value` is none of that kind.
  [[nodiscard]] bool Add(Kind kind, std::string_view value);
  void Encode(Kind kind, std::string& out) const;

  // By the kind that was added.
  [[nodiscard]] const Gauge& gauge() const { return gauge_; }
  [[nodiscard]] const Delta<Amount>& sum() const { return sum_; }
  [[nodiscard]] const Counted<Amount>& counter() const { return counter_; }
  [[nodiscard]] const Delta<Distribution>& histogram() const { return histogram_; }
  [[nodiscard]] const Counted<Distribution>& counted_histogram() const {
    return counted_histogram_;
  }

 private:
  Gauge gauge_;
  Delta<Amount> sum_;
  Counted<Amount> counter_;
  Delta<Distribution> histogram_;
  Counted<Distribution> counted_histogram_;
};

}  // namespace ronda::series
