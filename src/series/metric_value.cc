#include "series/metric_value.h"

#include <algorithm>

namespace ronda::series {
namespace {

template <typename Part>
bool AddTo(Part& sum, std::string_view value) {
  base::VarintReader reader(value);
  Part part;
  if (!part.Decode(reader) || !reader.at_end()) return false;
  sum.Add(part);
  return true;
}

}  // namespace

void Amount::Add(const Amount& other) {
  part += other.part;
  if (std::int64_t sum = 0; !__builtin_add_overflow(whole, other.whole, &sum)) {
    whole = sum;
  } else {
    part += static_cast<double>(other.whole);
  }
}

Amount Amount::Since(const Amount& earlier) const {
  Amount since{.part = part - earlier.part};
  if (__builtin_sub_overflow(whole, earlier.whole, &since.whole)) {
    since.whole = 0;
    since.part += static_cast<double>(whole) - static_cast<double>(earlier.whole);
  }
  return since;
}

void Amount::Encode(std::string& out) const {
  PutSigned(whole, out);
  out.push_back(part != 0 ? 1 : 0);
  if (part != 0) PutDouble(part, out);
}

bool Amount::Decode(base::VarintReader& reader) {
  std::uint64_t has_part = 0;
  if (!ReadSigned(reader, whole) || !reader.NextUpTo(1, has_part)) return false;
  part = 0;
  return has_part == 0 || ReadDouble(reader, part);
}

void Gauge::Add(const Gauge& other) {
  if (other.samples == 0) return;
  if (samples == 0) {
    *this = other;
    return;
  }
  samples += other.samples;
  sum += other.sum;
  least = std::min(least, other.least);
  most = std::max(most, other.most);
  if (other.last_ns < last_ns) return;
  last_ns = other.last_ns;
  last = other.last;
}

void Gauge::Encode(std::string& out) const {
  base::PutVarint(samples, out);
  base::PutVarint(last_ns, out);
  PutDouble(last, out);
  if (samples < 2) return;
  for (const double value : {least, most, sum}) PutDouble(value, out);
}

bool Gauge::Decode(base::VarintReader& reader) {
  if (!reader.Next(samples) || !reader.Next(last_ns) || !ReadDouble(reader, last)) return false;
  least = most = sum = last;
  if (samples < 2) return samples == 1;
  return ReadDouble(reader, least) && ReadDouble(reader, most) && ReadDouble(reader, sum);
}

bool MetricSum::Add(Kind kind, std::string_view value) {
  switch (kind) {
    case Kind::kGauge: return AddTo(gauge_, value);
    case Kind::kSum: return AddTo(sum_, value);
    case Kind::kCounter: return AddTo(counter_, value);
    case Kind::kDistribution: return AddTo(histogram_, value);
    case Kind::kCountedDistribution: return AddTo(counted_histogram_, value);
    case Kind::kCount:
    case Kind::kHistogram: break;
  }
  return false;
}

void MetricSum::Encode(Kind kind, std::string& out) const {
  switch (kind) {
    case Kind::kGauge: return gauge_.Encode(out);
    case Kind::kSum: return sum_.Encode(out);
    case Kind::kCounter: return counter_.Encode(out);
    case Kind::kDistribution: return histogram_.Encode(out);
    case Kind::kCountedDistribution: return counted_histogram_.Encode(out);
    case Kind::kCount:
    case Kind::kHistogram: break;
  }
}

}  // namespace ronda::series
