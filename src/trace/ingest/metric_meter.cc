#include "trace/ingest/metric_meter.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "disk/compression.h"
#include "series/metric_value.h"
#include "series/metrics.h"
#include "trace/ingest/measuring.h"
#include "trace/segment/census.h"

namespace ronda::trace::ingest {
namespace {

namespace otlp = wire::otlp;
namespace metrics = series::metrics;
using series::Amount;
using series::Counted;
using series::Delta;
using series::Distribution;
using series::Gauge;
using series::Kind;

// Nothing for what is no single value.
std::optional<std::string> TextOf(const otlp::Value& value) {
  switch (value.type()) {
    case otlp::ValueType::kBool: return value.boolean() ? "true" : "false";
    case otlp::ValueType::kInt: return fmt::format("{}", value.integer());
    case otlp::ValueType::kDouble: return fmt::format("{}", value.number());
    default: return std::nullopt;
  }
}

Amount AmountOf(const otlp::MetricPoint& point) {
  return point.is_integer ? Amount{.whole = point.integer} : Amount{.part = point.number};
}

double NumberOf(const otlp::MetricPoint& point) {
  return point.is_integer ? static_cast<double>(point.integer) : point.number;
}

Distribution::Side SideOf(const otlp::MetricBatch& batch, const otlp::Buckets& buckets) {
  const auto counts = batch.CountsAt(buckets.counts);
  return {.offset = buckets.offset, .counts = {counts.begin(), counts.end()}};
}

Distribution DistributionOf(const otlp::MetricBatch& batch, otlp::MetricType type,
                            const otlp::MetricPoint& point) {
  Distribution made;
  if (type == otlp::MetricType::kExponential) {
    made = Distribution::Exponential(point.scale, point.zero_count, point.zero_threshold,
                                     SideOf(batch, point.positive), SideOf(batch, point.negative));
  } else {
    made = Distribution::Explicit(batch.NumbersAt(point.bounds), batch.CountsAt(point.counts));
    if (point.counts.count == 0) made.set_count(point.count);
  }
  if (point.has_sum) made.set_sum(point.sum);
  if (point.has_min) made.set_min(point.min);
  if (point.has_max) made.set_max(point.max);
  return made;
}

}  // namespace

void MetricMeter::Measure(const otlp::MetricBatch& batch, std::uint64_t received_ns) {
  received_s_ = received_ns / kNsPerSecond;
  ForgetEachHour();
  for (const otlp::Metric& metric : batch.metrics) {
    for (const otlp::MetricPoint& point : batch.PointsOf(metric)) AddPoint(batch, metric, point);
  }
}

void MetricMeter::AddPoint(const otlp::MetricBatch& batch, const otlp::Metric& metric,
                           const otlp::MetricPoint& point) {
  if ((point.flags & otlp::kNoRecordedValue) != 0) return;
  time_s_ = StepOf(point.time_ns, received_s_);
  SetLabels(batch, metric, point);
  bool kept = false;
  switch (metric.type) {
    case otlp::MetricType::kGauge:
    case otlp::MetricType::kSum: kept = AddNumber(metric, point); break;
    case otlp::MetricType::kHistogram:
    case otlp::MetricType::kExponential: kept = AddHistogram(batch, metric, point); break;
    case otlp::MetricType::kSummary: kept = AddSummary(batch, metric, point); break;
    case otlp::MetricType::kNone: break;
  }
  if (kept) return;
  CountNotKept(
      Cut(segment::ServiceOf(batch, batch.resources[batch.scopes[metric.scope].resource])));
}

bool MetricMeter::AddNumber(const otlp::Metric& metric, const otlp::MetricPoint& point) {
  const bool cumulative = metric.temporality != otlp::kTemporalityDelta;
  // What goes up and down, and says where it stands, is a gauge.
  if (metric.type == otlp::MetricType::kGauge || (cumulative && !metric.monotonic)) {
    return Put(Kind::kGauge, metric.name, Gauge::Of(point.time_ns, NumberOf(point)));
  }
  if (!cumulative) {
    return Put(Kind::kSum, metric.name, Delta<Amount>{.samples = 1, .total = AmountOf(point)});
  }
  return Put(Kind::kCounter, metric.name,
             Counted<Amount>::Of(point.start_ns, point.time_ns, AmountOf(point)));
}

bool MetricMeter::AddHistogram(const otlp::MetricBatch& batch, const otlp::Metric& metric,
                               const otlp::MetricPoint& point) {
  Distribution distribution = DistributionOf(batch, metric.type, point);
  if (metric.temporality == otlp::kTemporalityDelta) {
    return Put(Kind::kDistribution, metric.name,
               Delta<Distribution>{.samples = 1, .total = std::move(distribution)});
  }
  return Put(Kind::kCountedDistribution, metric.name,
             Counted<Distribution>::Of(point.start_ns, point.time_ns, std::move(distribution)));
}

bool MetricMeter::AddSummary(const otlp::MetricBatch& batch, const otlp::Metric& metric,
                             const otlp::MetricPoint& point) {
  const std::string name(metric.name);
  const Amount count{.whole = static_cast<std::int64_t>(point.count)}, sum{.part = point.sum};
  bool kept = Put(Kind::kCounter, name + std::string(metrics::kCountSuffix),
                  Counted<Amount>::Of(point.start_ns, point.time_ns, count));
  kept = Put(Kind::kCounter, name + std::string(metrics::kSumSuffix),
             Counted<Amount>::Of(point.start_ns, point.time_ns, sum)) &&
         kept;
  const auto quantiles = batch.NumbersAt(point.quantiles);
  const std::vector<series::Label> common = labels_;
  for (std::size_t i = 0; i + 1 < quantiles.size(); i += 2) {
    labels_ = common;
    AddLabel(metrics::kQuantile, texts_.Copy(fmt::format("{}", quantiles[i])));
    kept = Put(Kind::kGauge, name, Gauge::Of(point.time_ns, quantiles[i + 1])) && kept;
  }
  return kept;
}

void MetricMeter::SetLabels(const otlp::MetricBatch& batch, const otlp::Metric& metric,
                            const otlp::MetricPoint& point) {
  const otlp::Scope& scope = batch.scopes[metric.scope];
  const otlp::Resource& resource = batch.resources[scope.resource];
  labels_.clear();
  texts_.Clear();
  // What comes first stays, whatever there is.
  AddLabel(metrics::kService, segment::ServiceOf(batch, resource));
  AddLabel(metrics::kUnit, metric.unit);
  AddLabel(metrics::kScope, scope.name);
  AddLabels(batch.At(point.attributes));
  AddLabels(batch.At(resource.attributes));
}

void MetricMeter::AddLabel(std::string_view name, std::string_view value) {
  name = Cut(name);
  value = Cut(value);
  if (name.empty() || value.empty() || labels_.size() >= limits_.labels) return;
  const auto at = std::ranges::lower_bound(labels_, name, {}, &series::Label::name);
  if (at != labels_.end() && at->name == name) return;
  labels_.insert(at, {name, value});
}

void MetricMeter::AddLabels(std::span<const otlp::Attribute> attributes) {
  for (const otlp::Attribute& attribute : attributes) {
    if (attribute.value().type() == otlp::ValueType::kString) {
      AddLabel(attribute.key(), attribute.value().bytes());
    } else if (const auto text = TextOf(attribute.value())) {
      AddLabel(attribute.key(), texts_.Copy(*text));
    }
  }
}

template <typename Value>
bool MetricMeter::Put(Kind kind, std::string_view name, const Value& value) {
  key_.clear();
  PutKey(kind, name, labels_, key_);
  const std::uint64_t hash = disk::Hash(key_);
  if (!known_.contains(hash)) {
    if (known_.size() >= limits_.series) return false;
    known_.insert(hash);
  }
  value_.clear();
  value.Encode(value_);
  open_.AddValue(open_.SeriesOf(key_), time_s_, value_);
  return true;
}

void MetricMeter::CountNotKept(std::string_view service) {
  const series::Label labels[] = {{metrics::kService, service}};
  key_.clear();
  PutKey(Kind::kCount, metrics::kNotKept, labels, key_);
  open_.Add(open_.SeriesOf(key_), time_s_, 1);
}

void MetricMeter::ForgetEachHour() {
  if (received_s_ / 3600 == hour_) return;
  hour_ = received_s_ / 3600;
  known_.clear();
}

}  // namespace ronda::trace::ingest
