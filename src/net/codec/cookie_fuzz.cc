#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/core/check.h"
#include "net/codec/cookie.h"

namespace ronda::net {

// Each line is a Set-Cookie value from one of a few origins. What is sent must be fit for a header,
// go only where it may, and be found by name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr CookieJar::Origin kOrigins[] = {{"www.example.com", "/a/b?c", true},
                                            {"example.com", "/", false},
                                            {"other.org", "/a", true},
                                            {"127.0.0.1", "/x/y/z", false}};
  std::string_view text(reinterpret_cast<const char*>(data), size);
  CookieJar jar;
  std::int64_t now = 1'000'000'000;
  for (std::size_t n = 0; !text.empty() && n < 400; ++n) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const auto& origin = kOrigins[line.size() % 4];
    const std::size_t before = jar.size();
    if (!jar.Set(origin, line, now).ok()) CHECK(jar.size() <= before);
    CHECK(jar.size() <= CookieJar::kMaxCookies);
    now += static_cast<std::int64_t>(line.size() % 3);
    std::string header;
    for (const auto& to : kOrigins) {
      header.clear();
      CHECK(jar.AppendHeader(to, now, header) == !header.empty());
      for (const char c : header)
        CHECK(c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f));
      if (!header.empty()) {
        const std::string name = header.substr(0, header.find('='));
        CHECK(!name.empty() && jar.Get(to, name, now).has_value());
        CHECK(header.substr(name.size() + 1).starts_with(*jar.Get(to, name, now)));
      }
    }
  }
  static_cast<void>(ParseCookieDate({reinterpret_cast<const char*>(data), size}));
  return 0;
}

}  // namespace ronda::net
