#include "net/tls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "net/client_harness.h"
#include "net/scripted_server.h"
#include "net/test_certificates.h"

namespace ronda::net {
namespace {

using Peer = ScriptedServer::Peer;
using testing::AllOf;
using testing::HasSubstr;

void Echo(Peer& peer) {
  for (std::string head = peer.ReadHead(); !head.empty(); head = peer.ReadHead()) {
    if (!peer.Reply(head)) return;
  }
}

class Tls : public testing::Test {
 protected:
  Tls() {
    h.transport.tls.ca_file = certificates.ca_file();
    good = certificates.Issue("server", "DNS:localhost,IP:127.0.0.1");
  }

  HttpRequest Request(const ScriptedServer& server) {
    HttpRequest request = h.Request(server.port());
    request.tls = true;
    return request;
  }
  // What a client gets that trusts the CA, of a server with this certificate.
  Outcome FetchFrom(const TestCertificates::Pair& pair) {
    ScriptedServer server(Echo, certificates.ServerContext(pair));
    return h.Fetch(Request(server));
  }

  TestCertificates certificates;
  ClientHarness h;
  TestCertificates::Pair good;
};

TEST_F(Tls, ACertificateOfTheCaAndTheNameIsAccepted) {
  const Outcome got = FetchFrom(good);
  ASSERT_FALSE(got.failed) << got.detail;
  EXPECT_EQ(got.status, 200);
  EXPECT_GT(got.phases.tls, 0u);
  EXPECT_TRUE(got.tls);
  EXPECT_EQ(got.tls_info.version, "TLSv1.3");
  EXPECT_EQ(got.tls_info.peer_subject, "CN=server");
  EXPECT_EQ(got.tls_info.peer_issuer, "CN=Test CA");
  EXPECT_EQ(got.tls_info.not_after.size(), 20u);
  EXPECT_TRUE(got.tls_info.chain_pem.empty());
  EXPECT_EQ(h.client->counters().tls_handshakes, 1u);
}

TEST_F(Tls, AnExpiredCertificateIsRefusedAndNamed) {
  const auto expired =
      certificates.Issue("old-server", "IP:127.0.0.1", TestCertificates::Validity::kExpired);
  const Outcome got = FetchFrom(expired);
  EXPECT_EQ(got.kind, ErrorKind::kCertificate);
  EXPECT_THAT(got.detail,
              AllOf(HasSubstr("expired"), HasSubstr("CN=old-server"), HasSubstr("valid")));
}

TEST_F(Tls, ACertificateForAnotherNameIsRefusedWithTheNamesItHas) {
  const Outcome got = FetchFrom(certificates.Issue("other", "DNS:other.example"));
  EXPECT_EQ(got.kind, ErrorKind::kCertificate);
  ScriptedServer server(Echo, certificates.ServerContext(certificates.Issue("o", "DNS:o.example")));
  HttpRequest request = Request(server);
  request.host = "localhost";
  h.transport.family = Transport::Family::kV4;
  const Outcome named = h.Fetch(request);
  EXPECT_EQ(named.kind, ErrorKind::kCertificate);
  EXPECT_THAT(named.detail, AllOf(HasSubstr("ostname mismatch"), HasSubstr("o.example")));
}

TEST_F(Tls, ACertificateOfAnUnknownCaIsRefused) {
  const Outcome got =
      FetchFrom(certificates.Issue("server", "IP:127.0.0.1", TestCertificates::Validity::kNow,
                                   TestCertificates::SignedBy::kStranger));
  EXPECT_EQ(got.kind, ErrorKind::kCertificate);
  EXPECT_THAT(got.detail, HasSubstr("Stranger CA"));
}

TEST_F(Tls, WithoutVerificationAnyCertificateWillDo) {
  h.transport.tls.verify = false;
  EXPECT_EQ(FetchFrom(certificates.Issue("x", "DNS:x.example", TestCertificates::Validity::kExpired,
                                         TestCertificates::SignedBy::kStranger))
                .status,
            200);
}

TEST_F(Tls, ServerNameIsSentAndCheckedInsteadOfTheHost) {
  h.transport.tls.server_name = "inner.example";
  ScriptedServer server(
      [](Peer& peer) {
        peer.ReadHead();
        const char* name = SSL_get_servername(peer.ssl(), TLSEXT_NAMETYPE_host_name);
        peer.Reply(name != nullptr ? name : "none");
        peer.AwaitEnd();
      },
      certificates.ServerContext(certificates.Issue("i", "DNS:inner.example")));
  const Outcome got = h.Fetch(Request(server));
  ASSERT_FALSE(got.failed) << got.detail;
  EXPECT_EQ(got.body, "inner.example");
}

TEST_F(Tls, AClientCertificateIsShownToAServerThatRequiresIt) {
  SSL_CTX* context = certificates.ServerContext(good);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  ScriptedServer server(Echo, context);
  const Outcome without = h.Fetch(Request(server));
  EXPECT_TRUE(without.failed);
  EXPECT_EQ(without.kind, ErrorKind::kTls) << without.detail;
  EXPECT_THAT(without.detail, HasSubstr("certificate required"));

  const auto mine = certificates.Issue("client", "");
  Transport with = h.transport;
  with.tls.certificate_file = mine.certificate_file;
  with.tls.key_file = mine.key_file;
  HttpRequest request = Request(server);
  request.transport = &with;
  const Outcome got = h.Fetch(request);
  EXPECT_EQ(got.status, 200) << got.detail;
}

TEST_F(Tls, FilesThatCannotBeReadAreNamed) {
  ScriptedServer server(Echo, certificates.ServerContext(good));
  for (const int which : {0, 1, 2, 3}) {
    Transport transport = h.transport;
    if (which == 0) transport.tls.ca_file = "/nowhere/ca.pem";
    if (which == 1) transport.tls.certificate_file = "/nowhere/me.pem";
    if (which == 2) transport.tls.min_version = "1.7";
    if (which == 3) transport.tls.ciphers = "NO-SUCH-CIPHER";
    HttpRequest request = Request(server);
    request.transport = &transport;
    const Outcome got = h.Fetch(request);
    EXPECT_EQ(got.kind, ErrorKind::kTls);
    EXPECT_THAT(got.detail, testing::AnyOf(HasSubstr("/nowhere/"), HasSubstr("1.7"),
                                           HasSubstr("NO-SUCH-CIPHER")));
  }
}

TEST_F(Tls, ASessionIsResumedOnTheNextConnection) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    SSL_CTX* context = certificates.ServerContext(good);
    SSL_CTX_set_max_proto_version(context, version);
    ScriptedServer server(Echo, context);
    ClientHarness own;
    own.transport = h.transport;
    HttpRequest request = Request(server);
    request.transport = &own.transport;
    for (int i = 0; i < 4; ++i) {
      const Outcome got = own.Fetch(request);
      ASSERT_FALSE(got.failed) << got.detail;
      EXPECT_EQ(got.tls_info.resumed, i > 0);
      EXPECT_EQ(got.tls_info.peer_subject, "CN=server");
    }
    EXPECT_EQ(own.client->counters().tls_resumed, 3u);
  }
}

