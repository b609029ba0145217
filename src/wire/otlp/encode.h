#pragma once

#include <string>
#include <string_view>

#include "wire/otlp/decode.h"
#include "wire/otlp/metric_model.h"
#include "wire/otlp/model.h"

namespace ronda::wire::otlp {

// Appends an ExportTraceServiceRequest (= TracesData) with all spans of the batch, grouped by resource
// and scope in the batch's order. Default values are left out. Decoding gives the same spans again.
void EncodeTraces(const SpanBatch& batch, std::string& out);
void EncodeLogs(const LogBatch& batch, std::string& out);
void EncodeMetrics(const MetricBatch& batch, std::string& out);

// Appends a ResourceSpans message that holds the resource and its schema URL only; a ScopeSpans
// message that holds the scope and its schema URL only. Equal resources give equal bytes.
void EncodeResource(const BatchParts& batch, const Resource& resource, std::string& out);
void EncodeScope(const BatchParts& batch, const Scope& scope, std::string& out);

// Appends the body of an ArrayValue or KeyValueList with these elements; an array's have no keys.
void EncodeElements(ValueType type, std::span<const Attribute> elements, std::string& out);

// Appends an Export*ServiceResponse. Nothing rejected and no message: the empty response.
void EncodeResponse(const PartialSuccess& partial, std::string& out);

}  // namespace ronda::wire::otlp
