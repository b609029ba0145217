#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ronda::trace::segment {

// Texts numbered in the order they were first met. Owned by one thread.
class Dictionary {
 public:
  Dictionary();
  // The text's number; a new one unless it was met before.
  std::uint32_t Add(std::string_view text);
  [[nodiscard]] std::string_view At(std::uint32_t number) const {
    return {texts_.data() + begins_[number], begins_[number + 1] - begins_[number]};
  }
  [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(hashes_.size()); }
  // The texts behind each other, and where each begins; the end of the last one too.
  [[nodiscard]] std::string_view texts() const { return texts_; }
  [[nodiscard]] std::span<const std::uint64_t> begins() const { return begins_; }
  [[nodiscard]] std::size_t bytes() const { return texts_.size() + 24 * hashes_.size(); }
  void Clear();

 private:
  void Grow();

  std::string texts_;
  std::vector<std::uint64_t> begins_;
  std::vector<std::uint32_t> hashes_;
  std::vector<std::uint32_t> slots_;  // number + 1, 0: free
  std::uint32_t last_ = 0;
};

}  // namespace ronda::trace::segment
