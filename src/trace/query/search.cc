#include "trace/query/search.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include "trace/query/span_filter.h"
#include "trace/query/summary.h"
#include "trace/segment/columns.h"

namespace ronda::trace::query {
namespace {

using segment::SegmentReader;
using segment::SpanColumns;

struct HashOfTrace {
  std::size_t operator()(base::TraceId trace) const {
    return trace.high * 0x9e3779b97f4a7c15u ^ trace.low;
  }
};

// A trace that matches, by what results are ordered by; the greatest comes first.
using Rank = std::tuple<std::uint64_t, std::uint64_t, std::uint64_t>;
Rank RankOf(std::uint64_t start_ns, base::TraceId trace) {
  return {start_ns, trace.high, trace.low};
}

// Traces found so far, each with its first match known yet.
class Candidates {
 public:
  void Add(base::TraceId trace, std::uint64_t start_ns) {
    const auto [at, made] = starts_.try_emplace(trace, start_ns);
    if (!made) {
      if (start_ns >= at->second) return;
      ranked_.erase(RankOf(at->second, trace));
      at->second = start_ns;
    }
    ranked_.insert(RankOf(start_ns, trace));
  }
  [[nodiscard]] bool empty() const { return ranked_.empty(); }
  [[nodiscard]] Cursor Top() const {
    const auto& [start, high, low] = *ranked_.rbegin();
    return {start, {.high = high, .low = low}};
  }
  // Its trace stays known, so that it is not added again.
  void Pop() { ranked_.erase(std::prev(ranked_.end())); }

 private:
  std::unordered_map<base::TraceId, std::uint64_t, HashOfTrace> starts_;
  std::set<Rank> ranked_;
};

// A segment of the snapshot; its columns are made when they are needed.
struct Place {
  std::shared_ptr<const SegmentReader> segment;
  std::unique_ptr<SpanColumns> columns;
  bool scanned = false;
  bool damaged = false;

  SpanColumns& Columns() {
    if (columns == nullptr) columns = segment::ColumnsOf(*segment);
    return *columns;
  }
};

class Searching {
 public:
  Searching(segment::Source& source, const base::Clock& clock, const SearchRequest& request)
      : source_(source), clock_(clock), request_(request) {
    // A trace whose first match is at the cursor's time may still come, by its id.
    to_ns_ = request.to_ns;
    if (request.after && request.after->start_ns < to_ns_) to_ns_ = request.after->start_ns + 1;
  }

  base::Result<SearchResult> Run() {
    if (request_.from_ns < to_ns_) RETURN_IF_ERROR(Find());
    RETURN_IF_ERROR(Summarize());
    return std::move(result_);
  }

 private:
  base::Status Find() {
    base::Status status;
    auto segments = source_.Snapshot([&](const segment::Block& block) {
      if (block.rows() == 0 || !status.ok()) return;
      const auto columns = segment::ColumnsOf(block);
      status = Scan(*columns);
    });
    RETURN_IF_ERROR(status);
    for (auto& segment : segments) places_.push_back({std::move(segment), nullptr});
    std::ranges::sort(places_, std::ranges::greater(),
                      [](const Place& place) { return place.segment->info().max_start_ns; });
    while (found_.size() <= request_.limit) {
      if (!candidates_.empty()) {
        ASSIGN_OR_RETURN(const Top top, LookAtTop());
        if (top == Top::kSure) {
          found_.push_back(candidates_.Top());
          candidates_.Pop();
        }
        if (top != Top::kNotYet) continue;
      }
      ASSIGN_OR_RETURN(const bool more, ScanNext());
      if (!more && candidates_.empty()) break;
    }
    return base::Ok();
  }

  // Of the first candidate: nothing in the segments that are left comes before it, or makes it come
  // later; or something may come before it; or a segment that has its trace was scanned just now.
  enum class Top : std::uint8_t { kSure, kNotYet, kScanned };
  base::Result<Top> LookAtTop() {
    const Cursor top = candidates_.Top();
    for (Place& place : places_) {
      if (place.scanned) continue;
      const auto& info = place.segment->info();
      if (std::min(info.max_start_ns, to_ns_ - 1) >= top.start_ns && MayMatch(place)) {
        return Top::kNotYet;
      }
      if (info.min_start_ns > top.start_ns || !place.segment->MayHave(top.trace)) continue;
      const auto rows = place.Columns().RowsOfTrace(top.trace);
      if (rows.ok() && rows->empty()) continue;
      RETURN_IF_ERROR(ScanPlace(place));
      return Top::kScanned;
    }
    return Top::kSure;
  }

  [[nodiscard]] bool MayMatch(const Place& place) const {
    const auto& info = place.segment->info();
    return info.max_start_ns >= request_.from_ns && info.min_start_ns < to_ns_;
  }

  // Scans the newest segment that is left; false when none is.
  base::Result<bool> ScanNext() {
    for (Place& place : places_) {
      if (place.scanned) continue;
      RETURN_IF_ERROR(ScanPlace(place));
      return true;
    }
    return false;
  }

