#include "net/http2/session.h"

#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ronda::net {
namespace {

constexpr std::size_t kAll = 1 << 30;
using Headers = std::vector<std::pair<std::string, std::string>>;

std::string Find(const Headers& headers, std::string_view name) {
  for (const auto& [n, v] : headers) {
    if (n == name) return v;
  }
  return "(none)";
}

std::string_view View(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

nghttp2_nv Pair(std::string_view name, std::string_view value) {
  const auto bytes = [](std::string_view text) {
    return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
  };
  return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

// The peer: nghttp2's server side, driven by the test.
class Server {
 public:
  struct Request {
    Headers headers;
    std::string body;
    bool ended = false;
  };

  explicit Server(std::uint32_t max_streams = 100) {
    nghttp2_session_callbacks* c = nullptr;
    nghttp2_session_callbacks_new(&c);
    nghttp2_session_callbacks_set_on_header_callback(
        c, [](nghttp2_session*, const nghttp2_frame* f, const std::uint8_t* n, std::size_t nl,
              const std::uint8_t* v, std::size_t vl, std::uint8_t, void* user) {
          static_cast<Server*>(user)->requests[f->hd.stream_id].headers.emplace_back(View(n, nl),
                                                                                     View(v, vl));
          return 0;
        });
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
        c, [](nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* d, std::size_t n,
              void* user) {
          static_cast<Server*>(user)->requests[id].body.append(View(d, n));
          return 0;
        });
    nghttp2_session_callbacks_set_on_frame_recv_callback(
        c, [](nghttp2_session*, const nghttp2_frame* f, void* user) {
          Server& s = *static_cast<Server*>(user);
          if (f->hd.stream_id != 0 && (f->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
            s.requests[f->hd.stream_id].ended = true;
          }
          if (f->hd.type == NGHTTP2_GOAWAY) s.goaway_code = static_cast<int>(f->goaway.error_code);
          if (f->hd.type == NGHTTP2_RST_STREAM)
            s.resets[f->hd.stream_id] = f->rst_stream.error_code;
          return 0;
        });
    nghttp2_option* option = nullptr;
    nghttp2_option_new(&option);
    nghttp2_option_set_no_http_messaging(option, 1);  // so that a test may send what it likes
    nghttp2_session_server_new2(&session, c, this, option);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(c);
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, max_streams}};
    nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings, 1);
  }
  ~Server() { nghttp2_session_del(session); }

  void Respond(std::int32_t id, std::string body, const Headers& extra = {},
               Headers trailers = {}) {
    bodies_[id] = {std::move(body), std::move(trailers), 0};
    std::vector<nghttp2_nv> pairs = {Pair(":status", "200")};
    for (const auto& [n, v] : extra) pairs.push_back(Pair(n, v));
    nghttp2_data_provider provider{};
    provider.source.ptr = this;
    provider.read_callback = [](nghttp2_session* s, std::int32_t stream, std::uint8_t* into,
                                std::size_t size, std::uint32_t* flags, nghttp2_data_source* source,
                                void*) -> ssize_t {
      auto& [text, tail, at] = static_cast<Server*>(source->ptr)->bodies_[stream];
      const std::size_t n = std::min(size, text.size() - at);
      std::copy_n(text.data() + at, n, into);
      at += n;
      if (at == text.size()) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        if (!tail.empty()) {
          *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
          std::vector<nghttp2_nv> t;
          for (const auto& [name, v] : tail) t.push_back(Pair(name, v));
          nghttp2_submit_trailer(s, stream, t.data(), t.size());
        }
      }
      return static_cast<ssize_t>(n);
    };
    nghttp2_submit_response(session, id, pairs.data(), pairs.size(), &provider);
  }

  std::string Take() {
    std::string out;
    const std::uint8_t* data = nullptr;
    for (ssize_t n; (n = nghttp2_session_mem_send(session, &data)) > 0;) {
      out.append(View(data, static_cast<std::size_t>(n)));
    }
    return out;
  }
  bool Give(std::string_view bytes) {
    return nghttp2_session_mem_recv(session, reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                    bytes.size()) == static_cast<ssize_t>(bytes.size());
  }

  nghttp2_session* session = nullptr;
  std::map<std::int32_t, Request> requests;
  std::map<std::int32_t, std::uint32_t> resets;
  int goaway_code = -1;

 private:
  struct Body {
    std::string text;
    Headers trailers;
    std::size_t at = 0;
  };
  std::map<std::int32_t, Body> bodies_;
};

