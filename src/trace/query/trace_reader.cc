#include "trace/query/trace_reader.h"

#include <algorithm>

namespace ronda::trace::query {
namespace {

// Takes back what a read that failed had appended.
class Rollback {
 public:
  explicit Rollback(wire::otlp::SpanBatch& batch)
      : batch_(batch), sizes_{batch.spans.size(),      batch.events.size(), batch.links.size(),
                              batch.resources.size(),  batch.scopes.size(), batch.attributes.size(),
                              batch.entity_refs.size()} {}
  void Undo() {
    batch_.spans.resize(sizes_[0]);
    batch_.events.resize(sizes_[1]);
    batch_.links.resize(sizes_[2]);
    batch_.resources.resize(sizes_[3]);
    batch_.scopes.resize(sizes_[4]);
    batch_.attributes.resize(sizes_[5]);
    batch_.entity_refs.resize(sizes_[6]);
  }

 private:
  wire::otlp::SpanBatch& batch_;
  std::size_t sizes_[7];
};

}  // namespace

base::Result<StoredTrace> ReadTrace(segment::Source& source, base::TraceId trace) {
  StoredTrace stored;
  const auto segments = source.Snapshot([&](const segment::Block& block) {
    if (const auto rows = block.RowsOf(trace); !rows.empty()) block.Read(rows, stored.batch);
  });
  for (const auto& segment : segments) {
    Rollback before(stored.batch);
    const base::Status status = segment->ReadTrace(trace, stored.batch);
    if (status.code() == base::Code::kDataLoss) {
      before.Undo();
      stored.notices.push_back("spans may be missing: " + status.message());
    } else {
      RETURN_IF_ERROR(status);
    }
  }
  return stored;
}

base::Status ReadFound(segment::Source& source, const base::Clock& clock, const SearchResult& found,
                       std::uint64_t deadline_ns, std::string_view hint,
                       std::vector<std::string>& notices,
                       const std::function<void(const StoredTrace&)>& visit) {
  const auto add = [&](const std::vector<std::string>& more) {
    for (const std::string& notice : more) {
      if (std::ranges::find(notices, notice) == notices.end()) notices.push_back(notice);
    }
  };
  add(found.notices);
  for (const TraceSummary& trace : found.traces) {
    if (deadline_ns != 0 && clock.MonotonicNs() > deadline_ns) {
      return base::DeadlineExceeded(std::string(hint));
    }
    ASSIGN_OR_RETURN(const StoredTrace stored, ReadTrace(source, trace.trace));
    add(stored.notices);
    visit(stored);
  }
  return base::Ok();
}

}  // namespace ronda::trace::query
