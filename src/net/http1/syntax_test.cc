#include "net/http1/syntax.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

namespace ronda::net::http1 {
namespace {

// In memory of exactly its size, so that a read beyond it is seen by a sanitizer.
struct Exact {
  explicit Exact(std::string_view text) : size(text.size()), bytes(new char[text.size()]) {
    text.copy(bytes.get(), size);
  }
  std::size_t size;
  std::unique_ptr<char[]> bytes;
};

TEST(SyntaxTest, EveryControlCharacterIsFoundAtEveryPlaceInEveryLength) {
  for (std::size_t size = 0; size <= 50; ++size) {
    const Exact good(std::string(size, '\xe9'));
    EXPECT_EQ(FindControl(good.bytes.get(), good.bytes.get() + size), good.bytes.get() + size);
    for (std::size_t at = 0; at < size; ++at) {
      std::string text(size, '\t');
      text.back() = '\n';  // the first of two counts
      text[at] = static_cast<char>(at % 2 == 0 ? 0x7f : 0x1f);
      const Exact bad(text);
      EXPECT_EQ(FindControl(bad.bytes.get(), bad.bytes.get() + size), bad.bytes.get() + at) << size;
    }
  }
}

TEST(SyntaxTest, WhatIsAControlCharacter) {
  for (int c = 0; c < 256; ++c) {
    const std::string text(9, static_cast<char>(c));
    const bool found =
        FindControl(text.data(), text.data() + text.size()) != text.data() + text.size();
    EXPECT_EQ(found, (c < 0x20 && c != '\t') || c == 0x7f) << c;
  }
}

TEST(SyntaxTest, WhatIsAToken) {
  EXPECT_TRUE(IsToken("Content-Type"));
  EXPECT_TRUE(IsToken("!#$%&'*+-.^_`|~09azAZ"));
  EXPECT_FALSE(IsToken(""));
  for (const char c : std::string_view("()<>@,;:\\\"/[]?={} \t\r\n\0\x7f\xe9", 23)) {
    EXPECT_FALSE(IsToken(std::string("a") + c + "b")) << c;
  }
}

}  // namespace
}  // namespace ronda::net::http1