class Exchange : public Http2Stream {
 public:
  void OnHead(int s, std::span<const HeaderView> h, EndStream end) override {
    if (s < 200) {
      interim.push_back(s);
      return;
    }
    status = s;
    ended_with_head = end == EndStream::kYes;
    for (const HeaderView& v : h) headers.emplace_back(v.name, v.value);
    if (on_head) on_head();
  }
  void OnData(std::string_view piece) override { body += piece; }
  void OnTrailers(std::span<const HeaderView> h) override {
    for (const HeaderView& v : h) trailers.emplace_back(v.name, v.value);
  }
  void OnSent() override { ++sent; }
  void OnClose(const Http2Close& c) override {
    ++closes;
    end = c.end;
    code = c.code;
    detail = c.detail;
    if (on_close) on_close();
  }

  int status = 0, sent = 0, closes = 0;
  bool ended_with_head = false;
  std::vector<int> interim;
  Headers headers, trailers;
  std::string body, detail;
  Http2End end = Http2End::kDone;
  std::uint32_t code = 0;
  std::function<void()> on_head, on_close;
};

class Http2SessionTest : public testing::Test {
 protected:
  void Open(Http2Session::Options options = {}, std::uint32_t peer_streams = 100) {
    client = Http2Session::Create(options);
    server = std::make_unique<Server>(peer_streams);
    Talk();
  }
  // Lets both talk until neither has anything to say. The client's error, if any.
  base::Status TalkStatus() {
    base::Status first;
    for (bool moved = true; moved;) {
      std::string out;
      if (auto s = client->Collect(out, kAll); !s.ok() && first.ok()) first = s;
      server->Give(out);
      const std::string in = server->Take();
      moved = !out.empty() || !in.empty();
      if (in.empty() || !first.ok()) continue;
      if (auto s = client->Receive(in); !s.ok()) first = s;
    }
    return first;
  }
  void Talk() {
    const base::Status status = TalkStatus();
    EXPECT_TRUE(status.ok()) << status.ToString();
  }
  void Get(Exchange& e, Http2Request request = {.authority = "h"}) {
    const auto status = client->Submit(request, e);
    ASSERT_TRUE(status.ok()) << status.ToString();
  }

  std::unique_ptr<Http2Session> client;
  std::unique_ptr<Server> server;
};

TEST_F(Http2SessionTest, ARequestAndItsResponseArriveWhole) {
  Open();
  Exchange e;
  const std::vector<HeaderView> headers = {
      {"Accept", "*/*"}, {"Connection", "close"}, {"TE", "gzip"}, {"x-b", "2"}};
  Get(e, {.method = "POST",
          .scheme = "http",
          .authority = "shop:80",
          .path = "/a?b",
          .headers = headers,
          .body = "hello"});
  Talk();
  const auto& request = server->requests[e.id()];
  EXPECT_EQ(request.headers, (Headers{{":method", "POST"},
                                      {":authority", "shop:80"},
                                      {":scheme", "http"},
                                      {":path", "/a?b"},
                                      {"accept", "*/*"},
                                      {"x-b", "2"},
                                      {"content-length", "5"}}));
  EXPECT_EQ(request.body, "hello");
  EXPECT_TRUE(request.ended);
  EXPECT_EQ(e.sent, 1);
  server->Respond(e.id(), "world", {{"server", "x"}}, {{"x-sum", "7"}});
  Talk();
  EXPECT_EQ(e.status, 200);
  EXPECT_EQ(e.headers, (Headers{{"server", "x"}}));
  EXPECT_EQ(e.body, "world");
  EXPECT_EQ(e.trailers, (Headers{{"x-sum", "7"}}));
  EXPECT_EQ(e.closes, 1);
  EXPECT_EQ(e.end, Http2End::kDone);
  EXPECT_FALSE(e.open());
  EXPECT_EQ(client->open_streams(), 0u);
}

TEST_F(Http2SessionTest, HostBecomesTheAuthorityAndOwnLengthStays) {
  Open();
  Exchange e;
  const std::vector<HeaderView> headers = {{"Host", "other"}, {"Content-Length", "1"}};
  Get(e, {.authority = "h", .headers = headers, .body = "x"});
  Talk();
  EXPECT_EQ(server->requests[1].headers, (Headers{{":method", "GET"},
                                                  {":authority", "other"},
                                                  {":scheme", "https"},
                                                  {":path", "/"},
                                                  {"content-length", "1"}}));
  client->Fail("");
}

