#include "trace/segment/log_rows.h"

namespace ronda::trace::segment {
namespace {

constexpr std::string_view kBodyKey = "body";

void CopyParts(const otlp::BatchParts& from, otlp::BatchParts& to) {
  to.resources = from.resources;
  to.scopes = from.scopes;
  to.attributes = from.attributes;
  to.entity_refs = from.entity_refs;
}

// The record's attributes, with its body at their end.
otlp::Range WithBody(const otlp::LogRecord& record, otlp::SpanBatch& rows) {
  auto& attributes = rows.attributes;
  const otlp::Range range{static_cast<std::uint32_t>(attributes.size()),
                          record.attributes.count + 1};
  for (std::uint32_t i = 0; i < record.attributes.count; ++i) {
    attributes.push_back(otlp::Attribute(attributes[record.attributes.begin + i]));
  }
  attributes.emplace_back(kBodyKey, record.body);
  return range;
}

}  // namespace

void RowsOfLogs(const otlp::LogBatch& logs, otlp::SpanBatch& rows) {
  rows.Clear();
  CopyParts(logs, rows);
  for (const otlp::LogRecord& record : logs.records) {
    const bool has_body = record.body.type() != otlp::ValueType::kEmpty;
    otlp::Span row;
    row.trace = record.trace;
    row.span = record.span;
    row.start_ns = record.time_ns;
    row.end_ns = record.observed_ns;
    row.name = record.event_name;
    row.trace_state = record.severity_text;
    row.kind = record.severity;
    row.flags = record.flags;
    row.scope = record.scope;
    row.dropped_attributes = record.dropped_attributes;
    row.dropped_links = has_body ? 1 : 0;
    row.attributes = has_body ? WithBody(record, rows) : record.attributes;
    rows.spans.push_back(row);
  }
}

void LogsOfRows(const otlp::SpanBatch& rows, otlp::LogBatch& logs) {
  logs.Clear();
  CopyParts(rows, logs);
  for (const otlp::Span& row : rows.spans) {
    otlp::LogRecord record;
    record.trace = row.trace;
    record.span = row.span;
    record.time_ns = row.start_ns;
    record.observed_ns = row.end_ns;
    record.event_name = row.name;
    record.severity_text = row.trace_state;
    record.severity = row.kind;
    record.flags = row.flags;
    record.scope = row.scope;
    record.dropped_attributes = row.dropped_attributes;
    record.attributes = row.attributes;
    if (row.dropped_links == 1 && row.attributes.count > 0) {
      --record.attributes.count;
      record.body = rows.attributes[row.attributes.begin + record.attributes.count].value();
    }
    logs.records.push_back(record);
  }
}

}  // namespace ronda::trace::segment