TEST_F(Tls, SessionReuseCanBeTurnedOff) {
  h.transport.tls.session_reuse = false;
  ScriptedServer server(Echo, certificates.ServerContext(good));
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(h.Fetch(Request(server)).tls_info.resumed);
}

TEST_F(Tls, TheMinimumVersionIsKept) {
  SSL_CTX* context = certificates.ServerContext(good);
  SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
  ScriptedServer server(Echo, context);
  h.transport.tls.min_version = "1.3";
  EXPECT_EQ(h.Fetch(Request(server)).kind, ErrorKind::kTls);
}

TEST_F(Tls, TheChainIsCollectedWhenAskedFor) {
  ClientHarness own(HttpClient::Options{.dns_ttl_ns = 1, .collect_chain = true});
  own.transport = h.transport;
  ScriptedServer server(Echo, certificates.ServerContext(good));
  HttpRequest request = Request(server);
  request.transport = &own.transport;
  const Outcome got = own.Fetch(request);
  ASSERT_FALSE(got.tls_info.chain_pem.empty());
  EXPECT_THAT(got.tls_info.chain_pem[0], HasSubstr("BEGIN CERTIFICATE"));
}

TEST_F(Tls, ConnectionsAreKeptAndManyRecordsMakeOneBody) {
  const std::string body(3'000'000, 't');
  ScriptedServer server(
      [&](Peer& peer) {
        while (!peer.ReadHead().empty()) peer.Reply(peer.ReadExactly(body.size()));
      },
      certificates.ServerContext(good));
  HttpSession session;
  HttpRequest request = Request(server);
  request.method = "POST";
  request.body = body;
  for (int i = 0; i < 3; ++i) {
    const Outcome got = h.Fetch(session, request);
    ASSERT_FALSE(got.failed) << got.detail;
    EXPECT_TRUE(got.body == body);
    EXPECT_EQ(got.reused, i > 0);
  }
}