TEST_F(Http2SessionTest, AResponseInSingleBytesIsTheSame) {
  Open();
  Exchange e;
  Get(e);
  Talk();
  server->Respond(e.id(), std::string(1000, 'x'), {{"a", "b"}});
  for (const char c : server->Take()) ASSERT_TRUE(client->Receive({&c, 1}).ok());
  EXPECT_EQ(e.body.size(), 1000u);
  EXPECT_EQ(e.headers, (Headers{{"a", "b"}}));
  EXPECT_EQ(e.end, Http2End::kDone);
}

TEST_F(Http2SessionTest, ManyStreamsAreInterleavedAndTheirOwnersReused) {
  Open();
  std::vector<std::unique_ptr<Exchange>> all;
  all.reserve(50);
  for (int i = 0; i < 50; ++i) all.push_back(std::make_unique<Exchange>());
  for (int round = 0; round < 3; ++round) {
    for (auto& e : all) Get(*e);
    Talk();
    for (auto& e : all)
      server->Respond(e->id(), std::to_string(e->id()) + std::string(40'000, '.'));
    std::vector<std::int32_t> ids;
    ids.reserve(all.size());
    for (auto& e : all) ids.push_back(e->id());
    Talk();
    for (std::size_t i = 0; i < all.size(); ++i) {
      EXPECT_TRUE(all[i]->body.starts_with(std::to_string(ids[i]) + "."));
      EXPECT_EQ(all[i]->body.size(), std::to_string(ids[i]).size() + 40'000);
      EXPECT_EQ(all[i]->closes, round + 1);
      all[i]->body.clear();
    }
  }
}

TEST_F(Http2SessionTest, ABodyLargerThanEveryWindowIsSentAndReceived) {
  Open();
  Exchange e;
  std::string large;
  large.resize(20'000'000, 'b');
  Get(e, {.method = "PUT", .authority = "h", .body = large});
  Talk();
  EXPECT_EQ(server->requests[1].body.size(), large.size());
  EXPECT_EQ(e.sent, 1);
  server->Respond(1, large);
  Talk();
  EXPECT_EQ(e.body.size(), large.size());
  EXPECT_EQ(e.end, Http2End::kDone);
}

class PieceSource : public BodySource {
 public:
  explicit PieceSource(int pieces, bool fails = false) : pieces_(pieces), fails_(fails) {}
  std::optional<std::uint64_t> size() const override { return std::nullopt; }
  base::Result<std::size_t> Read(std::span<char> into) override {
    if (pieces_ == 0 && fails_) return base::DataLoss("disk gone");
    if (pieces_-- == 0) return std::size_t{0};
    into[0] = 'p';
    return std::size_t{1};
  }

 private:
  int pieces_;
  bool fails_;
};

TEST_F(Http2SessionTest, ABodyMayBePulledFromASource) {
  Open();
  Exchange e;
  PieceSource source(3);
  Get(e, {.method = "PUT", .authority = "h", .body_source = &source});
  Talk();
  EXPECT_EQ(server->requests[1].body, "ppp");
  EXPECT_TRUE(server->requests[1].ended);
  EXPECT_EQ(Find(server->requests[1].headers, "content-length"), "(none)");
  client->Fail("");
}

TEST_F(Http2SessionTest, AFailingSourceResetsItsStreamAlone) {
  Open();
  Exchange e, other;
  PieceSource source(2, true);
  Get(e, {.method = "PUT", .authority = "h", .body_source = &source});
  Get(other);
  Talk();
  EXPECT_EQ(e.end, Http2End::kBodySource);
  EXPECT_EQ(e.detail, "disk gone");
  server->Respond(other.id(), "ok");
  Talk();
  EXPECT_EQ(other.body, "ok");
}

TEST_F(Http2SessionTest, RoomFollowsTheSmallerLimit) {
  Open({.max_streams = 10}, 3);
  EXPECT_EQ(client->Room(), 3u);
  Exchange a, b, c, d;
  Get(a);
  Get(b);
  Get(c);
  EXPECT_EQ(client->Room(), 0u);
  EXPECT_EQ(client->Submit({.authority = "h"}, d).code(), base::Code::kFailedPrecondition);
  Talk();
  server->Respond(a.id(), "");
  Talk();
  EXPECT_EQ(client->Room(), 1u);
  Open({.max_streams = 2}, 3);
  EXPECT_EQ(client->Room(), 2u);
  EXPECT_FALSE(b.open());
}

TEST_F(Http2SessionTest, GoAwayRefusesWhatTheServerHasNotTaken) {
  Open();
  Exchange first, second;
  Get(first);
  Get(second);
  Talk();
  nghttp2_submit_goaway(server->session, NGHTTP2_FLAG_NONE, first.id(), NGHTTP2_NO_ERROR,
                        reinterpret_cast<const std::uint8_t*>("bye"), 3);
  Talk();
  EXPECT_EQ(second.end, Http2End::kRefused);
  EXPECT_EQ(second.closes, 1);
  EXPECT_EQ(first.closes, 0);
  EXPECT_EQ(client->Room(), 0u);
  EXPECT_TRUE(client->closing());
  ASSERT_TRUE(client->goaway().has_value());
  EXPECT_EQ(client->goaway()->last_stream, first.id() == 1 ? 1 : 0);
  EXPECT_EQ(client->goaway()->debug, "bye");
  server->Respond(first.id(), "late");
  Talk();
  EXPECT_EQ(first.body, "late");
  EXPECT_EQ(first.end, Http2End::kDone);
  EXPECT_TRUE(client->finished());
}

TEST_F(Http2SessionTest, ResetsByTheServerAreToldApart) {
  Open();
  Exchange refused, reset, early;
  Get(refused);
  Get(reset);
  const std::string large(1'000'000, 'x');
  Get(early, {.method = "PUT", .authority = "h", .body = large});
  Talk();
  nghttp2_submit_rst_stream(server->session, NGHTTP2_FLAG_NONE, refused.id(),
                            NGHTTP2_REFUSED_STREAM);
  nghttp2_submit_rst_stream(server->session, NGHTTP2_FLAG_NONE, reset.id(), NGHTTP2_INTERNAL_ERROR);
  Talk();
  EXPECT_EQ(refused.end, Http2End::kRefused);
  EXPECT_EQ(reset.end, Http2End::kReset);
  EXPECT_EQ(reset.code, NGHTTP2_INTERNAL_ERROR);
  EXPECT_EQ(reset.detail, "the server reset the stream: INTERNAL_ERROR");
  EXPECT_EQ(Http2ErrorName(NGHTTP2_ENHANCE_YOUR_CALM), "ENHANCE_YOUR_CALM");
  client->Fail("");
}

TEST_F(Http2SessionTest, ACompleteResponseBeforeTheRequestEndedIsAResponse) {
  Open();
  Exchange e;
  PieceSource endless(1 << 30);
  Get(e, {.method = "PUT", .authority = "h", .body_source = &endless});
  std::string out;
  ASSERT_TRUE(client->Collect(out, 2000).ok());
  server->Give(out);
  server->Respond(1, "no");
  ASSERT_TRUE(client->Receive(server->Take()).ok());
  nghttp2_submit_rst_stream(server->session, NGHTTP2_FLAG_NONE, 1, NGHTTP2_NO_ERROR);
  ASSERT_TRUE(client->Receive(server->Take()).ok());
  EXPECT_EQ(e.end, Http2End::kDone);
  EXPECT_EQ(e.body, "no");
}

TEST_F(Http2SessionTest, ResetTellsTheServerAndNobodyElse) {
  Open();
  Exchange sent, waiting;
  Get(sent);
  Talk();
  const std::int32_t id = sent.id();
  client->Reset(sent);
  {
    Exchange never_sent;
    Get(never_sent);
    client->Reset(never_sent);
  }
  Get(waiting);
  Talk();
  EXPECT_EQ(sent.closes, 0);
  EXPECT_EQ(server->resets[id], NGHTTP2_CANCEL);
  EXPECT_EQ(server->requests.size(), 2u);
  server->Respond(waiting.id(), "ok");
  Talk();
  EXPECT_EQ(waiting.body, "ok");
}

TEST_F(Http2SessionTest, CallbacksMaySubmitAndReset) {
  Open();
  Exchange first, next, other;
  first.on_close = [&] { Get(next); };
  other.on_head = [&] { client->Reset(other); };
  Get(first);
  Get(other);
  Talk();
  server->Respond(first.id(), "1");
  server->Respond(other.id(), std::string(100'000, 'x'));
  Talk();
  EXPECT_EQ(other.body, "");
  EXPECT_EQ(other.closes, 0);
  ASSERT_TRUE(next.open());
  server->Respond(next.id(), "2");
  Talk();
  EXPECT_EQ(next.body, "2");
}

TEST_F(Http2SessionTest, FailEndsEveryStreamOnce) {
  Open();
  Exchange sent, unsent;
  Get(sent);
  Talk();
  Get(unsent);
  client->Fail("connection reset by peer");
  EXPECT_EQ(sent.end, Http2End::kConnection);
  EXPECT_EQ(sent.detail, "connection reset by peer");
  EXPECT_EQ(unsent.end, Http2End::kRefused);
  EXPECT_EQ(client->Room(), 0u);
  EXPECT_FALSE(client->Receive("x").ok());
}

TEST_F(Http2SessionTest, InterimHeadsComeFirst) {
  Open();
  Exchange e;
  Get(e);
  Talk();
  const nghttp2_nv interim[] = {Pair(":status", "103")};
  nghttp2_submit_headers(server->session, NGHTTP2_FLAG_NONE, 1, nullptr, interim, 1, nullptr);
  server->Respond(1, "x");
  Talk();
  EXPECT_EQ(e.interim, std::vector<int>{103});
  EXPECT_EQ(e.status, 200);
}

TEST_F(Http2SessionTest, AHeaderListOverTheLimitEndsItsStreamOnly) {
  Open({.max_header_list = 1000});
  Exchange big, small;
  Get(big);
  Get(small);
  Talk();
  Headers many;
  for (int i = 0; i < 30; ++i) many.emplace_back("x-" + std::to_string(i), "v");
  server->Respond(big.id(), "", many);
  server->Respond(small.id(), "ok", {{"x", "y"}});
  Talk();
  EXPECT_EQ(big.end, Http2End::kHeadTooLarge);
  EXPECT_EQ(big.status, 0);
  EXPECT_EQ(small.body, "ok");
}

std::string Frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream,
                  std::string_view payload) {
  std::string frame;
  for (int shift = 16; shift >= 0; shift -= 8) frame += static_cast<char>(payload.size() >> shift);
  frame += static_cast<char>(type);
  frame += static_cast<char>(flags);
  for (int shift = 24; shift >= 0; shift -= 8) frame += static_cast<char>(stream >> shift);
  return frame.append(payload);
}

// Gives the same frame again and again; the error that the client ends with.
base::Status Flood(Http2Session& client, const std::string& frame, int times) {
  base::Status status;
  std::string out;
  for (int i = 0; i < times && status.ok(); ++i) {
    status = client.Receive(frame);
    const auto sent = client.Collect(out, kAll);
    if (status.ok()) status = sent;
    out.clear();
  }
  return status;
}

TEST_F(Http2SessionTest, FloodsOfFramesThatBringNothingAreEnded) {
  const std::string settings = Frame(NGHTTP2_SETTINGS, 0, 0, "");
  const std::string ping = Frame(NGHTTP2_PING, 0, 0, "12345678");
  const std::string empty_data = Frame(NGHTTP2_DATA, 0, 1, "");
  const std::string unknown = Frame(99, 0, 0, std::string(1024, 'x'));
  const std::string head = Frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, "\x88");
  const std::string priority = Frame(NGHTTP2_PRIORITY, 0, 1, std::string("\0\0\0\0\0", 5));
  const std::string interim = Frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1,
                                    std::string("\x08\x03"
                                                "103",
                                                5));
  const std::string credit = Frame(NGHTTP2_WINDOW_UPDATE, 0, 0, std::string("\0\0\0\1", 4));
  for (const std::string& frame :
       {settings, ping, empty_data, unknown, priority, interim, credit}) {
    Open({.max_idle_frames = 500});
    Exchange e;
    Get(e);
    Talk();
    if (frame == empty_data) {
      ASSERT_TRUE(client->Receive(head).ok());
    }
    EXPECT_TRUE(Flood(*client, frame, 400).ok()) << static_cast<int>(frame[3]);
    const auto status = Flood(*client, frame, 200);
    EXPECT_FALSE(status.ok()) << static_cast<int>(frame[3]);
    EXPECT_NE(status.message().find("bring nothing forward"), std::string::npos)
        << status.ToString();
    client->Fail(status.message());
    EXPECT_EQ(e.closes, 1);
    EXPECT_EQ(e.end, Http2End::kConnection);
  }
}

TEST_F(Http2SessionTest, AnEndlessHeaderBlockIsEnded) {
  Open();
  Exchange e;
  Get(e);
  Talk();
  const std::string pair = std::string("\x00\x01x\x01y", 5);
  std::string block;
  for (int i = 0; i < 3000; ++i) block += pair;
  base::Status status = client->Receive(Frame(NGHTTP2_HEADERS, 0, 1, "\x88" + block));
  const auto rest = Flood(*client, Frame(NGHTTP2_CONTINUATION, 0, 1, block), 20'000);
  EXPECT_FALSE(status.ok() && rest.ok());
  client->Fail("");
}

TEST_F(Http2SessionTest, BytesThatAreNotHttp2AreAConnectionError) {
  Open();
  Exchange e;
  Get(e);
  std::string out;
  EXPECT_TRUE(client->Collect(out, kAll).ok());
  base::Status status = client->Receive("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
  out.clear();
  const base::Status sent = client->Collect(out, kAll);
  EXPECT_FALSE(status.ok() && sent.ok());
  EXPECT_FALSE(out.empty());  // the GOAWAY
  EXPECT_TRUE(client->closing());
  client->Fail("");
}

TEST_F(Http2SessionTest, AResponseThatBreaksTheProtocolEndsItsStream) {
  Open();
  Exchange e, other;
  Get(e);
  Get(other);
  Talk();
  server->Respond(e.id(), "x", {{"connection", "close"}});
  server->Respond(other.id(), "ok");
  Talk();
  EXPECT_EQ(e.end, Http2End::kReset);
  EXPECT_NE(e.detail.find("connection"), std::string::npos) << e.detail;
  EXPECT_EQ(other.body, "ok");
}

TEST_F(Http2SessionTest, PingsAreAnswered) {
  Open();
  std::string out;
  ASSERT_TRUE(client->Receive(Frame(NGHTTP2_PING, 0, 0, "12345678")).ok());
  ASSERT_TRUE(client->Collect(out, kAll).ok());
  EXPECT_EQ(out, Frame(NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, "12345678"));
}

TEST_F(Http2SessionTest, ShutdownLetsOpenStreamsFinish) {
  Open();
  Exchange e;
  Get(e);
  Talk();
  client->Shutdown();
  Talk();
  EXPECT_EQ(server->goaway_code, NGHTTP2_NO_ERROR);
  EXPECT_EQ(client->Room(), 0u);
  EXPECT_FALSE(client->finished());
  server->Respond(1, "ok");
  Talk();
  EXPECT_EQ(e.body, "ok");
  EXPECT_TRUE(client->finished());
}

TEST_F(Http2SessionTest, AnUpgradedRequestIsAnsweredOnStreamOne) {
  client = Http2Session::Create({});
  server = std::make_unique<Server>();
  EXPECT_EQ(client->UpgradeSettings().size(), 24u);
  Exchange e, next;
  ASSERT_TRUE(client->Upgrade(UpgradedMethod::kOther, e).ok());
  const std::uint8_t settings[] = {0, 4, 0, 0x40, 0, 0};
  ASSERT_EQ(nghttp2_session_upgrade2(server->session, settings, sizeof settings, 0, nullptr), 0);
  server->Respond(1, "upgraded");
  Talk();
  EXPECT_EQ(e.body, "upgraded");
  Get(next);
  EXPECT_EQ(next.id(), 3);
  client->Fail("");
}

TEST_F(Http2SessionTest, WhatMayNotBeSentIsRefused) {
  using namespace std::string_view_literals;
  Open();
  Exchange e;
  for (const auto bad : {"a\rb"sv, "a\nb"sv, "a\0b"sv}) {
    const std::vector<HeaderView> value = {{"x", bad}}, name = {{bad, "v"}};
    EXPECT_EQ(client->Submit({.authority = "h", .headers = value}, e).code(),
              base::Code::kInvalidArgument);
    EXPECT_EQ(client->Submit({.authority = "h", .headers = name}, e).code(),
              base::Code::kInvalidArgument);
    EXPECT_EQ(client->Submit({.path = bad}, e).code(), base::Code::kInvalidArgument);
    EXPECT_EQ(client->Submit({.method = bad}, e).code(), base::Code::kInvalidArgument);
    EXPECT_EQ(client->Submit({.authority = bad}, e).code(), base::Code::kInvalidArgument);
  }
  EXPECT_FALSE(e.open());
}

}  // namespace
}  // namespace ronda::net
