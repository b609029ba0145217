#pragma once

#include <cstdint>
#include <deque>
#include <string_view>
#include <unordered_set>
#include <utility>

namespace ronda::trace::ingest {

// 128 bits of a body.
struct Digest {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  bool operator==(const Digest&) const = default;
};
// Of the body when decompressed, as it was sent.
[[nodiscard]] Digest DigestOf(std::string_view body);

// Which bodies came within the last ten minutes: a client that saw no answer sends the same again.
// Owned by one thread.
class RecentDigests {
 public:
  static constexpr std::uint64_t kWindowNs = 600'000'000'000;
  // More are not remembered, the oldest go first: about 80 MiB.
  static constexpr std::size_t kMost = 1u << 20;

  // True when it came within the window before `now_ns`.
  [[nodiscard]] bool Contains(const Digest& digest, std::uint64_t now_ns);
  // Times may go back; a digest stays at least the window after the greatest time seen.
  void Add(const Digest& digest, std::uint64_t now_ns);
  // Takes back one that was added: what it stood for is not stored.
  void Remove(const Digest& digest);
  [[nodiscard]] std::size_t size() const { return known_.size(); }

 private:
  struct Hash {
    std::size_t operator()(const Digest& digest) const { return digest.low; }
  };
  void Expire(std::uint64_t now_ns);

  std::unordered_set<Digest, Hash> known_;
  std::deque<std::pair<std::uint64_t, Digest>> order_;  // by time; may name removed ones
};

}  // namespace ronda::trace::ingest
