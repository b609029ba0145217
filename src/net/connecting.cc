#include "net/connecting.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <utility>

#include "net/h1_connection.h"
#include "net/h2_connection.h"
#include "net/http1/request_writer.h"

namespace ronda::net {
namespace {

std::string HostPort(const std::string& host, std::uint16_t port) {
  const bool literal6 = host.find(':') != std::string::npos;
  return (literal6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

bool SpeaksH2InTheClear(const Origin& origin) {
  return !origin.tls && (origin.transport->protocol == Protocol::kH2PriorKnowledge ||
                         origin.transport->protocol == Protocol::kH2);
}

}  // namespace

Connecting::Connecting(ClientCore& core, HttpSession::Impl& session, Exchange& first, Shared shared)
    : core_(core),
      session_(session),
      origin_(first.request),
      shared_(shared),
      owner_(&first),
      dialer_(core.reactor(), core.resolver()) {}

Connecting::~Connecting() = default;

void Connecting::Start() {
  Reactor& reactor = core_.reactor();
  const Transport& transport = *origin_.transport;
  reactor.Arm(*this, reactor.now_ns() + transport.connect_timeout_ns);
  if (!transport.proxy.empty() && !BypassesProxy(transport.no_proxy, origin_.host, origin_.port)) {
    const auto& proxy = core_.proxy(transport);
    if (!proxy.ok()) return Fail({ErrorKind::kProxy, proxy.status().message()});
    proxy_ = &*proxy;
  }
  dialer_.Start(proxy_ != nullptr ? proxy_->host : origin_.host,
                proxy_ != nullptr ? proxy_->port : origin_.port, transport, core_.NextSourceTurn(),
                *this);
}

void Connecting::AddPhases(Phases& phases) const {
  phases.dns += dialer_.dns_ns();
  phases.connect += dialer_.connect_ns();
  phases.tls +=
      stage_ == Stage::kTls && tls_ns_ == 0 ? core_.reactor().now_ns() - tls_started_ns_ : tls_ns_;
}

std::string Connecting::Describe() const {
  const std::string target = proxy_ != nullptr ? "the proxy " + HostPort(proxy_->host, proxy_->port)
                                               : HostPort(origin_.host, origin_.port);
  switch (stage_) {
    case Stage::kDial:
      return (dialer_.resolving() ? "looking up the name of " : "connecting to ") + target;
    case Stage::kProxy: return "waiting for " + target + " to open a tunnel";
    case Stage::kTls: return "in the TLS handshake with " + HostPort(origin_.host, origin_.port);
  }
  return target;
}

void Connecting::Close() {
  if (closed_) return;
  closed_ = true;
  core_.reactor().Cancel(*this);
  dialer_.Cancel();
  if (fd() >= 0) {
    core_.reactor().Forget(fd(), this);
    made_.stream.Close();
  }
  session_.Forget(this);
  core_.Bury(std::unique_ptr<Disposable>(this));
}

void Connecting::OnDialed(int fd, const SocketAddress& peer) {
  made_.stream = Stream(fd);
  made_.remote = peer.ToString();
  if (proxy_ == nullptr) return AfterTunnel();
  if (origin_.tls || SpeaksH2InTheClear(origin_)) return StartTunnel();
  made_.proxy_prefix = "http://" + HostPort(origin_.host, origin_.port);
  made_.proxy_authorization = proxy_->authorization;
  Finish(HttpVersion::k11);
}

void Connecting::OnDialFailed(Failure failure) {
  if (proxy_ != nullptr && failure.kind != ErrorKind::kTooManyFiles) {
    return FailProxy(ErrorKind::kProxy, failure.detail);
  }
  Fail(std::move(failure));
}

void Connecting::OnTimer() {
  Fail({ErrorKind::kConnectTimeout,
        "no connection within " +
            std::to_string(origin_.transport->connect_timeout_ns / 1'000'000) + " ms, " +
            Describe()});
}

void Connecting::OnReady(std::uint32_t) {
  if (stage_ == Stage::kTls) return DriveTls();
  if (!tunnel_out_.empty()) return SendTunnelRequest();
  ReceiveTunnelResponse();
}

void Connecting::Await(std::uint32_t events) { core_.reactor().Modify(fd(), events, this); }

void Connecting::StartTunnel() {
  stage_ = Stage::kProxy;
  const std::string target = HostPort(origin_.host, origin_.port);
  const HeaderView authorization{"Proxy-Authorization", proxy_->authorization};
  RequestHead head;
  head.method = "CONNECT";
  head.target = target;
  head.authority = target;
  if (!proxy_->authorization.empty()) head.headers = {&authorization, 1};
  Await(kReadEvents);
  const auto written = AppendRequestHead(head, tunnel_out_);
  if (!written.ok()) return FailProxy(ErrorKind::kProxy, written.status().message());
  tunnel_parser_.Start(ResponseTo::kConnect);
  SendTunnelRequest();
}

void Connecting::SendTunnelRequest() {
  const iovec piece{tunnel_out_.data(), tunnel_out_.size()};
  const Stream::Io io = made_.stream.Write(&piece, 1);
  if (io.outcome == Stream::Outcome::kAgain) return Await(kReadEvents | EPOLLOUT);
  if (io.outcome != Stream::Outcome::kOk) {
    return FailProxy(ErrorKind::kProxy, made_.stream.failure().detail);
  }
  tunnel_out_.erase(0, io.size);
  Await(tunnel_out_.empty() ? kReadEvents : kReadEvents | EPOLLOUT);
}

// Takes no byte beyond the response: the next is the target's.
void Connecting::ReceiveTunnelResponse() {
  std::array<char, 4096> piece;
  const ssize_t seen = recv(fd(), piece.data(), piece.size(), MSG_PEEK);
  if (seen < 0 && errno == EAGAIN) return;
  if (seen < 0) return FailProxy(ErrorKind::kProxy, FailureFromErrno("receive", errno).detail);
  if (seen == 0) return FailProxy(ErrorKind::kProxy, "it closed the connection");
  const std::size_t before = tunnel_in_.size();
  tunnel_in_.append(piece.data(), static_cast<std::size_t>(seen));
  const auto progress = tunnel_parser_.ParseHead(tunnel_in_);
  if (progress == ResponseParser::Progress::kError) {
    return FailProxy(ErrorKind::kProxy, tunnel_parser_.error().Message());
  }
  const bool complete = progress == ResponseParser::Progress::kDone;
  const ResponseHead& head = tunnel_parser_.head();
  if (complete && head.interim()) {
    // Another head follows; what was taken in before belongs to the interim one.
    recv(fd(), piece.data(), head.size - std::min(before, head.size), 0);
    tunnel_in_.clear();
    tunnel_parser_.Start(ResponseTo::kConnect);
    return;
  }
  const std::size_t taken = complete ? head.size - before : static_cast<std::size_t>(seen);
  if (recv(fd(), piece.data(), taken, 0) != static_cast<ssize_t>(taken)) {
    return FailProxy(ErrorKind::kProxy, "it closed the connection");
  }
  if (!complete) return;
  if (head.status / 100 != 2) {
    return FailProxy(ErrorKind::kProxy, "it answered " + std::to_string(head.status) + " " +
                                            std::string(head.reason) + " to CONNECT " +
                                            HostPort(origin_.host, origin_.port));
  }
  return AfterTunnel();
}

void Connecting::AfterTunnel() {
  if (origin_.tls) return StartTls();
  Finish(SpeaksH2InTheClear(origin_) ? HttpVersion::k2 : HttpVersion::k11);
}

void Connecting::StartTls() {
  stage_ = Stage::kTls;
  tls_started_ns_ = core_.reactor().Fresh();
  Await(kReadEvents);
  const auto& context = core_.tls(*origin_.transport);
  if (!context.ok()) return Fail({ErrorKind::kTls, context.status().message()});
  const auto ssl = (*context)->NewConnection(fd(), origin_.host, origin_.port);
  if (!ssl.ok()) return Fail({ErrorKind::kTls, ssl.status().message()});
  made_.stream.SetTls(*ssl);
  DriveTls();
}

void Connecting::DriveTls() {
  SSL* ssl = made_.stream.ssl();
  errno = 0;
  const int result = SSL_connect(ssl);
  if (result == 1) return OnSecured();
  switch (SSL_get_error(ssl, result)) {
    case SSL_ERROR_WANT_READ: return Await(kReadEvents);
    case SSL_ERROR_WANT_WRITE: return Await(kReadEvents | EPOLLOUT);
    default: return Fail(HandshakeFailure(ssl, result, HostPort(origin_.host, origin_.port)));
  }
}

void Connecting::OnSecured() {
  tls_ns_ = core_.reactor().Fresh() - tls_started_ns_;
  const WithChain chain = core_.options().collect_chain ? WithChain::kYes : WithChain::kNo;
  made_.tls = std::make_unique<TlsInfo>(DescribeTls(made_.stream.ssl(), chain));
  HttpClient::Counters& counters = core_.mutable_counters();
  ++counters.tls_handshakes;
  if (made_.tls->resumed) ++counters.tls_resumed;
  const Protocol protocol = origin_.transport->protocol;
  const bool only_h2 = protocol == Protocol::kH2 || protocol == Protocol::kH2PriorKnowledge;
  if (made_.tls->alpn == "h2") return Finish(HttpVersion::k2);
  if (only_h2) {
    return Fail({ErrorKind::kProtocol, HostPort(origin_.host, origin_.port) +
                                           " does not offer HTTP/2 (ALPN \"" + made_.tls->alpn +
                                           "\")"});
  }
  Finish(HttpVersion::k11);
}

void Connecting::FailProxy(ErrorKind kind, const std::string& detail) {
  Fail({kind, "proxy " + HostPort(proxy_->host, proxy_->port) + ": " + detail});
}

void Connecting::Fail(Failure failure) { core_.OnConnectFailed(*this, failure); }

void Connecting::Finish(HttpVersion version) {
  const int fd = made_.stream.fd();
  std::unique_ptr<Connection> connection;
  if (version == HttpVersion::k2) {
    connection =
        std::make_unique<H2Connection>(core_, session_, std::move(origin_), std::move(made_));
  } else {
    connection =
        std::make_unique<H1Connection>(core_, session_, std::move(origin_), std::move(made_));
  }
  core_.reactor().Modify(fd, connection->read_events(), connection.get());
  core_.OnConnected(*this, std::move(connection));
}

}  // namespace ronda::net
