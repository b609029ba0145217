#include "wire/otlp/encode.h"

#include <protozero/pbf_writer.hpp>

#include "wire/otlp/fields.h"
#include "wire/otlp/grouping.h"

namespace ronda::wire::otlp {
namespace {

using protozero::pbf_writer;

void PutText(pbf_writer& to, std::uint32_t field, std::string_view text) {
  if (!text.empty()) to.add_string(field, text.data(), text.size());
}

void PutUint(pbf_writer& to, std::uint32_t field, std::uint32_t value) {
  if (value != 0) to.add_uint32(field, value);
}

void PutFixed32(pbf_writer& to, std::uint32_t field, std::uint32_t value) {
  if (value != 0) to.add_fixed32(field, value);
}

void PutFixed64(pbf_writer& to, std::uint32_t field, std::uint64_t value) {
  if (value != 0) to.add_fixed64(field, value);
}

void PutEnum(pbf_writer& to, std::uint32_t field, std::int32_t value) {
  if (value != 0) to.add_enum(field, value);
}

void PutSpanId(pbf_writer& to, std::uint32_t field, std::uint64_t id) {
  if (id == 0) return;
  const std::uint64_t big = __builtin_bswap64(id);
  to.add_bytes(field, reinterpret_cast<const char*>(&big), sizeof big);
}

void PutTraceId(pbf_writer& to, std::uint32_t field, base::TraceId id) {
  if (!id.valid()) return;
  const std::uint64_t big[2] = {__builtin_bswap64(id.high), __builtin_bswap64(id.low)};
  to.add_bytes(field, reinterpret_cast<const char*>(big), sizeof big);
}

// An alternative of AnyValue's oneof is written even when it is its default.
void PutValueBody(pbf_writer& any, const Value& value) {
  const std::string_view bytes = value.bytes();
  switch (value.type()) {
    case ValueType::kEmpty: break;
    case ValueType::kString: any.add_string(field::kValueString, bytes.data(), bytes.size()); break;
    case ValueType::kBool: any.add_bool(field::kValueBool, value.boolean()); break;
    case ValueType::kInt: any.add_int64(field::kValueInt, value.integer()); break;
    case ValueType::kDouble: any.add_double(field::kValueDouble, value.number()); break;
    case ValueType::kArray: any.add_message(field::kValueArray, bytes.data(), bytes.size()); break;
    case ValueType::kKvlist:
      any.add_message(field::kValueKvlist, bytes.data(), bytes.size());
      break;
    case ValueType::kBytes: any.add_bytes(field::kValueBytes, bytes.data(), bytes.size()); break;
  }
}

// The library leaves out a message in which nothing was written; where the message itself counts, as
// an element of a list does, this writes it.
void PutEmptyMessage(pbf_writer& to, std::uint32_t field) { to.add_message(field, "", 0); }

void PutKeyValue(pbf_writer& to, std::uint32_t field, const Attribute& attribute) {
  if (attribute.key().empty() && attribute.value().type() == ValueType::kEmpty) {
    PutEmptyMessage(to, field);
    return;
  }
  pbf_writer key_value(to, field);
  PutText(key_value, field::kKey, attribute.key());
  pbf_writer any(key_value, field::kValue);
  PutValueBody(any, attribute.value());
}

void PutAttributes(pbf_writer& to, std::uint32_t field, const BatchParts& batch, Range range) {
  for (const Attribute& attribute : batch.At(range)) PutKeyValue(to, field, attribute);
}

void PutResource(pbf_writer& to, const BatchParts& batch, const Resource& resource) {
  {
    pbf_writer body(to, field::kResource);
    PutAttributes(body, field::kResourceAttributes, batch, resource.attributes);
    PutUint(body, field::kResourceDropped, resource.dropped_attributes);
    for (std::uint32_t i = 0; i < resource.entity_refs.count; ++i) {
      const std::string_view entity = batch.entity_refs[resource.entity_refs.begin + i];
      body.add_message(field::kResourceEntityRefs, entity.data(), entity.size());
    }
  }
  PutText(to, field::kResourceSchemaUrl, resource.schema_url);
}

void PutScope(pbf_writer& to, const BatchParts& batch, const Scope& scope) {
  {
    pbf_writer body(to, field::kScope);
    PutText(body, field::kScopeName, scope.name);
    PutText(body, field::kScopeVersion, scope.version);
    PutAttributes(body, field::kScopeAttributes, batch, scope.attributes);
    PutUint(body, field::kScopeDropped, scope.dropped_attributes);
  }
  PutText(to, field::kScopeSchemaUrl, scope.schema_url);
}

void PutEvent(pbf_writer& to, const SpanBatch& batch, const Event& event) {
  if (event.time_ns == 0 && event.name.empty() && event.attributes.count == 0 &&
      event.dropped_attributes == 0) {
    PutEmptyMessage(to, field::kSpanEvents);
    return;
  }
  pbf_writer body(to, field::kSpanEvents);
  PutFixed64(body, field::kEventTime, event.time_ns);
  PutText(body, field::kEventName, event.name);
  PutAttributes(body, field::kEventAttributes, batch, event.attributes);
  PutUint(body, field::kEventDropped, event.dropped_attributes);
}

void PutLink(pbf_writer& to, const SpanBatch& batch, const Link& link) {
  pbf_writer body(to, field::kSpanLinks);
  PutTraceId(body, field::kLinkTraceId, link.trace);
  PutSpanId(body, field::kLinkSpanId, link.span);
  PutText(body, field::kLinkTraceState, link.trace_state);
  PutAttributes(body, field::kLinkAttributes, batch, link.attributes);
  PutUint(body, field::kLinkDropped, link.dropped_attributes);
  PutFixed32(body, field::kLinkFlags, link.flags);
}

void PutItem(pbf_writer& to, const SpanBatch& batch, const Span& span) {
  pbf_writer body(to, field::kScopeItems);
  PutTraceId(body, field::kSpanTraceId, span.trace);
  PutSpanId(body, field::kSpanId, span.span);
  PutText(body, field::kSpanTraceState, span.trace_state);
  PutSpanId(body, field::kSpanParentId, span.parent);
  PutText(body, field::kSpanName, span.name);
  PutEnum(body, field::kSpanKind, span.kind);
  PutFixed64(body, field::kSpanStart, span.start_ns);
  PutFixed64(body, field::kSpanEnd, span.end_ns);
  PutAttributes(body, field::kSpanAttributes, batch, span.attributes);
  PutUint(body, field::kSpanDroppedAttributes, span.dropped_attributes);
  for (const Event& event : batch.EventsOf(span)) PutEvent(body, batch, event);
  PutUint(body, field::kSpanDroppedEvents, span.dropped_events);
  for (const Link& link : batch.LinksOf(span)) PutLink(body, batch, link);
  PutUint(body, field::kSpanDroppedLinks, span.dropped_links);
  if (span.status != kStatusUnset || !span.status_message.empty()) {
    pbf_writer status(body, field::kSpanStatus);
    PutText(status, field::kStatusMessage, span.status_message);
    PutEnum(status, field::kStatusCode, span.status);
  }
  PutFixed32(body, field::kSpanFlags, span.flags);
}

bool IsDefault(const LogRecord& r) {
  return r.time_ns == 0 && r.observed_ns == 0 && !r.trace.valid() && r.span == 0 &&
         r.severity_text.empty() && r.event_name.empty() && r.body.type() == ValueType::kEmpty &&
         r.attributes.count == 0 && r.dropped_attributes == 0 && r.flags == 0 && r.severity == 0;
}

void PutItem(pbf_writer& to, const LogBatch& batch, const LogRecord& record) {
  if (IsDefault(record)) {
    PutEmptyMessage(to, field::kScopeItems);
    return;
  }
  pbf_writer body(to, field::kScopeItems);
  PutFixed64(body, field::kLogTime, record.time_ns);
  PutEnum(body, field::kLogSeverity, record.severity);
  PutText(body, field::kLogSeverityText, record.severity_text);
  if (record.body.type() != ValueType::kEmpty) {
    pbf_writer any(body, field::kLogBody);
    PutValueBody(any, record.body);
  }
  PutAttributes(body, field::kLogAttributes, batch, record.attributes);
  PutUint(body, field::kLogDropped, record.dropped_attributes);
  PutFixed32(body, field::kLogFlags, record.flags);
  PutTraceId(body, field::kLogTraceId, record.trace);
  PutSpanId(body, field::kLogSpanId, record.span);
  PutFixed64(body, field::kLogObserved, record.observed_ns);
  PutText(body, field::kLogEventName, record.event_name);
}

std::uint32_t FieldOf(MetricType type) {
  switch (type) {
    case MetricType::kGauge: return field::kMetricGauge;
    case MetricType::kSum: return field::kMetricSum;
    case MetricType::kHistogram: return field::kMetricHistogram;
    case MetricType::kExponential: return field::kMetricExponential;
    case MetricType::kSummary:
    case MetricType::kNone: break;
  }
  return field::kMetricSummary;
}

void PutOptional(pbf_writer& to, std::uint32_t field, bool has, double value) {
  if (has) to.add_double(field, value);
}

void PutNumber(pbf_writer& to, const MetricBatch& batch, const MetricPoint& point) {
  if (point.has_number && point.is_integer) to.add_sfixed64(field::kNumberInt, point.integer);
  if (point.has_number && !point.is_integer) to.add_double(field::kNumberDouble, point.number);
  PutAttributes(to, field::kNumberAttributes, batch, point.attributes);
  PutUint(to, field::kNumberFlags, point.flags);
}

void PutHistogram(pbf_writer& to, const MetricBatch& batch, const MetricPoint& point) {
  const auto counts = batch.CountsAt(point.counts);
  const auto bounds = batch.NumbersAt(point.bounds);
  to.add_packed_fixed64(field::kHistogramCounts, counts.begin(), counts.end());
  to.add_packed_double(field::kHistogramBounds, bounds.begin(), bounds.end());
  PutAttributes(to, field::kHistogramAttributes, batch, point.attributes);
  PutUint(to, field::kHistogramFlags, point.flags);
  PutOptional(to, field::kHistogramMin, point.has_min, point.min);
  PutOptional(to, field::kHistogramMax, point.has_max, point.max);
}

void PutBuckets(pbf_writer& to, std::uint32_t field, const MetricBatch& batch,
                const Buckets& buckets) {
  if (buckets == Buckets{.offset = 0, .counts = {buckets.counts.begin, 0}}) return;
  pbf_writer body(to, field);
  const auto counts = batch.CountsAt(buckets.counts);
  if (buckets.offset != 0) body.add_sint32(field::kBucketsOffset, buckets.offset);
  body.add_packed_uint64(field::kBucketsCounts, counts.begin(), counts.end());
}

void PutExponential(pbf_writer& to, const MetricBatch& batch, const MetricPoint& point) {
  PutAttributes(to, field::kExponentialAttributes, batch, point.attributes);
  if (point.scale != 0) to.add_sint32(field::kExponentialScale, point.scale);
  PutFixed64(to, field::kExponentialZeroCount, point.zero_count);
  PutBuckets(to, field::kExponentialPositive, batch, point.positive);
  PutBuckets(to, field::kExponentialNegative, batch, point.negative);
  PutUint(to, field::kExponentialFlags, point.flags);
  PutOptional(to, field::kExponentialMin, point.has_min, point.min);
  PutOptional(to, field::kExponentialMax, point.has_max, point.max);
  PutOptional(to, field::kExponentialZeroThreshold, point.zero_threshold != 0,
              point.zero_threshold);
}

void PutSummary(pbf_writer& to, const MetricBatch& batch, const MetricPoint& point) {
  const auto quantiles = batch.NumbersAt(point.quantiles);
  for (std::size_t i = 0; i + 1 < quantiles.size(); i += 2) {
    pbf_writer body(to, field::kSummaryQuantiles);
    body.add_double(field::kQuantile, quantiles[i]);
    body.add_double(field::kQuantileValue, quantiles[i + 1]);
  }
  PutAttributes(to, field::kSummaryAttributes, batch, point.attributes);
  PutUint(to, field::kSummaryFlags, point.flags);
}

void PutPoint(pbf_writer& to, const MetricBatch& batch, MetricType type, const MetricPoint& point) {
  pbf_writer body(to, field::kPoints);
  PutFixed64(body, field::kPointStart, point.start_ns);
  PutFixed64(body, field::kPointTime, point.time_ns);
  if (type == MetricType::kGauge || type == MetricType::kSum) {
    return PutNumber(body, batch, point);
  }
  PutFixed64(body, field::kPointCount, point.count);
  PutOptional(body, field::kPointSum, point.has_sum, point.sum);
  if (type == MetricType::kHistogram) return PutHistogram(body, batch, point);
  if (type == MetricType::kExponential) return PutExponential(body, batch, point);
  PutSummary(body, batch, point);
}

void PutItem(pbf_writer& to, const MetricBatch& batch, const Metric& metric) {
  pbf_writer body(to, field::kScopeItems);
  PutText(body, field::kMetricName, metric.name);
  PutText(body, field::kMetricDescription, metric.description);
  PutText(body, field::kMetricUnit, metric.unit);
  pbf_writer data(body, FieldOf(metric.type));
  for (const MetricPoint& point : batch.PointsOf(metric)) {
    PutPoint(data, batch, metric.type, point);
  }
  PutEnum(data, field::kTemporality, metric.temporality);
  if (metric.monotonic) data.add_bool(field::kMonotonic, true);
}

template <typename Batch, typename Items>
void PutRequest(const Batch& batch, const Items& items, std::string& out) {
  const Grouping grouping(batch, items);
  pbf_writer request(out);
  for (std::size_t r = 0; r < batch.resources.size(); ++r) {
    pbf_writer resource_items(request, field::kRequestResources);
    PutResource(resource_items, batch, batch.resources[r]);
    for (const std::uint32_t scope : grouping.ScopesOf(r)) {
      pbf_writer scope_items(resource_items, field::kResourceScopes);
      PutScope(scope_items, batch, batch.scopes[scope]);
      for (const std::uint32_t item : grouping.ItemsOf(scope)) {
        PutItem(scope_items, batch, items[item]);
      }
    }
  }
}

}  // namespace

void EncodeTraces(const SpanBatch& batch, std::string& out) { PutRequest(batch, batch.spans, out); }

void EncodeLogs(const LogBatch& batch, std::string& out) { PutRequest(batch, batch.records, out); }

void EncodeMetrics(const MetricBatch& batch, std::string& out) {
  PutRequest(batch, batch.metrics, out);
}

void EncodeResource(const BatchParts& batch, const Resource& resource, std::string& out) {
  pbf_writer writer(out);
  PutResource(writer, batch, resource);
}

void EncodeScope(const BatchParts& batch, const Scope& scope, std::string& out) {
  pbf_writer writer(out);
  PutScope(writer, batch, scope);
}

void EncodeElements(ValueType type, std::span<const Attribute> elements, std::string& out) {
  pbf_writer writer(out);
  for (const Attribute& element : elements) {
    if (type == ValueType::kKvlist) {
      PutKeyValue(writer, field::kElements, element);
    } else if (element.value().type() == ValueType::kEmpty) {
      PutEmptyMessage(writer, field::kElements);
    } else {
      pbf_writer any(writer, field::kElements);
      PutValueBody(any, element.value());
    }
  }
}

void EncodeResponse(const PartialSuccess& partial, std::string& out) {
  if (partial.rejected == 0 && partial.message.empty()) return;
  pbf_writer writer(out);
  pbf_writer body(writer, field::kPartialSuccess);
  if (partial.rejected != 0) body.add_int64(field::kRejected, partial.rejected);
  PutText(body, field::kErrorMessage, partial.message);
}

}  // namespace ronda::wire::otlp
