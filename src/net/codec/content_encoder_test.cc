#include "net/codec/content_encoder.h"

#include <gtest/gtest.h>

#include <string>

namespace ronda::net {
namespace {

TEST(ContentEncoderTest, GzipAndZlibCarryTheirMarksAndAreSmaller) {
  const std::string body(10'000, 'x');
  const auto gzip = EncodeContent(ContentCoding::kGzip, body);
  ASSERT_TRUE(gzip.ok());
  EXPECT_EQ(gzip->substr(0, 2), "\x1f\x8b");
  EXPECT_LT(gzip->size(), 200u);
  const auto deflate = EncodeContent(ContentCoding::kDeflate, body);
  ASSERT_TRUE(deflate.ok());
  EXPECT_EQ((*deflate)[0], '\x78');
  EXPECT_LT(deflate->size(), 200u);
}

}  // namespace
}  // namespace ronda::net
