#include "engine/vu/pause.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace ronda::engine {
namespace {

constexpr double kS = 1e9;

model::Wait Wait(model::Wait::Kind kind, double a_s, double b_s) {
  model::Wait wait;
  wait.kind = kind;
  wait.a.ns = static_cast<std::int64_t>(a_s * kS);
  wait.b.ns = static_cast<std::int64_t>(b_s * kS);
  return wait;
}

std::vector<std::uint64_t> Draw(const model::Wait& wait, std::uint64_t seed = 7, int n = 100'000) {
  base::Random random(seed);
  std::vector<std::uint64_t> drawn;
  for (int i = 0; i < n; ++i) drawn.push_back(DrawPause(wait, random));
  std::ranges::sort(drawn);
  return drawn;
}

double At(const std::vector<std::uint64_t>& sorted, double q) {
  return static_cast<double>(
      sorted[static_cast<std::size_t>(q * static_cast<double>(sorted.size()))]);
}

TEST(DrawPause, AFixedOneIsAlwaysTheSame) {
  const auto drawn = Draw(Wait(model::Wait::Kind::kFixed, 2, 0));
  EXPECT_EQ(drawn.front(), 2'000'000'000u);
  EXPECT_EQ(drawn.back(), 2'000'000'000u);
}

TEST(DrawPause, AUniformOneFillsItsRangeEvenly) {
  const auto drawn = Draw(Wait(model::Wait::Kind::kUniform, 1, 3));
  EXPECT_GE(drawn.front(), 1'000'000'000u);
  EXPECT_LT(drawn.back(), 3'000'000'000u);
  EXPECT_NEAR(At(drawn, 0.25), 1.5 * kS, 0.02 * kS);
  EXPECT_NEAR(At(drawn, 0.75), 2.5 * kS, 0.02 * kS);
}

TEST(DrawPause, ALogNormalOneHasTheQuantilesThatItWasGiven) {
  const auto drawn = Draw(Wait(model::Wait::Kind::kLogNormal, 2, 6));
  EXPECT_NEAR(At(drawn, 0.5), 2 * kS, 0.03 * kS);
  EXPECT_NEAR(At(drawn, 0.95), 6 * kS, 0.12 * kS);
}

TEST(DrawPause, TheSameSeedDrawsTheSame) {
  const model::Wait wait = Wait(model::Wait::Kind::kLogNormal, 2, 6);
  EXPECT_EQ(Draw(wait, 3, 100), Draw(wait, 3, 100));
  EXPECT_NE(Draw(wait, 3, 100), Draw(wait, 4, 100));
}

TEST(DrawPause, AWildTailStaysWithinAYear) {
  const auto drawn = Draw(Wait(model::Wait::Kind::kLogNormal, 0.001, 1e8));
  EXPECT_LE(drawn.back(), 366ull * 86'400 * 1'000'000'000);
}

}  // namespace
}  // namespace ronda::engine