TEST_F(Tls, ABodyUntilCloseEndsWithAndWithoutCloseNotify) {
  for (const bool notify : {false, true}) {
    ScriptedServer server(
        [&](Peer& peer) {
          peer.ReadHead();
          peer.Send("HTTP/1.1 200 OK\r\n\r\nuntil close");
          if (notify) SSL_shutdown(peer.ssl());
        },
        certificates.ServerContext(good));
    const Outcome got = h.Fetch(Request(server));
    ASSERT_FALSE(got.failed) << got.detail;
    EXPECT_EQ(got.body, "until close");
  }
}

TEST_F(Tls, APlainServerIsNotMistakenForTls) {
  ScriptedServer server([](Peer& peer) {
    peer.ReadSome();
    peer.Send("HTTP/1.1 400 Bad Request\r\n\r\n");
  });
  const Outcome got = h.Fetch(Request(server));
  EXPECT_EQ(got.kind, ErrorKind::kTls);
  EXPECT_THAT(got.detail, HasSubstr("handshake"));
}

TEST_F(Tls, AServerThatHangsInTheHandshakeTimesOut) {
  ScriptedServer server([](Peer& peer) { peer.AwaitEnd(); });
  h.transport.connect_timeout_ns = 30'000'000;
  const Outcome got = h.Fetch(Request(server));
  EXPECT_EQ(got.kind, ErrorKind::kConnectTimeout);
  EXPECT_THAT(got.detail, HasSubstr("TLS handshake"));
  EXPECT_GT(got.phases.tls, 0u);
}

TEST_F(Tls, AServerThatClosesInTheHandshakeIsTold) {
  ScriptedServer server([](Peer& peer) { peer.ReadSome(); });
  EXPECT_EQ(h.Fetch(Request(server)).kind, ErrorKind::kTls);
}

TEST_F(Tls, ACancelledHandshakeLeavesNothing) {
  bool greeted = false;
  ScriptedServer server([&](Peer& peer) {
    peer.ReadSome();
    h.reactor->Post([&] { greeted = true; });
    peer.AwaitEnd();
  });
  HttpSession session;
  Remember handler;
  const HttpRequest request = Request(server);
  h.client->Send(session, request, handler);
  h.RunUntil([&] { return greeted; });
  h.client->Cancel(session, handler);
  EXPECT_EQ(handler.calls, 0);
}

TEST_F(Tls, WithoutH2ByAlpnItsRequirementFails) {
  h.transport.protocol = Protocol::kH2;
  const Outcome got = FetchFrom(good);
  EXPECT_EQ(got.kind, ErrorKind::kProtocol);
  EXPECT_THAT(got.detail, HasSubstr("HTTP/2"));
}

TEST_F(Tls, RequestsAtTheSameTimeToAServerWithoutH2GetAConnectionEach) {
  ScriptedServer server(Echo, certificates.ServerContext(good));
  HttpSession session;
  Remember handlers[4];
  const HttpRequest request = Request(server);
  for (Remember& handler : handlers) h.client->Send(session, request, handler);
  for (Remember& handler : handlers) {
    h.RunUntil([&] { return handler.outcome.done; });
    EXPECT_EQ(handler.outcome.status, 200);
  }
}

}  // namespace
}  // namespace ronda::net
