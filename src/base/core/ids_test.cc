#include "base/core/ids.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <set>
#include <string_view>

namespace ronda::base {
namespace {

TEST(IdsTest, AnIdSaysWhereItWasBorn) {
  TraceIdGenerator generator(Environment::kProduction, 3);
  const TraceIdParts parts = Decode(generator.Next(1'800'000'000'123));
  EXPECT_EQ(parts.unix_ms, 1'800'000'000'123u);
  EXPECT_EQ(parts.process, static_cast<std::uint32_t>(getpid()));
  EXPECT_EQ(parts.environment, Environment::kProduction);
  EXPECT_EQ(parts.random >> 6, 3);
}

TEST(IdsTest, EncodeAndDecodeAreInverse) {
  const TraceIdParts in{.unix_ms = 0x3ff'1234'5678,
                        .process = 0x3f'ffff,
                        .ipv4 = 0x7f00'0001,
                        .environment = Environment::kGray,
                        .random = 0xabc,
                        .counter = 0xfffe};
  EXPECT_EQ(Encode(Decode(Encode(in))), Encode(in));
  EXPECT_EQ(Decode(Encode(in)).process, in.process);
  EXPECT_EQ(Decode(Encode(in)).random, in.random);
}

TEST(IdsTest, IdsOfOneMillisecondStayUniqueBeyondTheCounter) {
  TraceIdGenerator generator(Environment::kTest, 0);
  std::set<std::pair<std::uint64_t, std::uint64_t>> seen;
  for (int i = 0; i < 200'000; ++i) {
    const TraceId id = generator.Next(1'800'000'000'000);
    EXPECT_TRUE(seen.emplace(id.high, id.low).second);
  }
}

TEST(IdsTest, HexRoundTripsAndRefusesTheRest) {
  const TraceId id{0x0123'4567'89ab'cdef, 0xfedc'ba98'7654'3210};
  EXPECT_EQ(ToHex(id), "0123456789abcdeffedcba9876543210");
  EXPECT_EQ(ParseTraceId(ToHex(id)), id);
  EXPECT_FALSE(ParseTraceId("0123").has_value());
  EXPECT_FALSE(ParseTraceId("0123456789ABCDEFfedcba9876543210").has_value());
  EXPECT_FALSE(ParseTraceId("00000000000000000000000000000000").has_value());
}

TEST(IdsTest, TraceParentFollowsW3C) {
  const TraceParent p = FormatTraceParent({0x0af7651916cd43dd, 0x8448eb211c80319c},
                                          0xb7ad6b7169203331, Sampled::kYes);
  EXPECT_EQ(std::string_view(p.data(), p.size()),
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
}

}  // namespace
}  // namespace ronda::base
