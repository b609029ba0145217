#include "net/http2/frame_memory.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <deque>
#include <vector>

#include "base/core/random.h"

namespace ronda::net {
namespace {

TEST(FrameMemoryTest, BlocksDoNotOverlapAndKeepTheirBytes) {
  FrameMemory memory;
  base::Random random(7);
  struct Block {
    std::uint8_t* bytes;
    std::size_t size;
    std::uint8_t fill;
  };
  std::deque<Block> blocks;
  const auto check = [](const Block& b) {
    for (std::size_t i = 0; i < b.size; ++i) ASSERT_EQ(b.bytes[i], b.fill);
  };
  for (int i = 0; i < 20'000; ++i) {
    if (blocks.size() > 200) {
      ASSERT_NO_FATAL_FAILURE(check(blocks.front()));
      memory.Free(blocks.front().bytes);
      blocks.pop_front();
    }
    const auto size = static_cast<std::size_t>(random.Below(1300));
    auto* const bytes = static_cast<std::uint8_t*>(memory.Allocate(size));
    ASSERT_NE(bytes, nullptr);
    ASSERT_EQ(reinterpret_cast<std::uintptr_t>(bytes) % alignof(std::max_align_t), 0u);
    blocks.push_back({bytes, size, static_cast<std::uint8_t>(i)});
    std::memset(bytes, blocks.back().fill, size);
  }
  for (const Block& block : blocks) {
    ASSERT_NO_FATAL_FAILURE(check(block));
    memory.Free(block.bytes);
  }
}

TEST(FrameMemoryTest, WhatWasFreedIsUsedAgain) {
  FrameMemory memory;
  std::vector<void*> blocks;
  const auto round = [&] {
    for (int i = 0; i < 1000; ++i) blocks.push_back(memory.Allocate(100));
    for (void* block : blocks) memory.Free(block);
    blocks.clear();
  };
  round();
  const std::size_t after_one = memory.bytes();
  for (int i = 0; i < 10; ++i) round();
  EXPECT_EQ(memory.bytes(), after_one);
}

TEST(FrameMemoryTest, AZeroedBlockIsZeroWhateverItHeldBefore) {
  FrameMemory memory;
  void* const dirty = memory.Allocate(64);
  std::memset(dirty, 0xff, 64);
  memory.Free(dirty);
  auto* const clean = static_cast<std::uint8_t*>(memory.AllocateZeroed(64));
  for (int i = 0; i < 64; ++i) EXPECT_EQ(clean[i], 0);
  memory.Free(clean);
}

TEST(FrameMemoryTest, ResizingKeepsTheBytesAcrossEverySize) {
  FrameMemory memory;
  auto* bytes = static_cast<std::uint8_t*>(memory.Resize(nullptr, 8));
  std::memcpy(bytes, "eight!!!", 8);
  for (const std::size_t size : {20u, 900u, 1024u, 5000u, 100'000u, 9u}) {
    bytes = static_cast<std::uint8_t*>(memory.Resize(bytes, size));
    ASSERT_NE(bytes, nullptr);
    EXPECT_EQ(std::memcmp(bytes, "eight!!!", 8), 0) << size;
    std::memset(bytes + 8, 0xaa, size - 8);
  }
  memory.Free(bytes);
  memory.Free(nullptr);
}

}  // namespace
}  // namespace ronda::net
