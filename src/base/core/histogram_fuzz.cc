#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "base/core/check.h"
#include "base/core/histogram.h"

// Against the simple model: a sorted vector of the same values.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ronda::base::Histogram h;
  std::vector<std::uint64_t> model;
  for (; size >= sizeof(std::uint64_t);
       data += sizeof(std::uint64_t), size -= sizeof(std::uint64_t)) {
    std::uint64_t ns;
    std::memcpy(&ns, data, sizeof ns);
    h.Record(ns);
    model.push_back(std::min(ns, h.layout().max_ns));
  }
  CHECK(h.count() == model.size());
  if (model.empty()) return 0;
  std::ranges::sort(model);
  const auto median = model[(model.size() + 1) / 2 - 1];
  const auto said = h.Quantile(0.5);
  const auto error = said > median ? said - median : median - said;
  CHECK(error <= median / 1024 + 1);
  CHECK(h.MinNs() == model.front() && h.MaxNs() == model.back());
  return 0;
}
