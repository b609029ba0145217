#pragma once

#include "wire/otlp/model.h"

namespace ronda::trace::segment {

namespace otlp = ronda::wire::otlp;

// Log records are kept in the columns of spans, in a store of their own: trace and span ids, scope,
// flags, attributes and dropped count are what they are; the time is the start, the time observed the
// end, the severity's number the kind, its text the trace state, the event's name the name. The body
// is the last attribute, under the key "body"; that there is one is said by dropped_links = 1.

// Replaces `rows`, whose texts are those of `logs`.
void RowsOfLogs(const otlp::LogBatch& logs, otlp::SpanBatch& rows);
// The way back: replaces `logs`, whose texts are those of `rows`.
void LogsOfRows(const otlp::SpanBatch& rows, otlp::LogBatch& logs);

}  // namespace ronda::trace::segment
