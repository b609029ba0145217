#include "trace/segment/dictionary.h"

#include "trace/segment/compression.h"

namespace ronda::trace::segment {

constexpr std::size_t kFirstSlots = 64;

Dictionary::Dictionary() : begins_{0}, slots_(kFirstSlots, 0) {}

void Dictionary::Clear() {
  texts_.clear();
  begins_.assign(1, 0);
  hashes_.clear();
  slots_.assign(kFirstSlots, 0);
  last_ = 0;
}

std::uint32_t Dictionary::Add(std::string_view text) {
  if (last_ < size() && At(last_) == text) return last_;
  const auto hash = static_cast<std::uint32_t>(Hash(text));
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = hash & mask;
  for (; slots_[slot] != 0; slot = (slot + 1) & mask) {
    const std::uint32_t number = slots_[slot] - 1;
    if (hashes_[number] == hash && At(number) == text) return last_ = number;
  }
  last_ = size();
  slots_[slot] = last_ + 1;
  hashes_.push_back(hash);
  texts_ += text;
  begins_.push_back(texts_.size());
  if (hashes_.size() * 2 > slots_.size()) Grow();
  return last_;
}

void Dictionary::Grow() {
  slots_.assign(slots_.size() * 2, 0);
  const std::size_t mask = slots_.size() - 1;
  for (std::uint32_t i = 0; i < hashes_.size(); ++i) {
    std::size_t slot = hashes_[i] & mask;
    while (slots_[slot] != 0) slot = (slot + 1) & mask;
    slots_[slot] = i + 1;
  }
}

}  // namespace ronda::trace::segment
