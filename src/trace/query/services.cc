#include "trace/query/services.h"

#include <tuple>

#include "trace/query/trace_view.h"
#include "trace/segment/columns.h"

namespace ronda::trace::query {
namespace {

using segment::Cells;
using segment::Role;

void AddOperation(Operations& operations, std::string_view name, std::int32_t kind) {
  if (operations.size() < ServiceCatalog::kMostOperations) operations.emplace(name, kind);
}

base::Status Collect(segment::SpanColumns& columns, Services& services) {
  ASSIGN_OR_RETURN(const otlp::SpanBatch* batch, columns.Scopes());
  for (std::size_t page = 0; page < columns.pages(); ++page) {
    ASSIGN_OR_RETURN(const Cells scopes, columns.Fixed(Role::kScope, page));
    ASSIGN_OR_RETURN(const Cells names, columns.Fixed(Role::kName, page));
    ASSIGN_OR_RETURN(const Cells kinds, columns.Fixed(Role::kKind, page));
    // By numbers first: the texts of one row are those of thousands.
    std::set<std::tuple<std::uint64_t, std::uint64_t, std::uint64_t>> seen;
    for (std::size_t i = 0; i < columns.RowsOf(page); ++i) {
      const std::uint64_t name = names.form == Cells::Form::kCoded ? names.numbers[i] : i;
      if (!seen.emplace(scopes.numbers[i], name, kinds.numbers[i]).second) continue;
      if (scopes.numbers[i] >= batch->scopes.size()) {
        return base::DataLoss("the segment is damaged: a scope that does not exist");
      }
      const otlp::Resource& resource = batch->resources[batch->scopes[scopes.numbers[i]].resource];
      AddOperation(services[std::string(ServiceOf(*batch, resource))], names.TextAt(i),
                   static_cast<std::int32_t>(kinds.numbers[i]));
    }
  }
  return base::Ok();
}

}  // namespace

base::Result<Services> ServiceCatalog::Read(segment::Source& source) {
  Services all;
  base::Status status;
  const auto segments = source.Snapshot([&](const segment::Block& block) {
    if (status.ok() && block.rows() > 0) status = Collect(*segment::ColumnsOf(block), all);
  });
  RETURN_IF_ERROR(status);
  for (const auto& segment : segments) {
    ASSIGN_OR_RETURN(const auto services, Of(segment));
    for (const auto& [service, operations] : *services) {
      Operations& known = all[service];
      for (const auto& [name, kind] : operations) AddOperation(known, name, kind);
    }
  }
  const std::lock_guard lock(mutex_);
  std::erase_if(known_, [](const auto& each) { return each.second.segment.expired(); });
  return all;
}

base::Result<std::shared_ptr<const Services>> ServiceCatalog::Of(
    const std::shared_ptr<const segment::SegmentReader>& segment) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = known_.find(segment.get());
    if (found != known_.end() && !found->second.segment.expired()) return found->second.services;
  }
  auto services = std::make_shared<Services>();
  const base::Status status = Collect(*segment::ColumnsOf(*segment), *services);
  if (!status.ok() && status.code() != base::Code::kDataLoss) return status;
  std::shared_ptr<const Services> made = std::move(services);
  const std::lock_guard lock(mutex_);
  known_[segment.get()] = {segment, made};
  return made;
}

}  // namespace ronda::trace::query
