#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "net/error_kind.h"
#include "net/exchange.h"
#include "net/http1/response_parser.h"
#include "net/http2/frame_memory.h"
#include "net/http_client.h"
#include "net/proxy.h"
#include "net/reactor.h"
#include "net/resolver.h"
#include "net/tls.h"

namespace ronda::net {

// Something that may be on the stack when its time is over: it is destroyed at the end of the
// wake-up (ClientCore::Bury).
class Disposable {
 public:
  virtual ~Disposable() = default;
};

// Where a connection leads: requests with an equal origin may share it.
struct Origin {
  std::string host;
  std::uint16_t port = 0;
  bool tls = false;
  const Transport* transport = nullptr;

  explicit Origin(const HttpRequest& request)
      : host(request.host), port(request.port), tls(request.tls), transport(request.transport) {}
  [[nodiscard]] bool Serves(const HttpRequest& request) const {
    return port == request.port && tls == request.tls && transport == request.transport &&
           host == request.host;
  }
};

// Whether exchanges of the same origin may wait for a connection in the making: worth it when it may
// turn out to carry many at once.
enum class Shared : std::uint8_t { kNo, kYes };

// What is kept of an HTTP/1 response that did not come whole.
struct PartialResponse {
  ResponseParser parser;
  std::string bytes;  // the head, and while that is incomplete all that came
  bool head_done = false;
};

// What a session's connections and exchanges are to the room.
struct HttpSession::Impl final : Disposable, Timer {
  explicit Impl(class ClientCore& c) : core(&c) {}

  void Link(Exchange& exchange);
  void Unlink(Exchange& exchange);
  void Forget(const Connection* connection) { std::erase(connections, connection); }
  void Forget(const Connecting* one) { std::erase(connecting, one); }
  void OnTimer() override;

  ClientCore* core;  // null once the session is over
  Exchange* first = nullptr;
  Exchange* last = nullptr;
  std::vector<Connection*> connections;  // each owned here until it is buried
  std::vector<Connecting*> connecting;
  std::size_t unrouted = 0;  // exchanges that wait for room on a connection
  Impl* next = nullptr;  // all of the client's
  Impl** self = nullptr;
};

// What is under way, for people: "waiting for the first byte of the response".
[[nodiscard]] std::string StageOf(const Exchange& exchange);

enum class Reuse : std::uint8_t { kNo, kYes };

// The room's middle: routes exchanges to connections, and keeps what all connections of the thread
// share. One thread.
class ClientCore final : public HttpClient, private Deferred {
 public:
  static constexpr std::size_t kInputSize = 256 * 1024;
  static constexpr std::size_t kInputSlack = 64;  // readable behind the input (HttpResponse::body)

  ClientCore(Reactor& reactor, Options options);
  ~ClientCore() override;

  void Send(HttpSession& session, const HttpRequest& request, ExchangeHandler& handler) override;
  void Cancel(HttpSession& session, ExchangeHandler& handler) override;
  [[nodiscard]] const Counters& counters() const override { return counters_; }

  [[nodiscard]] Reactor& reactor() { return reactor_; }
  [[nodiscard]] Resolver& resolver() { return resolver_; }
  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] Counters& mutable_counters() { return counters_; }
  [[nodiscard]] std::uint64_t NextSourceTurn() { return source_turn_++; }

  // Made at the first use of the transport and kept; so are failures.
  [[nodiscard]] const base::Result<std::unique_ptr<TlsContext>>& tls(const Transport& transport);
  [[nodiscard]] const base::Result<ProxyServer>& proxy(const Transport& transport);

  // One thread reads one socket at a time: all share one buffer, of kInputSize and the slack.
  [[nodiscard]] char* input() { return input_.get(); }
  // Scratch for what is sent at once.
  [[nodiscard]] std::string& output() { return output_; }
  // For the HTTP/2 sessions of the thread.
  [[nodiscard]] FrameMemory& frame_memory() { return frame_memory_; }
  // A parser for a response that comes whole, limited as `transport` says.
  [[nodiscard]] ResponseParser& parser(const Transport& transport);
  // Moves that parser into something that lasts until Recycle.
  [[nodiscard]] std::unique_ptr<PartialResponse> KeepParser();
  void Recycle(std::unique_ptr<PartialResponse> partial);

  // The exchange has ended: takes it out of everything, then tells its handler. Afterwards nothing of
  // the exchange may be touched, and the session may be gone.
  void Deliver(Exchange& exchange, HttpResponse& response);
  void Fail(Exchange& exchange, const Failure& failure);
  // The same, but the handler hears of it at the end of this wake-up: safe from inside Send.
  void FailLater(Exchange& exchange, Failure failure);
  // Once more. The exchange has been taken off its old connection.
  void Retry(Exchange& exchange, Reuse reuse);
  void Expire(Exchange& exchange);

  // Gives the exchanges that waited for `connecting` to `connection` (which the session owns from
  // here on), or fails them.
  void OnConnected(Connecting& connecting, std::unique_ptr<Connection> connection);
  void OnConnectFailed(Connecting& connecting, const Failure& failure);
  // The connection can take more: hands it exchanges that wait for its origin.
  void OnRoom(Connection& connection);
  // The same at the end of this wake-up.
  void RoomSoon(Connection& connection);
  // Exchanges that waited for room have to look for another connection.
  void OnNoRoom(HttpSession::Impl& session);

  void Bury(std::unique_ptr<Disposable> dead);
  void End(std::unique_ptr<HttpSession::Impl> session);
  void CloseIdle(std::unique_ptr<HttpSession::Impl>& session);

 private:
  void OnDeferred() override;
  Exchange& NewExchange(HttpSession::Impl& session, const HttpRequest& request,
                        ExchangeHandler& handler);
  void Release(Exchange& exchange);
  void Route(Exchange& exchange);
  void Connect(Exchange& exchange, Shared shared);
  void Begin(Exchange& exchange, Connection& connection);
  static void SetUnrouted(Exchange& exchange, bool unrouted);
  // Takes it off its connection or connecting, silently.
  enum class Because : std::uint8_t { kCancelled, kExpired };
  void Detach(Exchange& exchange, Because why);
  void LeaveConnecting(Exchange& exchange);
  void EndWithin(HttpSession::Impl& session);

  Reactor& reactor_;
  const Options options_;
  Resolver resolver_;
  std::unordered_map<const Transport*, base::Result<std::unique_ptr<TlsContext>>> tls_;
  std::unordered_map<const Transport*, base::Result<ProxyServer>> proxies_;
  Counters counters_;
  std::uint64_t source_turn_ = 0;
  std::unique_ptr<char[]> input_;
  std::string output_;
  FrameMemory frame_memory_;  // before what holds connections
  ResponseParser parser_;
  std::uint32_t parser_limit_ = 0;
  std::vector<std::unique_ptr<PartialResponse>> free_partials_;
  std::vector<std::unique_ptr<Exchange>> exchanges_;
  std::vector<Exchange*> free_exchanges_;
  std::deque<Exchange*> failing_;
  std::vector<std::unique_ptr<Disposable>> dead_;
  std::vector<Connection*> with_room_;  // RoomSoon was called; open or among dead_
  HttpSession::Impl* sessions_ = nullptr;
};

}  // namespace ronda::net
