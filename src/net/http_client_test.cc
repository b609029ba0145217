#include "net/http_client.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "net/client_harness.h"
#include "net/scripted_server.h"

namespace ronda::net {
namespace {

using Peer = ScriptedServer::Peer;
using testing::HasSubstr;
using testing::StartsWith;

// Answers every request on a connection with its own head.
void Echo(Peer& peer) {
  for (std::string head = peer.ReadHead(); !head.empty(); head = peer.ReadHead()) {
    if (!peer.Reply(head)) return;
  }
}

// Answers the first request of a connection with these bytes, then waits for the client to close.
ScriptedServer::Script Say(std::string bytes) {
  return [bytes](Peer& peer) {
    if (peer.ReadHead().empty()) return;
    peer.Send(bytes);
    peer.AwaitEnd();
  };
}

// The same, byte by byte, so that every read may see a part.
ScriptedServer::Script SayBytewise(std::string bytes) {
  return [bytes](Peer& peer) {
    if (peer.ReadHead().empty()) return;
    for (const char c : bytes) peer.Send({&c, 1});
    peer.AwaitEnd();
  };
}

TEST(HttpClient, SendsTheRequestAndShowsTheResponse) {
  ScriptedServer server(Echo);
  ClientHarness h;
  HttpRequest request = h.Request(server.port());
  const std::vector<HeaderView> headers = {{"X-One", "1"}, {"Accept", "*/*"}};
  request.method = "PUT";
  request.target = "/a?b=c";
  request.headers = headers;
  const Outcome got = h.Fetch(request);
  ASSERT_FALSE(got.failed) << got.detail;
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.reason, "OK");
  EXPECT_EQ(got.version, HttpVersion::k11);
  EXPECT_THAT(got.body, StartsWith("PUT /a?b=c HTTP/1.1\r\nHost: test.example\r\n"));
  EXPECT_THAT(got.body, HasSubstr("X-One: 1\r\n"));
  EXPECT_THAT(got.body, HasSubstr("Content-Length: 0\r\n"));
  EXPECT_EQ(got.body_bytes, got.body.size());
  EXPECT_EQ(got.bytes_sent, got.body.size());  // what it echoes is what was sent
  EXPECT_GT(got.bytes_received, got.body_bytes);
  EXPECT_EQ(got.remote, "127.0.0.1:" + std::to_string(server.port()));
  EXPECT_FALSE(got.reused);
}

TEST(HttpClient, PhasesAddUpToTheWholeExchange) {
  ScriptedServer server(Echo);
  ClientHarness h;
  const Outcome got = h.Fetch(h.Request(server.port()));
  const Phases& p = got.phases;
  EXPECT_GT(p.connect, 0u);
  EXPECT_GT(p.send, 0u);
  EXPECT_GT(p.first_byte, 0u);
  EXPECT_EQ(p.tls, 0u);
  const std::uint64_t sum =
      p.blocked + p.dns + p.connect + p.tls + p.send + p.first_byte + p.transfer;
  EXPECT_LE(sum, got.end_ns - got.start_ns);
  EXPECT_GE(sum * 10, (got.end_ns - got.start_ns) * 5);
}

TEST(HttpClient, KeepsTheConnectionForTheNextRequestOfTheSession) {
  ScriptedServer server(Echo);
  ClientHarness h;
  HttpSession session;
  for (int i = 0; i < 5; ++i) {
    const Outcome got = h.Fetch(session, h.Request(server.port()));
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(got.reused, i > 0);
    EXPECT_EQ(got.phases.connect == 0, i > 0);
  }
  EXPECT_EQ(server.accepted(), 1);
  EXPECT_EQ(h.client->counters().connections_opened, 1u);
  EXPECT_EQ(h.client->counters().connections_open, 1u);
}

TEST(HttpClient, SessionsDoNotShareConnections) {
  ScriptedServer server(Echo);
  ClientHarness h;
  HttpSession one, other;
  EXPECT_EQ(h.Fetch(one, h.Request(server.port())).status, 200);
  EXPECT_FALSE(h.Fetch(other, h.Request(server.port())).reused);
  EXPECT_EQ(server.accepted(), 2);
}

TEST(HttpClient, AnotherOriginOrTransportGetsAnotherConnection) {
  ScriptedServer server(Echo);
  ClientHarness h;
  HttpSession session;
  EXPECT_EQ(h.Fetch(session, h.Request(server.port())).status, 200);
  HttpRequest request = h.Request(server.port());
  const Transport other;
  request.transport = &other;
  EXPECT_FALSE(h.Fetch(session, request).reused);
  request = h.Request(server.port());
  request.host = "localhost";
  Transport v4;
  v4.resolve = {"localhost:*:127.0.0.1"};
  request.transport = &v4;
  EXPECT_FALSE(h.Fetch(session, request).reused);
}

TEST(HttpClient, FreshConnectionIsNeitherTakenFromTheSessionNorLeftToIt) {
  ScriptedServer server(Echo);
  ClientHarness h;
  HttpSession session;
  HttpRequest request = h.Request(server.port());
  EXPECT_EQ(h.Fetch(session, request).status, 200);
  request.fresh_connection = true;
  const Outcome got = h.Fetch(session, request);
  EXPECT_FALSE(got.reused);
  EXPECT_THAT(got.body, HasSubstr("Connection: close\r\n"));
  EXPECT_EQ(h.client->counters().connections_open, 1u);
}

TEST(HttpClient, RequestsAtTheSameTimeGetAConnectionEach) {
  ScriptedServer server(Echo);
  ClientHarness h;
  HttpSession session;
  Remember handlers[4];
  const HttpRequest request = h.Request(server.port());
  for (Remember& handler : handlers) h.client->Send(session, request, handler);
  for (Remember& handler : handlers) {
    h.RunUntil([&] { return handler.outcome.done; });
    EXPECT_EQ(handler.outcome.status, 200);
  }
  EXPECT_EQ(server.accepted(), 4);
}

TEST(HttpClient, AHandlerMaySendTheNextRequestFromItsCallback) {
  ScriptedServer server(Echo);
  ClientHarness h;
  HttpSession session;
  Remember handler;
  const HttpRequest request = h.Request(server.port());
  handler.then = [&] {
    if (handler.calls < 100) h.client->Send(session, request, handler);
  };
  h.client->Send(session, request, handler);
  h.RunUntil([&] { return handler.calls == 100; });
  EXPECT_EQ(server.accepted(), 1);
}

TEST(HttpClient, ViewsOfAResponseInPartsOutliveARequestStartedFromItsCallback) {
  const std::string body(300'000, 'b');
  ScriptedServer server([&](Peer& peer) {
    while (!peer.ReadHead().empty()) {
      peer.Send("HTTP/1.1 200 OK\r\nX-Long: here\r\nContent-");
      peer.Send("Length: 300000\r\n\r\n");
      peer.Send(body);
    }
  });
  ClientHarness h;
  HttpSession session;
  class Chain final : public ExchangeHandler {
   public:
    void OnResponse(const HttpResponse& response) override {
      if (++responses < 5) client->Send(*session, *request, *this);
      intact = intact && response.body == *body && response.Header("x-long") == "here";
    }
    void OnError(const ExchangeError&) override { intact = false; }
    HttpClient* client;
    HttpSession* session;
    const HttpRequest* request;
    const std::string* body;
    int responses = 0;
    bool intact = true;
  } chain;
  const HttpRequest request = h.Request(server.port());
  chain.client = h.client.get();
  chain.session = &session;
  chain.request = &request;
  chain.body = &body;
  h.client->Send(session, request, chain);
  h.RunUntil([&] { return chain.responses == 5 || !chain.intact; });
  EXPECT_TRUE(chain.intact);
}

TEST(HttpClient, ChunkedBodiesAreJoined) {
  const std::string bytes =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n "
      "world\r\n0\r\nT: "
      "1\r\n\r\n";
  for (const auto& script : {Say(bytes), SayBytewise(bytes)}) {
    ScriptedServer server(script);
    ClientHarness h;
    HttpSession session;
    const Outcome got = h.Fetch(session, h.Request(server.port()));
    ASSERT_FALSE(got.failed) << got.detail;
    EXPECT_EQ(got.body, "hello world");
    EXPECT_EQ(got.body_bytes, 11u);
    EXPECT_EQ(h.client->counters().connections_open, 1u);
  }
}

TEST(HttpClient, ABodyUntilCloseEndsWithTheConnection) {
  ScriptedServer server([](Peer& peer) {
    peer.ReadHead();
    peer.Send("HTTP/1.1 200 OK\r\n\r\nsome");
    peer.Send(" more");
  });
  ClientHarness h;
  HttpSession session;
  const Outcome got = h.Fetch(session, h.Request(server.port()));
  ASSERT_FALSE(got.failed) << got.detail;
  EXPECT_EQ(got.body, "some more");
  EXPECT_EQ(h.client->counters().connections_open, 0u);
}

TEST(HttpClient, ResponsesWithoutABodyEndWithTheirHead) {
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n";
  const std::string not_modified = "HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n";
  const std::string no_content = "HTTP/1.1 204 No Content\r\n\r\n";
  for (const auto& [method, bytes] :
       {std::pair{"HEAD", head}, std::pair{"GET", not_modified}, std::pair{"GET", no_content}}) {
    ScriptedServer server([&](Peer& peer) {
      while (!peer.ReadHead().empty()) peer.Send(bytes);
    });
    ClientHarness h;
    HttpSession session;
    HttpRequest request = h.Request(server.port());
    request.method = method;
    EXPECT_EQ(h.Fetch(session, request).body, "");
    EXPECT_TRUE(h.Fetch(session, request).reused) << bytes;
  }
}

TEST(HttpClient, InterimResponsesAreSkipped) {
  const std::string bytes =
      "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 "
      "OK\r\nContent-Length: 2\r\n\r\nok";
  for (const auto& script : {Say(bytes), SayBytewise(bytes)}) {
    ScriptedServer server(script);
    ClientHarness h;
    const Outcome got = h.Fetch(h.Request(server.port()));
    ASSERT_FALSE(got.failed) << got.detail;
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(got.body, "ok");
  }
}

TEST(HttpClient, ExpectContinueHoldsTheBodyBackUntilTheServerAgrees) {
  ScriptedServer server([](Peer& peer) {
    const std::string head = peer.ReadHead();
    peer.Send("HTTP/1.1 100 Continue\r\n\r\n");
    peer.Reply(peer.ReadExactly(5));
    peer.AwaitEnd();
  });
  ClientHarness h;
  HttpRequest request = h.Request(server.port());
  const std::vector<HeaderView> headers = {{"Expect", "100-continue"}};
  request.method = "POST";
  request.headers = headers;
  request.body = "12345";
  EXPECT_EQ(h.Fetch(request).body, "12345");
}

TEST(HttpClient, ExpectContinueSendsTheBodyAnywayWhenTheServerKeepsSilent) {
  ScriptedServer server([](Peer& peer) {
    peer.ReadHead();
    peer.Reply(peer.ReadExactly(5));
    peer.AwaitEnd();
  });
  ClientHarness h;
  HttpRequest request = h.Request(server.port());
  const std::vector<HeaderView> headers = {{"Expect", "100-continue"}};
  request.method = "POST";
  request.headers = headers;
  request.body = "12345";
  EXPECT_EQ(h.Fetch(request).body, "12345");
}

TEST(HttpClient, ExpectContinueRefusedDeliversTheRefusalAndClosesTheConnection) {
  ScriptedServer server(Say("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n"));
  ClientHarness h;
  HttpSession session;
  HttpRequest request = h.Request(server.port());
  const std::vector<HeaderView> headers = {{"Expect", "100-continue"}};
  request.method = "POST";
  request.headers = headers;
  request.body = "12345";
  EXPECT_EQ(h.Fetch(session, request).status, 417);
  EXPECT_EQ(h.client->counters().connections_open, 0u);
}

TEST(HttpClient, LargeBodiesGoBothWays) {
  const std::string body(8'000'000, 'z');
  ScriptedServer server([&](Peer& peer) {
    while (!peer.ReadHead().empty()) peer.Reply(peer.ReadExactly(body.size()));
  });
  ClientHarness h;
  HttpSession session;
  HttpRequest request = h.Request(server.port());
  request.method = "POST";
  request.body = body;
  for (int i = 0; i < 2; ++i) {
    const Outcome got = h.Fetch(session, request);
    ASSERT_FALSE(got.failed) << got.detail;
    EXPECT_TRUE(got.body == body);
    EXPECT_GT(got.bytes_sent, body.size());
    EXPECT_EQ(got.reused, i > 0);
  }
}

// Gives `size` letters in pieces.
class Letters final : public BodySource {
 public:
  Letters(std::size_t size, bool tell, std::size_t announced)
      : left_(size), tell_(tell), announced_(announced) {}
  std::optional<std::uint64_t> size() const override {
    return tell_ ? std::optional<std::uint64_t>(announced_) : std::nullopt;
  }
  base::Result<std::size_t> Read(std::span<char> into) override {
    if (broken) return base::DataLoss("the disk is on fire");
    const std::size_t n = std::min({left_, into.size(), std::size_t{40'000}});
    std::fill_n(into.data(), n, 'L');
    left_ -= n;
    return n;
  }
  bool broken = false;

 private:
  std::size_t left_;
  bool tell_;
  std::size_t announced_;
};

TEST(HttpClient, BodySourcesAreSentWithTheirLengthOrChunked) {
  constexpr std::size_t kSize = 1'000'000;
  ScriptedServer server([](Peer& peer) {
    const std::string head = peer.ReadHead();
    if (head.find("Content-Length: 1000000\r\n") != std::string::npos) {
      peer.Reply(std::to_string(peer.ReadExactly(kSize).size()));
    } else {
      std::string body;
      while (!body.ends_with("0\r\n\r\n")) body += peer.ReadSome();
      peer.Reply(head.find("chunked") != std::string::npos ? "chunked" : "?");
    }
    peer.AwaitEnd();
  });
  ClientHarness h;
  HttpRequest request = h.Request(server.port());
  request.method = "POST";
  Letters known(kSize, true, kSize);
  request.body_source = &known;
  EXPECT_EQ(h.Fetch(request).body, "1000000");
  Letters unknown(kSize, false, 0);
  request.body_source = &unknown;
  EXPECT_EQ(h.Fetch(request).body, "chunked");
}

TEST(HttpClient, ABodySourceThatFailsOrLiesFailsTheExchange) {
  ScriptedServer server([](Peer& peer) { peer.AwaitEnd(); });
  ClientHarness h;
  HttpRequest request = h.Request(server.port());
  request.method = "POST";
  Letters broken(10, true, 10);
  broken.broken = true;
  request.body_source = &broken;
  Outcome got = h.Fetch(request);
  EXPECT_EQ(got.kind, ErrorKind::kBodySource);
  EXPECT_THAT(got.detail, HasSubstr("the disk is on fire"));
  Letters too_short(10, true, 20);
  request.body_source = &too_short;
  EXPECT_EQ(h.Fetch(request).kind, ErrorKind::kBodySource);
  Letters too_long(30, true, 20);
  request.body_source = &too_long;
  EXPECT_EQ(h.Fetch(request).kind, ErrorKind::kBodySource);
}

TEST(HttpClient, KeepBodyBoundsWhatIsKeptAndSaysSo) {
  const std::string body(100'000, 'k');
  ScriptedServer server([&](Peer& peer) {
    while (!peer.ReadHead().empty()) peer.Reply(body);
  });
  ClientHarness h;
  HttpSession session;
  HttpRequest request = h.Request(server.port());
  request.keep_body = 10;
  Outcome got = h.Fetch(session, request);
  EXPECT_EQ(got.body, std::string(10, 'k'));
  EXPECT_TRUE(got.body_truncated);
  EXPECT_EQ(got.body_bytes, body.size());
  request.keep_body = 0;
  got = h.Fetch(session, request);
  EXPECT_EQ(got.body, "");
  EXPECT_EQ(got.body_bytes, body.size());
  EXPECT_TRUE(got.reused);
}

TEST(HttpClient, StreamedBodiesComeInPiecesBehindTheHead) {
  ScriptedServer server([](Peer& peer) {
    while (!peer.ReadHead().empty()) {
      peer.Send("HTTP/1.1 201 Made\r\nTransfer-Encoding: chunked\r\n\r\n");
      for (int i = 0; i < 100; ++i) peer.Send("3\r\nabc\r\n");
      peer.Send("0\r\n\r\n");
    }
  });
  ClientHarness h;
  HttpSession session;
  HttpRequest request = h.Request(server.port());
  request.stream = true;
  Remember handler;
  h.client->Send(session, request, handler);
  h.RunUntil([&] { return handler.outcome.done; });
  EXPECT_EQ(handler.head_status, 201);
  EXPECT_EQ(handler.streamed.size(), 300u);
  EXPECT_EQ(handler.outcome.body, "");
  EXPECT_EQ(handler.outcome.body_bytes, 300u);
  EXPECT_TRUE(h.Fetch(session, request).reused);
}

TEST(HttpClient, AStreamMayBeEndedByItsHandler) {
  ScriptedServer server([](Peer& peer) {
    peer.ReadHead();
    peer.Send("HTTP/1.1 200 OK\r\n\r\n");
    while (peer.Send("data: again\n\n")) {
    }
  });
  ClientHarness h;
  HttpSession session;
  HttpRequest request = h.Request(server.port());
  request.stream = true;
  Remember handler;
  handler.on_body = [&] { return handler.streamed.size() < 100; };
  h.client->Send(session, request, handler);
  h.RunUntil([&] { return handler.outcome.done; });
  EXPECT_FALSE(handler.outcome.failed) << handler.outcome.detail;
  EXPECT_EQ(handler.outcome.status, 200);
  EXPECT_EQ(h.client->counters().connections_open, 0u);
}

std::string Gzip(std::string text) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(text.data());
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

TEST(HttpClient, CompressedBodiesAreDecodedUnlessNotWanted) {
  const std::string text(200'000, 'g');
  const std::string packed = Gzip(text);
  ScriptedServer server([&](Peer& peer) {
    while (!peer.ReadHead().empty()) peer.Reply(packed, "Content-Encoding: gzip\r\n");
  });
  ClientHarness h;
  HttpSession session;
  HttpRequest request = h.Request(server.port());
  request.decode = false;
  EXPECT_EQ(h.Fetch(session, request).body, packed);
  request.decode = true;
  const Outcome got = h.Fetch(session, request);
  ASSERT_FALSE(got.failed) << got.detail;
  EXPECT_TRUE(got.body == text);
  EXPECT_EQ(got.body_bytes, packed.size());
  request.max_body = 10'000;  // a bomb for this limit
  EXPECT_EQ(h.Fetch(session, request).kind, ErrorKind::kBodyTooLarge);
}

TEST(HttpClient, ACompressedBodyThatIsCutOffIsADecodeError) {
  const std::string packed = Gzip("hello");
  ScriptedServer server([&](Peer& peer) {
    peer.ReadHead();
    peer.Reply(packed.substr(0, packed.size() - 9), "Content-Encoding: gzip\r\n");
    peer.AwaitEnd();
  });
  ClientHarness h;
  EXPECT_EQ(h.Fetch(h.Request(server.port())).kind, ErrorKind::kDecode);
}

TEST(HttpClient, IPv6IsSpokenWhereTheHostIsALiteral) {
  ScriptedServer server(Echo, nullptr, "::1");
  ClientHarness h;
  HttpRequest request = h.Request(server.port());
  request.host = "::1";
  const Outcome got = h.Fetch(request);
  ASSERT_FALSE(got.failed) << got.detail;
  EXPECT_EQ(got.remote, "[::1]:" + std::to_string(server.port()));
}

TEST(HttpClient, ANameIsLookedUpAndAnAddressThatRefusesIsPassedOver) {
  ScriptedServer server(Echo);  // on 127.0.0.1 only; localhost may be ::1 first
  ClientHarness h;
  HttpSession session;
  HttpRequest request = h.Request(server.port());
  request.host = "localhost";
  for (int i = 0; i < 4; ++i) {
    request.fresh_connection = true;
    const Outcome got = h.Fetch(session, request);
    ASSERT_FALSE(got.failed) << got.detail;
    EXPECT_EQ(got.phases.dns == 0, i > 0);
  }
}

TEST(HttpClient, ResolveOverridesBeatTheResolver) {
  ScriptedServer server(Echo);
  ClientHarness h;
  h.transport.resolve = {"other.example:1:127.0.0.9",
                         "nowhere.invalid:" + std::to_string(server.port()) + ":127.0.0.1"};
  HttpRequest request = h.Request(server.port());
  request.host = "nowhere.invalid";
  EXPECT_EQ(h.Fetch(request).status, 200);
}

TEST(HttpClient, SourceAddressesAreTakenInTurn) {
  ScriptedServer server([](Peer& peer) {
    while (!peer.ReadHead().empty()) peer.Reply(peer.client_ip());
  });
  ClientHarness h;
  h.transport.source_addresses = {"127.0.0.2", "127.0.0.3", "::1"};
  HttpRequest request = h.Request(server.port());
  std::vector<std::string> seen;
  for (int i = 0; i < 6; ++i) seen.push_back(h.Fetch(request).body);
  EXPECT_THAT(seen, testing::Contains("127.0.0.2"));
  EXPECT_THAT(seen, testing::Contains("127.0.0.3"));
}

TEST(HttpClient, AnIdleConnectionThatTheServerClosesLeavesTheSession) {
  ScriptedServer server([](Peer& peer) {
    peer.ReadHead();
    peer.Reply("x");
  });
  ClientHarness h;
  HttpSession session;
  EXPECT_EQ(h.Fetch(session, h.Request(server.port())).status, 200);
  h.RunUntil([&] { return h.client->counters().connections_open == 0; });
  EXPECT_FALSE(h.Fetch(session, h.Request(server.port())).reused);
  EXPECT_EQ(h.client->counters().retries, 0u);
}

TEST(HttpClient, AStaleConnectionIsReplacedOnceWithoutAWord) {
  ScriptedServer server([](Peer& peer) {
    peer.ReadHead();
    peer.Reply("first");
    if (peer.index() > 0) return peer.AwaitEnd();
    peer.ReadHead();  // and no answer: closed with the request on its way
  });
  ClientHarness h;
  HttpSession session;
  EXPECT_EQ(h.Fetch(session, h.Request(server.port())).status, 200);
  const Outcome got = h.Fetch(session, h.Request(server.port()));
  ASSERT_FALSE(got.failed) << got.detail;
  EXPECT_FALSE(got.reused);
  EXPECT_EQ(h.client->counters().retries, 1u);
  EXPECT_EQ(server.accepted(), 2);
}

TEST(HttpClient, ARequestIsRepeatedOnceOnly) {
  ScriptedServer server([](Peer& peer) {
    peer.ReadHead();
    if (peer.index() > 0) return;
    peer.Reply("first");
    peer.ReadHead();
  });
  ClientHarness h;
  HttpSession session;
  EXPECT_EQ(h.Fetch(session, h.Request(server.port())).status, 200);
  const Outcome got = h.Fetch(session, h.Request(server.port()));
  EXPECT_EQ(got.kind, ErrorKind::kClosedEarly);
  EXPECT_EQ(h.client->counters().retries, 1u);
}

TEST(HttpClient, APostThatMayHaveBeenActedOnIsNotRepeated) {
  for (const bool by_reset : {false, true}) {
    ScriptedServer server([&](Peer& peer) {
      peer.ReadHead();
      peer.Reply("first");
      peer.ReadHead();
      peer.ReadExactly(5);  // all of it, and no answer
      if (by_reset) peer.Reset();
    });
    ClientHarness h;
    HttpSession session;
    EXPECT_EQ(h.Fetch(session, h.Request(server.port())).status, 200);
    HttpRequest order = h.Request(server.port());
    order.method = "POST";
    order.body = "order";
    const Outcome got = h.Fetch(session, order);
    EXPECT_EQ(got.kind, by_reset ? ErrorKind::kReset : ErrorKind::kClosedEarly);
    EXPECT_THAT(got.detail, HasSubstr("may have been acted on"));
    EXPECT_EQ(h.client->counters().retries, 0u);
    EXPECT_EQ(server.accepted(), 1);
  }
}

// The server's end in the test's own thread, so that its close comes before our request.
TEST(HttpClient, APostThatCameTooLateToBeSeenIsRepeated) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(listener, 4), 0);
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  const auto take = [&] { return accept4(listener, nullptr, nullptr, SOCK_CLOEXEC); };
  const auto answer = [](int fd) {
    std::string request;
    char byte = 0;
    while (!request.ends_with("\r\n\r\n") && read(fd, &byte, 1) == 1) request += byte;
    constexpr std::string_view kReply = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    EXPECT_EQ(write(fd, kReply.data(), kReply.size()), static_cast<ssize_t>(kReply.size()));
  };
  ClientHarness h;
  HttpSession session;
  HttpRequest order = h.Request(ntohs(address.sin_port));
  order.method = "POST";
  Remember first, second;
  h.client->Send(session, order, first);
  h.RunUntil([&] { return h.client->counters().connections_open == 1; });
  const int stale = take();
  answer(stale);
  h.RunUntil([&] { return first.outcome.done; });
  close(stale);
  h.client->Send(session, order, second);  // on the kept connection: nobody has looked since
  h.RunUntil([&] { return second.outcome.done || h.client->counters().connections_opened == 2; });
  ASSERT_FALSE(second.outcome.done) << second.outcome.detail;
  const int fresh = take();
  answer(fresh);
  h.RunUntil([&] { return second.outcome.done; });
  EXPECT_EQ(second.outcome.status, 200) << second.outcome.detail;
  EXPECT_EQ(h.client->counters().retries, 1u);
  close(fresh);
  close(listener);
}

TEST(HttpClient, InterimResponsesAreBounded) {
  for (const int interims : {10'000, 10'001}) {
    std::string bytes;
    for (int i = 0; i < interims; ++i) bytes += "HTTP/1.1 102 Processing\r\n\r\n";
    ScriptedServer server(Say(bytes + "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
    ClientHarness h;
    const Outcome got = h.Fetch(h.Request(server.port()));
    EXPECT_EQ(got.failed, interims > 10'000) << got.detail;
    EXPECT_EQ(got.kind, interims > 10'000 ? ErrorKind::kBadResponse : ErrorKind::kOther);
    EXPECT_EQ(got.body, interims > 10'000 ? "" : "ok");
  }
}

TEST(HttpClient, BytesBehindAResponseCloseTheConnection) {
  const std::string bytes = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n";
  ScriptedServer server(Say(bytes));
  ClientHarness h;
  HttpSession session;
  EXPECT_EQ(h.Fetch(session, h.Request(server.port())).body, "ok");
  EXPECT_EQ(h.client->counters().connections_open, 0u);
}

TEST(HttpClient, UnaskedBytesOnAnIdleConnectionCloseIt) {
  ScriptedServer server([](Peer& peer) {
    peer.ReadHead();
    peer.Reply("ok");
    peer.Send("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n");
    peer.AwaitEnd();
  });
  ClientHarness h;
  HttpSession session;
  EXPECT_EQ(h.Fetch(session, h.Request(server.port())).body, "ok");
  h.RunUntil([&] { return h.client->counters().connections_open == 0; });
}

TEST(HttpClient, CloseIdleClosesWhatIsIdle) {
  ScriptedServer server(Echo);
  ClientHarness h;
  HttpSession session;
  EXPECT_EQ(h.Fetch(session, h.Request(server.port())).status, 200);
  session.CloseIdle();
  EXPECT_EQ(h.client->counters().connections_open, 0u);
  EXPECT_EQ(h.Fetch(session, h.Request(server.port())).status, 200);
}

}  // namespace
}  // namespace ronda::net
