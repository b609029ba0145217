#pragma once

#include <cstdint>
#include <vector>

#include "net/reactor.h"

namespace ronda::net {

// A 4-ary min-heap of embedded timers by (deadline, order of arming). Owned by the reactor, one
// thread. Timers know their place, so that moving and cancelling one is O(log n).
class TimerHeap {
 public:
  [[nodiscard]] bool empty() const { return heap_.empty(); }
  // The earliest deadline, or ~0 when empty.
  [[nodiscard]] std::uint64_t earliest_ns() const {
    return heap_.empty() ? ~std::uint64_t{0} : heap_[0].deadline_ns;
  }
  // The order the next armed timer gets: those below were armed before.
  [[nodiscard]] std::uint64_t next_order() const { return next_order_; }

  // Inserts, or moves a timer that is in.
  void Set(Timer& timer, Reactor* reactor, std::uint64_t deadline_ns);
  void Erase(Timer& timer);
  // Takes out and returns the earliest timer that is due at `now_ns` and was armed before
  // `order_limit`; null when the earliest is not.
  [[nodiscard]] Timer* PopDue(std::uint64_t now_ns, std::uint64_t order_limit);

 private:
  struct Entry {
    std::uint64_t deadline_ns;
    std::uint64_t order;
    Timer* timer;
    [[nodiscard]] bool Before(const Entry& other) const {
      return deadline_ns != other.deadline_ns ? deadline_ns < other.deadline_ns
                                              : order < other.order;
    }
  };
  void Place(std::size_t index, const Entry& entry);
  void SiftUp(std::size_t index, Entry entry);
  void SiftDown(std::size_t index, Entry entry);
  void RemoveAt(std::size_t index);

  std::vector<Entry> heap_;
  std::uint64_t next_order_ = 1;
};

}  // namespace ronda::net
