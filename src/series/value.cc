#include "series/value.h"

#include "base/core/varint.h"

namespace ronda::series {

base::Status Sum::Add(Kind kind, std::string_view value) {
  if (IsMetric(kind)) {
    if (metric_.empty()) metric_.emplace_back();
    return metric_[0].Add(kind, value) ? base::Ok() : base::InvalidArgument("no metric's value");
  }
  if (kind == Kind::kHistogram) return histogram_.MergeEncoded(value);
  base::VarintReader reader(value);
  std::uint64_t count = 0;
  if (!reader.Next(count) || !reader.at_end()) return base::InvalidArgument("no count");
  count_ += count;
  return base::Ok();
}

void Sum::AddOne(Kind kind, std::uint64_t value) {
  if (kind == Kind::kHistogram) {
    histogram_.Record(value);
  } else {
    count_ += value;
  }
}

void Sum::Encode(Kind kind, std::string& out) const {
  if (IsMetric(kind))
    return metric_.empty() ? MetricSum().Encode(kind, out) : metric_[0].Encode(kind, out);
  if (kind == Kind::kHistogram) {
    histogram_.Encode(out);
  } else {
    base::PutVarint(count_, out);
  }
}

void Sum::Clear() {
  count_ = 0;
  histogram_.Clear();
  metric_.clear();
}

}  // namespace ronda::series
