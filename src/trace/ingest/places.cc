#include "trace/ingest/places.h"

#include "base/core/varint.h"

namespace ronda::trace::ingest {
namespace {

void EncodeCounts(const Places::Counts& counts, std::string& out) {
  base::PutVarint(counts.size(), out);
  for (const auto& [key, count] : counts) {
    base::PutBytes(key.first, out);
    base::PutBytes(key.second, out);
    base::PutVarint(count, out);
  }
}

bool DecodeCounts(base::VarintReader& reader, Places::Counts& counts) {
  std::uint64_t size = 0;
  if (!reader.Next(size)) return false;
  for (; size > 0; --size) {
    std::string_view receiver, service;
    std::uint64_t count = 0;
    if (!reader.NextBytes(receiver) || !reader.NextBytes(service) || !reader.Next(count)) {
      return false;
    }
    counts[{std::string(receiver), std::string(service)}] += count;
  }
  return true;
}

}  // namespace

void Places::Add(std::uint64_t partition_ns, const Ledger& counts) {
  for (const auto& [key, tally] : counts.tallies()) {
    const std::uint64_t spans = tally.accepted - tally.deduplicated;
    if (spans > 0) stored_[partition_ns][key] += spans;
  }
}

void Places::Add(const Places& other) {
  for (const auto& [partition_ns, counts] : other.stored_) {
    for (const auto& [key, count] : counts) stored_[partition_ns][key] += count;
  }
  for (const auto& [key, count] : other.expired_) expired_[key] += count;
}

void Places::Expire(const std::set<std::uint64_t>& standing) {
  std::erase_if(stored_, [&](const auto& partition) {
    if (standing.contains(partition.first)) return false;
    for (const auto& [key, count] : partition.second) expired_[key] += count;
    return true;
  });
}

std::map<std::pair<std::string, std::string>, Places::Place, std::less<>> Places::Sum() const {
  std::map<std::pair<std::string, std::string>, Place, std::less<>> sum;
  for (const auto& [partition, counts] : stored_) {
    for (const auto& [key, count] : counts) sum[key].stored += count;
  }
  for (const auto& [key, count] : expired_) sum[key].expired += count;
  return sum;
}

void EncodePlaces(const Places& places, std::string& out) {
  EncodeCounts(places.expired_, out);
  base::PutVarint(places.stored_.size(), out);
  for (const auto& [partition_ns, counts] : places.stored_) {
    base::PutVarint(partition_ns, out);
    EncodeCounts(counts, out);
  }
}

bool DecodePlaces(std::string_view bytes, Places& places) {
  places = {};
  base::VarintReader reader(bytes);
  std::uint64_t partitions = 0;
  if (!DecodeCounts(reader, places.expired_) || !reader.Next(partitions)) return false;
  for (; partitions > 0; --partitions) {
    std::uint64_t partition_ns = 0;
    if (!reader.Next(partition_ns) || !DecodeCounts(reader, places.stored_[partition_ns])) {
      return false;
    }
  }
  return reader.at_end();
}

}  // namespace ronda::trace::ingest
