#include "trace/ingest/places.h"

#include <algorithm>
#include <string_view>
#include <vector>

namespace ronda::trace::ingest {
namespace {

constexpr std::string_view kUnknown = "(unknown)";

// Spans of one origin that went one way.
struct Part {
  std::string_view receiver, service;
  std::uint64_t Place::* where = nullptr;
  std::uint64_t spans = 0;
};

std::uint64_t Expected(const Tally& tally) { return tally.accepted - tally.deduplicated; }

// How many of `key` have no place yet.
std::uint64_t Missing(const Ledger& ledger, const Places& places,
                      const std::pair<std::string, std::string>& key) {
  const auto tally = ledger.tallies().find(key);
  const auto place = places.find(key);
  const std::uint64_t expected = tally == ledger.tallies().end() ? 0 : Expected(tally->second);
  const std::uint64_t placed = place == places.end() ? 0 : place->second.total();
  return expected > placed ? expected - placed : 0;
}

std::vector<Part> PartsOf(const segment::StoreCensus& census) {
  std::vector<Part> parts;
  const auto add = [&](const segment::Census& of, std::uint64_t Place::* where) {
    for (const auto& [origin, spans] : of.counts()) {
      parts.push_back({origin.receiver, origin.service, where, spans});
    }
  };
  const auto of = [&](segment::Gone gone) -> const segment::Census& {
    return census.gone[static_cast<std::size_t>(gone)];
  };
  add(census.stored, &Place::stored);
  add(of(segment::Gone::kExpired), &Place::expired);
  add(of(segment::Gone::kLost), &Place::lost);
  add(of(segment::Gone::kSampledOut), &Place::sampled_out);
  add(of(segment::Gone::kDeleted), &Place::deleted);
  return parts;
}

// Puts as much of a part to `key` as that misses.
void Put(const Ledger& ledger, const Ledger::Key& key, Places& places, Part& part) {
  const std::uint64_t spans = std::min(part.spans, Missing(ledger, places, key));
  if (spans == 0) return;
  places[key].*part.where += spans;
  part.spans -= spans;
}

// The same to each key of the ledger that fits.
template <typename Fits>
void Fill(const Ledger& ledger, Places& places, Part& part, const Fits& fits) {
  for (auto at = ledger.tallies().begin(); part.spans > 0 && at != ledger.tallies().end(); ++at) {
    if (fits(at->first)) Put(ledger, at->first, places, part);
  }
}

}  // namespace

void Place::Add(const Place& other) {
  stored += other.stored;
  expired += other.expired;
  lost += other.lost;
  sampled_out += other.sampled_out;
  deleted += other.deleted;
}

Places PlacesOf(const segment::StoreCensus& census, const Ledger& ledger) {
  Places places;
  std::vector<Part> parts = PartsOf(census);
  // What is known first, so that the rest fills what is left.
  for (Part& part : parts) {
    if (part.receiver.empty()) continue;
    Put(ledger, ledger.KeyOf(part.receiver, part.service), places, part);
  }
  for (Part& part : parts) {
    if (!part.receiver.empty()) continue;
    Fill(ledger, places, part, [&](const auto& key) { return key.second == part.service; });
  }
  for (Part& part : parts) {
    if (!part.receiver.empty() || !part.service.empty()) continue;
    Fill(ledger, places, part, [](const auto&) { return true; });
  }
  for (const Part& part : parts) {
    if (part.spans == 0) continue;
    const std::string_view receiver = part.receiver.empty() ? kUnknown : part.receiver;
    places[ledger.KeyOf(receiver, part.service)].*part.where += part.spans;
  }
  return places;
}

Places AllStored(const Ledger& ledger) {
  Places places;
  for (const auto& [key, tally] : ledger.tallies()) places[key].stored = Expected(tally);
  return places;
}

Ledger Unaccounted(const Places& places, const Ledger& ledger) {
  Ledger more;
  for (const auto& [key, place] : places) {
    const auto known = ledger.tallies().find(key);
    const std::uint64_t expected = known == ledger.tallies().end() ? 0 : Expected(known->second);
    if (place.total() <= expected) continue;
    Tally& tally = more.At(key.first, key.second);
    tally.received += place.total() - expected;
    tally.accepted += place.total() - expected;
  }
  return more;
}

}  // namespace ronda::trace::ingest
