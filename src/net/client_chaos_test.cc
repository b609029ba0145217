// Random requests, cancellations and destructions against a server that misbehaves at random; the model
// is a ledger: every exchange ends exactly once, by its handler or by whoever gave it up.
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "base/core/random.h"
#include "net/client_harness.h"
#include "net/h2_peer.h"
#include "net/scripted_server.h"

namespace ronda::net {
namespace {

using Peer = ScriptedServer::Peer;

// Answers until its dice say something nasty.
void Misbehave(Peer& peer) {
  base::Random dice(static_cast<std::uint64_t>(peer.index()) + 1);
  for (std::string head = peer.ReadHead(); !head.empty(); head = peer.ReadHead()) {
    switch (dice.Below(14)) {
      case 0: return;
      case 1: return peer.Reset();
      case 2: peer.Send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"); return;
      case 3: peer.Send("nonsense\r\n\r\n"); return;
      case 4: return peer.AwaitEnd();
      case 5: peer.Send("HTTP/1.1 200 OK\r\n\r\nuntil close"); return;
      case 6: peer.Reply("last"); return;
      case 7:
        peer.Reply("and more", "X: y\r\n");
        peer.Send("garbage");
        return peer.AwaitEnd();
      case 8: peer.Reply(std::string(500'000, 'l')); break;
      case 9:
        peer.Send("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-");
        peer.Send("Encoding: chunked\r\n\r\n3\r\nabc\r\n");
        peer.Send("0\r\n\r\n");
        break;
      default: peer.Reply("fine");
    }
  }
}

// The same over HTTP/2.
void MisbehaveH2(Peer& peer) {
  base::Random dice(static_cast<std::uint64_t>(peer.index()) + 1);
  bool reset = false;
  H2Peer h2(
      peer,
      [&](H2Peer& p, std::int32_t id, H2Peer::Request&) {
        switch (dice.Below(30)) {
          case 0: p.closing = true; break;
          case 1: p.closing = reset = true; break;
          case 2: nghttp2_submit_goaway(p.session, NGHTTP2_FLAG_NONE, id - 2, 0, nullptr, 0); break;
          case 3:
          case 4:
            nghttp2_submit_rst_stream(p.session, NGHTTP2_FLAG_NONE, id, NGHTTP2_REFUSED_STREAM);
            break;
          case 5:
            nghttp2_submit_rst_stream(p.session, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
            break;
          case 6: break;  // silence
          case 7:
            p.Flush();
            peer.Send("nonsense, and no frame at all");
            break;
          case 8: p.Reply(id, std::string(500'000, 'l')); break;
          default: p.Reply(id, "fine");
        }
      },
      4);
  h2.Run();
  if (reset) return peer.Reset();
  peer.ShutDownWrite();
  peer.AwaitEnd();
}

class Chaos {
 public:
  Chaos(std::uint64_t seed, Protocol protocol)
      : dice_(seed), server_(protocol == Protocol::kHttp1 ? Misbehave : MisbehaveH2) {
    h_.transport.protocol = protocol;
    for (auto& session : sessions_) session = std::make_unique<HttpSession>();
  }

  void Run(int exchanges) {
    for (int i = 0; i < 30; ++i) users_.push_back(std::make_unique<User>(*this));
    left_ = exchanges;
    for (auto& user : users_) Act(*user);
    h_.RunUntil([&] { return left_ <= 0; });
    for (auto& session : sessions_) session.reset();
    h_.reactor->RunOnce(Reactor::Wait::kNo);
    EXPECT_EQ(h_.client->counters().connections_open, 0u);
    EXPECT_EQ(wrong_, 0);
    EXPECT_GT(responses_, exchanges / 4);
    EXPECT_GT(errors_, exchanges / 20);
  }

 private:
  struct User final : ExchangeHandler {
    explicit User(Chaos& c) : chaos(c) {}
    void OnResponse(const HttpResponse&) override {
      ++chaos.responses_;
      chaos.Ended(*this);
    }
    void OnError(const ExchangeError&) override {
      ++chaos.errors_;
      chaos.Ended(*this);
    }
    void OnHead(const HttpResponse&) override { chaos.Mischief(); }
    bool OnBody(std::string_view) override {
      chaos.Mischief();
      return chaos.dice_.Below(8) != 0;
    }
    Chaos& chaos;
    std::size_t session = 0;
    bool waiting = false;
  };

  void Act(User& user) {
    if (user.waiting || --left_ < 0) return;
    user.session = dice_.Below(sessions_.size());
    HttpRequest request = h_.Request(server_.port());
    request.timeout_ns = dice_.Below(6) == 0 ? 3'000'000 : 300'000'000;
    request.stream = dice_.Below(3) == 0;
    request.fresh_connection = dice_.Below(10) == 0;
    user.waiting = true;
    h_.client->Send(*sessions_[user.session], request, user);
  }

  void Ended(User& user) {
    if (!user.waiting) ++wrong_;  // called twice, or after it was given up
    user.waiting = false;
    Mischief();
    Act(user);
  }

  // What a callback may do to others and to itself.
  void Mischief() {
    User& victim = *users_[dice_.Below(users_.size())];
    switch (dice_.Below(12)) {
      case 0:
        h_.client->Cancel(*sessions_[victim.session], victim);
        victim.waiting = false;
        Act(victim);
        break;
      case 1: Destroy(dice_.Below(sessions_.size())); break;
      case 2: sessions_[dice_.Below(sessions_.size())]->CloseIdle(); break;
      default: break;
    }
  }

  void Destroy(std::size_t index) {
    *sessions_[index] = HttpSession();
    for (auto& user : users_) {
      if (user->waiting && user->session == index) {
        user->waiting = false;
        Act(*user);
      }
    }
  }

  base::Random dice_;
  ScriptedServer server_;
  ClientHarness h_;
  std::array<std::unique_ptr<HttpSession>, 6> sessions_;
  std::vector<std::unique_ptr<User>> users_;
  int left_ = 0;
  int responses_ = 0;
  int errors_ = 0;
  int wrong_ = 0;
};

TEST(ClientChaos, EveryExchangeEndsExactlyOnce) {
  for (const Protocol protocol : {Protocol::kHttp1, Protocol::kH2PriorKnowledge}) {
    for (const std::uint64_t seed : {1, 2}) {
      SCOPED_TRACE(seed);
      Chaos(seed, protocol).Run(1500);
    }
  }
}

}  // namespace
}  // namespace ronda::net
