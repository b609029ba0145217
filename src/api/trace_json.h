#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json_writer.h"
#include "trace/query/entry_link.h"
#include "trace/query/search.h"
#include "trace/query/trace_reader.h"
#include "trace/query/trace_view.h"

// Traces as the API shows them (docs/formats/trace-api.md).
namespace ronda::api {

// "notices": what could not be read, and why.
void PutNotices(const std::vector<std::string>& notices, base::JsonWriter& json);
void PutSummary(const trace::query::TraceSummary& trace, base::JsonWriter& json);
// The trace with its view, spans in the order in which they are drawn.
[[nodiscard]] std::string TraceJson(base::TraceId trace, const trace::query::StoredTrace& stored);

// What an entry's requests did, all together.
[[nodiscard]] std::string LinkJson(const trace::query::EntryLink& link);

// One trace as Jaeger's query API has it; `stored` is not empty.
void PutJaegerTrace(base::TraceId trace, const trace::query::StoredTrace& stored,
                    base::JsonWriter& json);

// "server" and the like, or the number.
[[nodiscard]] std::string KindName(std::int32_t kind);
[[nodiscard]] std::string SpanIdText(std::uint64_t id);

}  // namespace ronda::api
