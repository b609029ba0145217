#include "trace/ingest/body.h"

#include <gtest/gtest.h>
#include <libdeflate.h>
#include <zstd.h>

#include <string>

namespace ronda::trace::ingest {
namespace {

constexpr std::size_t kMost = 1u << 20;

std::string Gzip(const std::string& text) {
  libdeflate_compressor* compressor = libdeflate_alloc_compressor(6);
  std::string out(libdeflate_gzip_compress_bound(compressor, text.size()), '\0');
  out.resize(
      libdeflate_gzip_compress(compressor, text.data(), text.size(), out.data(), out.size()));
  libdeflate_free_compressor(compressor);
  return out;
}

// One frame; a streamed one does not say how long it is.
enum class Size { kSaid, kUnsaid };
std::string Zstd(const std::string& text, Size size) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  if (size == Size::kSaid) {
    out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
    return out;
  }
  ZSTD_CCtx* state = ZSTD_createCCtx();
  ZSTD_outBuffer to{out.data(), out.size(), 0};
  ZSTD_inBuffer in{text.data(), text.size(), 0};
  while (in.pos < in.size) ZSTD_compressStream2(state, &to, &in, ZSTD_e_continue);
  EXPECT_EQ(ZSTD_compressStream2(state, &to, &in, ZSTD_e_end), 0u);
  ZSTD_freeCCtx(state);
  out.resize(to.pos);
  return out;
}

std::string Text(std::size_t size) {
  std::string text;
  while (text.size() < size) text += "span " + std::to_string(text.size() * 7919) + "\n";
  text.resize(size);
  return text;
}

class BodyTest : public ::testing::Test {
 protected:
  base::Code Read(Coding coding, const std::string& body, std::size_t most = kMost) {
    base::ByteReservation memory(budget_);
    const base::Status status = decompressor_.Read(coding, body, most, memory, out_);
    taken_ = memory.bytes();
    return status.code();
  }

  base::ByteBudget budget_{4 * kMost};
  Decompressor decompressor_;
  std::string out_;
  std::size_t taken_ = 0;
};

TEST_F(BodyTest, WhatWasCompressedComesBack) {
  for (const std::size_t size : {0u, 1u, 1000u, 70'000u, 1u << 20}) {
    const std::string text = Text(size);
    for (const auto& [coding, body] :
         {std::pair(Coding::kIdentity, text), std::pair(Coding::kGzip, Gzip(text)),
          std::pair(Coding::kZstd, Zstd(text, Size::kSaid)),
          std::pair(Coding::kZstd, Zstd(text, Size::kUnsaid))}) {
      EXPECT_EQ(Read(coding, body), base::Code::kOk) << size;
      EXPECT_EQ(out_, text);
    }
  }
}

TEST_F(BodyTest, MembersAndFramesAreJoined) {
  // The last member is the smallest: what it says of its size is no use.
  const std::string large = Text(300'000), small = "end";
  EXPECT_EQ(Read(Coding::kGzip, Gzip(large) + Gzip(small)), base::Code::kOk);
  EXPECT_EQ(out_, large + small);
  EXPECT_EQ(Read(Coding::kZstd, Zstd(small, Size::kSaid) + Zstd(large, Size::kUnsaid)),
            base::Code::kOk);
  EXPECT_EQ(out_, small + large);
}

TEST_F(BodyTest, TheLimitIsExact) {
  for (const auto& [size, code] :
       {std::pair(kMost, base::Code::kOk), std::pair(kMost + 1, base::Code::kResourceExhausted)}) {
    const std::string text = Text(size);
    EXPECT_EQ(Read(Coding::kIdentity, text), code);
    EXPECT_EQ(Read(Coding::kGzip, Gzip(text)), code);
    EXPECT_EQ(Read(Coding::kZstd, Zstd(text, Size::kSaid)), code);
    EXPECT_EQ(Read(Coding::kZstd, Zstd(text, Size::kUnsaid)), code);
  }
}

TEST_F(BodyTest, ABombIsRefusedWithoutTakingMoreMemoryThanTheLimit) {
  const std::string zeros(64u << 20, '\0');
  for (const auto& [coding, body] :
       {std::pair(Coding::kGzip, Gzip(zeros)), std::pair(Coding::kZstd, Zstd(zeros, Size::kUnsaid)),
        std::pair(Coding::kZstd, Zstd(zeros, Size::kSaid))}) {
    EXPECT_EQ(Read(coding, body), base::Code::kResourceExhausted);
    EXPECT_LE(taken_, kMost + 1);
    EXPECT_LE(out_.capacity(), 2 * kMost + 2);
  }
}

TEST_F(BodyTest, CutOffOrForeignBytesAreRefused) {
  const std::string gzip = Gzip(Text(5000)), zstd = Zstd(Text(5000), Size::kUnsaid);
  for (const double part : {0.0, 0.1, 0.5, 0.99}) {
    const auto cut = [&](const std::string& whole) {
      return whole.substr(0, static_cast<std::size_t>(part * static_cast<double>(whole.size())));
    };
    EXPECT_EQ(Read(Coding::kGzip, cut(gzip)), base::Code::kInvalidArgument) << part;
    EXPECT_EQ(Read(Coding::kZstd, cut(zstd)), base::Code::kInvalidArgument) << part;
  }
  EXPECT_EQ(Read(Coding::kGzip, zstd), base::Code::kInvalidArgument);
  EXPECT_EQ(Read(Coding::kZstd, gzip), base::Code::kInvalidArgument);
}

TEST_F(BodyTest, WithoutMemoryItIsForLater) {
  ASSERT_TRUE(budget_.TryTake(4 * kMost - 1000));
  EXPECT_EQ(Read(Coding::kGzip, Gzip(Text(5000))), base::Code::kUnavailable);
  EXPECT_EQ(Read(Coding::kZstd, Zstd(Text(5000), Size::kSaid)), base::Code::kUnavailable);
  budget_.Give(4 * kMost - 1000);
  EXPECT_EQ(Read(Coding::kGzip, Gzip(Text(5000))), base::Code::kOk);
  EXPECT_EQ(budget_.used(), 0u);
}

TEST(CodingTest, NamesAreReadInAnyCase) {
  EXPECT_EQ(CodingOf(""), Coding::kIdentity);
  EXPECT_EQ(CodingOf("GZIP"), Coding::kGzip);
  EXPECT_EQ(CodingOf("zstd"), Coding::kZstd);
  EXPECT_FALSE(CodingOf("br").has_value());
  EXPECT_FALSE(CodingOf("gzip, gzip").has_value());
}

}  // namespace
}  // namespace ronda::trace::ingest
