#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "trace/ingest/ledger.h"

namespace ronda::trace::ingest {

// Where accepted spans are, by receiver and service: a partition's spans expire together, so the counts
// are kept by partition. What was lost with a damaged segment is not known by service and still counts
// as stored here. A value.
class Places {
 public:
  struct Place {
    std::uint64_t stored = 0;
    std::uint64_t expired = 0;
    bool operator==(const Place&) const = default;
  };
  using Counts = std::map<std::pair<std::string, std::string>, std::uint64_t, std::less<>>;

  // The spans of `counts` that were accepted and no duplicates are in this partition.
  void Add(std::uint64_t partition_ns, const Ledger& counts);
  void Add(const Places& other);
  // The partitions that still stand; the others' spans have expired.
  void Expire(const std::set<std::uint64_t>& standing);
  // By receiver and service.
  [[nodiscard]] std::map<std::pair<std::string, std::string>, Place, std::less<>> Sum() const;
  bool operator==(const Places&) const = default;

 private:
  friend void EncodePlaces(const Places& places, std::string& out);
  friend bool DecodePlaces(std::string_view bytes, Places& places);

  std::map<std::uint64_t, Counts> stored_;  // by begin of the partition
  Counts expired_;
};

// Appends them as bytes (docs/formats/trace-wal.md, "Notes").
void EncodePlaces(const Places& places, std::string& out);
// Replaces `places`; false, and it may have some of it, when malformed.
[[nodiscard]] bool DecodePlaces(std::string_view bytes, Places& places);

}  // namespace ronda::trace::ingest
