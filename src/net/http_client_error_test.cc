// Everything that can go wrong with an exchange, and everybody who may end one early.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/core/sanitizers.h"
#include "net/address.h"
#include "net/client_harness.h"
#include "net/scripted_server.h"

namespace ronda::net {
namespace {

using Peer = ScriptedServer::Peer;
using testing::HasSubstr;

ScriptedServer::Script Say(std::string bytes) {
  return [bytes](Peer& peer) {
    if (peer.ReadHead().empty()) return;
    peer.Send(bytes);
  };
}

void Echo(Peer& peer) {
  for (std::string head = peer.ReadHead(); !head.empty(); head = peer.ReadHead()) {
    if (!peer.Reply(head)) return;
  }
}

void Silence(Peer& peer) { peer.AwaitEnd(); }

Outcome FetchFrom(const ScriptedServer& server) {
  ClientHarness h;
  return h.Fetch(h.Request(server.port()));
}

TEST(ExchangeErrors, EveryKindHasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (int i = 0; i < kErrorKinds; ++i) names.insert(NameOf(static_cast<ErrorKind>(i)));
  EXPECT_EQ(names.size(), static_cast<std::size_t>(kErrorKinds));
  EXPECT_EQ(NameOf(ErrorKind::kOther), "other");
}

TEST(ExchangeErrors, AClosedPortIsRefused) {
  ClientHarness h;
  const Outcome got = h.Fetch(h.Request(ScriptedServer::ClosedPort()));
  EXPECT_EQ(got.kind, ErrorKind::kConnectRefused);
  EXPECT_THAT(got.detail, HasSubstr("127.0.0.1:"));
  EXPECT_EQ(h.client->counters().connections_opened, 0u);
}

TEST(ExchangeErrors, AnUnknownNameIsADnsError) {
  ClientHarness h;
  HttpRequest request = h.Request(80);
  request.host = "no-such-name.invalid";
  const Outcome got = h.Fetch(request);
  EXPECT_EQ(got.kind, ErrorKind::kDns);
  EXPECT_THAT(got.detail, HasSubstr("no-such-name.invalid"));
}

TEST(ExchangeErrors, AForeignSourceAddressHasNoLocalPort) {
  ClientHarness h;
  h.transport.source_addresses = {"203.0.113.7"};
  EXPECT_EQ(h.Fetch(h.Request(80)).kind, ErrorKind::kNoLocalPort);
}

TEST(ExchangeErrors, RunningOutOfDescriptorsIsToldAndPasses) {
  if (RONDA_ASAN || RONDA_TSAN)
    GTEST_SKIP() << "UBSan itself needs descriptors to look at an object's type";
  ScriptedServer server(Echo);
  ClientHarness h;
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const int probe = dup(0);
  close(probe);
  const rlimit tight{static_cast<rlim_t>(probe), before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &tight), 0);
  const Outcome got = h.Fetch(h.Request(server.port()));
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(got.kind, ErrorKind::kTooManyFiles);
  EXPECT_THAT(got.detail, HasSubstr("ulimit"));
  EXPECT_EQ(h.Fetch(h.Request(server.port())).status, 200);
}

TEST(ExchangeErrors, AHandlerThatTriesAgainAtOnceDoesNotHoldTheLoop) {
  ClientHarness h;
  h.transport.source_addresses = {"203.0.113.7"};  // every attempt fails within Send
  HttpSession session;
  Remember handler;
  const HttpRequest request = h.Request(80);
  handler.then = [&] { h.client->Send(session, request, handler); };
  h.client->Send(session, request, handler);
  bool posted = false;
  h.reactor->Post([&] { posted = true; });
  h.RunUntil([&] { return posted && handler.calls > 3; });
  handler.then = nullptr;
}

TEST(ExchangeErrors, AServerThatClosesWithoutAnAnswer) {
  ScriptedServer server([](Peer& peer) { peer.ReadHead(); });
  EXPECT_EQ(FetchFrom(server).kind, ErrorKind::kClosedEarly);
}

TEST(ExchangeErrors, AServerThatClosesWithinTheHead) {
  ScriptedServer server(Say("HTTP/1.1 200 OK\r\nConte"));
  const Outcome got = FetchFrom(server);
  EXPECT_EQ(got.kind, ErrorKind::kClosedEarly);
  EXPECT_THAT(got.detail, HasSubstr("middle of the head"));
}

TEST(ExchangeErrors, AServerThatClosesWithinTheBody) {
  ScriptedServer server(Say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort"));
  const Outcome got = FetchFrom(server);
  EXPECT_EQ(got.kind, ErrorKind::kClosedEarly);
  EXPECT_EQ(got.status, 200);
  ScriptedServer chunked(
      Say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"));
  EXPECT_EQ(FetchFrom(chunked).kind, ErrorKind::kClosedEarly);
}

TEST(ExchangeErrors, AResetIsToldApartFromAnEnd) {
  ScriptedServer server([](Peer& peer) {
    peer.ReadHead();
    peer.Send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort");
    peer.Reset();
  });
  EXPECT_EQ(FetchFrom(server).kind, ErrorKind::kReset);
}

TEST(ExchangeErrors, AnAnswerThatIsNotHttp) {
  ScriptedServer server(Say("SSH-2.0-OpenSSH_9.2\r\n\r\n"));
  EXPECT_EQ(FetchFrom(server).kind, ErrorKind::kBadResponse);
  ScriptedServer lengths(
      Say("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"));
  EXPECT_EQ(FetchFrom(lengths).kind, ErrorKind::kBadResponse);
  ScriptedServer chunks(Say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"));
  EXPECT_EQ(FetchFrom(chunks).kind, ErrorKind::kBadResponse);
}

TEST(ExchangeErrors, AHeadWithoutEndStopsAtItsLimit) {
  ScriptedServer server([](Peer& peer) {
    peer.ReadHead();
    peer.Send("HTTP/1.1 200 OK\r\n");
    while (peer.Send("X-More: and more and more and more\r\n")) {
    }
  });
  EXPECT_EQ(FetchFrom(server).kind, ErrorKind::kHeadTooLarge);
}

TEST(ExchangeErrors, ABodyWithoutEndStopsAtItsLimit) {
  ScriptedServer endless([](Peer& peer) {
    peer.ReadHead();
    peer.Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    while (peer.Send("4\r\nmore\r\n")) {
    }
  });
  ClientHarness h;
  HttpRequest request = h.Request(endless.port());
  request.max_body = 100'000;
  EXPECT_EQ(h.Fetch(request).kind, ErrorKind::kBodyTooLarge);
  ScriptedServer announced(Say("HTTP/1.1 200 OK\r\nContent-Length: 100001\r\n\r\n"));
  request = h.Request(announced.port());
  request.max_body = 100'000;
  EXPECT_EQ(h.Fetch(request).kind, ErrorKind::kBodyTooLarge);
}

TEST(ExchangeErrors, AnUnknownContentEncodingIsADecodeError) {
  ScriptedServer server(
      Say("HTTP/1.1 200 OK\r\nContent-Encoding: rot13\r\nContent-Length: 3\r\n\r\nnop"));
  EXPECT_EQ(FetchFrom(server).kind, ErrorKind::kDecode);
}

TEST(ExchangeErrors, ARequestThatWouldSplitIsRefused) {
  ScriptedServer server(Echo);
  ClientHarness h;
  HttpSession session;
  HttpRequest request = h.Request(server.port());
  const std::vector<HeaderView> headers = {{"X-A", "1\r\nX-B: 2"}};
  request.headers = headers;
  EXPECT_TRUE(h.Fetch(session, request).failed);
  request.headers = {};
  EXPECT_EQ(h.Fetch(session, request).status,
            200);  // on the connection that was made for the first
  EXPECT_EQ(server.accepted(), 1);
}

TEST(ExchangeErrors, ASilentServerTimesOut) {
  ScriptedServer server(Silence);
  ClientHarness h;
  HttpRequest request = h.Request(server.port());
  request.timeout_ns = 20'000'000;
  const Outcome got = h.Fetch(request);
  EXPECT_EQ(got.kind, ErrorKind::kTimeout);
  EXPECT_THAT(got.detail, HasSubstr("first byte"));
  EXPECT_GE(got.end_ns - got.start_ns, request.timeout_ns);
  EXPECT_EQ(h.client->counters().connections_open, 0u);
}

TEST(ExchangeErrors, ATrickleTimesOut) {
  ScriptedServer server([](Peer& peer) {
    peer.ReadHead();
    peer.Send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort");
    peer.AwaitEnd();
  });
  ClientHarness h;
  HttpRequest request = h.Request(server.port());
  request.timeout_ns = 20'000'000;
  Outcome got = h.Fetch(request);
  // A busy machine may not bring the head in that time.
  while (got.kind == ErrorKind::kTimeout && got.status == 0 &&
         request.timeout_ns < 10'000'000'000) {
    request.timeout_ns *= 4;
    got = h.Fetch(request);
  }
  EXPECT_EQ(got.kind, ErrorKind::kTimeout);
  EXPECT_THAT(got.detail, HasSubstr("receiving"));
}

TEST(ExchangeErrors, TheShorterTimeoutOfALaterRequestHolds) {
  ScriptedServer server([](Peer& peer) {
    peer.ReadHead();
    peer.Reply("x");
    peer.AwaitEnd();
  });
  ClientHarness h;
  HttpSession session;
  HttpRequest request = h.Request(server.port());
  EXPECT_EQ(h.Fetch(session, request).status, 200);
  request.timeout_ns = 10'000'000;
  EXPECT_EQ(h.Fetch(session, request).kind, ErrorKind::kTimeout);
}

TEST(ExchangeErrors, ManyTimeoutsAtOnceAreAllTold) {
  ScriptedServer server(Silence);
  ClientHarness h;
  HttpSession session;
  std::vector<Remember> handlers(50);
  HttpRequest request = h.Request(server.port());
  request.timeout_ns = 30'000'000;
  for (Remember& handler : handlers) h.client->Send(session, request, handler);
  for (Remember& handler : handlers) {
    h.RunUntil([&] { return handler.outcome.done; });
    EXPECT_EQ(handler.outcome.kind, ErrorKind::kTimeout);
    EXPECT_EQ(handler.calls, 1);
  }
}

TEST(ExchangeErrors, AConnectionThatIsNotAcceptedTimesOut) {
  // A full backlog drops further SYNs.
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  SocketAddress address = *SocketAddress::Parse("127.0.0.1", 0);
  ASSERT_EQ(bind(listener, &address.any, address.size()), 0);
  ASSERT_EQ(listen(listener, 0), 0);
  socklen_t size = sizeof address.v6;
  ASSERT_EQ(getsockname(listener, &address.any, &size), 0);
  ClientHarness h;
  h.transport.connect_timeout_ns = 50'000'000;
  HttpSession session;
  Remember handlers[4];
  HttpRequest request = h.Request(address.port());
  request.timeout_ns = 200'000'000;
  int timed_out = 0;
  for (Remember& handler : handlers) h.client->Send(session, request, handler);
  for (Remember& handler : handlers) {
    h.RunUntil([&] { return handler.outcome.done; });
    timed_out += handler.outcome.kind == ErrorKind::kConnectTimeout ? 1 : 0;
  }
  EXPECT_GT(timed_out, 0);
  close(listener);
}

TEST(ExchangeEnds, CancelAtEveryStageCallsNobody) {
  ScriptedServer slow(Silence);
  ScriptedServer head([](Peer& peer) {
    peer.ReadHead();
    peer.Send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    peer.AwaitEnd();
  });
  ClientHarness h;
  HttpSession session;
  Remember handler;
  HttpRequest request = h.Request(slow.port());
  // While connecting.
  h.client->Send(session, request, handler);
  h.client->Cancel(session, handler);
  // While looking a name up.
  request.host = "localhost";
  h.client->Send(session, request, handler);
  h.client->Cancel(session, handler);
  // While waiting for the response.
  request = h.Request(slow.port());
  h.client->Send(session, request, handler);
  h.RunUntil([&] { return h.client->counters().connections_open == 1; });
  h.client->Cancel(session, handler);
  EXPECT_EQ(h.client->counters().connections_open, 0u);
  // Within the body.
  request = h.Request(head.port());
  request.stream = true;
  h.client->Send(session, request, handler);
  h.RunUntil([&] { return !handler.streamed.empty(); });
  h.client->Cancel(session, handler);
  // With its failure on the way.
  request = h.Request(slow.port());
  h.transport.source_addresses = {"203.0.113.7"};
  h.client->Send(session, request, handler);
  h.client->Cancel(session, handler);
  h.reactor->RunOnce(Reactor::Wait::kNo);
  EXPECT_EQ(handler.calls, 0);
  EXPECT_EQ(h.client->counters().connections_open, 0u);
  h.client->Cancel(session, handler);  // of nothing
}

TEST(ExchangeEnds, CancelFromInsideItsOwnCallbacks) {
  ScriptedServer server([](Peer& peer) {
    while (!peer.ReadHead().empty()) peer.Reply(std::string(100'000, 'x'));
  });
  ClientHarness h;
  HttpSession session;
  HttpRequest request = h.Request(server.port());
  request.stream = true;
  Remember on_head, on_body;
  bool head = false, body = false;
  on_head.on_head = [&] {
    h.client->Cancel(session, on_head);
    head = true;
  };
  on_body.on_body = [&] {
    h.client->Cancel(session, on_body);
    body = true;
    return true;
  };
  h.client->Send(session, request, on_head);
  h.RunUntil([&] { return head; });
  h.client->Send(session, request, on_body);
  h.RunUntil([&] { return body; });
  EXPECT_EQ(on_head.calls + on_body.calls, 0);
  EXPECT_EQ(on_head.streamed, "");
  EXPECT_EQ(h.client->counters().connections_open, 0u);
}

TEST(ExchangeEnds, CancelOfAnotherFromInsideACallback) {
  ScriptedServer quick(Echo);
  ScriptedServer slow(Silence);
  ClientHarness h;
  HttpSession session;
  Remember waiting, fast;
  const HttpRequest slow_request = h.Request(slow.port());
  const HttpRequest fast_request = h.Request(quick.port());
  h.client->Send(session, slow_request, waiting);
  fast.then = [&] { h.client->Cancel(session, waiting); };
  h.client->Send(session, fast_request, fast);
  h.RunUntil([&] { return fast.outcome.done; });
  EXPECT_EQ(waiting.calls, 0);
}

TEST(ExchangeEnds, ASessionMayBeDestroyedAtAnyTime) {
  ScriptedServer slow(Silence);
  ScriptedServer quick(Echo);
  ClientHarness h;
  Remember handler;
  const HttpRequest request = h.Request(slow.port());
  {
    HttpSession session;  // connecting
    h.client->Send(session, request, handler);
  }
  {
    HttpSession session;  // waiting
    h.client->Send(session, request, handler);
    h.RunUntil([&] { return h.client->counters().connections_open == 1; });
  }
  EXPECT_EQ(h.client->counters().connections_open, 0u);
  EXPECT_EQ(handler.calls, 0);
  // From inside its own callbacks.
  for (const bool stream : {false, true}) {
    auto session = std::make_unique<HttpSession>();
    HttpRequest last = h.Request(quick.port());
    last.stream = stream;
    Remember own;
    own.then = [&] { session.reset(); };
    own.on_head = own.then;
    h.client->Send(*session, last, own);
    h.RunUntil([&] { return session == nullptr; });
    EXPECT_EQ(own.calls, stream ? 0 : 1);
  }
  EXPECT_EQ(h.client->counters().connections_open, 0u);
}

TEST(ExchangeEnds, ASessionDestroyedByAnErrorsHandler) {
  ClientHarness h;
  auto session = std::make_unique<HttpSession>();
  Remember one, other;
  const HttpRequest request = h.Request(ScriptedServer::ClosedPort());
  one.then = [&] { session.reset(); };
  other.then = one.then;
  h.client->Send(*session, request, one);
  h.client->Send(*session, request, other);
  h.RunUntil([&] { return session == nullptr; });
  h.reactor->RunOnce(Reactor::Wait::kNo);
  EXPECT_EQ(one.calls + other.calls, 1);
}

TEST(ExchangeEnds, ASessionDestroyedByATimeoutsHandler) {
  ScriptedServer server(Silence);
  ClientHarness h;
  auto session = std::make_unique<HttpSession>();
  Remember one, other;
  HttpRequest request = h.Request(server.port());
  request.timeout_ns = 5'000'000;
  one.then = [&] { session.reset(); };
  h.client->Send(*session, request, one);
  h.client->Send(*session, request, other);
  h.RunUntil([&] { return session == nullptr; });
  EXPECT_EQ(other.calls, 0);
}

TEST(ExchangeEnds, ACallbackMayEndItsSessionsIdleConnections) {
  ScriptedServer server(Echo);
  ClientHarness h;
  HttpSession session;
  Remember handler;
  const HttpRequest request = h.Request(server.port());
  handler.then = [&] { session.CloseIdle(); };
  h.client->Send(session, request, handler);
  h.RunUntil([&] { return handler.outcome.done; });
  EXPECT_EQ(h.client->counters().connections_open, 0u);
}

TEST(ExchangeEnds, TheClientMayGoBeforeItsSessions) {
  ScriptedServer server(Silence);
  HttpSession session;
  Remember handler;
  {
    ClientHarness h;
    const HttpRequest request = h.Request(server.port());
    h.client->Send(session, request, handler);
    h.RunUntil([&] { return h.client->counters().connections_open == 1; });
  }
  session.CloseIdle();
  EXPECT_EQ(handler.calls, 0);
}

}  // namespace
}  // namespace ronda::net
