#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>

namespace ronda::trace::ingest {

// Why spans, log records or data points were not taken. In the order of the bytes: append only.
enum class Rejection : std::uint8_t {
  kTraceId,
  kSpanId,
  kParentId,
  kTooLarge,
  kOverload,  // 429: no memory for it
  kStorage,  // 503: it could not be written
  kPoint,  // a data point that says nothing, or contradicts itself
};
inline constexpr std::size_t kRejections = 7;
// "bad-trace-id" and the like.
[[nodiscard]] std::string_view NameOf(Rejection rejection);

// What became of spans, log records or data points. received = accepted + all rejected; of the accepted, those deduplicated are
// stored with the request that came first.
struct Tally {
  std::uint64_t received = 0;
  std::uint64_t accepted = 0;
  std::uint64_t deduplicated = 0;
  std::array<std::uint64_t, kRejections> rejected{};
  // Requests refused as a whole before their spans could be counted, and values masked.
  std::uint64_t refused_requests = 0;
  std::uint64_t masked_values = 0;

  void Add(const Tally& other);
  [[nodiscard]] std::uint64_t total_rejected() const;
  [[nodiscard]] bool balanced() const { return received == accepted + total_rejected(); }
  bool operator==(const Tally&) const = default;
};

// Counts by receiver ("otlp-http", "otlp-grpc") and service (resource attribute service.name; "" when
// there is none, or when it cannot be told apart). A value.
class Ledger {
 public:
  // More services than this share the name "(other)".
  static constexpr std::size_t kMostServices = 10'000;

  using Key = std::pair<std::string, std::string>;  // receiver, service
  // What to count on.
  Tally& At(std::string_view receiver, std::string_view service);
  // Under which name it counts, or would.
  [[nodiscard]] Key KeyOf(std::string_view receiver, std::string_view service) const;
  void Add(const Ledger& other);
  [[nodiscard]] Tally Total() const;
  [[nodiscard]] bool empty() const { return tallies_.empty(); }
  void Clear() { tallies_.clear(); }
  // By receiver, then service.
  [[nodiscard]] const std::map<Key, Tally, std::less<>>& tallies() const { return tallies_; }
  bool operator==(const Ledger&) const = default;

 private:
  std::map<Key, Tally, std::less<>> tallies_;
};

// What is counted for requests that were not taken after all: all that was accepted is rejected.
[[nodiscard]] Ledger AsRejected(const Ledger& counts, Rejection why);
// For a request that came before: all that is accepted is deduplicated.
[[nodiscard]] Ledger AsDuplicate(const Ledger& counts);

// Appends the ledger as bytes (docs/formats/trace-wal.md, "Notes").
void EncodeLedger(const Ledger& ledger, std::string& out);
// Adds what EncodeLedger wrote to `ledger`; false, and it may have some of it, when malformed.
[[nodiscard]] bool DecodeLedger(std::string_view bytes, Ledger& ledger);

}  // namespace ronda::trace::ingest
