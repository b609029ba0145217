#include "net/codec/cookie.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

namespace ronda::net {
namespace {

constexpr std::int64_t kNow = 1'700'000'000;
constexpr CookieJar::Origin kSite{"www.example.com", "/shop/cart", true};

std::string Header(CookieJar& jar, const CookieJar::Origin& to, std::int64_t now_s = kNow) {
  std::string out;
  return jar.AppendHeader(to, now_s, out) ? out : "(none)";
}

bool Set(CookieJar& jar, std::string_view text, const CookieJar::Origin& from = kSite) {
  return jar.Set(from, text, kNow).ok();
}

TEST(CookieJarTest, AnUnusedJarIsOnePointer) {
  EXPECT_EQ(sizeof(CookieJar), sizeof(void*));
  CookieJar jar;
  EXPECT_EQ(Header(jar, kSite), "(none)");
  EXPECT_EQ(jar.size(), 0u);
}

// RFC 6265, 3.1.
TEST(CookieJarTest, TheExamplesOfRfc6265) {
  CookieJar jar;
  EXPECT_TRUE(Set(jar, "SID=31d4d96e407aad42; Path=/; Domain=example.com"));
  EXPECT_EQ(Header(jar, {"www.example.com", "/", true}), "SID=31d4d96e407aad42");
  EXPECT_EQ(Header(jar, {"example.com", "/", true}), "SID=31d4d96e407aad42");
  jar.Clear();
  EXPECT_TRUE(Set(jar, "SID=31d4d96e407aad42; Path=/; Secure; HttpOnly"));
  EXPECT_TRUE(Set(jar, "lang=en-US; Path=/; Domain=example.com"));
  EXPECT_EQ(Header(jar, kSite), "SID=31d4d96e407aad42; lang=en-US");
  EXPECT_EQ(Header(jar, {"www.example.com", "/", false}), "lang=en-US");
  EXPECT_TRUE(Set(jar, "lang=; Expires=Sun, 06 Nov 1994 08:49:37 GMT; Path=/; Domain=example.com"));
  EXPECT_EQ(Header(jar, kSite), "SID=31d4d96e407aad42");
}

TEST(CookieJarTest, WithoutDomainItIsForTheHostAlone) {
  CookieJar jar;
  EXPECT_TRUE(Set(jar, "a=1; Path=/"));
  EXPECT_EQ(Header(jar, {"www.example.com", "/", true}), "a=1");
  EXPECT_EQ(Header(jar, {"sub.www.example.com", "/", true}), "(none)");
  EXPECT_EQ(Header(jar, {"example.com", "/", true}), "(none)");
}

TEST(CookieJarTest, WithItsOwnNameAsDomainItIsForHostsBelowToo) {
  CookieJar jar;
  EXPECT_TRUE(Set(jar, "a=1; Domain=.WWW.example.com; Path=/"));
  EXPECT_EQ(Header(jar, {"sub.www.example.com", "/", true}), "a=1");
  EXPECT_EQ(Header(jar, {"badwww.example.com", "/", true}), "(none)");
}

TEST(CookieJarTest, ForeignAndTooWideDomainsAreRefused) {
  CookieJar jar;
  EXPECT_FALSE(Set(jar, "a=1; Domain=other.com"));
  EXPECT_FALSE(Set(jar, "a=1; Domain=sub.www.example.com"));
  EXPECT_FALSE(Set(jar, "a=1; Domain=ample.com"));
  EXPECT_FALSE(Set(jar, "a=1; Domain=com"));
  EXPECT_FALSE(Set(jar, "a=1; Domain=0.1", {"10.0.0.1", "/", false}));
  EXPECT_TRUE(Set(jar, "a=1; Domain=10.0.0.1", {"10.0.0.1", "/", false}));
  EXPECT_TRUE(Set(jar, "a=1; Domain=localhost", {"localhost", "/", false}));
  EXPECT_EQ(Header(jar, {"x.localhost", "/", false}), "(none)");
}

TEST(CookieJarTest, PathsMatchWholeSegments) {
  CookieJar jar;
  EXPECT_TRUE(Set(jar, "a=1; Path=/shop"));
  EXPECT_EQ(Header(jar, {"www.example.com", "/shop", true}), "a=1");
  EXPECT_EQ(Header(jar, {"www.example.com", "/shop/x?y", true}), "a=1");
  EXPECT_EQ(Header(jar, {"www.example.com", "/shop?y", true}), "a=1");
  EXPECT_EQ(Header(jar, {"www.example.com", "/shopping", true}), "(none)");
  EXPECT_EQ(Header(jar, {"www.example.com", "/", true}), "(none)");
}

TEST(CookieJarTest, TheDefaultPathIsTheDirectory) {
  CookieJar jar;
  EXPECT_TRUE(Set(jar, "a=1"));
  EXPECT_EQ(Header(jar, {"www.example.com", "/shop/other", true}), "a=1");
  EXPECT_EQ(Header(jar, {"www.example.com", "/", true}), "(none)");
  jar.Clear();
  EXPECT_TRUE(Set(jar, "a=1; Path=relative", {"h", "/x?/y/z", true}));
  EXPECT_EQ(Header(jar, {"h", "/", true}), "a=1");
}

TEST(CookieJarTest, LongerPathsComeFirstThenOlderCookies) {
  CookieJar jar;
  EXPECT_TRUE(Set(jar, "new=0; Path=/"));
  EXPECT_TRUE(Set(jar, "old=1; Path=/"));
  EXPECT_TRUE(Set(jar, "deep=2; Path=/shop/cart"));
  EXPECT_TRUE(Set(jar, "new=3; Path=/"));
  EXPECT_EQ(Header(jar, kSite), "deep=2; new=3; old=1");
  EXPECT_EQ(jar.Get(kSite, "new", kNow), "3");
  EXPECT_EQ(jar.Get(kSite, "absent", kNow), std::nullopt);
}

TEST(CookieJarTest, MaxAgeWinsOverExpires) {
  CookieJar jar;
  EXPECT_TRUE(Set(jar, "a=1; Max-Age=10; Expires=Sun, 06 Nov 1994 08:49:37 GMT; Path=/"));
  EXPECT_EQ(Header(jar, kSite, kNow + 9), "a=1");
  EXPECT_EQ(Header(jar, kSite, kNow + 10), "(none)");
  EXPECT_TRUE(Set(jar, "a=1; Max-Age=0; Path=/"));
  EXPECT_EQ(jar.size(), 0u);
  EXPECT_TRUE(Set(jar, "a=1; Max-Age=-5; Expires=Sun, 06 Nov 2094 08:49:37 GMT; Path=/"));
  EXPECT_EQ(jar.size(), 0u);
  EXPECT_TRUE(Set(jar, "a=1; Max-Age=x; Path=/"));
  EXPECT_EQ(Header(jar, kSite), "a=1");
}

TEST(CookieJarTest, SecureCookiesStayOnHttps) {
  CookieJar jar;
  const CookieJar::Origin plain{"www.example.com", "/", false};
  EXPECT_FALSE(Set(jar, "a=1; Secure", plain));
  EXPECT_TRUE(Set(jar, "a=1; Secure; Path=/"));
  EXPECT_EQ(Header(jar, plain), "(none)");
  EXPECT_FALSE(Set(jar, "a=2; Path=/", plain));
  EXPECT_EQ(Header(jar, kSite), "a=1");
}

TEST(CookieJarTest, PrefixesMeanWhatTheySay) {
  CookieJar jar;
  EXPECT_FALSE(Set(jar, "__Secure-a=1"));
  EXPECT_TRUE(Set(jar, "__Secure-a=1; Secure"));
  EXPECT_FALSE(Set(jar, "__Host-a=1; Secure"));
  EXPECT_FALSE(Set(jar, "__Host-a=1; Secure; Path=/; Domain=example.com"));
  EXPECT_FALSE(Set(jar, "__HOST-a=1; Path=/"));
  EXPECT_TRUE(Set(jar, "__Host-a=1; Secure; Path=/"));
}

TEST(CookieJarTest, OddCookiesAreTakenOrRefused) {
  CookieJar jar;
  EXPECT_TRUE(Set(jar, " a = \"x y\" ;path=/; unknown; =;;"));
  EXPECT_EQ(Header(jar, kSite), "a=\"x y\"");
  EXPECT_TRUE(Set(jar, "b=c=d; Path=/"));
  EXPECT_EQ(jar.Get(kSite, "b", kNow), "c=d");
  EXPECT_FALSE(Set(jar, "novalue"));
  EXPECT_FALSE(Set(jar, "=x"));
  EXPECT_FALSE(Set(jar, "a=b\r\nX: y"));
  EXPECT_FALSE(Set(jar, "a=" + std::string(5000, 'x')));
}

TEST(CookieJarTest, TheOldestUsedGoWhenItIsFull) {
  CookieJar jar;
  EXPECT_TRUE(Set(jar, "used=v; Path=/used"));
  EXPECT_TRUE(Set(jar, "unused=v; Path=/unused"));
  for (std::size_t i = 0; i < CookieJar::kMaxCookiesADomain; ++i) {
    EXPECT_TRUE(Set(jar, "n" + std::to_string(i) + "=v; Path=/n"));
    EXPECT_EQ(Header(jar, {"www.example.com", "/used", true}), "used=v");
  }
  EXPECT_EQ(jar.Get({"www.example.com", "/used", true}, "used", kNow), "v");
  EXPECT_EQ(jar.Get({"www.example.com", "/unused", true}, "unused", kNow), std::nullopt);
  EXPECT_EQ(jar.size(), CookieJar::kMaxCookiesADomain);
  for (int host = 0; host < 40; ++host) {
    const std::string name = "h" + std::to_string(host) + ".example.org";
    for (int i = 0; i < 100; ++i) {
      EXPECT_TRUE(Set(jar, "n" + std::to_string(i) + "=v", {name, "/", true}));
    }
  }
  EXPECT_EQ(jar.size(), CookieJar::kMaxCookies);
  EXPECT_EQ(jar.Get({"h39.example.org", "/", true}, "n99", kNow), "v");
}

TEST(CookieJarTest, DatesInEveryFormOnTheWeb) {
  constexpr std::int64_t kDate = 784'111'777;
  EXPECT_EQ(ParseCookieDate("Sun, 06 Nov 1994 08:49:37 GMT"), kDate);
  EXPECT_EQ(ParseCookieDate("Sunday, 06-Nov-94 08:49:37 GMT"), kDate);
  EXPECT_EQ(ParseCookieDate("Sun Nov  6 08:49:37 1994"), kDate);
  EXPECT_EQ(ParseCookieDate("6 nov 1994 8:49:37"), kDate);
  EXPECT_EQ(ParseCookieDate("Thu, 01 Jan 1970 00:00:00 GMT"), 0);
  EXPECT_EQ(ParseCookieDate("Thu, 01-Jan-69 00:00:00 GMT"), 3'124'224'000);
  for (const std::string_view bad :
       {"", "yesterday", "06 Nov 1994", "32 Nov 1994 08:49:37", "30 Feb 1994 08:49:37",
        "06 Nov 1600 08:49:37", "06 Nov 1994 24:00:00", "06 Nov 1994 08:60:00",
        "06 Nov 19940 08:49:37", "06 Foo 1994 08:49:37"}) {
    EXPECT_EQ(ParseCookieDate(bad), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace ronda::net
