#include "trace/query/search.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <tuple>
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

// A segment of the snapshot. Its columns, and what was judged of them, are made when they are needed and
// let go once all of it was scanned: they may be large, and there are many.
struct Place {
  explicit Place(std::shared_ptr<const SegmentReader> which) : segment(std::move(which)) {}

  SpanColumns& Columns() {
    if (columns == nullptr) columns = segment::ColumnsOf(*segment);
    return *columns;
  }
  void LetGo() {
    filter = nullptr;
    columns = nullptr;
  }

  std::shared_ptr<const SegmentReader> segment;
  std::unique_ptr<SpanColumns> columns = nullptr;
  std::unique_ptr<SpanFilter> filter = nullptr;  // of the columns, once a page was scanned
  std::vector<std::uint32_t> page_begins = {};  // the first row of each page
  std::vector<std::uint8_t> open = {};  // by page: it is to be scanned yet, and may have matches
  std::size_t left = 0;  // how many are
};

// A page that is to be scanned.
struct OpenPage {
  Place* place = nullptr;
  std::size_t page = 0;
  std::uint64_t max_start_ns = 0;
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
      status = ScanAll(*columns);
    });
    RETURN_IF_ERROR(status);
    for (auto& segment : segments) AddPlace(std::move(segment));
    std::ranges::sort(pages_, std::ranges::greater(), [](const OpenPage& page) {
      return std::tuple(page.max_start_ns, page.place, page.page);
    });
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

  void AddPlace(std::shared_ptr<const SegmentReader> segment) {
    const auto& info = segment->info();
    if (info.max_start_ns < request_.from_ns || info.min_start_ns >= to_ns_) return;
    Place& place = places_.emplace_back(std::move(segment));
    std::uint32_t row = 0;
    for (std::size_t page = 0; page < place.Columns().pages(); ++page) {
      const segment::Zone zone = place.Columns().ZoneOf(segment::Role::kStart, page);
      const bool may_match = zone.max >= request_.from_ns && zone.min < to_ns_;
      place.page_begins.push_back(row);
      place.open.push_back(may_match);
      place.left += may_match;
      row += place.Columns().RowsOf(page);
      if (may_match) pages_.push_back({&place, page, zone.max});
    }
  }

  // Of the first candidate: nothing in the pages that are left comes before it, or makes it come later;
  // or something may come before it; or pages that have its trace were scanned just now.
  enum class Top : std::uint8_t { kSure, kNotYet, kScanned };
  base::Result<Top> LookAtTop() {
    const Cursor top = candidates_.Top();
    PassOver();
    if (next_ < pages_.size() && std::min(pages_[next_].max_start_ns, to_ns_ - 1) >= top.start_ns) {
      return Top::kNotYet;
    }
    bool scanned = false;
    for (Place& place : places_) {
      if (place.left == 0 || place.segment->info().min_start_ns > top.start_ns) continue;
      const auto rows = place.Columns().RowsOfTrace(top.trace);
      if (rows.status().code() == base::Code::kDataLoss) {
        Notice(rows.status());
        continue;
      }
      RETURN_IF_ERROR(rows.status());
      if (rows->empty()) continue;
      for (std::size_t page = PageOf(place, rows->front()); page <= PageOf(place, rows->back());
           ++page) {
        if (place.open[page] == 0) continue;
        RETURN_IF_ERROR(ScanPage(place, page));
        scanned = true;
      }
    }
    return scanned ? Top::kScanned : Top::kSure;
  }

  static std::size_t PageOf(const Place& place, std::uint32_t row) {
    const auto after = std::ranges::upper_bound(place.page_begins, row);
    return static_cast<std::size_t>(after - place.page_begins.begin()) - 1;
  }

  void PassOver() {
    while (next_ < pages_.size() && pages_[next_].place->open[pages_[next_].page] == 0) ++next_;
  }

  // Scans the page with the newest rows that is left; false when none is.
  base::Result<bool> ScanNext() {
    PassOver();
    if (next_ == pages_.size()) return false;
    RETURN_IF_ERROR(ScanPage(*pages_[next_].place, pages_[next_].page));
    return true;
  }

  base::Status ScanPage(Place& place, std::size_t page) {
    place.open[page] = 0;
    --place.left;
    if (place.filter == nullptr) {
      place.filter = std::make_unique<SpanFilter>(request_.where, place.Columns());
    }
    const base::Status status = Scan(place.Columns(), *place.filter, page, place.page_begins[page]);
    if (place.left == 0) place.LetGo();
    if (status.code() != base::Code::kDataLoss) return status;
    Notice(status);
    return base::Ok();
  }

  void Notice(const base::Status& status) {
    const std::string text = "spans may be missing: " + status.message();
    if (std::ranges::find(result_.notices, text) == result_.notices.end()) {
      result_.notices.push_back(text);
    }
  }

  // An open block: its rows are as they came.
  base::Status ScanAll(SpanColumns& columns) {
    SpanFilter filter(request_.where, columns);
    std::uint32_t row = 0;
    for (std::size_t page = 0; page < columns.pages(); row += columns.RowsOf(page), ++page) {
      const segment::Zone zone = columns.ZoneOf(segment::Role::kStart, page);
      if (zone.max < request_.from_ns || zone.min >= to_ns_) continue;
      RETURN_IF_ERROR(Scan(columns, filter, page, row));
    }
    return base::Ok();
  }

  // Adds what matches in a page, whose first row is `begin`, to the candidates.
  base::Status Scan(SpanColumns& columns, SpanFilter& filter, std::size_t page,
                    std::uint32_t begin) {
    if (request_.deadline_ns != 0 && clock_.MonotonicNs() > request_.deadline_ns) {
      return base::DeadlineExceeded(
          "the search took too long: give it a shorter time range, or a service");
    }
    RETURN_IF_ERROR(filter.Page(page, flags_));
    if (std::ranges::find(flags_, std::uint8_t{1}) == flags_.end()) return base::Ok();
    ASSIGN_OR_RETURN(const segment::Cells starts, columns.Fixed(segment::Role::kStart, page));
    for (std::uint32_t i = 0; i < flags_.size(); ++i) {
      const std::uint64_t start = starts.numbers[i];
      if (flags_[i] == 0 || start < request_.from_ns || start >= to_ns_) continue;
      ASSIGN_OR_RETURN(const base::TraceId trace, columns.TraceOf(begin + i));
      if (request_.after &&
          RankOf(start, trace) >= RankOf(request_.after->start_ns, request_.after->trace)) {
        continue;
      }
      candidates_.Add(trace, start);
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
    std::vector<base::TraceId> traces;
    for (const Cursor& each : found_) traces.push_back(each.trace);
    base::Status status;
    const auto segments = source_.Snapshot([&](const segment::Block& block) {
      if (block.rows() == 0 || !status.ok()) return;
      const auto columns = segment::ColumnsOf(block);
      const auto rows = block.RowsOf(traces);
      for (std::size_t i = 0; i < found_.size() && status.ok(); ++i) {
        status = summaries[i].Add(*columns, rows[i]);
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
    SpanColumns* columns = nullptr;
    const auto known = std::ranges::find(places_, segment, &Place::segment);
    if (known != places_.end()) {
      columns = &known->Columns();
    } else {
      auto& made = others_[segment];
      if (made == nullptr) made = segment::ColumnsOf(*segment);
      columns = made.get();
    }
    ASSIGN_OR_RETURN(const auto rows, columns->RowsOfTrace(trace));
    return summary.Add(*columns, rows);
  }

  segment::Source& source_;
  const base::Clock& clock_;
  const SearchRequest& request_;
  std::uint64_t to_ns_ = 0;
  Candidates candidates_;
  std::deque<Place> places_;  // which pages_ point to
  std::vector<OpenPage> pages_;  // the newest first
  std::size_t next_ = 0;  // of those: what is before is scanned
  Flags flags_;  // scratch
  // Not among the places: made since, or outside of the time asked for.
  std::map<std::shared_ptr<const SegmentReader>, std::unique_ptr<SpanColumns>> others_;
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
