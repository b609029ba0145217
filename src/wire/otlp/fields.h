#pragma once

#include <cstdint>

// Field numbers of opentelemetry-proto (collector/{trace,logs,metrics}/v1, trace/v1, logs/v1, metrics/v1,
// common/v1, resource/v1).
namespace ronda::wire::otlp::field {

inline constexpr std::uint32_t kRequestResources =
    1;  // resource_spans, resource_logs, resource_metrics

// EntityRef
inline constexpr std::uint32_t kEntitySchemaUrl = 1;
inline constexpr std::uint32_t kEntityType = 2;
inline constexpr std::uint32_t kEntityIdKeys = 3;
inline constexpr std::uint32_t kEntityDescriptionKeys = 4;

// ResourceSpans, ResourceLogs, ResourceMetrics
inline constexpr std::uint32_t kResource = 1;
inline constexpr std::uint32_t kResourceScopes = 2;
inline constexpr std::uint32_t kResourceSchemaUrl = 3;

// Resource
inline constexpr std::uint32_t kResourceAttributes = 1;
inline constexpr std::uint32_t kResourceDropped = 2;
inline constexpr std::uint32_t kResourceEntityRefs = 3;

// ScopeSpans, ScopeLogs, ScopeMetrics
inline constexpr std::uint32_t kScope = 1;
inline constexpr std::uint32_t kScopeItems = 2;
inline constexpr std::uint32_t kScopeSchemaUrl = 3;

// InstrumentationScope
inline constexpr std::uint32_t kScopeName = 1;
inline constexpr std::uint32_t kScopeVersion = 2;
inline constexpr std::uint32_t kScopeAttributes = 3;
inline constexpr std::uint32_t kScopeDropped = 4;

// Span
inline constexpr std::uint32_t kSpanTraceId = 1;
inline constexpr std::uint32_t kSpanId = 2;
inline constexpr std::uint32_t kSpanTraceState = 3;
inline constexpr std::uint32_t kSpanParentId = 4;
inline constexpr std::uint32_t kSpanName = 5;
inline constexpr std::uint32_t kSpanKind = 6;
inline constexpr std::uint32_t kSpanStart = 7;
inline constexpr std::uint32_t kSpanEnd = 8;
inline constexpr std::uint32_t kSpanAttributes = 9;
inline constexpr std::uint32_t kSpanDroppedAttributes = 10;
inline constexpr std::uint32_t kSpanEvents = 11;
inline constexpr std::uint32_t kSpanDroppedEvents = 12;
inline constexpr std::uint32_t kSpanLinks = 13;
inline constexpr std::uint32_t kSpanDroppedLinks = 14;
inline constexpr std::uint32_t kSpanStatus = 15;
inline constexpr std::uint32_t kSpanFlags = 16;

// Status
inline constexpr std::uint32_t kStatusMessage = 2;
inline constexpr std::uint32_t kStatusCode = 3;

// Event
inline constexpr std::uint32_t kEventTime = 1;
inline constexpr std::uint32_t kEventName = 2;
inline constexpr std::uint32_t kEventAttributes = 3;
inline constexpr std::uint32_t kEventDropped = 4;

// Link
inline constexpr std::uint32_t kLinkTraceId = 1;
inline constexpr std::uint32_t kLinkSpanId = 2;
inline constexpr std::uint32_t kLinkTraceState = 3;
inline constexpr std::uint32_t kLinkAttributes = 4;
inline constexpr std::uint32_t kLinkDropped = 5;
inline constexpr std::uint32_t kLinkFlags = 6;

// LogRecord
inline constexpr std::uint32_t kLogTime = 1;
inline constexpr std::uint32_t kLogSeverity = 2;
inline constexpr std::uint32_t kLogSeverityText = 3;
inline constexpr std::uint32_t kLogBody = 5;
inline constexpr std::uint32_t kLogAttributes = 6;
inline constexpr std::uint32_t kLogDropped = 7;
inline constexpr std::uint32_t kLogFlags = 8;
inline constexpr std::uint32_t kLogTraceId = 9;
inline constexpr std::uint32_t kLogSpanId = 10;
inline constexpr std::uint32_t kLogObserved = 11;
inline constexpr std::uint32_t kLogEventName = 12;

// Metric
inline constexpr std::uint32_t kMetricName = 1;
inline constexpr std::uint32_t kMetricDescription = 2;
inline constexpr std::uint32_t kMetricUnit = 3;
inline constexpr std::uint32_t kMetricGauge = 5;
inline constexpr std::uint32_t kMetricSum = 7;
inline constexpr std::uint32_t kMetricHistogram = 9;
inline constexpr std::uint32_t kMetricExponential = 10;
inline constexpr std::uint32_t kMetricSummary = 11;

// Gauge, Sum, Histogram, ExponentialHistogram, Summary
inline constexpr std::uint32_t kPoints = 1;
inline constexpr std::uint32_t kTemporality = 2;
inline constexpr std::uint32_t kMonotonic = 3;

// All data points
inline constexpr std::uint32_t kPointStart = 2;
inline constexpr std::uint32_t kPointTime = 3;

// NumberDataPoint
inline constexpr std::uint32_t kNumberDouble = 4;
inline constexpr std::uint32_t kNumberInt = 6;
inline constexpr std::uint32_t kNumberAttributes = 7;
inline constexpr std::uint32_t kNumberFlags = 8;

// HistogramDataPoint, ExponentialHistogramDataPoint, SummaryDataPoint
inline constexpr std::uint32_t kPointCount = 4;
inline constexpr std::uint32_t kPointSum = 5;

// HistogramDataPoint
inline constexpr std::uint32_t kHistogramCounts = 6;
inline constexpr std::uint32_t kHistogramBounds = 7;
inline constexpr std::uint32_t kHistogramAttributes = 9;
inline constexpr std::uint32_t kHistogramFlags = 10;
inline constexpr std::uint32_t kHistogramMin = 11;
inline constexpr std::uint32_t kHistogramMax = 12;

// ExponentialHistogramDataPoint
inline constexpr std::uint32_t kExponentialAttributes = 1;
inline constexpr std::uint32_t kExponentialScale = 6;
inline constexpr std::uint32_t kExponentialZeroCount = 7;
inline constexpr std::uint32_t kExponentialPositive = 8;
inline constexpr std::uint32_t kExponentialNegative = 9;
inline constexpr std::uint32_t kExponentialFlags = 10;
inline constexpr std::uint32_t kExponentialMin = 12;
inline constexpr std::uint32_t kExponentialMax = 13;
inline constexpr std::uint32_t kExponentialZeroThreshold = 14;

// ExponentialHistogramDataPoint.Buckets
inline constexpr std::uint32_t kBucketsOffset = 1;
inline constexpr std::uint32_t kBucketsCounts = 2;

// SummaryDataPoint, and its ValueAtQuantile
inline constexpr std::uint32_t kSummaryQuantiles = 6;
inline constexpr std::uint32_t kSummaryAttributes = 7;
inline constexpr std::uint32_t kSummaryFlags = 8;
inline constexpr std::uint32_t kQuantile = 1;
inline constexpr std::uint32_t kQuantileValue = 2;

// KeyValue
inline constexpr std::uint32_t kKey = 1;
inline constexpr std::uint32_t kValue = 2;

// AnyValue
inline constexpr std::uint32_t kValueString = 1;
inline constexpr std::uint32_t kValueBool = 2;
inline constexpr std::uint32_t kValueInt = 3;
inline constexpr std::uint32_t kValueDouble = 4;
inline constexpr std::uint32_t kValueArray = 5;
inline constexpr std::uint32_t kValueKvlist = 6;
inline constexpr std::uint32_t kValueBytes = 7;

// ArrayValue, KeyValueList
inline constexpr std::uint32_t kElements = 1;

// Export*ServiceResponse, Export*PartialSuccess
inline constexpr std::uint32_t kPartialSuccess = 1;
inline constexpr std::uint32_t kRejected = 1;
inline constexpr std::uint32_t kErrorMessage = 2;

}  // namespace ronda::wire::otlp::field
