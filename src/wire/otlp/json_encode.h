#pragma once

#include <string>

#include "wire/otlp/decode.h"
#include "wire/otlp/model.h"

namespace ronda::wire::otlp {

// Appends the batch as OTLP/JSON (opentelemetry-proto's JSON mapping): one object on one line, without
// a newline. Ids in lower-case hex, 64-bit integers as text, enums as numbers, bytes in base64, lower
// camel case; defaults are left out. Bytes of a string that are no UTF-8 become U+FFFD, the one thing
// that does not come back. Doubles come back exactly; NaN and the infinities are texts.
void EncodeTracesJson(const SpanBatch& batch, std::string& out);
void EncodeLogsJson(const LogBatch& batch, std::string& out);

// Appends an Export*ServiceResponse; `rejected_name` is "rejectedSpans" or "rejectedLogRecords".
void EncodeResponseJson(const PartialSuccess& partial, std::string_view rejected_name,
                        std::string& out);

}  // namespace ronda::wire::otlp
