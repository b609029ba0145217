#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/core/status.h"
#include "wire/otlp/limits.h"
#include "wire/otlp/metric_model.h"
#include "wire/otlp/model.h"

namespace ronda::wire::otlp {

// Reads ExportTraceServiceRequest, ExportLogsServiceRequest and ExportMetricsServiceRequest
// (opentelemetry-proto, collector/*/v1; TracesData, LogsData and MetricsData are the same on the wire)
// into a flat batch. Owned by one thread; keep one
// and its batches: once warm it allocates nothing for a span.
//
// As protobuf wants it: unknown fields are skipped, the last of a repeated singular field counts,
// the parts of a repeated singular message are merged. A parent id of 8 zero bytes is a root.
// Strings are not checked for UTF-8; they stay as they came.
class Decoder {
 public:
  explicit Decoder(const Limits& limits);

  // Replaces what is in `batch`; its texts are views of `request`. InvalidArgument when the bytes are
  // no such message, ResourceExhausted when there are too many; then the batch is empty. Spans that
  // are refused and what is cut away is in report().
  [[nodiscard]] base::Status DecodeTraces(std::string_view request, SpanBatch& batch);
  [[nodiscard]] base::Status DecodeLogs(std::string_view request, LogBatch& batch);
  // What is counted, accepted or refused is data points. Exemplars and metadata are passed over. A
  // point is bad (Refusal::kPoint) without name or time, without a number where its flags do not say
  // so, with a number that is not finite, with a scale past 1,024 either way, with bounds that do not ascend or do not go with its counts, or
  // as a sum or histogram without temporality.
  [[nodiscard]] base::Status DecodeMetrics(std::string_view request, MetricBatch& batch);

  // Of the last request.
  [[nodiscard]] const DecodeReport& report() const { return report_; }
  [[nodiscard]] const Limits& limits() const { return limits_; }

  // One Resource or InstrumentationScope with its schema URL, as EncodeResource and EncodeScope wrote
  // it: appended to `batch`. The scope belongs to the last resource.
  [[nodiscard]] base::Status DecodeResource(std::string_view bytes, BatchParts& batch);
  [[nodiscard]] base::Status DecodeScope(std::string_view bytes, BatchParts& batch);

 private:
  class Reader;  // the only code that sees the throwing library

  template <typename Read>
  base::Status Guarded(std::string_view what, std::string_view bytes, const Read& read);

  Limits limits_;
  DecodeReport report_;
  std::vector<std::string_view> event_bytes_;
  std::vector<std::string_view> link_bytes_;
  std::vector<std::string_view> point_bytes_;
  // Of the point that is read.
  std::vector<double> numbers_;
  std::vector<std::uint64_t> positive_, negative_;
};

// True when the body of an ArrayValue (kArray) or KeyValueList (kKvlist) is well-formed and nested at
// most `depth` deep; 1 is the value itself.
[[nodiscard]] bool IsWellFormed(ValueType type, std::string_view message, std::uint32_t depth);

// The elements of such a body, appended; the key of an array's element is "". False when the bytes
// are malformed.
[[nodiscard]] bool ReadElements(ValueType type, std::string_view message,
                                std::vector<Attribute>& elements);

// An EntityRef message of a resource. What follows malformed bytes in it is missing.
struct EntityRef {
  std::string_view schema_url;
  std::string_view type;
  std::vector<std::string_view> id_keys;
  std::vector<std::string_view> description_keys;
};
[[nodiscard]] EntityRef ReadEntityRef(std::string_view message);

// ExportTracePartialSuccess, ExportLogsPartialSuccess, ExportMetricsPartialSuccess.
struct PartialSuccess {
  std::int64_t rejected = 0;
  std::string message;
  bool operator==(const PartialSuccess&) const = default;
};
// The body of an Export*ServiceResponse.
[[nodiscard]] base::Result<PartialSuccess> DecodeResponse(std::string_view response);

}  // namespace ronda::wire::otlp
