#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/core/status.h"
#include "trace/segment/source.h"

namespace ronda::trace::query {

// The operations of a service: name and kind (SpanKind's number).
using Operations = std::set<std::pair<std::string, std::int32_t>>;
using Services = std::map<std::string, Operations, std::less<>>;

// Which services and operations there are. What a segment has is found out once and kept as long as the
// segment is there. Any thread.
class ServiceCatalog {
 public:
  // Of everything that is stored; a damaged segment has none. Beyond kMostOperations of one service the
  // rest of its names are left out: names with ids in them would be without end.
  [[nodiscard]] base::Result<Services> Read(segment::Source& source);
  static constexpr std::size_t kMostOperations = 2000;

 private:
  struct Known {
    std::weak_ptr<const segment::SegmentReader> segment;
    std::shared_ptr<const Services> services;
  };
  base::Result<std::shared_ptr<const Services>> Of(
      const std::shared_ptr<const segment::SegmentReader>& segment);

  std::mutex mutex_;
  std::map<const segment::SegmentReader*, Known> known_;  // guarded by mutex_
};

}  // namespace ronda::trace::query
