#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/clock.h"
#include "base/core/ids.h"
#include "trace/query/condition.h"
#include "trace/segment/source.h"

namespace ronda::trace::query {

// Where a page of results ended: the next one begins after it. What was found is ordered by a trace's
// first matching span, newest first, then by trace id; both stay what they are when segments are sealed
// and merged and when new traces arrive. A trace of which an earlier matching span arrives between two
// pages can come again; none is passed over.
struct Cursor {
  std::uint64_t start_ns = 0;
  base::TraceId trace;
  bool operator==(const Cursor&) const = default;
};
// 48 hex digits; what is said about them is that they can be given back.
[[nodiscard]] std::string ToText(const Cursor& cursor);
[[nodiscard]] std::optional<Cursor> ParseCursor(std::string_view text);

inline constexpr std::uint32_t kMostResults = 1000;

struct SearchRequest {
  Condition where;  // all of it has to hold for one span
  // That span starts in [from_ns, to_ns).
  std::uint64_t from_ns = 0;
  std::uint64_t to_ns = std::numeric_limits<std::uint64_t>::max();
  std::uint32_t limit = 20;  // 1 to kMostResults
  std::optional<Cursor> after = {};
  std::uint64_t deadline_ns = 0;  // of the clock, monotonic; 0: none
};

// How much of a trace one service did.
struct ServiceShare {
  std::string service;
  std::uint32_t spans = 0;
  std::uint32_t errors = 0;
  bool operator==(const ServiceShare&) const = default;
};

// A trace in a line. Times as the spans say them; equal spans that came twice are counted once.
struct TraceSummary {
  base::TraceId trace;
  std::uint64_t matched_ns = 0;  // start of the first matching span: what results are ordered by
  // Of the earliest span without a parent, or else of the earliest span.
  std::string root_service = {};
  std::string root_name = {};
  bool has_root = false;  // it names no parent
  std::uint64_t start_ns = 0;  // the earliest
  std::uint64_t duration_ns = 0;  // to the latest end
  std::uint32_t spans = 0;
  std::uint32_t errors = 0;
  std::vector<ServiceShare> services = {};  // by name
  bool operator==(const TraceSummary&) const = default;
};

struct SearchResult {
  std::vector<TraceSummary> traces;
  std::optional<Cursor> next;  // nothing: that was all
  std::vector<std::string> notices;  // segments that could not be read, and why
};

// Newest first. DeadlineExceeded when it takes longer than allowed; damage is a notice. Any thread.
[[nodiscard]] base::Result<SearchResult> Search(segment::Source& source, const base::Clock& clock,
                                                const SearchRequest& request);

}  // namespace ronda::trace::query
