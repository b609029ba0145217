#include "net/timer_heap.h"

#include <algorithm>

namespace ronda::net {
namespace {
constexpr std::size_t kArity = 4;
}  // namespace

void TimerHeap::Set(Timer& timer, Reactor* reactor, std::uint64_t deadline_ns) {
  timer.deadline_ns_ = deadline_ns;
  timer.order_ = next_order_++;
  const Entry entry{deadline_ns, timer.order_, &timer};
  if (timer.reactor_ == nullptr) {
    timer.reactor_ = reactor;
    heap_.push_back(entry);
    SiftUp(heap_.size() - 1, entry);
    return;
  }
  const std::size_t index = timer.heap_index_;
  if (entry.Before(heap_[index])) {
    SiftUp(index, entry);
  } else {
    SiftDown(index, entry);
  }
}

void TimerHeap::Erase(Timer& timer) {
  if (timer.reactor_ == nullptr) return;
  RemoveAt(timer.heap_index_);
  timer.reactor_ = nullptr;
}

Timer* TimerHeap::PopDue(std::uint64_t now_ns, std::uint64_t order_limit) {
  if (heap_.empty()) return nullptr;
  const Entry& first = heap_[0];
  if (first.deadline_ns > now_ns || first.order >= order_limit) return nullptr;
  Timer* timer = first.timer;
  RemoveAt(0);
  timer->reactor_ = nullptr;
  return timer;
}

void TimerHeap::Place(std::size_t index, const Entry& entry) {
  heap_[index] = entry;
  entry.timer->heap_index_ = static_cast<std::uint32_t>(index);
}

void TimerHeap::SiftUp(std::size_t index, Entry entry) {
  while (index > 0) {
    const std::size_t parent = (index - 1) / kArity;
    if (!entry.Before(heap_[parent])) break;
    Place(index, heap_[parent]);
    index = parent;
  }
  Place(index, entry);
}

void TimerHeap::SiftDown(std::size_t index, Entry entry) {
  for (;;) {
    const std::size_t first = index * kArity + 1;
    if (first >= heap_.size()) break;
    std::size_t best = first;
    const std::size_t end = std::min(first + kArity, heap_.size());
    for (std::size_t child = first + 1; child < end; ++child) {
      if (heap_[child].Before(heap_[best])) best = child;
    }
    if (!heap_[best].Before(entry)) break;
    Place(index, heap_[best]);
    index = best;
  }
  Place(index, entry);
}

void TimerHeap::RemoveAt(std::size_t index) {
  const Entry last = heap_.back();
  heap_.pop_back();
  if (index == heap_.size()) return;
  if (index > 0 && last.Before(heap_[(index - 1) / kArity])) {
    SiftUp(index, last);
  } else {
    SiftDown(index, last);
  }
}

}  // namespace ronda::net
