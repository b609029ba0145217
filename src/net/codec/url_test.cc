#include "net/codec/url.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace ronda::net {
namespace {

Url Parse(std::string_view text) {
  static std::string storage;  // the views of the last URL
  const auto url = ParseUrl(text, storage);
  EXPECT_TRUE(url.ok()) << text << ": " << url.status().ToString();
  return url.ok() ? *url : Url{};
}

TEST(UrlTest, TakesAPlainUrlApart) {
  const Url url = Parse("https://user:pa%20ss@shop.example:8443/a/b?q=1&r=2#top");
  EXPECT_TRUE(url.tls);
  EXPECT_EQ(url.userinfo, "user:pa%20ss");
  EXPECT_EQ(url.host, "shop.example");
  EXPECT_EQ(url.port, 8443);
  EXPECT_EQ(url.authority, "shop.example:8443");
  EXPECT_EQ(url.target, "/a/b?q=1&r=2");
  EXPECT_EQ(url.fragment, "top");
}

TEST(UrlTest, APlainUrlIsViewsAndLeavesTheStorageAlone) {
  const std::string text = "http://h:1/a%20b?c=[1]|2";
  std::string storage = "untouched";
  const auto url = ParseUrl(text, storage);
  ASSERT_TRUE(url.ok());
  EXPECT_EQ(storage, "untouched");
  EXPECT_EQ(url->target.data(), text.data() + 10);
}

TEST(UrlTest, DefaultPortsAreKnownAndLeftOutOfTheAuthority) {
  EXPECT_EQ(Parse("http://h").port, 80);
  EXPECT_EQ(Parse("https://h").port, 443);
  EXPECT_EQ(Parse("https://h:443/").authority, "h");
  EXPECT_EQ(Parse("http://h:0080/").authority, "h");
  EXPECT_EQ(Parse("http://h:443/").authority, "h:443");
  EXPECT_EQ(Parse("http://h:/x").authority, "h");
}

TEST(UrlTest, AnEmptyPathIsASlash) {
  EXPECT_EQ(Parse("http://h").target, "/");
  EXPECT_EQ(Parse("http://h?q").target, "/?q");
  EXPECT_EQ(Parse("http://h#f").target, "/");
  EXPECT_EQ(Parse("http://h#f?x/y").fragment, "f?x/y");
}

TEST(UrlTest, Ipv6HostsLoseTheirBracketsButNotInTheAuthority) {
  const Url url = Parse("http://[2001:DB8::1]:8080/x");
  EXPECT_TRUE(url.ipv6);
  EXPECT_EQ(url.host, "2001:db8::1");
  EXPECT_EQ(url.authority, "[2001:db8::1]:8080");
  EXPECT_EQ(Parse("http://[::1]").authority, "[::1]");
  EXPECT_EQ(Parse("http://[::ffff:127.0.0.1]/").host, "::ffff:127.0.0.1");
}

TEST(UrlTest, SchemesAndHostsBecomeLowerCase) {
  const Url url = Parse("HTTPS://Shop.Example/Path");
  EXPECT_TRUE(url.tls);
  EXPECT_EQ(url.host, "shop.example");
  EXPECT_EQ(url.authority, "shop.example");
  EXPECT_EQ(url.target, "/Path");
}

TEST(UrlTest, WhatMayNotStandInATargetIsEncoded) {
  EXPECT_EQ(Parse("http://h/a b?c=\"d\"").target, "/a%20b?c=%22d%22");
  EXPECT_EQ(Parse("http://h/caf\xc3\xa9").target, "/caf%C3%A9");
  EXPECT_EQ(Parse("http://h/100%").target, "/100%25");
  EXPECT_EQ(Parse("http://h/%zz%4").target, "/%25zz%254");
  EXPECT_EQ(Parse("http://h/%41%2f").target, "/%41%2f");
  EXPECT_EQ(Parse("http://h/a\r\nX: y").target, "/a%0D%0AX:%20y");
  EXPECT_EQ(Parse("http://h/#a b").fragment, "a%20b");
}

TEST(UrlTest, SaysWhatIsWrong) {
  std::string storage;
  for (const auto& [text, part] :
       {std::pair<std::string_view, std::string_view>{"ftp://h/", "http://"},
        {"h/", "http://"},
        {"", "http://"},
        {"http:///x", "without a host"},
        {"http://:80/", "without a host"},
        {"http://u@/", "without a host"},
        {"http://h:x/", "port"},
        {"http://h:65536/", "port"},
        {"http://h:0/", "port"},
        {"http://h:-1/", "port"},
        {"http://a b/", "not allowed"},
        {"http://b\xc3\xbc"
         "cher.example/",
         "xn--"},
        {"http://h%41/", "not allowed"},
        {"http://[::1/", "closing"},
        {"http://[::1]x/", "behind"},
        {"http://[zz]/", "IPv6"},
        {"http://::1/", "without a host"}}) {
    const auto url = ParseUrl(text, storage);
    ASSERT_FALSE(url.ok()) << text;
    EXPECT_EQ(url.status().code(), base::Code::kInvalidArgument);
    EXPECT_NE(url.status().message().find(part), std::string::npos) << url.status().message();
  }
}

TEST(UrlTest, MessagesDoNotShowPasswords) {
  std::string storage;
  for (const std::string_view text :
       {"http://user:secret@h:x/", "user:secret@h", "http://u:secret@/"}) {
    const auto url = ParseUrl(text, storage);
    ASSERT_FALSE(url.ok());
    if (text.starts_with("http")) {
      EXPECT_EQ(url.status().message().find("secret"), std::string::npos) << url.status().message();
    }
  }
}

std::string Resolve(std::string_view base, std::string_view reference) {
  std::string out;
  const auto status = ResolveReference(base, reference, out);
  return status.ok() ? out : status.ToString();
}

// RFC 3986, 5.4.1 and 5.4.2.
TEST(UrlTest, ReferencesResolveAsInRfc3986) {
  constexpr std::string_view kBase = "http://a/b/c/d;p?q";
  for (const auto& [reference, target] :
       {std::pair<std::string_view, std::string_view>{"g:h", "g:h"},
        {"g", "http://a/b/c/g"},
        {"./g", "http://a/b/c/g"},
        {"g/", "http://a/b/c/g/"},
        {"/g", "http://a/g"},
        {"//g", "http://g"},
        {"?y", "http://a/b/c/d;p?y"},
        {"g?y", "http://a/b/c/g?y"},
        {"#s", "http://a/b/c/d;p?q#s"},
        {"g#s", "http://a/b/c/g#s"},
        {"g?y#s", "http://a/b/c/g?y#s"},
        {";x", "http://a/b/c/;x"},
        {"g;x", "http://a/b/c/g;x"},
        {"g;x?y#s", "http://a/b/c/g;x?y#s"},
        {"", "http://a/b/c/d;p?q"},
        {".", "http://a/b/c/"},
        {"./", "http://a/b/c/"},
        {"..", "http://a/b/"},
        {"../", "http://a/b/"},
        {"../g", "http://a/b/g"},
        {"../..", "http://a/"},
        {"../../", "http://a/"},
        {"../../g", "http://a/g"},
        {"../../../g", "http://a/g"},
        {"../../../../g", "http://a/g"},
        {"/./g", "http://a/g"},
        {"/../g", "http://a/g"},
        {"g.", "http://a/b/c/g."},
        {".g", "http://a/b/c/.g"},
        {"g..", "http://a/b/c/g.."},
        {"..g", "http://a/b/c/..g"},
        {"./../g", "http://a/b/g"},
        {"./g/.", "http://a/b/c/g/"},
        {"g/./h", "http://a/b/c/g/h"},
        {"g/../h", "http://a/b/c/h"},
        {"g;x=1/./y", "http://a/b/c/g;x=1/y"},
        {"g;x=1/../y", "http://a/b/c/y"},
        {"g?y/./x", "http://a/b/c/g?y/./x"},
        {"g?y/../x", "http://a/b/c/g?y/../x"},
        {"g#s/./x", "http://a/b/c/g#s/./x"},
        {"http:g", "http:g"}}) {
    EXPECT_EQ(Resolve(kBase, reference), target) << reference;
  }
}

TEST(UrlTest, ReferencesResolveAgainstAHostAlone) {
  EXPECT_EQ(Resolve("http://a", "g"), "http://a/g");
  EXPECT_EQ(Resolve("http://a:81?q", "../g"), "http://a:81/g");
  EXPECT_EQ(Resolve("http://a/b", "https://c/d/../e"), "https://c/e");
  EXPECT_FALSE(Resolve("/relative", "g").starts_with("http"));
}

TEST(UrlTest, PercentAndFormEncoding) {
  std::string out;
  AppendPercentEncoded("a-._~ /?&=\xc3\xa9", out);
  EXPECT_EQ(out, "a-._~%20%2F%3F%26%3D%C3%A9");
  out.clear();
  AppendFormEncoded("a b&c*~", out);
  EXPECT_EQ(out, "a+b%26c*%7E");
  out.clear();
  AppendPercentDecoded("a%20b%2Fc%2", out);
  EXPECT_EQ(out, "a b/c%2");
}

}  // namespace
}  // namespace ronda::net
