#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/error_kind.h"
#include "net/exchange.h"
#include "net/http1/response_parser.h"
#include "net/http_client.h"
#include "net/reactor.h"
#include "net/resolver.h"

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

// What is kept of an HTTP/1 response that did not come whole.
struct PartialResponse {
  ResponseParser parser;
  std::string bytes;         // the head, and while that is incomplete all that came
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
  Impl* next = nullptr;  // all of the client's
  Impl** self = nullptr;
};

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

  // One thread reads one socket at a time: all share one buffer, of kInputSize and the slack.
  [[nodiscard]] char* input() { return input_.get(); }
  // Scratch for what is sent at once.
  [[nodiscard]] std::string& output() { return output_; }
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
  // Once more, on a new connection. The exchange has been taken off its old one.
  void Retry(Exchange& exchange);
  void Expire(Exchange& exchange);

  // Gives the exchanges that waited for `connecting` to `connection` (which the session owns from
  // here on), or fails them.
  void OnConnected(Connecting& connecting, std::unique_ptr<Connection> connection);
  void OnConnectFailed(Connecting& connecting, const Failure& failure);
  // The connection can take more: hands it exchanges that wait for its origin.
  void OnRoom(Connection& connection);
  // Exchanges that waited for room on a connection that takes no more.
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
  void Connect(Exchange& exchange);
  // Takes it off its connection or connecting, silently.
  void Detach(Exchange& exchange);
  void LeaveConnecting(Exchange& exchange);
  void EndWithin(HttpSession::Impl& session);

  Reactor& reactor_;
  const Options options_;
  Resolver resolver_;
  Counters counters_;
  std::uint64_t source_turn_ = 0;
  std::unique_ptr<char[]> input_;
  std::string output_;
  ResponseParser parser_;
  std::uint32_t parser_limit_ = 0;
  std::vector<std::unique_ptr<PartialResponse>> free_partials_;
  std::vector<std::unique_ptr<Exchange>> exchanges_;
  std::vector<Exchange*> free_exchanges_;
  std::vector<Exchange*> failing_;
  std::vector<std::unique_ptr<Disposable>> dead_;
  HttpSession::Impl* sessions_ = nullptr;
};

}  // namespace ronda::net
