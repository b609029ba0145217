#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "disk/compression.h"

namespace ronda::trace::ingest {

// Numbers of series by the hash of what spans say: an open-addressing table, as it is asked for every
// span. Owned by one thread.
class RedCache {
 public:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  // kNone when there is none.
  [[nodiscard]] std::uint32_t Find(const disk::WideHash& hash) const {
    if (slots_.empty()) return kNone;
    for (std::size_t i = hash.low & (slots_.size() - 1);; i = (i + 1) & (slots_.size() - 1)) {
      const Slot& slot = slots_[i];
      if (slot.series == kNone || slot.hash == hash) return slot.series;
    }
  }
  // One that is not there.
  void Add(const disk::WideHash& hash, std::uint32_t series) {
    if (2 * (used_ + 1) > slots_.size()) Grow();
    Put({hash, series});
    ++used_;
  }
  void Clear() {
    slots_.clear();
    used_ = 0;
  }

 private:
  struct Slot {
    disk::WideHash hash = {};
    std::uint32_t series = kNone;
  };

  void Put(const Slot& slot) {
    std::size_t i = slot.hash.low & (slots_.size() - 1);
    while (slots_[i].series != kNone) i = (i + 1) & (slots_.size() - 1);
    slots_[i] = slot;
  }
  void Grow() {
    std::vector<Slot> old(slots_.empty() ? 1024 : 2 * slots_.size());
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.series != kNone) Put(slot);
    }
  }

  std::vector<Slot> slots_;  // a power of two, at most half of them in use
  std::size_t used_ = 0;
};

}  // namespace ronda::trace::ingest
