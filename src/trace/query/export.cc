#include "trace/query/export.h"

#include <algorithm>
#include <memory>
#include <numeric>
#include <queue>
#include <set>
#include <utility>

#include "trace/segment/columns.h"
#include "trace/segment/layout.h"

namespace ronda::trace::query {
namespace {

namespace otlp = wire::otlp;
using segment::Role;

// The earliest starts in a range, so many as are wanted.
class Earliest {
 public:
  Earliest(std::uint64_t from_ns, std::uint64_t to_ns, std::size_t most)
      : from_ns_(from_ns), to_ns_(to_ns), most_(std::max<std::size_t>(most, 1)) {}

  void Add(std::uint64_t start_ns) {
    if (start_ns < from_ns_ || start_ns >= to_ns_) return;
    starts_.push(start_ns);
    if (starts_.size() <= most_) return;
    beyond_ = std::max(beyond_, starts_.top());
    starts_.pop();
  }
  // Whether something that starts then is past what is wanted.
  [[nodiscard]] bool IsPast(std::uint64_t start_ns) const {
    return starts_.size() >= most_ && start_ns > starts_.top();
  }
  // There is something that is not looked at any more.
  void PassOver(std::uint64_t start_ns) { beyond_ = std::max(beyond_, start_ns); }
  // Where the next page begins; nothing when all fits into this one.
  [[nodiscard]] std::optional<std::uint64_t> Next() const {
    if (!IsPast(beyond_)) return std::nullopt;
    return starts_.top() + 1;
  }

 private:
  std::uint64_t from_ns_, to_ns_;
  std::size_t most_;
  std::uint64_t beyond_ = 0;  // the last that did not fit
  std::priority_queue<std::uint64_t> starts_;
};

// A page of a segment that may have spans in the range.
struct Piece {
  std::uint64_t min_ns = 0;
  std::size_t segment = 0;
  std::size_t page = 0;
};

// One page of an export, while it is made.
class Maker {
 public:
  Maker(std::uint64_t from_ns, std::uint64_t to_ns, std::size_t least)
      : from_ns_(from_ns), to_ns_(to_ns), least_(least), earliest_(from_ns, to_ns, least) {}

  base::Result<ExportPage> Make(segment::Source& source) {
    base::Status status;
    segments_ = source.Snapshot([&](const segment::Block& block) {
      if (status.ok()) status = ReadBlock(block);
    });
    RETURN_IF_ERROR(status);
    for (const auto& segment : segments_) columns_.push_back(ColumnsOf(*segment));
    const std::vector<Piece> pieces = Look();
    page_.next_ns = earliest_.Next();
    RETURN_IF_ERROR(failed_);
    for (const Piece& piece : pieces) {
      if (piece.min_ns < end()) ReadPiece(piece);
    }
    RETURN_IF_ERROR(failed_);
    Join(rows_);
    std::vector<std::uint32_t> all(joined_.rows());
    std::iota(all.begin(), all.end(), 0u);
    joined_.Read(all, page_.batch);
    return std::move(page_);
  }

 private:
  [[nodiscard]] std::uint64_t end() const { return page_.next_ns.value_or(to_ns_); }

  // The block's part of what may come on this page: it cannot be asked again.
  base::Status ReadBlock(const segment::Block& block) {
    if (block.rows() == 0) return base::Ok();
    const auto columns = ColumnsOf(block);
    ASSIGN_OR_RETURN(const segment::Cells starts, columns->Fixed(Role::kStart, 0));
    Earliest own(from_ns_, to_ns_, least_);
    for (const std::uint64_t start : starts.numbers) {
      own.Add(start);
      earliest_.Add(start);
    }
    std::vector<std::uint32_t> rows;
    for (std::uint32_t row = 0; row < block.rows(); ++row) {
      const std::uint64_t start = starts.numbers[row];
      if (start >= from_ns_ && start < to_ns_ && !own.IsPast(start)) rows.push_back(row);
    }
    block.Read(rows, rows_);
    return base::Ok();
  }

  // The pieces that may have what is wanted, by their earliest start; looks at starts until the rest
  // begins later.
  std::vector<Piece> Look() {
    std::vector<Piece> pieces, seen;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      for (std::size_t page = 0; page < columns_[i]->pages(); ++page) {
        const segment::Zone zone = columns_[i]->ZoneOf(Role::kStart, page);
        if (zone.max >= from_ns_ && zone.min < to_ns_) pieces.push_back({zone.min, i, page});
      }
    }
    std::ranges::sort(pieces, {}, &Piece::min_ns);
    for (const Piece& piece : pieces) {
      if (earliest_.IsPast(piece.min_ns)) {
        earliest_.PassOver(piece.min_ns);
        break;
      }
      const auto starts = columns_[piece.segment]->Fixed(Role::kStart, piece.page);
      if (!starts.ok()) {
        Fail(piece.segment, starts.status());
        continue;
      }
      for (const std::uint64_t start : starts->numbers) earliest_.Add(start);
      seen.push_back(piece);
    }
    return seen;
  }

  void ReadPiece(const Piece& piece) {
    otlp::SpanBatch batch;
    const auto begin = static_cast<std::uint32_t>(piece.page * segment::kPageRows);
    const base::Status status =
        segments_[piece.segment]->Read({begin, columns_[piece.segment]->RowsOf(piece.page)}, batch);
    if (!status.ok()) return Fail(piece.segment, status);
    Join(batch);
  }

  // Takes the spans that are wanted; resources and scopes that are alike become one.
  void Join(otlp::SpanBatch& batch) {
    std::erase_if(batch.spans, [&](const otlp::Span& span) {
      return span.start_ns < from_ns_ || span.start_ns >= end();
    });
    joined_.Append(batch);
  }

  void Fail(std::size_t segment, const base::Status& why) {
    if (why.code() != base::Code::kDataLoss) {
      failed_ = why;
    } else if (damaged_.insert(segment).second) {
      page_.notices.push_back("spans may be missing: " + why.message());
    }
  }

  std::uint64_t from_ns_, to_ns_;
  std::size_t least_;
  Earliest earliest_;
  segment::Source::Segments segments_;
  std::vector<std::unique_ptr<segment::SpanColumns>> columns_;  // of each segment
  otlp::SpanBatch rows_;  // of blocks
  segment::Block joined_;
  ExportPage page_;
  std::set<std::size_t> damaged_;
  base::Status failed_;
};

}  // namespace

base::Result<ExportPage> ReadExportPage(segment::Source& source, std::uint64_t from_ns,
                                        std::uint64_t to_ns, std::size_t least) {
  return Maker(from_ns, to_ns, least).Make(source);
}

}  // namespace ronda::trace::query
