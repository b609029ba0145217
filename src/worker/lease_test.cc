#include "worker/lease.h"

#include <gtest/gtest.h>

#include "worker/server_clock.h"

namespace ronda::worker {
namespace {

TEST(Lease, CountsFromTheSendingOfWhatWasAnswered) {
  Lease lease;
  EXPECT_FALSE(lease.Holds(1));
  lease.Begin(100, 50);
  EXPECT_TRUE(lease.Holds(149));
  EXPECT_FALSE(lease.Holds(150));
  lease.Sent(1, 120);
  lease.Sent(2, 140);
  EXPECT_EQ(lease.end_ns(), 150U) << "what is only sent prolongs nothing";
  EXPECT_EQ(lease.Answered(1), 120U);
  EXPECT_EQ(lease.end_ns(), 170U);
}

TEST(Lease, AnAnswerThatComesLateOrTwiceDoesNotShortenIt) {
  Lease lease;
  lease.Begin(100, 50);
  lease.Sent(1, 110);
  lease.Sent(2, 130);
  EXPECT_EQ(lease.Answered(2), 130U);
  EXPECT_EQ(lease.Answered(1), 0U);
  EXPECT_EQ(lease.Answered(2), 0U);
  EXPECT_EQ(lease.Answered(9), 0U);
  EXPECT_EQ(lease.end_ns(), 180U);
}

TEST(ServerClock, TheAnswerWithTheLeastDoubtCounts) {
  ServerClock clock;
  EXPECT_FALSE(clock.known());
  clock.Learn(1'000, 3'000, 1'000'000);  // half of the way: 2'000 here is 1'000'000 there
  EXPECT_EQ(clock.WallOf(2'000), 1'000'000U);
  EXPECT_EQ(clock.MonotonicOf(1'000'000), 2'000U);
  clock.Learn(4'000, 14'000, 2'000'000);  // a slow answer tells less
  EXPECT_EQ(clock.WallOf(2'000), 1'000'000U);
  clock.Learn(20'000, 20'200, 1'018'000);
  EXPECT_EQ(clock.doubt_ns(), 100U);
  EXPECT_EQ(clock.WallOf(20'100), 1'018'000U);
}

TEST(ServerClock, AnOldAnswerIsWorthLessThanAFreshOne) {
  ServerClock clock;
  clock.Learn(0, 2'000, 5'000'000);
  constexpr std::uint64_t kLater = 100'000'000'000;
  clock.Learn(kLater, kLater + 4'000, kLater + 6'000'000);
  EXPECT_EQ(clock.doubt_ns(), 2'000U);
}

}  // namespace
}  // namespace ronda::worker
