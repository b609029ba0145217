#include "trace/ingest/digests.h"

#include <algorithm>

#include "trace/segment/compression.h"

namespace ronda::trace::ingest {

Digest DigestOf(std::string_view body) {
  return {.high = segment::Hash(body, 0x6c656467), .low = segment::Hash(body)};
}

void RecentDigests::Expire(std::uint64_t now_ns) {
  while (!order_.empty() &&
         (order_.size() > kMost ||
          (now_ns > order_.front().first && now_ns - order_.front().first > kWindowNs))) {
    known_.erase(order_.front().second);
    order_.pop_front();
  }
}

bool RecentDigests::Contains(const Digest& digest, std::uint64_t now_ns) {
  Expire(now_ns);
  return known_.contains(digest);
}

void RecentDigests::Add(const Digest& digest, std::uint64_t now_ns) {
  if (!known_.insert(digest).second) return;
  const std::uint64_t time = order_.empty() ? now_ns : std::max(now_ns, order_.back().first);
  order_.emplace_back(time, digest);
  Expire(now_ns);
}

void RecentDigests::Remove(const Digest& digest) {
  if (known_.erase(digest) == 0) return;
  std::erase_if(order_, [&](const auto& entry) { return entry.second == digest; });
}

}  // namespace ronda::trace::ingest
