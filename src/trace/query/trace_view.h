#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "wire/otlp/model.h"

// A trace as people look at it, computed from its spans alone: pure functions, any thread.
namespace ronda::trace::query {

namespace otlp = ronda::wire::otlp;

inline constexpr std::uint32_t kNone = ~std::uint32_t{0};

// What became of a span's parent.
enum class Link : std::uint8_t {
  kRoot,  // it names none
  kChild,
  kMissing,  // it names one that is not there
  kCycle,  // it is its own ancestor: cut here
  kDuplicate,  // the same span came more than once; left out of the tree
};

// Which part of a call a span is. A call that both sides recorded is one node of the tree: its two
// halves have the same level path.
enum class Half : std::uint8_t { kWhole, kCaller, kCallee };

// What the view adds to the span of the same index in the batch. Times are ns since 1970; an end
// before its start counts as the start.
struct SpanView {
  Link link = Link::kRoot;
  Half half = Half::kWhole;
  std::uint32_t parent = kNone;  // index of a span
  std::uint32_t other_half = kNone;
  std::uint32_t process = 0;  // number of the resource, equal ones joined
  std::uint32_t depth = 0;  // of the node: 0 for a root
  std::uint32_t ordinal = 0;  // of the node among its parent's, by start, from 1
  std::uint32_t children_begin = 0;  // in TraceView::children
  std::uint32_t children_count = 0;
  std::int64_t shift_ns = 0;  // what was added to make its clock agree with the root's
  std::int64_t start_ns = 0;  // corrected
  std::int64_t end_ns = 0;  // corrected
  std::int64_t self_ns = 0;  // in none of its children
  std::int64_t critical_ns = 0;  // of the critical path
  // Of a caller with its callee: between call and arrival, between answer and return. Negative when
  // the callee outlived the caller.
  std::int64_t request_gap_ns = 0;
  std::int64_t response_gap_ns = 0;
};

// A piece of the critical path: what the root was waiting for.
struct CriticalPiece {
  std::uint32_t span = 0;
  std::int64_t from_ns = 0;
  std::int64_t to_ns = 0;
};

// A process whose clock differs from that of the process it was called by.
struct Skew {
  std::uint32_t process = 0;
  std::int64_t shift_ns = 0;  // added to all its times
  std::uint32_t spans = 0;
};

struct Process {
  std::uint32_t resource = 0;  // index in the batch
  std::string_view service;  // borrowed from the batch; "" when it says none
};

struct TraceView {
  std::vector<SpanView> spans;  // as the batch has them
  std::vector<std::uint32_t> children;  // of all spans, each one's by corrected start
  std::vector<std::uint32_t> roots;  // by corrected start
  std::vector<std::uint32_t> order;  // depth first: as it is drawn, without duplicates
  std::vector<Process> processes;
  std::vector<Skew> skews;
  // Of the first span that names no parent, or else of the first root; by time.
  std::vector<CriticalPiece> critical_path;
  std::uint32_t main_root = kNone;
  std::int64_t start_ns = 0;  // corrected
  std::int64_t end_ns = 0;
  std::uint32_t duplicates = 0;
  std::uint32_t missing_parents = 0;
  std::uint32_t cycles = 0;
  std::uint32_t errors = 0;
};

// The view of the batch's spans, which are taken to be one trace. Needs no more stack for a deep
// trace, and time that grows as n log n. Texts are borrowed from `batch`.
//
// A caller (client or producer) and the one callee (server or consumer) under it are merged. Clocks:
// a server span lies inside its client span; where the clocks of two processes do not allow that,
// the callee's process is moved by the least that does, to the middle of what all calls between the
// two allow. A callee that took longer than its caller is only moved when it begins outside.
// The critical path follows, from the root's end backwards, the child that ended last.
[[nodiscard]] TraceView MakeView(const otlp::SpanBatch& batch);

// Levels above this many are not written.
inline constexpr std::uint32_t kPathLevels = 64;
// The level path of a span: "1.2.1"; of a deeper one the last levels: "~.1.1".
[[nodiscard]] std::string PathOf(const TraceView& view, std::uint32_t span);

// The value of the first attribute of that key, or null.
[[nodiscard]] const otlp::Value* Find(const otlp::BatchParts& batch, otlp::Range attributes,
                                      std::string_view key);
// The resource's service.name, or "".
[[nodiscard]] std::string_view ServiceOf(const otlp::BatchParts& batch,
                                         const otlp::Resource& resource);

}  // namespace ronda::trace::query
