#include "trace/segment/block.h"

#include <algorithm>
#include <bitset>
#include <map>

#include "base/core/check.h"
#include "base/core/varint.h"
#include "wire/otlp/encode.h"

namespace ronda::trace::segment {

namespace {

// The field that a resource's text begins with when its receiver is known, as protobuf's decoders see
// it: number 1000, of a size, which no ResourceSpans message has.
constexpr std::uint64_t kReceiverKey = 1000 << 3 | 2;

void PutResource(const otlp::BatchParts& batch, const otlp::Resource& resource, std::string& out) {
  if (!resource.receiver.empty()) {
    base::PutVarint(kReceiverKey, out);
    base::PutBytes(resource.receiver, out);
  }
  EncodeResource(batch, resource, out);
}

// Takes the receiver off a resource's text.
std::string_view TakeReceiver(std::string_view& text) {
  base::VarintReader reader(text);
  std::uint64_t key = 0;
  std::string_view receiver;
  if (!reader.Next(key) || key != kReceiverKey || !reader.NextBytes(receiver)) return {};
  text = text.substr(text.size() - reader.left());
  return receiver;
}

}  // namespace

void Block::Append(const otlp::SpanBatch& batch) {
  scope_numbers_.assign(batch.scopes.size(), 0);
  resource_numbers_.assign(batch.resources.size(), 0);
  for (const otlp::Span& span : batch.spans) {
    AddSpan(batch, span, NumberOfScope(batch, span.scope));
  }
}

std::uint32_t Block::NumberOfScope(const otlp::SpanBatch& batch, std::uint32_t scope) {
  std::uint32_t& number = scope_numbers_[scope];
  if (number != 0) return number - 1;
  const std::uint32_t resource = batch.scopes[scope].resource;
  if (resource_numbers_[resource] == 0) {
    scratch_.clear();
    PutResource(batch, batch.resources[resource], scratch_);
    resource_numbers_[resource] = resources_.Add(scratch_) + 1;
  }
  scratch_.clear();
  base::PutVarint(resource_numbers_[resource] - 1, scratch_);
  EncodeScope(batch, batch.scopes[scope], scratch_);
  number = scopes_.Add(scratch_) + 1;
  return number - 1;
}

void Block::AddSpan(const otlp::SpanBatch& batch, const otlp::Span& span, std::uint32_t scope) {
  names_.Add(span.name);
  trace_states_.Add(span.trace_state);
  status_messages_.Add(span.status_message);
  const std::uint64_t hint =
      names_.plain() ? 0 : std::uint64_t{names_.NumberAt(names_.size() - 1)} + 1;
  attributes_.Add(batch.At(span.attributes), hint);
  spans_.push_back({.trace = span.trace,
                    .span = span.span,
                    .parent = span.parent,
                    .start_ns = span.start_ns,
                    .duration_ns = span.end_ns - span.start_ns,
                    .scope = scope,
                    .flags = span.flags,
                    .kind = static_cast<std::uint32_t>(span.kind),
                    .status = static_cast<std::uint32_t>(span.status),
                    .dropped_attributes = span.dropped_attributes,
                    .dropped_events = span.dropped_events,
                    .dropped_links = span.dropped_links,
                    .event_begin = static_cast<std::uint32_t>(events_.size()),
                    .event_count = span.events.count,
                    .link_begin = static_cast<std::uint32_t>(links_.size()),
                    .link_count = span.links.count});
  for (const otlp::Event& event : batch.EventsOf(span)) {
    event_names_.Add(event.name);
    event_attributes_.Add(batch.At(event.attributes), 0);
    events_.push_back({event.time_ns - span.start_ns, event.dropped_attributes});
  }
  for (const otlp::Link& link : batch.LinksOf(span)) {
    link_states_.Add(link.trace_state);
    link_attributes_.Add(batch.At(link.attributes), 0);
    links_.push_back({link.trace, link.span, link.dropped_attributes, link.flags});
  }
}

void Block::Truncate(std::uint32_t rows) {
  while (spans_.size() > rows) {
    for (; events_.size() > spans_.back().event_begin; events_.pop_back()) {
      event_names_.Pop();
      event_attributes_.Pop();
    }
    for (; links_.size() > spans_.back().link_begin; links_.pop_back()) {
      link_states_.Pop();
      link_attributes_.Pop();
    }
    names_.Pop();
    trace_states_.Pop();
    status_messages_.Pop();
    attributes_.Pop();
    spans_.pop_back();
  }
}

void Block::Clear() {
  spans_.clear();
  events_.clear();
  links_.clear();
  for (TextColumn* texts :
       {&names_, &trace_states_, &status_messages_, &event_names_, &link_states_}) {
    texts->Clear();
  }
  attributes_.Clear();
  event_attributes_.Clear();
  link_attributes_.Clear();
  resources_.Clear();
  scopes_.Clear();
}

std::size_t Block::bytes() const {
  return spans_.size() * sizeof(Row) + events_.size() * sizeof(EventRow) +
         links_.size() * sizeof(LinkRow) + names_.bytes() + trace_states_.bytes() +
         status_messages_.bytes() + event_names_.bytes() + link_states_.bytes() +
         attributes_.bytes() + event_attributes_.bytes() + link_attributes_.bytes() +
         resources_.bytes() + scopes_.bytes();
}

std::vector<std::uint32_t> Block::RowsOf(base::TraceId trace) const {
  std::vector<std::uint32_t> rows;
  for (std::uint32_t i = 0; i < spans_.size(); ++i) {
    if (spans_[i].trace == trace) rows.push_back(i);
  }
  return rows;
}

std::vector<std::vector<std::uint32_t>> Block::RowsOf(std::span<const base::TraceId> traces) const {
  std::vector<std::vector<std::uint32_t>> rows(traces.size());
  std::bitset<4096>
      may;  // by the last bits of an id: most rows are passed over for the price of one
  const auto bit = [](base::TraceId id) { return id.low % 4096; };
  std::multimap<std::pair<std::uint64_t, std::uint64_t>, std::size_t> numbers;
  for (std::size_t i = 0; i < traces.size(); ++i) {
    may.set(bit(traces[i]));
    numbers.emplace(std::pair(traces[i].high, traces[i].low), i);
  }
  for (std::uint32_t row = 0; row < spans_.size(); ++row) {
    const base::TraceId id = spans_[row].trace;
    if (!may.test(bit(id))) continue;
    const auto [first, last] = numbers.equal_range(std::pair(id.high, id.low));
    for (auto at = first; at != last; ++at) rows[at->second].push_back(row);
  }
  return rows;
}

void Block::Read(std::span<const std::uint32_t> rows, otlp::SpanBatch& out) const {
  ScopeReader scopes(out);
  for (const std::uint32_t number : rows) {
    const Row& row = spans_[number];
    otlp::Span span;
    CHECK(scopes.Index(
        row.scope,
        [&](std::uint64_t i, std::string_view& text) {
          text = resources_.At(static_cast<std::uint32_t>(i));
          return true;
        },
        [&](std::uint32_t i) { return scopes_.At(i); }, span.scope));
    span.trace = row.trace;
    span.span = row.span;
    span.parent = row.parent;
    span.start_ns = row.start_ns;
    span.end_ns = row.start_ns + row.duration_ns;
    span.name = out.arena.Copy(names_.At(number));
    span.trace_state = out.arena.Copy(trace_states_.At(number));
    span.status_message = out.arena.Copy(status_messages_.At(number));
    span.dropped_attributes = row.dropped_attributes;
    span.dropped_events = row.dropped_events;
    span.dropped_links = row.dropped_links;
    span.flags = row.flags;
    span.kind = static_cast<std::int32_t>(row.kind);
    span.status = static_cast<std::int32_t>(row.status);
    span.attributes = attributes_.Read(number, out);
    span.events = {static_cast<std::uint32_t>(out.events.size()), row.event_count};
    for (std::uint32_t i = row.event_begin; i < row.event_begin + row.event_count; ++i) {
      out.events.push_back({.time_ns = row.start_ns + events_[i].offset_ns,
                            .name = out.arena.Copy(event_names_.At(i)),
                            .attributes = event_attributes_.Read(i, out),
                            .dropped_attributes = events_[i].dropped_attributes});
    }
    span.links = {static_cast<std::uint32_t>(out.links.size()), row.link_count};
    for (std::uint32_t i = row.link_begin; i < row.link_begin + row.link_count; ++i) {
      out.links.push_back({.trace = links_[i].trace,
                           .span = links_[i].span,
                           .trace_state = out.arena.Copy(link_states_.At(i)),
                           .attributes = link_attributes_.Read(i, out),
                           .dropped_attributes = links_[i].dropped_attributes,
                           .flags = links_[i].flags});
    }
    out.spans.push_back(span);
  }
}

otlp::Limits ScopeReader::Unlimited() {
  constexpr std::uint32_t kNone = ~0u;
  return {.request_bytes = 1u << 30,
          .item_bytes = 1u << 30,
          .attributes = kNone,
          .events = kNone,
          .links = kNone,
          .key_bytes = kNone,
          .value_bytes = kNone,
          .depth = 64};
}

bool ScopeReader::Split(std::string_view text, std::uint64_t& resource, std::string_view& scope) {
  base::VarintReader reader(text);
  if (!reader.NextUpTo(Block::kMostRows, resource)) return false;
  scope = text.substr(text.size() - reader.left());
  return true;
}

bool ScopeReader::AddResource(std::uint32_t number, std::string_view text) {
  text = out_.arena.Copy(text);
  const std::string_view receiver = TakeReceiver(text);
  if (!decoder_.DecodeResource(text, out_).ok()) return false;
  out_.resources.back().receiver = receiver;
  resources_.resize(std::max<std::size_t>(resources_.size(), number + 1));
  resources_[number] = static_cast<std::uint32_t>(out_.resources.size());
  return true;
}

bool ScopeReader::AddScope(std::uint32_t number, std::uint32_t resource, std::string_view text,
                           std::uint32_t& index) {
  if (!decoder_.DecodeScope(out_.arena.Copy(text), out_).ok()) return false;
  out_.scopes.back().resource = resource;
  index = static_cast<std::uint32_t>(out_.scopes.size()) - 1;
  scopes_.resize(std::max<std::size_t>(scopes_.size(), number + 1));
  scopes_[number] = index + 1;
  return true;
}

}  // namespace ronda::trace::segment
