#include "net/connecting.h"

#include <sys/epoll.h>

#include <utility>

#include "net/h1_connection.h"

namespace ronda::net {

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
  dialer_.Start(origin_.host, origin_.port, transport, core_.NextSourceTurn(), *this);
}

void Connecting::AddPhases(Phases& phases) const {
  phases.dns += dialer_.dns_ns();
  phases.connect += dialer_.connect_ns();
  phases.tls += tls_ns_;
}

std::string Connecting::Stage() const {
  if (dialer_.resolving()) return "looking up \"" + origin_.host + "\"";
  return "connecting to " + origin_.host + ":" + std::to_string(origin_.port);
}

void Connecting::Close() {
  if (closed_) return;
  closed_ = true;
  core_.reactor().Cancel(*this);
  dialer_.Cancel();
  session_.Forget(this);
  core_.Bury(std::unique_ptr<Disposable>(this));
}

void Connecting::OnDialed(int fd, const SocketAddress& peer) {
  made_.stream = Stream(fd, nullptr);
  made_.remote = peer.ToString();
  Finish();
}

void Connecting::OnDialFailed(Failure failure) { Fail(std::move(failure)); }

void Connecting::OnReady(std::uint32_t) {}

void Connecting::OnTimer() {
  Fail({ErrorKind::kConnectTimeout, "no connection in time while " + Stage()});
}

void Connecting::Fail(Failure failure) { core_.OnConnectFailed(*this, failure); }

void Connecting::Finish() {
  const int fd = made_.stream.fd();
  auto connection = std::make_unique<H1Connection>(core_, session_, std::move(origin_), std::move(made_));
  core_.reactor().Modify(fd, EPOLLIN | EPOLLRDHUP, connection.get());
  core_.OnConnected(*this, std::move(connection));
}

}  // namespace ronda::net
