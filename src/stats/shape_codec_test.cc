#include "stats/shape_codec.h"

#include <gtest/gtest.h>

namespace ronda::stats {
namespace {

Shape Some() {
  Shape shape;
  shape.scenarios = {{"buy", "constant-vus"}, {"browse", ""}};
  shape.steps = {{"login", 0, "http.request", StepKind::kExchange},
                 {"look.item", 1, "wait", StepKind::kLocal}};
  shape.checks = {{"status == 200", 0}};
  shape.errors = {"", "connect-refused"};
  return shape;
}

TEST(ShapeCodec, WhatWasEncodedIsDecoded) {
  std::string bytes;
  EncodeShape(Some(), bytes);
  const auto read = DecodeShape(bytes);
  ASSERT_TRUE(read.ok());
  std::string again;
  EncodeShape(*read, again);
  EXPECT_EQ(again, bytes);
  ASSERT_EQ(read->steps.size(), 2U);
  EXPECT_EQ(read->steps[1].id, "look.item");
  EXPECT_EQ(read->steps[1].kind, StepKind::kLocal);
  EXPECT_EQ(read->steps[1].scenario, 1U);
  EXPECT_EQ(read->errors[1], "connect-refused");
}

TEST(ShapeCodec, NoPartOfItIsTakenForTheWhole) {
  std::string bytes;
  EncodeShape(Some(), bytes);
  for (std::size_t i = 0; i < bytes.size(); ++i) EXPECT_FALSE(DecodeShape(bytes.substr(0, i)).ok());
  EXPECT_FALSE(DecodeShape(bytes + "x").ok());
}

TEST(ShapeCodec, ANumberOfNothingIsRefused) {
  Shape shape = Some();
  shape.checks[0].step = 2;
  std::string bytes;
  EncodeShape(shape, bytes);
  EXPECT_FALSE(DecodeShape(bytes).ok());
}

}  // namespace
}  // namespace ronda::stats
