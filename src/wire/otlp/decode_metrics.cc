#include <algorithm>
#include <cmath>
#include <functional>

#include "wire/otlp/decode.h"
#include "wire/otlp/reader.h"

namespace ronda::wire::otlp {
namespace {

// Of an exponential histogram: past it all doubles have one bucket, or one each has many.
constexpr std::int64_t kMostScale = 1024;

// Repeated numbers come packed or one by one; of more than `most` one too many is kept.
template <typename T, typename Packed>
void AddAll(const Packed& packed, std::uint32_t most, std::vector<T>& to) {
  for (const auto value : packed) {
    if (to.size() > most) return;
    to.push_back(value);
  }
}

template <typename T>
void AddOne(T value, std::uint32_t most, std::vector<T>& to) {
  if (to.size() <= most) to.push_back(value);
}

template <typename T>
Range Append(const std::vector<T>& part, std::vector<T>& to) {
  const Range range{static_cast<std::uint32_t>(to.size()), static_cast<std::uint32_t>(part.size())};
  to.insert(to.end(), part.begin(), part.end());
  return range;
}

bool AreFinite(std::span<const double> numbers) {
  return std::ranges::all_of(numbers, [](double number) { return std::isfinite(number); });
}

bool Ascend(std::span<const double> numbers) {
  return std::ranges::adjacent_find(numbers, std::greater_equal<>()) == numbers.end();
}

MetricType TypeOf(std::uint32_t key) {
  switch (key) {
    case Sized(field::kMetricGauge): return MetricType::kGauge;
    case Sized(field::kMetricSum): return MetricType::kSum;
    case Sized(field::kMetricHistogram): return MetricType::kHistogram;
    case Sized(field::kMetricExponential): return MetricType::kExponential;
    case Sized(field::kMetricSummary): return MetricType::kSummary;
    default: return MetricType::kNone;
  }
}

// A number, or the word that there is none.
bool NumberSaysSomething(const MetricPoint& point) {
  if ((point.flags & kNoRecordedValue) != 0) return true;
  return point.has_number && (point.is_integer || std::isfinite(point.number));
}

bool IsGood(const Metric& metric, const MetricPoint& point, const MetricBatch& batch) {
  if (metric.name.empty() || point.time_ns == 0) return false;
  const bool adds_up = metric.type != MetricType::kGauge && metric.type != MetricType::kSummary;
  if (adds_up && metric.temporality != kTemporalityDelta &&
      metric.temporality != kTemporalityCumulative) {
    return false;
  }
  if (metric.type == MetricType::kGauge || metric.type == MetricType::kSum) {
    return NumberSaysSomething(point);
  }
  const double numbers[] = {point.sum, point.min, point.max, point.zero_threshold};
  if (!AreFinite(numbers) || point.zero_threshold < 0) return false;
  const auto bounds = batch.NumbersAt(point.bounds);
  if (metric.type == MetricType::kHistogram) {
    const bool fits = point.counts.count == point.bounds.count + 1 ||
                      (point.counts.count == 0 && point.bounds.count == 0);
    return fits && AreFinite(bounds) && Ascend(bounds);
  }
  return std::abs(std::int64_t{point.scale}) <= kMostScale &&
         AreFinite(batch.NumbersAt(point.quantiles));
}

}  // namespace

void Decoder::Reader::NumberField(pbf_reader& reader, MetricPoint& point, std::uint32_t& cut) {
  switch (KeyOf(reader)) {
    case Sized(field::kNumberAttributes):
      AddAttribute(ViewOf(reader), point.attributes, cut);
      break;
    case Fixed64(field::kNumberDouble):
      point.number = reader.get_double();
      point.is_integer = false;
      point.has_number = true;
      break;
    case Fixed64(field::kNumberInt):
      point.integer = reader.get_sfixed64();
      point.is_integer = true;
      point.has_number = true;
      break;
    case Varint(field::kNumberFlags): point.flags = reader.get_uint32(); break;
    default: reader.skip();
  }
}

void Decoder::Reader::HistogramField(pbf_reader& reader, MetricPoint& point, std::uint32_t& cut) {
  switch (KeyOf(reader)) {
    case Sized(field::kHistogramAttributes):
      AddAttribute(ViewOf(reader), point.attributes, cut);
      break;
    case Sized(field::kHistogramCounts):
      AddAll(reader.get_packed_fixed64(), limits_.buckets + 1, decoder_.positive_);
      break;
    case Fixed64(field::kHistogramCounts):
      AddOne(reader.get_fixed64(), limits_.buckets + 1, decoder_.positive_);
      break;
    case Sized(field::kHistogramBounds):
      AddAll(reader.get_packed_double(), limits_.buckets, decoder_.numbers_);
      break;
    case Fixed64(field::kHistogramBounds):
      AddOne(reader.get_double(), limits_.buckets, decoder_.numbers_);
      break;
    case Varint(field::kHistogramFlags): point.flags = reader.get_uint32(); break;
    case Fixed64(field::kHistogramMin):
      point.min = reader.get_double();
      point.has_min = true;
      break;
    case Fixed64(field::kHistogramMax):
      point.max = reader.get_double();
      point.has_max = true;
      break;
    default: reader.skip();
  }
}

void Decoder::Reader::BucketsBody(std::string_view bytes, Buckets& buckets,
                                  std::vector<std::uint64_t>& counts) {
  pbf_reader reader = MessageOf(bytes);
  while (reader.next()) {
    switch (KeyOf(reader)) {
      case Varint(field::kBucketsOffset): buckets.offset = reader.get_sint32(); break;
      case Sized(field::kBucketsCounts):
        AddAll(reader.get_packed_uint64(), limits_.buckets, counts);
        break;
      case Varint(field::kBucketsCounts):
        AddOne(reader.get_uint64(), limits_.buckets, counts);
        break;
      default: reader.skip();
    }
  }
}

void Decoder::Reader::ExponentialField(pbf_reader& reader, MetricPoint& point, std::uint32_t& cut) {
  switch (KeyOf(reader)) {
    case Sized(field::kExponentialAttributes):
      AddAttribute(ViewOf(reader), point.attributes, cut);
      break;
    case Varint(field::kExponentialScale): point.scale = reader.get_sint32(); break;
    case Fixed64(field::kExponentialZeroCount): point.zero_count = reader.get_fixed64(); break;
    case Sized(field::kExponentialPositive):
      BucketsBody(ViewOf(reader), point.positive, decoder_.positive_);
      break;
    case Sized(field::kExponentialNegative):
      BucketsBody(ViewOf(reader), point.negative, decoder_.negative_);
      break;
    case Varint(field::kExponentialFlags): point.flags = reader.get_uint32(); break;
    case Fixed64(field::kExponentialMin):
      point.min = reader.get_double();
      point.has_min = true;
      break;
    case Fixed64(field::kExponentialMax):
      point.max = reader.get_double();
      point.has_max = true;
      break;
    case Fixed64(field::kExponentialZeroThreshold):
      point.zero_threshold = reader.get_double();
      break;
    default: reader.skip();
  }
}

void Decoder::Reader::SummaryField(pbf_reader& reader, MetricPoint& point, std::uint32_t& cut) {
  switch (KeyOf(reader)) {
    case Sized(field::kSummaryAttributes):
      AddAttribute(ViewOf(reader), point.attributes, cut);
      break;
    case Sized(field::kSummaryQuantiles): {
      double quantile = 0, value = 0;
      pbf_reader inner = reader.get_message();
      while (inner.next()) {
        switch (KeyOf(inner)) {
          case Fixed64(field::kQuantile): quantile = inner.get_double(); break;
          case Fixed64(field::kQuantileValue): value = inner.get_double(); break;
          default: inner.skip();
        }
      }
      AddOne(quantile, 2 * limits_.buckets, decoder_.numbers_);
      AddOne(value, 2 * limits_.buckets + 1, decoder_.numbers_);
      break;
    }
    case Varint(field::kSummaryFlags): point.flags = reader.get_uint32(); break;
    default: reader.skip();
  }
}

// What all types have, or all but gauges and sums.
bool Decoder::Reader::CommonField(pbf_reader& reader, MetricType type, MetricPoint& point) {
  const bool number = type == MetricType::kGauge || type == MetricType::kSum;
  switch (KeyOf(reader)) {
    case Fixed64(field::kPointStart): point.start_ns = reader.get_fixed64(); return true;
    case Fixed64(field::kPointTime): point.time_ns = reader.get_fixed64(); return true;
    case Fixed64(field::kPointCount):
      if (number) return false;
      point.count = reader.get_fixed64();
      return true;
    case Fixed64(field::kPointSum):
      if (number) return false;
      point.sum = reader.get_double();
      point.has_sum = true;
      return true;
    default: return false;
  }
}

void Decoder::Reader::PointBody(std::string_view bytes, MetricType type, MetricPoint& point) {
  std::uint32_t cut = 0;
  pbf_reader reader = MessageOf(bytes);
  while (reader.next()) {
    if (CommonField(reader, type, point)) continue;
    switch (type) {
      case MetricType::kHistogram: HistogramField(reader, point, cut); break;
      case MetricType::kExponential: ExponentialField(reader, point, cut); break;
      case MetricType::kSummary: SummaryField(reader, point, cut); break;
      default: NumberField(reader, point, cut);
    }
  }
}

void Decoder::Reader::OnePoint(std::string_view bytes, Metric& metric, MetricBatch& batch) {
  if (bytes.size() > limits_.item_bytes || batch.points.size() >= limits_.points) {
    return Refuse(Refusal::kTooLarge);
  }
  auto& numbers = decoder_.numbers_;
  auto& positive = decoder_.positive_;
  auto& negative = decoder_.negative_;
  numbers.clear();
  positive.clear();
  negative.clear();
  MetricPoint point;
  point.attributes.begin = Here();
  PointBody(bytes, metric.type, point);
  const std::size_t numbers_before = batch.numbers.size(), counts_before = batch.counts.size();
  const bool summary = metric.type == MetricType::kSummary;
  (summary ? point.quantiles : point.bounds) = Append(numbers, batch.numbers);
  const Range counts = Append(positive, batch.counts);
  if (metric.type == MetricType::kHistogram) point.counts = counts;
  if (metric.type == MetricType::kExponential) point.positive.counts = counts;
  point.negative.counts = Append(negative, batch.counts);
  const std::size_t most = summary ? 2 * limits_.buckets : limits_.buckets;
  const bool too_many = numbers.size() > most || negative.size() > limits_.buckets ||
                        positive.size() > limits_.buckets + (point.counts.count > 0 ? 1 : 0);
  if (too_many || !IsGood(metric, point, batch)) {
    Refuse(too_many ? Refusal::kTooLarge : Refusal::kPoint);
    batch.attributes.resize(point.attributes.begin);
    batch.numbers.resize(numbers_before);
    batch.counts.resize(counts_before);
    return;
  }
  batch.points.push_back(point);
  ++metric.points.count;
  ++report_.accepted;
}

// Gauge, Sum, ...: its points wait until what they mean is known.
void Decoder::Reader::DataBody(std::string_view bytes, Metric& metric) {
  pbf_reader reader = MessageOf(bytes);
  while (reader.next()) {
    switch (KeyOf(reader)) {
      case Sized(field::kPoints): decoder_.point_bytes_.push_back(ViewOf(reader)); break;
      case Varint(field::kTemporality): metric.temporality = reader.get_enum(); break;
      case Varint(field::kMonotonic): metric.monotonic = reader.get_bool(); break;
      default: reader.skip();
    }
  }
}

void Decoder::Reader::OneMetric(std::string_view bytes, MetricBatch& batch) {
  Metric metric;
  metric.scope = static_cast<std::uint32_t>(batch.scopes.size()) - 1;
  metric.points.begin = static_cast<std::uint32_t>(batch.points.size());
  auto& points = decoder_.point_bytes_;
  points.clear();
  pbf_reader reader = MessageOf(bytes);
  while (reader.next()) {
    switch (KeyOf(reader)) {
      case Sized(field::kMetricName): metric.name = ViewOf(reader); break;
      case Sized(field::kMetricDescription): metric.description = ViewOf(reader); break;
      case Sized(field::kMetricUnit): metric.unit = ViewOf(reader); break;
      default: {
        const MetricType type = TypeOf(KeyOf(reader));
        if (type == MetricType::kNone) {
          reader.skip();
          break;
        }
        // The last alternative of a oneof counts.
        if (type != metric.type) points.clear();
        metric.type = type;
        DataBody(ViewOf(reader), metric);
      }
    }
  }
  for (std::string_view* text : {&metric.name, &metric.description, &metric.unit}) {
    if (text->size() <= limits_.key_bytes) continue;
    *text = CutText(*text, limits_.key_bytes);
    ++report_.values_cut;
  }
  for (const std::string_view point : points) OnePoint(point, metric, batch);
  if (metric.points.count > 0) batch.metrics.push_back(metric);
}

base::Status Decoder::DecodeMetrics(std::string_view request, MetricBatch& batch) {
  batch.Clear();
  base::Status status = Guarded("ExportMetricsServiceRequest", request, [&] {
    Reader reader(*this, batch);
    reader.Request(request, [&](std::string_view metric) { reader.OneMetric(metric, batch); });
  });
  if (!status.ok()) batch.Clear();
  return status;
}

}  // namespace ronda::wire::otlp
