#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "trace/segment/dictionary.h"
#include "trace/segment/table.h"
#include "wire/otlp/decode.h"
#include "wire/otlp/model.h"

namespace ronda::trace::segment {

// Spans in memory, in columns, in the order they came: what a segment is made of, and what can be
// read before it is. Owned by one thread.
class Block {
 public:
  static constexpr std::uint32_t kMostRows = 1u << 24;

  // Copies the batch's spans; nothing is borrowed. The caller sees to kMostRows.
  void Append(const otlp::SpanBatch& batch);
  // Takes back the rows from `rows` on.
  void Truncate(std::uint32_t rows);
  void Clear();

  [[nodiscard]] std::uint32_t rows() const { return static_cast<std::uint32_t>(spans_.size()); }
  // What it takes in memory, about.
  [[nodiscard]] std::size_t bytes() const;

  // The rows of a trace.
  [[nodiscard]] std::vector<std::uint32_t> RowsOf(base::TraceId trace) const;
  // Of each of these traces, in one pass.
  [[nodiscard]] std::vector<std::vector<std::uint32_t>> RowsOf(
      std::span<const base::TraceId> traces) const;
  // Appends these rows to `out`, with their resources and scopes.
  void Read(std::span<const std::uint32_t> rows, otlp::SpanBatch& out) const;

 private:
  friend class SegmentWriter;
  friend class BlockColumns;

  struct Row {
    base::TraceId trace;
    std::uint64_t span;
    std::uint64_t parent;
    std::uint64_t start_ns;
    std::uint64_t duration_ns;  // modulo 2^64
    std::uint32_t scope;
    std::uint32_t flags;
    std::uint32_t kind;
    std::uint32_t status;
    std::uint32_t dropped_attributes;
    std::uint32_t dropped_events;
    std::uint32_t dropped_links;
    std::uint32_t event_begin;
    std::uint32_t event_count;
    std::uint32_t link_begin;
    std::uint32_t link_count;
  };
  struct EventRow {
    std::uint64_t offset_ns;  // from the span's start, modulo 2^64
    std::uint32_t dropped_attributes;
  };
  struct LinkRow {
    base::TraceId trace;
    std::uint64_t span;
    std::uint32_t dropped_attributes;
    std::uint32_t flags;
  };

  // The number here of a scope of the batch; resources and scopes are added with their first span.
  std::uint32_t NumberOfScope(const otlp::SpanBatch& batch, std::uint32_t scope);
  void AddSpan(const otlp::SpanBatch& batch, const otlp::Span& span, std::uint32_t scope);

  std::vector<Row> spans_;
  TextColumn names_, trace_states_, status_messages_;
  AttributeTable attributes_;

  std::vector<EventRow> events_;
  TextColumn event_names_;
  AttributeTable event_attributes_;

  std::vector<LinkRow> links_;
  TextColumn link_states_;
  AttributeTable link_attributes_;

  Dictionary resources_;  // PutResource's bytes
  Dictionary scopes_;  // the resource's number as a varint, then EncodeScope's bytes
  // Scratch: numbers here of the batch's scopes and resources, plus 1.
  std::vector<std::uint32_t> scope_numbers_, resource_numbers_;
  std::string scratch_;
};

// Puts resources and scopes, as a block or a segment has them, into a batch, each once.
class ScopeReader {
 public:
  explicit ScopeReader(otlp::SpanBatch& out) : decoder_(Unlimited()), out_(out) {}
  // The index in the batch of scope `number`; false when the bytes are malformed. `scope_at(n)` is
  // the text of a scope, `resource_at(n, text)` finds a resource's or is false. Both are copied.
  template <typename ResourceAt, typename ScopeAt>
  [[nodiscard]] bool Index(std::uint32_t number, const ResourceAt& resource_at,
                           const ScopeAt& scope_at, std::uint32_t& index) {
    if (number < scopes_.size() && scopes_[number] != 0) {
      index = scopes_[number] - 1;
      return true;
    }
    return Load(number, scope_at(number), resource_at, index);
  }

 private:
  static otlp::Limits Unlimited();
  // Splits a scope's text. False when malformed.
  static bool Split(std::string_view text, std::uint64_t& resource, std::string_view& scope);
  bool AddResource(std::uint32_t number, std::string_view text);
  bool AddScope(std::uint32_t number, std::uint32_t resource, std::string_view text,
                std::uint32_t& index);

  template <typename ResourceAt>
  bool Load(std::uint32_t number, std::string_view text, const ResourceAt& resource_at,
            std::uint32_t& index) {
    std::uint64_t resource = 0;
    std::string_view scope;
    if (!Split(text, resource, scope)) return false;
    if (resource >= resources_.size() || resources_[resource] == 0) {
      std::string_view bytes;
      if (!resource_at(resource, bytes)) return false;
      if (!AddResource(static_cast<std::uint32_t>(resource), bytes)) return false;
    }
    return AddScope(number, resources_[resource] - 1, scope, index);
  }

  otlp::Decoder decoder_;
  otlp::SpanBatch& out_;
  std::vector<std::uint32_t> resources_, scopes_;  // index in the batch + 1
};

}  // namespace ronda::trace::segment
