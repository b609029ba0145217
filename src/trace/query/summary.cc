#include "trace/query/summary.h"

#include <algorithm>
#include <tuple>

#include "trace/query/trace_view.h"

namespace ronda::trace::query {

using segment::Cells;
using segment::Role;

std::uint32_t Summarizer::NumberOf(std::string_view text) {
  const auto found = numbers_.find(text);
  if (found != numbers_.end()) return found->second;
  texts_.emplace_back(text);
  return numbers_[texts_.back()] = static_cast<std::uint32_t>(texts_.size() - 1);
}

base::Status Summarizer::Add(segment::SpanColumns& columns,
                             const std::vector<std::uint32_t>& rows) {
  if (rows.empty()) return base::Ok();
  ASSIGN_OR_RETURN(const otlp::SpanBatch* scopes, columns.Scopes());
  std::vector<Row> made;
  std::uint32_t page_begin = 0;
  auto row = rows.begin();
  for (std::size_t page = 0; page < columns.pages() && row != rows.end(); ++page) {
    const std::uint32_t page_end = page_begin + columns.RowsOf(page);
    if (*row < page_end) {
      ASSIGN_OR_RETURN(const Cells ids, columns.Fixed(Role::kSpanId, page));
      ASSIGN_OR_RETURN(const Cells starts, columns.Fixed(Role::kStart, page));
      ASSIGN_OR_RETURN(const Cells durations, columns.Fixed(Role::kDuration, page));
      ASSIGN_OR_RETURN(const Cells kinds, columns.Fixed(Role::kKind, page));
      ASSIGN_OR_RETURN(const Cells statuses, columns.Fixed(Role::kStatus, page));
      ASSIGN_OR_RETURN(const Cells parents, columns.Fixed(Role::kParentCode, page));
      ASSIGN_OR_RETURN(const Cells scope, columns.Fixed(Role::kScope, page));
      ASSIGN_OR_RETURN(const Cells names, columns.Fixed(Role::kName, page));
      for (; row != rows.end() && *row < page_end; ++row) {
        const std::uint32_t i = *row - page_begin;
        if (scope.numbers[i] >= scopes->scopes.size()) {
          return base::DataLoss("the segment is damaged: a scope that does not exist");
        }
        const otlp::Resource& resource =
            scopes->resources[scopes->scopes[scope.numbers[i]].resource];
        const auto duration = static_cast<std::int64_t>(durations.numbers[i]);
        made.push_back(
            {.span = ids.numbers[i],
             .start_ns = starts.numbers[i],
             .duration_ns = static_cast<std::uint64_t>(std::max<std::int64_t>(duration, 0)),
             .kind = static_cast<std::int32_t>(kinds.numbers[i]),
             .service = NumberOf(ServiceOf(*scopes, resource)),
             .name = NumberOf(names.TextAt(i)),
             .root = parents.numbers[i] == 0,
             .error = statuses.numbers[i] == otlp::kStatusError});
      }
    }
    page_begin = page_end;
  }
  spans_.insert(spans_.end(), made.begin(), made.end());
  return base::Ok();
}

TraceSummary Summarizer::Finish(base::TraceId trace) {
  const auto same = [](const Row& r) {
    return std::tuple(r.span, r.kind, r.service, r.start_ns, r.duration_ns, r.name);
  };
  std::ranges::sort(spans_, {}, same);
  const auto repeated = std::ranges::unique(spans_, {}, same);
  spans_.erase(repeated.begin(), repeated.end());

  TraceSummary summary{.trace = trace, .start_ns = ~std::uint64_t{0}};
  std::map<std::string_view, ServiceShare> services;
  std::uint64_t end = 0;
  const Row* root = nullptr;
  const auto rank = [](const Row& r) {
    return std::tuple(!r.root, r.start_ns, ~r.duration_ns, r.span);
  };
  for (const Row& row : spans_) {
    summary.start_ns = std::min(summary.start_ns, row.start_ns);
    // A start near the end of time: the end does not wrap around.
    end = std::max(end, row.start_ns + std::min(row.duration_ns, ~row.start_ns));
    ServiceShare& share = services[texts_[row.service]];
    ++share.spans;
    share.errors += row.error;
    summary.errors += row.error;
    if (root == nullptr || rank(row) < rank(*root)) root = &row;
  }
  summary.spans = static_cast<std::uint32_t>(spans_.size());
  summary.duration_ns = end - summary.start_ns;
  summary.root_service = texts_[root->service];
  summary.root_name = texts_[root->name];
  summary.has_root = root->root;
  for (auto& [name, share] : services) {
    share.service = name;
    summary.services.push_back(std::move(share));
  }
  return summary;
}

}  // namespace ronda::trace::query
