#include "net/http2/frame_memory.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include "base/core/sanitizers.h"

namespace ronda::net {
namespace {

constexpr bool kAllFromHeap = RONDA_ASAN != 0;

}  // namespace

void* FrameMemory::Allocate(std::size_t size) {
  const std::size_t units = (size + kUnit - 1) / kUnit;
  if (units > kClasses || kAllFromHeap) {
    auto* const header = static_cast<Header*>(std::malloc(sizeof(Header) + size));
    if (header == nullptr) return nullptr;
    header->size = size;
    return header + 1;
  }
  Header*& free = free_[units];
  if (free != nullptr) {
    Header* const header = free;
    free = header->next;
    return header + 1;
  }
  const std::size_t whole = sizeof(Header) + units * kUnit;
  if (left_ < whole) {
    auto slab = std::unique_ptr<std::byte[]>(new (std::nothrow) std::byte[kSlab]);
    if (slab == nullptr) return nullptr;
    slabs_.push_back(std::move(slab));
    left_ = kSlab;
  }
  auto* const header = reinterpret_cast<Header*>(slabs_.back().get() + (kSlab - left_));
  left_ -= whole;
  header->size = units * kUnit;
  return header + 1;
}

void* FrameMemory::AllocateZeroed(std::size_t size) {
  void* const block = Allocate(size);
  if (block != nullptr) std::memset(block, 0, size);
  return block;
}

void* FrameMemory::Resize(void* block, std::size_t size) {
  if (block == nullptr) return Allocate(size);
  const Header* const header = static_cast<Header*>(block) - 1;
  if (size <= header->size && size > 0) return block;
  void* const larger = Allocate(size);
  if (larger == nullptr) return nullptr;
  std::memcpy(larger, block, std::min(size, header->size));
  Free(block);
  return larger;
}

void FrameMemory::Free(void* block) {
  if (block == nullptr) return;
  Header* const header = static_cast<Header*>(block) - 1;
  if (header->size > kClasses * kUnit || kAllFromHeap) {
    std::free(header);
    return;
  }
  Header*& free = free_[header->size / kUnit];
  header->next = free;
  free = header;
}

}  // namespace ronda::net
