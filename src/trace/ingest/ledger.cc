#include "trace/ingest/ledger.h"

#include "base/core/varint.h"
#include "trace/segment/census.h"

namespace ronda::trace::ingest {
namespace {

constexpr std::uint64_t kVersion = 1;
constexpr std::string_view kOther = segment::Census::kOther;

constexpr std::uint64_t kFirstRejections = 6;  // that the oldest ledgers have

// The numbers of a tally with so many rejections, in the order of the bytes.
template <typename TallyType, typename Visit>
void EachNumber(TallyType& tally, std::uint64_t rejections, const Visit& visit) {
  visit(tally.received);
  visit(tally.accepted);
  visit(tally.deduplicated);
  visit(tally.refused_requests);
  visit(tally.masked_values);
  for (std::size_t i = 0; i < rejections; ++i) visit(tally.rejected[i]);
}

}  // namespace

std::string_view NameOf(Rejection rejection) {
  switch (rejection) {
    case Rejection::kTraceId: return "bad-trace-id";
    case Rejection::kSpanId: return "bad-span-id";
    case Rejection::kParentId: return "bad-parent-id";
    case Rejection::kTooLarge: return "too-large";
    case Rejection::kOverload: return "overload";
    case Rejection::kStorage: return "storage";
    case Rejection::kPoint: return "bad-data-point";
  }
  return "";
}

void Tally::Add(const Tally& other) {
  received += other.received;
  accepted += other.accepted;
  deduplicated += other.deduplicated;
  refused_requests += other.refused_requests;
  masked_values += other.masked_values;
  for (std::size_t i = 0; i < kRejections; ++i) rejected[i] += other.rejected[i];
}

std::uint64_t Tally::total_rejected() const {
  std::uint64_t sum = 0;
  for (const std::uint64_t count : rejected) sum += count;
  return sum;
}

Tally& Ledger::At(std::string_view receiver, std::string_view service) {
  return tallies_[KeyOf(receiver, service)];
}

Ledger::Key Ledger::KeyOf(std::string_view receiver, std::string_view service) const {
  Key key(receiver, service);
  if (tallies_.size() >= kMostServices && !tallies_.contains(key)) key.second = kOther;
  return key;
}

void Ledger::Add(const Ledger& other) {
  for (const auto& [key, tally] : other.tallies_) At(key.first, key.second).Add(tally);
}

Tally Ledger::Total() const {
  Tally total;
  for (const auto& [key, tally] : tallies_) total.Add(tally);
  return total;
}

Ledger AsRejected(const Ledger& counts, Rejection why) {
  Ledger rejected;
  for (const auto& [key, tally] : counts.tallies()) {
    Tally& to = rejected.At(key.first, key.second);
    to.Add(tally);
    to.rejected[static_cast<std::size_t>(why)] += to.accepted;
    to.accepted = to.deduplicated = 0;
  }
  return rejected;
}

Ledger AsDuplicate(const Ledger& counts) {
  Ledger duplicate;
  for (const auto& [key, tally] : counts.tallies()) {
    Tally& to = duplicate.At(key.first, key.second);
    to.Add(tally);
    to.deduplicated = to.accepted;
  }
  return duplicate;
}

void EncodeLedger(const Ledger& ledger, std::string& out) {
  base::PutVarint(kVersion, out);
  base::PutVarint(kRejections, out);
  base::PutVarint(ledger.tallies().size(), out);
  for (const auto& [key, tally] : ledger.tallies()) {
    base::PutBytes(key.first, out);
    base::PutBytes(key.second, out);
    EachNumber(tally, kRejections, [&](std::uint64_t number) { base::PutVarint(number, out); });
  }
}

bool DecodeLedger(std::string_view bytes, Ledger& ledger) {
  base::VarintReader reader(bytes);
  std::uint64_t version = 0, rejections = 0, count = 0;
  if (!reader.Next(version) || version != kVersion || !reader.Next(rejections) ||
      rejections < kFirstRejections || rejections > kRejections || !reader.Next(count)) {
    return false;
  }
  for (; count > 0; --count) {
    std::string_view receiver, service;
    if (!reader.NextBytes(receiver) || !reader.NextBytes(service)) return false;
    Tally tally;
    bool whole = true;
    EachNumber(tally, rejections,
               [&](std::uint64_t& number) { whole = whole && reader.Next(number); });
    if (!whole) return false;
    ledger.At(receiver, service).Add(tally);
  }
  return reader.at_end();
}

}  // namespace ronda::trace::ingest
