#pragma once

#include <cstdint>
#include <map>

namespace ronda::worker {

// Until when a worker may go on executing what it was given. A heartbeat that is answered prolongs it
// from the moment at which the heartbeat was SENT: the server's own count starts later, so the worker
// always stops first, whatever was lost or late on the way. Monotonic nanoseconds; one thread.
class Lease {
 public:
  // A server answered the Hello that was sent at `sent_ns`.
  void Begin(std::uint64_t sent_ns, std::uint64_t length_ns) {
    length_ns_ = length_ns;
    waiting_.clear();
    Prolong(sent_ns);
  }
  void Sent(std::uint64_t heartbeat, std::uint64_t now_ns) { waiting_[heartbeat] = now_ns; }
  // When that heartbeat was sent; 0 for one that was never sent or has been answered.
  std::uint64_t Answered(std::uint64_t heartbeat) {
    const auto found = waiting_.find(heartbeat);
    if (found == waiting_.end()) return 0;
    const std::uint64_t sent_ns = found->second;
    // Those before it will not be answered any more, or it does not matter.
    waiting_.erase(waiting_.begin(), std::next(found));
    Prolong(sent_ns);
    return sent_ns;
  }
  // 0: there never was one.
  [[nodiscard]] std::uint64_t end_ns() const { return end_ns_; }
  [[nodiscard]] bool Holds(std::uint64_t now_ns) const { return now_ns < end_ns_; }

 private:
  void Prolong(std::uint64_t sent_ns) {
    if (sent_ns + length_ns_ > end_ns_) end_ns_ = sent_ns + length_ns_;
  }

  std::uint64_t length_ns_ = 0;
  std::uint64_t end_ns_ = 0;
  std::map<std::uint64_t, std::uint64_t> waiting_;  // heartbeats without an answer: when sent
};

}  // namespace ronda::worker
