#pragma once

#include <atomic>
#include <cstddef>
#include <utility>

namespace ronda::base {

// Memory that many share: what is taken never exceeds the capacity. Any thread.
class ByteBudget {
 public:
  explicit ByteBudget(std::size_t capacity) : capacity_(capacity) {}
  ByteBudget(const ByteBudget&) = delete;
  ByteBudget& operator=(const ByteBudget&) = delete;

  // False, and nothing is taken, when fewer bytes are free.
  [[nodiscard]] bool TryTake(std::size_t bytes) {
    std::size_t used = used_.load(std::memory_order_relaxed);
    do {
      if (bytes > capacity_ || used > capacity_ - bytes) return false;
    } while (!used_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
    return true;
  }
  void Give(std::size_t bytes) { used_.fetch_sub(bytes, std::memory_order_relaxed); }

  [[nodiscard]] std::size_t capacity() const { return capacity_; }
  [[nodiscard]] std::size_t used() const { return used_.load(std::memory_order_relaxed); }

 private:
  const std::size_t capacity_;
  std::atomic<std::size_t> used_{0};
};

// Bytes taken from a budget, given back at the end. Owned by one thread at a time; the budget
// outlives it.
class ByteReservation {
 public:
  ByteReservation() = default;
  explicit ByteReservation(ByteBudget& budget) : budget_(&budget) {}
  ByteReservation(ByteReservation&& other) noexcept
      : budget_(other.budget_), bytes_(std::exchange(other.bytes_, 0)) {}
  ByteReservation& operator=(ByteReservation&& other) noexcept {
    if (this != &other) {
      Release();
      budget_ = other.budget_;
      bytes_ = std::exchange(other.bytes_, 0);
    }
    return *this;
  }
  ~ByteReservation() { Release(); }

  // Takes `more` bytes on top; false, and nothing changes, when the budget has not that much.
  [[nodiscard]] bool Grow(std::size_t more) {
    if (budget_ == nullptr) return true;  // nobody counts
    if (!budget_->TryTake(more)) return false;
    bytes_ += more;
    return true;
  }
  // Grow up to `bytes` in all.
  [[nodiscard]] bool GrowTo(std::size_t bytes) { return bytes <= bytes_ || Grow(bytes - bytes_); }
  void Release() {
    if (bytes_ > 0) budget_->Give(std::exchange(bytes_, 0));
  }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  ByteBudget* budget_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace ronda::base
