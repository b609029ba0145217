#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "model/value.h"

namespace ronda::engine {

// What a virtual user knows: a value a slot. A value is either borrowed (constants, feed rows, the
// response at hand) or kept (copied into memory of the slot, which is used again and again, so that a
// steady user allocates nothing). Owned by one user, or by one turn of a parallel loop.
class Slots {
 public:
  explicit Slots(std::span<const model::Value> initial) : values_(initial.begin(), initial.end()) {}

  // A copy of its own: what the other keeps is copied, what it borrows is borrowed too.
  explicit Slots(const Slots& other) : values_(other.values_) { CopyFrom(other); }
  Slots& operator=(const Slots&) = delete;

  [[nodiscard]] std::span<const model::Value> values() const { return values_; }
  [[nodiscard]] model::Value Get(std::uint32_t slot) const { return values_[slot]; }

  // Everything as at the beginning. Kept memory stays for the next round.
  void Reset(std::span<const model::Value> initial) {
    std::copy(initial.begin(), initial.end(), values_.begin());
  }
  // All values of another user's or strand's, of the same program.
  void CopyFrom(const Slots& other);
  void Borrow(std::uint32_t slot, model::Value value) { values_[slot] = value; }
  // `value` may point into the slot's own memory.
  void Keep(std::uint32_t slot, model::Value value);

 private:
  struct Cell {
    std::unique_ptr<char[]> text;
    std::uint32_t capacity = 0;
    std::unique_ptr<model::Arena> composite;  // lists and maps
  };

  std::vector<model::Value> values_;
  std::vector<Cell> cells_;  // empty until the first Keep
};

}  // namespace ronda::engine
