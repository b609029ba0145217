#include "stats/samples.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace ronda::stats {
namespace {

TEST(SampleChannelTest, WhatTheWriterCannotTakeIsDroppedAndCounted) {
  SampleChannel channel(2);
  Sample sample;
  for (std::size_t i = 0; i < 5 * SampleChannel::kBatch; ++i) channel.Push(sample);
  EXPECT_EQ(channel.dropped(), 3 * SampleChannel::kBatch);
  std::size_t read = 0;
  while (const auto* batch = channel.Take()) {
    read += batch->size();
    channel.Release();
  }
  EXPECT_EQ(read, 2 * SampleChannel::kBatch);
}

TEST(SampleChannelTest, EverySampleIsWrittenOrCountedAsDroppedAndInOrder) {
  SampleChannel channel(4);
  constexpr std::uint64_t kSamples = 200'000;
  std::atomic<bool> done{false};
  std::uint64_t read = 0, last = 0;
  bool ordered = true;
  std::thread writer([&] {
    for (;;) {
      const bool was_done = done.load();
      while (const auto* batch = channel.Take()) {
        for (const Sample& s : *batch) {
          ordered = ordered && s.start_ns > last;
          last = s.start_ns;
        }
        read += batch->size();
        channel.Release();
      }
      if (was_done) return;
      std::this_thread::yield();
    }
  });
  Sample sample;
  for (std::uint64_t i = 1; i <= kSamples; ++i) {
    sample.start_ns = i;
    channel.Push(sample);
  }
  channel.Flush();
  done.store(true);
  writer.join();
  EXPECT_TRUE(ordered);
  EXPECT_EQ(read + channel.dropped(), kSamples);
  EXPECT_GT(read, 0u);
}

}  // namespace
}  // namespace ronda::stats
