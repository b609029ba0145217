// The client over HTTP/2, against nghttp2's server side on a real socket.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "net/client_harness.h"
#include "net/h2_peer.h"
#include "net/scripted_server.h"
#include "net/test_certificates.h"

namespace ronda::net {
namespace {

using Peer = ScriptedServer::Peer;
using testing::HasSubstr;

void EchoBody(H2Peer& peer, std::int32_t id, H2Peer::Request& request) {
  peer.Reply(id, request.headers[":method"] + " " + request.headers[":path"] + " " + request.body);
}

class Http2Client : public testing::Test {
 protected:
  Http2Client() { h.transport.protocol = Protocol::kH2PriorKnowledge; }
  ClientHarness h;
};

TEST_F(Http2Client, PriorKnowledgeSpeaksH2InTheClear) {
  ScriptedServer server(Serve(EchoBody));
  HttpSession session;
  HttpRequest request = h.Request(server.port());
  const std::vector<HeaderView> headers = {{"X-One", "1"}, {"Connection", "keep-alive"}};
  request.headers = headers;
  request.method = "POST";
  request.target = "/p?q";
  request.body = "payload";
  for (int i = 0; i < 3; ++i) {
    const Outcome got = h.Fetch(session, request);
    ASSERT_FALSE(got.failed) << got.detail;
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(got.version, HttpVersion::k2);
    EXPECT_EQ(got.body, "POST /p?q payload");
    EXPECT_EQ(got.body_bytes, got.body.size());
    EXPECT_THAT(got.headers,
                testing::Contains(std::pair<std::string, std::string>("x-server", "test")));
    EXPECT_EQ(got.reused, i > 0);
  }
  EXPECT_EQ(server.accepted(), 1);
}

TEST_F(Http2Client, AlpnChoosesTheProtocol) {
  TestCertificates certificates;
  const auto pair = certificates.Issue("s", "IP:127.0.0.1");
  h.transport.tls.ca_file = certificates.ca_file();
  h.transport.protocol = Protocol::kAuto;
  ScriptedServer h2(Serve(EchoBody), certificates.ServerContext(pair, TestCertificates::Alpn::kH2));
  HttpRequest request = h.Request(h2.port());
  request.tls = true;
  Outcome got = h.Fetch(request);
  ASSERT_FALSE(got.failed) << got.detail;
  EXPECT_EQ(got.version, HttpVersion::k2);
  EXPECT_EQ(got.tls_info.alpn, "h2");
}

TEST_F(Http2Client, RequestsOfASessionShareOneConnection) {
  constexpr int kRequests = 40;
  ScriptedServer server(Serve(EchoBody));
  HttpSession session;
  std::vector<Remember> handlers(kRequests);
  const HttpRequest request = h.Request(server.port());
  for (Remember& handler : handlers) h.client->Send(session, request, handler);
  for (Remember& handler : handlers) {
    h.RunUntil([&] { return handler.outcome.done; });
    EXPECT_EQ(handler.outcome.status, 200) << handler.outcome.detail;
  }
  EXPECT_EQ(server.accepted(), 1);
}

TEST_F(Http2Client, BeyondTheStreamsAllowedRequestsWaitTheirTurn) {
  for (const std::uint32_t servers_limit : {3u, 1000u}) {
    ScriptedServer server(Serve(EchoBody, servers_limit));
    Transport transport = h.transport;
    transport.max_streams = servers_limit == 3 ? 100 : 2;
    HttpSession session;
    std::vector<Remember> handlers(30);
    HttpRequest request = h.Request(server.port());
    request.transport = &transport;
    EXPECT_EQ(h.Fetch(session, request).status, 200);  // the server's limit is known from here on
    for (Remember& handler : handlers) h.client->Send(session, request, handler);
    std::uint64_t most_blocked = 0;
    for (Remember& handler : handlers) {
      h.RunUntil([&] { return handler.outcome.done; });
      EXPECT_EQ(handler.outcome.status, 200) << handler.outcome.detail;
      most_blocked = std::max(most_blocked, handler.outcome.phases.blocked);
    }
    EXPECT_GT(most_blocked, 0u);
    EXPECT_EQ(server.accepted(), 1);
  }
}

TEST_F(Http2Client, LargeBodiesGoBothWays) {
  const std::string body(6'000'000, 'h');
  ScriptedServer server(Serve([](H2Peer& peer, std::int32_t id, H2Peer::Request& request) {
    peer.Reply(id, request.body);
  }));
  HttpSession session;
  HttpRequest request = h.Request(server.port());
  request.method = "POST";
  request.body = body;
  const Outcome got = h.Fetch(session, request);
  ASSERT_FALSE(got.failed) << got.detail;
  EXPECT_TRUE(got.body == body);
}

TEST_F(Http2Client, AHandlerMayChainRequestsAndStopStreams) {
  ScriptedServer server(Serve([](H2Peer& peer, std::int32_t id, H2Peer::Request&) {
    peer.Reply(id, std::string(100'000, 's'));
  }));
  HttpSession session;
  HttpRequest request = h.Request(server.port());
  Remember chain;
  chain.then = [&] {
    if (chain.calls < 20) h.client->Send(session, request, chain);
  };
  h.client->Send(session, request, chain);
  h.RunUntil([&] { return chain.calls == 20; });
  request.stream = true;
  Remember stopping;
  stopping.on_body = [] { return false; };
  h.client->Send(session, request, stopping);
  h.RunUntil([&] { return stopping.outcome.done; });
  EXPECT_FALSE(stopping.outcome.failed) << stopping.outcome.detail;
  EXPECT_EQ(stopping.head_status, 200);
  request.stream = false;
  EXPECT_TRUE(h.Fetch(session, request).reused);  // the connection outlives the stopped stream
  EXPECT_EQ(server.accepted(), 1);
}

TEST_F(Http2Client, StreamsAboveTheLastOfAGoAwayAreRepeatedOnANewConnection) {
  std::atomic<int> connections = 0;
  ScriptedServer server([&](Peer& peer) {
    const bool first = connections++ == 0;
    H2Peer h2(peer, [&](H2Peer& p, std::int32_t id, H2Peer::Request& request) {
      if (!first) return EchoBody(p, id, request);
      // The first stream is answered; the second is told to go elsewhere.
      if (p.handled == 1) return EchoBody(p, id, request);
      if (p.handled == 2) nghttp2_submit_goaway(p.session, NGHTTP2_FLAG_NONE, 1, 0, nullptr, 0);
    });
    h2.Run();
  });
  HttpSession session;
  const HttpRequest request = h.Request(server.port());
  EXPECT_EQ(h.Fetch(session, request).status, 200);
  const Outcome got = h.Fetch(session, request);
  ASSERT_FALSE(got.failed) << got.detail;
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(server.accepted(), 2);
  EXPECT_EQ(h.client->counters().retries, 1u);
}

TEST_F(Http2Client, AResetStreamFailsAloneAndIsNamed) {
  ScriptedServer server(Serve([](H2Peer& peer, std::int32_t id, H2Peer::Request& request) {
    if (request.headers[":path"] == "/bad") {
      nghttp2_submit_rst_stream(peer.session, NGHTTP2_FLAG_NONE, id, NGHTTP2_INTERNAL_ERROR);
    } else {
      EchoBody(peer, id, request);
    }
  }));
  HttpSession session;
  HttpRequest bad = h.Request(server.port());
  bad.target = "/bad";
  Remember broken, fine;
  const HttpRequest good = h.Request(server.port());
  h.client->Send(session, bad, broken);
  h.client->Send(session, good, fine);
  h.RunUntil([&] { return broken.outcome.done && fine.outcome.done; });
  EXPECT_EQ(broken.outcome.kind, ErrorKind::kStreamReset);
  EXPECT_THAT(broken.outcome.detail, HasSubstr("INTERNAL_ERROR"));
  EXPECT_EQ(fine.outcome.status, 200);
  EXPECT_EQ(server.accepted(), 1);
}

TEST_F(Http2Client, ARefusedStreamIsRepeatedAndGivenUpInTheEnd) {
  ScriptedServer server(Serve([](H2Peer& peer, std::int32_t id, H2Peer::Request& request) {
    const bool always = request.headers[":path"] == "/always";
    if (always || peer.handled == 1) {
      nghttp2_submit_rst_stream(peer.session, NGHTTP2_FLAG_NONE, id, NGHTTP2_REFUSED_STREAM);
    } else {
      EchoBody(peer, id, request);
    }
  }));
  HttpSession session;
  HttpRequest request = h.Request(server.port());
  EXPECT_EQ(h.Fetch(session, request).status, 200);
  request.target = "/always";
  EXPECT_EQ(h.Fetch(session, request).kind, ErrorKind::kStreamReset);
  EXPECT_EQ(h.client->counters().retries, 4u);
}

TEST_F(Http2Client, AConnectionThatEndsFailsItsStreams) {
  ScriptedServer server(
      Serve([](H2Peer& peer, std::int32_t, H2Peer::Request&) { peer.closing = true; }));
  HttpSession session;
  const Outcome got = h.Fetch(session, h.Request(server.port()));
  EXPECT_EQ(got.kind, ErrorKind::kClosedEarly) << got.detail;
  EXPECT_EQ(h.client->counters().connections_open, 0u);
}

TEST_F(Http2Client, AServerThatSpeaksHttp1IsAProtocolError) {
  ScriptedServer server([](Peer& peer) {
    peer.ReadSome();
    peer.Send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    peer.AwaitEnd();
  });
  EXPECT_EQ(h.Fetch(h.Request(server.port())).kind, ErrorKind::kProtocol);
}

TEST_F(Http2Client, TimeoutAndCancelEndTheStreamOnly) {
  ScriptedServer server(Serve([](H2Peer& peer, std::int32_t id, H2Peer::Request& request) {
    if (request.headers[":path"] != "/never") EchoBody(peer, id, request);
  }));
  HttpSession session;
  HttpRequest never = h.Request(server.port());
  never.target = "/never";
  never.timeout_ns = 20'000'000;
  EXPECT_EQ(h.Fetch(session, never).kind, ErrorKind::kTimeout);
  Remember cancelled;
  never.timeout_ns = 0;
  h.client->Send(session, never, cancelled);
  h.client->Cancel(session, cancelled);
  const Outcome got = h.Fetch(session, h.Request(server.port()));
  EXPECT_TRUE(got.reused);
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(cancelled.calls, 0);
  EXPECT_EQ(server.accepted(), 1);
}

TEST_F(Http2Client, CancelAndDestructionFromInsideCallbacks) {
  ScriptedServer server(Serve([](H2Peer& peer, std::int32_t id, H2Peer::Request&) {
    peer.Reply(id, std::string(100'000, 'c'));
  }));
  auto session = std::make_unique<HttpSession>();
  HttpRequest request = h.Request(server.port());
  request.stream = true;
  for (const bool in_head : {true, false}) {
    Remember handler;
    bool met = false;
    const auto cancel = [&] {
      h.client->Cancel(*session, handler);
      met = true;
    };
    if (in_head) handler.on_head = cancel;
    if (!in_head) {
      handler.on_body = [&] {
        cancel();
        return true;
      };
    }
    h.client->Send(*session, request, handler);
    h.RunUntil([&] { return met; });
    EXPECT_EQ(handler.calls, 0);
  }
  Remember one, other;
  one.on_body = [&] {
    session.reset();
    return true;
  };
  h.client->Send(*session, request, one);
  h.client->Send(*session, request, other);
  h.RunUntil([&] { return session == nullptr; });
  EXPECT_EQ(one.calls + other.calls, 0);
  EXPECT_EQ(h.client->counters().connections_open, 0u);
}

TEST_F(Http2Client, FreshConnectionsAreClosedAfterTheirExchange) {
  ScriptedServer server(Serve(EchoBody));
  HttpSession session;
  HttpRequest request = h.Request(server.port());
  request.fresh_connection = true;
  for (int i = 0; i < 2; ++i) EXPECT_FALSE(h.Fetch(session, request).reused);
  EXPECT_EQ(server.accepted(), 2);
  EXPECT_EQ(h.client->counters().connections_open, 0u);
}

TEST_F(Http2Client, AFreshConnectionClosesWhenItsStreamIsRefused) {
  ScriptedServer server(Serve([](H2Peer& peer, std::int32_t id, H2Peer::Request&) {
    nghttp2_submit_rst_stream(peer.session, NGHTTP2_FLAG_NONE, id, NGHTTP2_REFUSED_STREAM);
  }));
  HttpSession session;
  HttpRequest request = h.Request(server.port());
  request.fresh_connection = true;
  EXPECT_EQ(h.Fetch(session, request).kind, ErrorKind::kStreamReset);
  EXPECT_EQ(server.accepted(), 4);
  EXPECT_EQ(h.client->counters().connections_open, 0u);
}

TEST_F(Http2Client, WhatWaitsForAStreamGoesElsewhereAfterAGoAway) {
  std::atomic<int> requests = 0;
  ScriptedServer server(Serve(
      [&](H2Peer& peer, std::int32_t id, H2Peer::Request& request) {
        if (requests++ > 0) return EchoBody(peer, id, request);
        nghttp2_submit_goaway(peer.session, NGHTTP2_FLAG_NONE, id, 0, nullptr, 0);
      },
      1));
  h.transport.max_streams = 1;
  HttpSession session;
  const HttpRequest request = h.Request(server.port());
  Remember stays, waits;
  h.client->Send(session, request, stays);
  h.client->Send(session, request, waits);
  h.RunUntil([&] { return waits.outcome.done; });
  EXPECT_EQ(waits.outcome.status, 200) << waits.outcome.detail;
  EXPECT_FALSE(stays.outcome.done);
  EXPECT_EQ(server.accepted(), 2);
}

TEST_F(Http2Client, AConnectionThatFellSilentIsNotUsedAgain) {
  ScriptedServer server(Serve([](H2Peer& peer, std::int32_t id, H2Peer::Request& request) {
    if (request.headers[":path"] != "/never") EchoBody(peer, id, request);
  }));
  HttpSession session;
  HttpRequest request = h.Request(server.port());
  EXPECT_EQ(h.Fetch(session, request).status, 200);
  HttpRequest never = request;
  never.target = "/never";
  never.timeout_ns = 20'000'000;
  // The server's acknowledgement of our SETTINGS may come during the first.
  for (int i = 0; i < 2 && h.client->counters().connections_open > 0; ++i) {
    EXPECT_EQ(h.Fetch(session, never).kind, ErrorKind::kTimeout);
  }
  EXPECT_EQ(h.client->counters().connections_open, 0u);
  EXPECT_EQ(h.Fetch(session, request).status, 200);
  EXPECT_EQ(server.accepted(), 2);
}

TEST_F(Http2Client, BodiesBeyondTheirLimitResetTheStream) {
  ScriptedServer server(Serve([](H2Peer& peer, std::int32_t id, H2Peer::Request&) {
    peer.Reply(id, std::string(200'000, 'l'));
  }));
  HttpSession session;
  HttpRequest request = h.Request(server.port());
  request.max_body = 1000;
  EXPECT_EQ(h.Fetch(session, request).kind, ErrorKind::kBodyTooLarge);
  request.max_body = 1'000'000;
  EXPECT_EQ(h.Fetch(session, request).body.size(), 200'000u);
}

TEST_F(Http2Client, AHeaderThatMayNotBeSentFailsItsRequestOnly) {
  ScriptedServer server(Serve(EchoBody));
  HttpSession session;
  HttpRequest request = h.Request(server.port());
  const std::vector<HeaderView> headers = {{"x-a", "1\r\n2"}};
  request.headers = headers;
  EXPECT_TRUE(h.Fetch(session, request).failed);
  EXPECT_EQ(h.Fetch(session, h.Request(server.port())).status, 200);
}

}  // namespace
}  // namespace ronda::net
