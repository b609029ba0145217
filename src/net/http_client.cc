#include "net/http_client.h"

#include <strings.h>

#include <algorithm>
#include <utility>

#include "net/client_core.h"
#include "net/connecting.h"
#include "net/connection.h"

namespace ronda::net {
namespace {

constexpr std::uint64_t kNever = ~std::uint64_t{0};
constexpr std::size_t kFreePartials = 64;

// Whether a connection made for this request may carry many at once.
bool MayMultiplex(const HttpRequest& request) {
  if (request.fresh_connection) return false;
  const Protocol protocol = request.transport->protocol;
  return protocol == Protocol::kH2PriorKnowledge || protocol == Protocol::kH2 ||
         (request.tls && protocol == Protocol::kAuto);
}

std::string Seconds(std::uint64_t ns) {
  const std::uint64_t ms = ns / 1'000'000;
  return ms % 1000 == 0 ? std::to_string(ms / 1000) + " s" : std::to_string(ms) + " ms";
}

}  // namespace

std::string StageOf(const Exchange& exchange) {
  if (exchange.connecting != nullptr) return exchange.connecting->Describe();
  if (exchange.unrouted) {
    return "waiting for a stream: the server allows no more on its HTTP/2 connection";
  }
  if (exchange.connection == nullptr) return "waiting for a connection";
  if (exchange.sent_ns == 0) return "sending the request";
  if (exchange.first_byte_ns == 0) return "waiting for the first byte of the response";
  return "receiving the response, after " + std::to_string(exchange.bytes_received) + " bytes";
}

std::optional<std::string_view> HttpResponse::Header(std::string_view name) const {
  for (const HeaderView& header : headers) {
    if (header.name.size() == name.size() &&
        strncasecmp(header.name.data(), name.data(), name.size()) == 0) {
      return header.value;
    }
  }
  return std::nullopt;
}

HttpSession::HttpSession() = default;
HttpSession::HttpSession(HttpSession&&) noexcept = default;

HttpSession& HttpSession::operator=(HttpSession&& other) noexcept {
  if (this == &other) return *this;
  if (impl_ != nullptr && impl_->core != nullptr) impl_->core->End(std::move(impl_));
  impl_ = std::move(other.impl_);
  return *this;
}

HttpSession::~HttpSession() {
  if (impl_ != nullptr && impl_->core != nullptr) impl_->core->End(std::move(impl_));
}

void HttpSession::CloseIdle() {
  if (impl_ != nullptr && impl_->core != nullptr) impl_->core->CloseIdle(impl_);
}

void HttpSession::Impl::Link(Exchange& exchange) {
  exchange.previous = last;
  exchange.next = nullptr;
  (last != nullptr ? last->next : first) = &exchange;
  last = &exchange;
}

void HttpSession::Impl::Unlink(Exchange& exchange) {
  (exchange.previous != nullptr ? exchange.previous->next : first) = exchange.next;
  (exchange.next != nullptr ? exchange.next->previous : last) = exchange.previous;
}

// Deadlines are looked at when the earliest that was ever asked for has come, so that an exchange
// that ends in time costs the heap nothing.
void HttpSession::Impl::OnTimer() {
  const std::uint64_t now = core->reactor().now_ns();
  for (;;) {
    Exchange* expired = first;
    while (expired != nullptr && expired->deadline_ns > now) expired = expired->next;
    if (expired == nullptr) break;
    core->Expire(*expired);
    if (core == nullptr) return;
  }
  std::uint64_t earliest = kNever;
  for (const Exchange* e = first; e != nullptr; e = e->next) {
    earliest = std::min(earliest, e->deadline_ns);
  }
  if (earliest != kNever) core->reactor().Arm(*this, earliest);
}

std::unique_ptr<HttpClient> HttpClient::Create(Reactor& reactor, Options options) {
  return std::make_unique<ClientCore>(reactor, options);
}

ClientCore::ClientCore(Reactor& reactor, Options options)
    : reactor_(reactor),
      options_(options),
      resolver_(reactor, options.dns_ttl_ns),
      input_(std::make_unique<char[]>(kInputSize + kInputSlack)) {}

ClientCore::~ClientCore() {
  while (sessions_ != nullptr) {
    HttpSession::Impl& session = *sessions_;
    EndWithin(session);
    session.core = nullptr;  // its HttpSession still owns it
  }
  dead_.clear();
}

void ClientCore::Send(HttpSession& session, const HttpRequest& request, ExchangeHandler& handler) {
  if (session.impl_ == nullptr || session.impl_->core == nullptr) {
    session.impl_ = std::make_unique<HttpSession::Impl>(*this);
    HttpSession::Impl& impl = *session.impl_;
    impl.next = sessions_;
    impl.self = &sessions_;
    if (sessions_ != nullptr) sessions_->self = &impl.next;
    sessions_ = &impl;
  }
  HttpSession::Impl& impl = *session.impl_;
  Exchange& exchange = NewExchange(impl, request, handler);
  if (exchange.deadline_ns != kNever &&
      (!impl.armed() || exchange.deadline_ns < impl.deadline_ns())) {
    reactor_.Arm(impl, exchange.deadline_ns);
  }
  Route(exchange);
}

Exchange& ClientCore::NewExchange(HttpSession::Impl& session, const HttpRequest& request,
                                  ExchangeHandler& handler) {
  if (free_exchanges_.empty()) {
    exchanges_.push_back(std::make_unique<Exchange>());
    free_exchanges_.reserve(exchanges_.capacity());
    free_exchanges_.push_back(exchanges_.back().get());
  }
  Exchange& exchange = *free_exchanges_.back();
  free_exchanges_.pop_back();
  exchange.request = request;
  exchange.handler = &handler;
  exchange.session = &session;
  exchange.state = Exchange::State::kWaiting;
  exchange.start_ns = reactor_.Fresh();
  exchange.deadline_ns = request.timeout_ns == 0 ? kNever : exchange.start_ns + request.timeout_ns;
  session.Link(exchange);
  return exchange;
}

void ClientCore::Route(Exchange& exchange) {
  HttpSession::Impl& session = *exchange.session;
  if (exchange.request.fresh_connection || exchange.avoid_reuse) {
    return Connect(exchange, Shared::kNo);
  }
  bool wait = false;
  bool only_h1 = !MayMultiplex(exchange.request);
  for (Connection* connection : session.connections) {
    if (!connection->origin().Serves(exchange.request)) continue;
    if (connection->CanTake()) return connection->Start(exchange);
    wait = wait || connection->WillTake();
    only_h1 = only_h1 || !connection->multiplexes();
  }
  if (wait) return SetUnrouted(exchange, true);
  if (only_h1) return Connect(exchange, Shared::kNo);
  for (Connecting* connecting : session.connecting) {
    if (!connecting->Serves(exchange.request)) continue;
    exchange.connecting = connecting;
    return;
  }
  Connect(exchange, Shared::kYes);
}

void ClientCore::SetUnrouted(Exchange& exchange, bool unrouted) {
  if (exchange.unrouted == unrouted) return;
  exchange.unrouted = unrouted;
  exchange.session->unrouted += unrouted ? 1 : -1;
}

void ClientCore::Connect(Exchange& exchange, Shared shared) {
  HttpSession::Impl& session = *exchange.session;
  auto* connecting = new Connecting(*this, session, exchange, shared);  // owned by the session
  session.connecting.push_back(connecting);
  exchange.connecting = connecting;
  connecting->Start();
}

void ClientCore::OnConnected(Connecting& connecting, std::unique_ptr<Connection> made) {
  HttpSession::Impl& session = connecting.session();
  Connection& connection = *made.release();
  session.connections.push_back(&connection);
  Exchange* owner = nullptr;
  for (Exchange* e = session.first; e != nullptr; e = e->next) {
    if (e->connecting != &connecting) continue;
    e->connecting = nullptr;
    SetUnrouted(*e, true);
    if (e == connecting.owner()) owner = e;
  }
  if (owner != nullptr) {
    connecting.AddPhases(owner->phases);
    Begin(*owner, connection);
  }
  connecting.Close();
  OnRoom(connection);
}

// An exchange that waited has its connection.
void ClientCore::Begin(Exchange& exchange, Connection& connection) {
  SetUnrouted(exchange, false);
  const Phases& p = exchange.phases;
  const std::uint64_t gone = reactor_.now_ns() - exchange.start_ns;
  exchange.phases.blocked = gone - std::min(gone, p.dns + p.connect + p.tls);
  connection.Start(exchange);
}

void ClientCore::OnRoom(Connection& connection) {
  HttpSession::Impl& session = connection.session();
  for (Exchange* e = session.first; session.unrouted > 0 && e != nullptr; e = e->next) {
    if (!connection.CanTake()) break;
    if (!e->unrouted || !connection.origin().Serves(e->request)) continue;
    Begin(*e, connection);
  }
  if (!connection.WillTake()) OnNoRoom(session);
}

void ClientCore::RoomSoon(Connection& connection) {
  if (connection.session().unrouted == 0) return;
  with_room_.push_back(&connection);
  reactor_.Defer(*this);
}

void ClientCore::OnNoRoom(HttpSession::Impl& session) {
  for (Exchange* e = session.first; session.unrouted > 0 && e != nullptr; e = e->next) {
    if (!e->unrouted) continue;
    SetUnrouted(*e, false);
    Route(*e);
  }
}

void ClientCore::OnConnectFailed(Connecting& connecting, const Failure& failure) {
  HttpSession::Impl& session = connecting.session();
  for (Exchange* e = session.first; e != nullptr; e = e->next) {
    if (e->connecting != &connecting) continue;
    e->connecting = nullptr;
    connecting.AddPhases(e->phases);
    FailLater(*e, failure);
  }
  connecting.Close();
}

void ClientCore::Deliver(Exchange& exchange, HttpResponse& response) {
  const std::uint64_t now = reactor_.now_ns();
  exchange.phases.transfer = now - exchange.first_byte_ns;
  response.phases = exchange.phases;
  response.start_ns = exchange.start_ns;
  response.end_ns = now;
  response.bytes_sent = exchange.bytes_sent;
  response.bytes_received = exchange.bytes_received;
  exchange.session->Unlink(exchange);
  exchange.handler->OnResponse(response);
  Release(exchange);
}

void ClientCore::Fail(Exchange& exchange, const Failure& failure) {
  ExchangeError error;
  error.kind = failure.kind;
  error.detail = failure.detail;
  error.status = exchange.status;
  error.phases = exchange.phases;
  error.start_ns = exchange.start_ns;
  error.end_ns = reactor_.Fresh();
  error.bytes_sent = exchange.bytes_sent;
  error.bytes_received = exchange.bytes_received;
  error.reused_connection = exchange.reused;
  exchange.session->Unlink(exchange);
  exchange.handler->OnError(error);
  Release(exchange);
}

void ClientCore::FailLater(Exchange& exchange, Failure failure) {
  exchange.connection = nullptr;
  exchange.state = Exchange::State::kFailing;
  exchange.failure = std::move(failure);
  failing_.push_back(&exchange);
  reactor_.Defer(*this);
}

void ClientCore::Retry(Exchange& exchange, Reuse reuse) {
  ++exchange.retries;
  exchange.avoid_reuse = reuse == Reuse::kNo;
  ++counters_.retries;
  exchange.ResetAttempt();
  exchange.state = Exchange::State::kWaiting;
  Route(exchange);
}

void ClientCore::Expire(Exchange& exchange) {
  Failure failure{ErrorKind::kTimeout, "no complete response within " +
                                           Seconds(exchange.request.timeout_ns) + ", " +
                                           StageOf(exchange)};
  if (exchange.connection != nullptr) failure.detail += ", by " + exchange.connection->remote();
  if (exchange.connecting != nullptr) {
    exchange.connecting->AddPhases(exchange.phases);
  } else if (exchange.connection == nullptr) {
    exchange.phases.blocked = reactor_.now_ns() - exchange.start_ns;
  }
  Detach(exchange, Because::kExpired);
  Fail(exchange, failure);
}

void ClientCore::Cancel(HttpSession& session, ExchangeHandler& handler) {
  if (session.impl_ == nullptr || session.impl_->core == nullptr) return;
  for (Exchange* e = session.impl_->first; e != nullptr; e = e->next) {
    if (e->handler != &handler) continue;
    Detach(*e, Because::kCancelled);
    e->session->Unlink(*e);
    Release(*e);
    return;
  }
}

void ClientCore::Detach(Exchange& exchange, Because why) {
  switch (exchange.state) {
    case Exchange::State::kWaiting:
      if (exchange.connecting != nullptr) LeaveConnecting(exchange);
      SetUnrouted(exchange, false);
      break;
    case Exchange::State::kRunning:
      if (why == Because::kExpired) {
        exchange.connection->Expire(exchange);
      } else {
        exchange.connection->Abandon(exchange);
      }
      break;
    case Exchange::State::kFailing: std::erase(failing_, &exchange); break;
    case Exchange::State::kFree: break;
  }
}

void ClientCore::LeaveConnecting(Exchange& exchange) {
  Connecting* connecting = std::exchange(exchange.connecting, nullptr);
  for (const Exchange* e = exchange.session->first; e != nullptr; e = e->next) {
    if (e->connecting == connecting) return;
  }
  connecting->Close();
}

void ClientCore::Release(Exchange& exchange) {
  ++exchange.generation;
  exchange.ResetAttempt();
  exchange.state = Exchange::State::kFree;
  exchange.handler = nullptr;
  exchange.session = nullptr;
  exchange.phases = {};
  exchange.retries = 0;
  exchange.source_read = false;
  exchange.avoid_reuse = false;
  free_exchanges_.push_back(&exchange);
}

const base::Result<std::unique_ptr<TlsContext>>& ClientCore::tls(const Transport& transport) {
  const auto found = tls_.find(&transport);
  if (found != tls_.end()) return found->second;
  return tls_.emplace(&transport, TlsContext::Create(transport)).first->second;
}

const base::Result<ProxyServer>& ClientCore::proxy(const Transport& transport) {
  const auto found = proxies_.find(&transport);
  if (found != proxies_.end()) return found->second;
  return proxies_.emplace(&transport, ParseProxy(transport.proxy)).first->second;
}

ResponseParser& ClientCore::parser(const Transport& transport) {
  if (parser_limit_ != transport.max_response_head) {
    parser_limit_ = transport.max_response_head;
    parser_ = ResponseParser(Http1Limits{.max_head = parser_limit_});
  }
  return parser_;
}

std::unique_ptr<PartialResponse> ClientCore::KeepParser() {
  std::unique_ptr<PartialResponse> partial;
  if (free_partials_.empty()) {
    partial = std::make_unique<PartialResponse>();
  } else {
    partial = std::move(free_partials_.back());
    free_partials_.pop_back();
  }
  std::swap(partial->parser, parser_);
  parser_limit_ = 0;  // what came back has limits of its own
  return partial;
}

void ClientCore::Recycle(std::unique_ptr<PartialResponse> partial) {
  if (free_partials_.size() >= kFreePartials) return;
  partial->bytes.clear();
  partial->head_done = false;
  free_partials_.push_back(std::move(partial));
}

void ClientCore::Bury(std::unique_ptr<Disposable> dead) {
  dead_.push_back(std::move(dead));
  reactor_.Defer(*this);
}

void ClientCore::OnDeferred() {
  // Only those of now: a handler may try again at once and fail again at once.
  for (std::size_t left = failing_.size(); left > 0 && !failing_.empty(); --left) {
    Exchange& exchange = *failing_.front();
    failing_.pop_front();
    Fail(exchange, Failure(std::move(exchange.failure)));
  }
  if (!failing_.empty()) reactor_.Defer(*this);
  while (!with_room_.empty()) {
    Connection& connection = *with_room_.back();
    with_room_.pop_back();
    if (!connection.closed()) OnRoom(connection);
  }
  const auto dead = std::move(dead_);
  dead_.clear();
}

// Ends all that the session has, silently.
void ClientCore::EndWithin(HttpSession::Impl& session) {
  while (session.first != nullptr) {
    Exchange& exchange = *session.first;
    Detach(exchange, Because::kCancelled);
    session.Unlink(exchange);
    Release(exchange);
  }
  while (!session.connecting.empty()) session.connecting.back()->Close();
  while (!session.connections.empty()) session.connections.back()->Close();
  reactor_.Cancel(session);
  *session.self = session.next;
  if (session.next != nullptr) session.next->self = session.self;
}

void ClientCore::End(std::unique_ptr<HttpSession::Impl> session) {
  EndWithin(*session);
  session->core = nullptr;
  Bury(std::move(session));
}

void ClientCore::CloseIdle(std::unique_ptr<HttpSession::Impl>& session) {
  for (std::size_t i = session->connections.size(); i-- > 0;) {
    if (session->connections[i]->idle()) session->connections[i]->Close();
  }
  if (session->first == nullptr && session->connections.empty()) End(std::move(session));
}

}  // namespace ronda::net
