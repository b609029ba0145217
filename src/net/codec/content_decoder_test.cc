#include "net/codec/content_decoder.h"

#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include <string>
#include <string_view>
#include <vector>

namespace ronda::net {
namespace {

constexpr std::uint64_t kNoLimit = 1ull << 40;
constexpr int kGzipBits = 31, kZlibBits = 15, kRawBits = -15;

std::string Text(std::size_t size) {
  std::string text;
  for (std::size_t i = 0; text.size() < size; ++i) text += std::to_string(i * i) + ' ';
  text.resize(size);
  return text;
}

std::string Deflate(std::string_view text, int bits) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string Zstd(std::string_view text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

// "hello hello hello hello\n", made by the reference encoder.
constexpr std::string_view kBrotli(
    "\x1b\x17\x00\xf8\x8d\x94\x6e\xde\x44\x55\x86\xd6\x0a\x20\x6c\x6f\x4a\x11\x79\xe2\x80\xae\x16",
    23);

std::string Decode(ContentDecoder& decoder, std::string_view coding, std::string_view bytes,
                   std::size_t step = 1 << 20, std::uint64_t limit = kNoLimit) {
  base::Status status = decoder.Start(coding, limit);
  std::string out;
  while (status.ok() && !bytes.empty()) {
    status = decoder.DecodeTo(bytes.substr(0, step), out);
    bytes.remove_prefix(std::min(step, bytes.size()));
  }
  if (status.ok()) status = decoder.Finish();
  return status.ok() ? out : status.ToString();
}

TEST(ContentDecoderTest, EveryCodingInAnySplit) {
  const std::string text = Text(100'000);
  ContentDecoder decoder;
  for (const std::size_t step : {1u, 7u, 1000u, 1u << 20}) {
    EXPECT_EQ(Decode(decoder, "gzip", Deflate(text, kGzipBits), step), text) << step;
    EXPECT_EQ(Decode(decoder, "deflate", Deflate(text, kZlibBits), step), text) << step;
    EXPECT_EQ(Decode(decoder, "deflate", Deflate(text, kRawBits), step), text) << step;
    EXPECT_EQ(Decode(decoder, "zstd", Zstd(text), step), text) << step;
  }
}

TEST(ContentDecoderTest, ZstdFramesFollowEachOtherButNotOlderFormats) {
  ContentDecoder decoder;
  const std::string skippable("\x50\x2a\x4d\x18\x02\0\0\0ab", 10);
  const std::string old("\x25\xb5\x2f\xfd\x04\xd2\xd2\0", 8);
  for (const std::size_t step : {1u, 1000u}) {
    EXPECT_EQ(Decode(decoder, "zstd", Zstd("one ") + skippable + Zstd("two"), step), "one two");
    EXPECT_TRUE(Decode(decoder, "zstd", old, step).starts_with("data-loss"));
  }
}

TEST(ContentDecoderTest, NamesAreCaseInsensitiveAndIdentityPassesThrough) {
  ContentDecoder decoder;
  EXPECT_EQ(Decode(decoder, "GZip", Deflate("x", kGzipBits)), "x");
  EXPECT_EQ(Decode(decoder, " x-gzip ", Deflate("x", kGzipBits)), "x");
  EXPECT_EQ(Decode(decoder, "", "as is"), "as is");
  EXPECT_EQ(Decode(decoder, "identity", "as is"), "as is");
  EXPECT_TRUE(decoder.identity());
}

TEST(ContentDecoderTest, ListsAreUndoneBackwards) {
  const std::string text = Text(50'000);
  ContentDecoder decoder;
  const std::string twice = Zstd(Deflate(text, kGzipBits));
  for (const std::size_t step : {1u, 333u, 1u << 20}) {
    EXPECT_EQ(Decode(decoder, "gzip, zstd", twice, step), text);
    EXPECT_EQ(Decode(decoder, "gzip,gzip", Deflate(Deflate(text, kGzipBits), kGzipBits), step),
              text);
  }
  EXPECT_NE(Decode(decoder, "zstd, gzip", twice), text);
}

TEST(ContentDecoderTest, GzipMembersFollowEachOther) {
  ContentDecoder decoder;
  const std::string two = Deflate("one ", kGzipBits) + Deflate("two", kGzipBits);
  EXPECT_EQ(Decode(decoder, "gzip", two), "one two");
  EXPECT_EQ(Decode(decoder, "gzip", two, 1), "one two");
  for (const std::size_t step : {1u, 1000u}) {
    EXPECT_EQ(Decode(decoder, "gzip", two + std::string(10, '\0') + "\x1f\x8b?", step), "one two");
  }
}

TEST(ContentDecoderTest, AnEmptyBodyIsABody) {
  ContentDecoder decoder;
  for (const std::string_view coding : {"gzip", "deflate", "br", "zstd"}) {
    EXPECT_EQ(Decode(decoder, coding, ""), "");
  }
}

TEST(ContentDecoderTest, ATruncatedBodyIsAnError) {
  const std::string text = Text(10'000);
  ContentDecoder decoder;
  for (const auto& [coding, bytes] :
       {std::pair<std::string, std::string>("gzip", Deflate(text, kGzipBits)),
        {"deflate", Deflate(text, kZlibBits)},
        {"zstd", Zstd(text)},
        {"br", std::string(kBrotli)}}) {
    const std::string cut = bytes.substr(0, bytes.size() - 1);
    EXPECT_EQ(Decode(decoder, coding, cut), "data-loss: the compressed body stops in the middle")
        << coding;
  }
}

TEST(ContentDecoderTest, OtherBytesAreAnErrorThatNamesTheCoding) {
  ContentDecoder decoder;
  for (const std::string coding : {"gzip", "deflate", "br", "zstd"}) {
    const std::string message =
        Decode(decoder, coding, "\xff\xff this is plain text, not compressed");
    EXPECT_TRUE(message.starts_with("data-loss")) << message;
    EXPECT_NE(message.find(coding), std::string::npos) << message;
  }
  EXPECT_TRUE(Decode(decoder, "gizp", "").starts_with("unimplemented"));
}

TEST(ContentDecoderTest, ABombStopsAtTheLimit) {
  std::string zeros;
  zeros.resize(50'000'000);
  const std::string bomb = Deflate(zeros, kGzipBits);
  ContentDecoder decoder;
  ASSERT_TRUE(decoder.Start("gzip", 1'000'000).ok());
  std::string out;
  EXPECT_EQ(decoder.DecodeTo(bomb, out).code(), base::Code::kResourceExhausted);
  EXPECT_LT(out.size(), 1'100'000u);
  EXPECT_EQ(Decode(decoder, "gzip", Deflate(std::string(1'000'000, 'x'), kGzipBits), 100, 1'000'000)
                .size(),
            1'000'000u);
}

TEST(ContentDecoderTest, BrotliIsDecoded) {
  ContentDecoder decoder;
  const std::string text = Decode(decoder, "br", kBrotli);
  EXPECT_EQ(text, "hello hello hello hello\n");
  EXPECT_EQ(Decode(decoder, "br", kBrotli, 1), text);
}

TEST(ContentDecoderTest, SmallOutputBuffersAreFilledAgainAndAgain) {
  const std::string text = Text(5'000), bytes = Zstd(Deflate(text, kGzipBits));
  ContentDecoder decoder;
  ASSERT_TRUE(decoder.Start("gzip, zstd", kNoLimit).ok());
  std::string_view in = bytes;
  std::string out;
  char buffer[3];
  for (std::size_t n = sizeof buffer; n == sizeof buffer || !in.empty();) {
    const auto written = decoder.Decode(in, buffer);
    ASSERT_TRUE(written.ok());
    n = *written;
    out.append(buffer, n);
  }
  EXPECT_EQ(out, text);
  EXPECT_EQ(decoder.output_bytes(), text.size());
}

}  // namespace
}  // namespace ronda::net
