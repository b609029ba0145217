#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

namespace ronda::wire::otlp {

// Memory for texts that are not borrowed from elsewhere; all freed at once. Owned by one thread.
class Arena {
 public:
  // `size` bytes that stay where they are until Clear; never null.
  [[nodiscard]] char* Allocate(std::size_t size);
  // A copy that lives until Clear.
  [[nodiscard]] std::string_view Copy(std::string_view text);
  // Takes everything back; the first chunk is kept for the next use.
  void Clear();

 private:
  static constexpr std::size_t kChunk = 64 << 10;
  std::vector<std::unique_ptr<char[]>> chunks_;  // of kChunk bytes; the last one is being filled
  std::vector<std::unique_ptr<char[]>> large_;
  std::size_t used_ = kChunk;  // of the last chunk
};

}  // namespace ronda::wire::otlp