  base::Status ScanPlace(Place& place) {
    place.scanned = true;
    if (!MayMatch(place)) return base::Ok();
    const base::Status status = Scan(place.Columns());
    if (status.code() != base::Code::kDataLoss) return status;
    place.damaged = true;
    Notice(status);
    return base::Ok();
  }

  void Notice(const base::Status& status) {
    const std::string text = "spans may be missing: " + status.message();
    if (std::ranges::find(result_.notices, text) == result_.notices.end()) {
      result_.notices.push_back(text);
    }
  }

  base::Status Scan(SpanColumns& columns) {
    SpanFilter filter(request_.where, columns);
    Flags flags;
    std::uint32_t row = 0;
    for (std::size_t page = 0; page < columns.pages(); row += columns.RowsOf(page), ++page) {
      if (request_.deadline_ns != 0 && clock_.MonotonicNs() > request_.deadline_ns) {
        return base::DeadlineExceeded(
            "the search took too long: give it a shorter time range, or a service");
      }
      const segment::Zone zone = columns.ZoneOf(segment::Role::kStart, page);
      if (zone.max < request_.from_ns || zone.min >= to_ns_) continue;
      RETURN_IF_ERROR(filter.Page(page, flags));
      if (std::ranges::find(flags, std::uint8_t{1}) == flags.end()) continue;
      ASSIGN_OR_RETURN(const segment::Cells starts, columns.Fixed(segment::Role::kStart, page));
      for (std::uint32_t i = 0; i < flags.size(); ++i) {
        const std::uint64_t start = starts.numbers[i];
        if (flags[i] == 0 || start < request_.from_ns || start >= to_ns_) continue;
        ASSIGN_OR_RETURN(const base::TraceId trace, columns.TraceOf(row + i));
        if (request_.after &&
            RankOf(start, trace) >= RankOf(request_.after->start_ns, request_.after->trace)) {
          continue;
        }
        candidates_.Add(trace, start);
      }
    }
    return base::Ok();
  }

  // Everything may have moved since Find: the summaries are of a snapshot of their own.
  base::Status Summarize() {
    if (found_.size() > request_.limit) {
      found_.pop_back();
      result_.next = found_.back();
    }
    std::vector<Summarizer> summaries(found_.size());
    base::Status status;
    const auto segments = source_.Snapshot([&](const segment::Block& block) {
      if (block.rows() == 0 || !status.ok()) return;
      const auto columns = segment::ColumnsOf(block);
      for (std::size_t i = 0; i < found_.size() && status.ok(); ++i) {
        status = summaries[i].Add(*columns, block.RowsOf(found_[i].trace));
      }
    });
    RETURN_IF_ERROR(status);
    for (const auto& segment : segments) {
      for (std::size_t i = 0; i < found_.size(); ++i) {
        if (!segment->MayHave(found_[i].trace)) continue;
        status = AddFrom(segment, found_[i].trace, summaries[i]);
        if (status.code() == base::Code::kDataLoss) {
          Notice(status);
        } else {
          RETURN_IF_ERROR(status);
        }
      }
    }
    for (std::size_t i = 0; i < found_.size(); ++i) {
      if (summaries[i].empty()) continue;  // expired meanwhile
      result_.traces.push_back(summaries[i].Finish(found_[i].trace));
      result_.traces.back().matched_ns = found_[i].start_ns;
    }
    return base::Ok();
  }

  base::Status AddFrom(const std::shared_ptr<const SegmentReader>& segment, base::TraceId trace,
                       Summarizer& summary) {
    const auto known = std::ranges::find(places_, segment, &Place::segment);
    Place& place = known != places_.end() ? *known : newer_[segment];
    place.segment = segment;
    ASSIGN_OR_RETURN(const auto rows, place.Columns().RowsOfTrace(trace));
    return summary.Add(place.Columns(), rows);
  }

  segment::Source& source_;
  const base::Clock& clock_;
  const SearchRequest& request_;
  std::uint64_t to_ns_ = 0;
  Candidates candidates_;
  std::vector<Place> places_;
  std::map<std::shared_ptr<const SegmentReader>, Place> newer_;  // since Find
  std::vector<Cursor> found_;
  SearchResult result_;
};

}  // namespace

std::string ToText(const Cursor& cursor) {
  std::string text(16, '0');
  base::WriteHex(cursor.start_ns, 16, text.data());
  return text + base::ToHex(cursor.trace);
}

std::optional<Cursor> ParseCursor(std::string_view text) {
  if (text.size() != 48) return std::nullopt;
  // The first half is read as an id too: the same digits.
  const auto start = base::ParseTraceId("0000000000000001" + std::string(text.substr(0, 16)));
  const auto trace = base::ParseTraceId(text.substr(16));
  if (!start || !trace) return std::nullopt;
  return Cursor{start->low, *trace};
}

base::Result<SearchResult> Search(segment::Source& source, const base::Clock& clock,
                                  const SearchRequest& request) {
  if (request.limit == 0 || request.limit > kMostResults) {
    return base::InvalidArgument("limit is from 1 to " + std::to_string(kMostResults));
  }
  return Searching(source, clock, request).Run();
}

}  // namespace ronda::trace::query
