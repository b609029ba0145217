#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "trace/ingest/ledger.h"
#include "trace/segment/store.h"

namespace ronda::trace::ingest {

// Where accepted spans that are no duplicates went.
struct Place {
  std::uint64_t stored = 0;
  std::uint64_t expired = 0;
  std::uint64_t lost = 0;
  std::uint64_t sampled_out = 0;
  std::uint64_t deleted = 0;

  [[nodiscard]] std::uint64_t total() const {
    return stored + expired + lost + sampled_out + deleted;
  }
  void Add(const Place& other);
  bool operator==(const Place&) const = default;
};

// By receiver and service.
using Places = std::map<std::pair<std::string, std::string>, Place, std::less<>>;

// What the store counts, under the names that the ledger has. Of spans whose receiver or service the
// store does not know (segments and counts of older formats), as many are said to be of each name as
// the ledger misses there.
[[nodiscard]] Places PlacesOf(const segment::StoreCensus& census, const Ledger& ledger);

// Of things that are counted in series, which have no other places.
[[nodiscard]] Places AllStored(const Ledger& ledger);

// Spans that have a place and that the ledger does not know of, as received and accepted; "(unknown)"
// where the store does not know who took them in.
[[nodiscard]] Ledger Unaccounted(const Places& places, const Ledger& ledger);

}  // namespace ronda::trace::ingest
