#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

namespace ronda::net {

// Small blocks for what nghttp2 keeps a stream and a frame: with thousands of streams under way the
// heap's merging and splitting costs more than the framing itself. A freed block waits for the next
// request of its size; the memory goes back when this is destroyed, which has to be after all that was
// allocated from it was freed. Large blocks are the heap's. One thread.
//
// Under AddressSanitizer everything is the heap's, so that misuse is still seen.
class FrameMemory {
 public:
  FrameMemory() = default;
  FrameMemory(const FrameMemory&) = delete;
  FrameMemory& operator=(const FrameMemory&) = delete;

  // As malloc, calloc (of `size` bytes), realloc and free; aligned for any type.
  [[nodiscard]] void* Allocate(std::size_t size);
  [[nodiscard]] void* AllocateZeroed(std::size_t size);
  [[nodiscard]] void* Resize(void* block, std::size_t size);
  void Free(void* block);

  // Held for small blocks, in use or not.
  [[nodiscard]] std::size_t bytes() const { return slabs_.size() * kSlab; }

 private:
  static constexpr std::size_t kUnit = 32;  // sizes are rounded up to multiples of it
  static constexpr std::size_t kClasses = 32;  // so that a block of 1 KiB is the largest
  static constexpr std::size_t kSlab = 64 * 1024;

  // In front of each block.
  struct alignas(std::max_align_t) Header {
    std::size_t size;  // usable, this excluded
    Header* next;  // of the free ones
  };

  std::array<Header*, kClasses + 1> free_{};  // by units
  std::vector<std::unique_ptr<std::byte[]>> slabs_;
  std::size_t left_ = 0;  // of the newest slab
};

}  // namespace ronda::net
