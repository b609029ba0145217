#include "base/text.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/json_writer.h"

namespace ronda::base {
namespace {

TEST(TextTest, JsonTextsAreUtf8WhateverTheyWere) {
  std::string out;
  AppendJsonText("a\"\\\n\x01\xff k\xc3\xb6ln", out);
  EXPECT_EQ(out, "\"a\\\"\\\\\\n\\u0001\xef\xbf\xbd k\xc3\xb6ln\"");
}

TEST(TextTest, TheWriterPutsCommasAndKeepsNumbersWhole) {
  JsonWriter json;
  json.Object().Field("a", std::int64_t{-1}).Field("b", ~std::uint64_t{0}).Key("c").List();
  json.Number(1.5).Number(std::numeric_limits<double>::infinity()).Bool(true).EndList().EndObject();
  EXPECT_EQ(json.out, "{\"a\":-1,\"b\":18446744073709551615,\"c\":[1.5,null,true]}");
}

}  // namespace
}  // namespace ronda::base
