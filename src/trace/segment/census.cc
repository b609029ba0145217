#include "trace/segment/census.h"

#include <algorithm>
#include <vector>

namespace ronda::trace::segment {

void Census::Add(const Origin& origin, std::uint64_t spans) {
  if (spans == 0) return;
  const auto found = counts_.find(origin);
  if (found != counts_.end()) {
    found->second += spans;
  } else if (counts_.size() < kMost) {
    counts_[origin] = spans;
  } else {
    counts_[{origin.receiver, std::string(kOther)}] += spans;
  }
}

void Census::Add(const Census& other) {
  for (const auto& [origin, spans] : other.counts_) Add(origin, spans);
}

std::uint64_t Census::Take(const Origin& origin, std::uint64_t spans) {
  const auto found = counts_.find(origin);
  if (found == counts_.end()) return spans;
  const std::uint64_t taken = std::min(spans, found->second);
  found->second -= taken;
  if (found->second == 0) counts_.erase(found);
  return spans - taken;
}

void Census::Subtract(const Census& part) {
  std::uint64_t rest = 0;
  for (const auto& [origin, spans] : part.counts_) {
    const std::uint64_t left = Take(origin, spans);
    rest += left > 0 ? Take({origin.receiver, std::string(kOther)}, left) : 0;
  }
  while (rest > 0 && !counts_.empty()) rest = Take(counts_.begin()->first, rest);
}

std::uint64_t Census::total() const {
  std::uint64_t sum = 0;
  for (const auto& [origin, spans] : counts_) sum += spans;
  return sum;
}

bool Census::Has(std::string_view service) const {
  return std::ranges::any_of(counts_,
                             [&](const auto& count) { return count.first.service == service; });
}

base::Result<Census> CensusOf(SpanColumns& columns) {
  ASSIGN_OR_RETURN(const otlp::SpanBatch* scopes, columns.Scopes());
  std::vector<std::uint64_t> rows(scopes->scopes.size());
  for (std::size_t page = 0; page < columns.pages(); ++page) {
    ASSIGN_OR_RETURN(const Cells cells, columns.Fixed(Role::kScope, page));
    for (const std::uint64_t scope : cells.numbers) {
      if (scope >= rows.size()) {
        return base::DataLoss("the segment is damaged: a scope that does not exist");
      }
      ++rows[scope];
    }
  }
  Census census;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const otlp::Resource& resource = scopes->resources[scopes->scopes[i].resource];
    census.Add({std::string(resource.receiver), std::string(ServiceOf(*scopes, resource))},
               rows[i]);
  }
  return census;
}

std::string_view ServiceOf(const otlp::BatchParts& batch, const otlp::Resource& resource) {
  for (const otlp::Attribute& attribute : batch.At(resource.attributes)) {
    if (attribute.key() == "service.name" && attribute.value().type() == otlp::ValueType::kString) {
      return attribute.value().bytes();
    }
  }
  return {};
}

}  // namespace ronda::trace::segment
