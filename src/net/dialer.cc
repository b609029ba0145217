#include "net/dialer.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

namespace ronda::net {
namespace {

constexpr std::uint64_t kAttemptDelayNs = 250'000'000;  // RFC 8305, 8

void SetOption(int fd, int level, int option) {
  const int one = 1;
  setsockopt(fd, level, option, &one, sizeof one);
}

}  // namespace

Dialer::~Dialer() { Cancel(); }

void Dialer::Cancel() {
  ResolveWaiter::Withdraw();
  reactor_.Cancel(*this);
  for (auto& attempt : attempts_) Close(*attempt);
}

void Dialer::Start(std::string_view host, std::uint16_t port, const Transport& transport,
                   std::uint64_t source_turn, DialHandler& handler) {
  host_ = host;
  port_ = port;
  transport_ = &transport;
  source_turn_ = source_turn;
  handler_ = &handler;
  started_ns_ = reactor_.Fresh();
  if (!resolver_.Resolve(host_, port_, transport, addresses_, *this)) return;
  resolved_ns_ = started_ns_;
  TryNext();
}

std::uint64_t Dialer::dns_ns() const {
  if (started_ns_ == 0) return 0;
  return (resolved_ns_ != 0 ? resolved_ns_ : reactor_.now_ns()) - started_ns_;
}

std::uint64_t Dialer::connect_ns() const {
  if (resolved_ns_ == 0) return 0;
  return (connected_ns_ != 0 ? connected_ns_ : reactor_.now_ns()) - resolved_ns_;
}

void Dialer::OnResolved(const std::vector<SocketAddress>& addresses, std::string_view error) {
  resolved_ns_ = reactor_.Fresh();
  if (!error.empty()) {
    handler_->OnDialFailed({ErrorKind::kDns, std::string(error)});
    return;
  }
  addresses_ = addresses;
  TryNext();
}

void Dialer::TryNext() {
  while (next_ < addresses_.size()) {
    SocketAddress address = addresses_[next_++];
    address.set_port(port_);
    if (!Try(address)) continue;
    if (connected_ns_ == 0 && next_ < addresses_.size()) {
      reactor_.Arm(*this, reactor_.now_ns() + kAttemptDelayNs);
    }
    return;
  }
  GiveUpIfAllFailed();
}

bool Dialer::Try(const SocketAddress& address) {
  const int fd = socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    failure_ = FailureFromErrno("socket", errno);
    return false;
  }
  SetOption(fd, IPPROTO_TCP, TCP_NODELAY);
  if (!transport_->source_addresses.empty() && !BindSource(fd, address)) {
    close(fd);
    return false;
  }
  if (connect(fd, &address.any, address.size()) != 0 && errno != EINPROGRESS) {
    failure_ = FailureFromErrno("connect to " + address.ToString(), errno);
    close(fd);
    return false;
  }
  auto attempt = std::make_unique<Attempt>(*this);
  attempt->address = address;
  const base::Status added = reactor_.Add(fd, EPOLLOUT, attempt.get());
  if (!added.ok()) {
    failure_ = {ErrorKind::kOther, added.message()};
    close(fd);
    return false;
  }
  attempt->fd = fd;
  attempts_.push_back(std::move(attempt));
  ++running_;
  return true;
}

bool Dialer::BindSource(int fd, const SocketAddress& target) {
  const auto& sources = transport_->source_addresses;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const std::string& text = sources[(source_turn_ + i) % sources.size()];
    const auto source = SocketAddress::Parse(text, 0);
    if (!source || source->family() != target.family()) continue;
    // The port is chosen by connect, so that one source reaches 64k ports of every target.
    SetOption(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT);
    if (bind(fd, &source->any, source->size()) == 0) return true;
    failure_ = FailureFromErrno("bind to " + text, errno);
    return false;
  }
  failure_ = {ErrorKind::kNoLocalPort,
              "no source address is of the family of " + target.ToString()};
  return false;
}

void Dialer::Attempt::OnReady(std::uint32_t events) {
  int error = 0;
  socklen_t size = sizeof error;
  if (events & (EPOLLERR | EPOLLHUP)) getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) {
    dialer.Fail(*this, error);
  } else {
    dialer.Succeed(*this);
  }
}

void Dialer::Fail(Attempt& attempt, int errno_value) {
  failure_ = FailureFromErrno("connect to " + attempt.address.ToString(), errno_value);
  Close(attempt);
  --running_;
  reactor_.Cancel(*this);
  TryNext();
}

void Dialer::GiveUpIfAllFailed() {
  if (running_ == 0 && connected_ns_ == 0) handler_->OnDialFailed(std::move(failure_));
}

void Dialer::Succeed(Attempt& attempt) {
  connected_ns_ = reactor_.Fresh();
  reactor_.Cancel(*this);
  const int fd = std::exchange(attempt.fd, -1);
  const SocketAddress peer = attempt.address;
  for (auto& other : attempts_) Close(*other);
  handler_->OnDialed(fd, peer);
}

void Dialer::Close(Attempt& attempt) {
  if (attempt.fd < 0) return;
  reactor_.Forget(attempt.fd, &attempt);
  close(std::exchange(attempt.fd, -1));
}

}  // namespace ronda::net
