#include "net/proxy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "net/client_harness.h"
#include "net/scripted_server.h"
#include "net/test_certificates.h"

namespace ronda::net {
namespace {

using Peer = ScriptedServer::Peer;
using testing::HasSubstr;
using testing::StartsWith;

TEST(Proxy, UrlsGiveHostPortAndCredentials) {
  const auto proxy = ParseProxy("http://us%40er:pa%3Ass@proxy.example:3128");
  ASSERT_TRUE(proxy.ok()) << proxy.status().ToString();
  EXPECT_EQ(proxy->host, "proxy.example");
  EXPECT_EQ(proxy->port, 3128);
  EXPECT_EQ(proxy->authorization, "Basic dXNAZXI6cGE6c3M=");  // us@er:pa:ss
  EXPECT_EQ(ParseProxy("proxy.example:8080")->port, 8080);
  EXPECT_EQ(ParseProxy("http://[::1]:1")->host, "::1");
  EXPECT_EQ(ParseProxy("socks5://h:1").status().code(), base::Code::kUnimplemented);
  EXPECT_FALSE(ParseProxy("http://").ok());
}

TEST(Proxy, NoProxyCoversNamesAndWhatIsBelowThem) {
  EXPECT_TRUE(BypassesProxy("a.example, b.example", "b.example", 80));
  EXPECT_TRUE(BypassesProxy("example", "x.y.EXAMPLE", 80));
  EXPECT_TRUE(BypassesProxy(".example", "x.example", 80));
  EXPECT_FALSE(BypassesProxy("ample", "example", 80));
  EXPECT_FALSE(BypassesProxy("", "example", 80));
  EXPECT_TRUE(BypassesProxy("*", "example", 80));
  EXPECT_TRUE(BypassesProxy("h:81", "h", 81));
  EXPECT_FALSE(BypassesProxy("h:81", "h", 80));
  EXPECT_TRUE(BypassesProxy("::1", "::1", 80));
  EXPECT_TRUE(BypassesProxy("127.0.0.1,", "127.0.0.1", 80));
}

TEST(Proxy, TheEnvironmentNamesOneAScheme) {
  ProxyEnvironment environment;
  environment.http_proxy = "h";
  environment.all_proxy = "a";
  EXPECT_EQ(ProxyFor(environment, Scheme::kHttp), "h");
  EXPECT_EQ(ProxyFor(environment, Scheme::kHttps), "a");
}

// A client that goes through this server.
struct Through : ClientHarness {
  explicit Through(const ScriptedServer& proxy, const std::string& credentials = "") {
    transport.proxy = "http://" + credentials + "127.0.0.1:" + std::to_string(proxy.port());
  }
  HttpRequest To(const char* host, std::uint16_t port) const {
    HttpRequest request = Request(port);
    request.host = host;
    request.authority = host;
    return request;
  }
};

TEST(Proxy, HttpGoesInAbsoluteFormWithCredentials) {
  ScriptedServer proxy([](Peer& peer) {
    for (std::string head = peer.ReadHead(); !head.empty(); head = peer.ReadHead()) {
      peer.Reply(head);
    }
  });
  Through h(proxy, "u:p@");
  HttpSession session;
  const HttpRequest request = h.To("unknown.invalid", 8080);
  for (int i = 0; i < 2; ++i) {
    const Outcome got = h.Fetch(session, request);
    ASSERT_FALSE(got.failed) << got.detail;
    EXPECT_THAT(got.body, StartsWith("GET http://unknown.invalid:8080/ HTTP/1.1\r\n"));
    EXPECT_THAT(got.body, HasSubstr("Proxy-Authorization: Basic dTpw\r\n"));
    EXPECT_EQ(got.reused, i > 0);
  }
}

TEST(Proxy, ExemptHostsAreReachedDirectly) {
  ScriptedServer server([](Peer& peer) {
    peer.ReadHead();
    peer.Reply("direct");
    peer.AwaitEnd();
  });
  ClientHarness h;
  h.transport.proxy = "http://127.0.0.1:1";
  h.transport.no_proxy = "127.0.0.1";
  EXPECT_EQ(h.Fetch(h.Request(server.port())).body, "direct");
}

TEST(Proxy, ATunnelIsAskedForAndItsRefusalTold) {
  std::string asked;
  ScriptedServer proxy([&](Peer& peer) {
    asked = peer.ReadHead();
    peer.Send("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
    peer.AwaitEnd();
  });
  Through h(proxy, "u:p@");
  HttpRequest request = h.To("secure.invalid", 443);
  request.tls = true;
  const Outcome got = h.Fetch(request);
  EXPECT_EQ(got.kind, ErrorKind::kProxy);
  EXPECT_THAT(got.detail, HasSubstr("407"));
  EXPECT_THAT(asked,
              StartsWith("CONNECT secure.invalid:443 HTTP/1.1\r\nHost: secure.invalid:443\r\n"));
  EXPECT_THAT(asked, HasSubstr("Proxy-Authorization: Basic dTpw\r\n"));
}

TEST(Proxy, ATunnelCarriesTlsToTheTarget) {
  TestCertificates certificates;
  SSL_CTX* context = certificates.ServerContext(certificates.Issue("s", "DNS:secure.invalid"));
  ScriptedServer proxy([&](Peer& peer) {
    peer.ReadHead();
    // The proxy's response comes in parts, with an interim one before it.
    peer.Send("HTTP/1.1 102 Processing\r\n\r\n");
    peer.Send("HTTP/1.1 200 Connection esta");
    peer.Send("blished\r\nVia: test\r\n\r\n");
    if (!peer.StartTls(context)) return;
    while (!peer.ReadHead().empty()) peer.Reply("inside");
  });
  Through h(proxy);
  h.transport.tls.ca_file = certificates.ca_file();
  HttpSession session;
  HttpRequest request = h.To("secure.invalid", 443);
  request.tls = true;
  for (int i = 0; i < 2; ++i) {
    const Outcome got = h.Fetch(session, request);
    ASSERT_FALSE(got.failed) << got.detail;
    EXPECT_EQ(got.body, "inside");
    EXPECT_EQ(got.reused, i > 0);
  }
  EXPECT_EQ(proxy.accepted(), 1);
}

TEST(Proxy, OneThatClosesOrIsNotThereIsAProxyError) {
  ScriptedServer proxy([](Peer& peer) { peer.ReadHead(); });
  Through h(proxy);
  HttpRequest request = h.To("secure.invalid", 443);
  request.tls = true;
  EXPECT_EQ(h.Fetch(request).kind, ErrorKind::kProxy);
  ClientHarness other;
  other.transport.proxy = "http://127.0.0.1:" + std::to_string(ScriptedServer::ClosedPort());
  EXPECT_EQ(other.Fetch(other.Request(80)).kind, ErrorKind::kProxy);
  ClientHarness socks;
  socks.transport.proxy = "socks5://127.0.0.1:1";
  EXPECT_EQ(socks.Fetch(socks.Request(80)).kind, ErrorKind::kProxy);
}

}  // namespace
}  // namespace ronda::net
