#include "net/scripted_server.h"

#include <netinet/tcp.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "base/core/check.h"
#include "net/address.h"

namespace ronda::net {

std::string ScriptedServer::Peer::ReadSome() {
  if (!buffered_.empty()) return std::exchange(buffered_, {});
  char piece[16384];
  const auto got = ssl_ != nullptr ? SSL_read(ssl_, piece, sizeof piece)
                                   : static_cast<int>(recv(fd_, piece, sizeof piece, 0));
  return got > 0 ? std::string(piece, static_cast<std::size_t>(got)) : std::string();
}

std::string ScriptedServer::Peer::ReadHead() {
  std::string head;
  for (;;) {
    const std::size_t end = head.find("\r\n\r\n");
    if (end != std::string::npos) {
      buffered_ = head.substr(end + 4);
      return head.substr(0, end + 4);
    }
    const std::string more = ReadSome();
    if (more.empty()) return {};
    head += more;
  }
}

std::string ScriptedServer::Peer::ReadExactly(std::size_t size) {
  std::string data;
  while (data.size() < size) {
    const std::string more = ReadSome();
    if (more.empty()) break;
    data += more;
  }
  if (data.size() > size) {
    buffered_ = data.substr(size);
    data.resize(size);
  }
  return data;
}

void ScriptedServer::Peer::AwaitEnd() {
  while (!ReadSome().empty()) {
  }
}

bool ScriptedServer::Peer::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ssl_ != nullptr
                          ? SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()))
                          : static_cast<int>(send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL));
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool ScriptedServer::Peer::Reply(std::string_view body, std::string_view more_headers) {
  return Send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
              std::string(more_headers) + "\r\n" + std::string(body));
}

void ScriptedServer::Peer::ShutDownWrite() { shutdown(fd_, SHUT_WR); }

bool ScriptedServer::Peer::StartTls(SSL_CTX* context) {
  ssl_ = SSL_new(context);
  SSL_set_fd(ssl_, fd_);
  return SSL_accept(ssl_) == 1;
}

void ScriptedServer::Peer::Reset() {
  const linger now{1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

std::string ScriptedServer::Peer::client_ip() const {
  SocketAddress address;
  socklen_t size = sizeof address.v6;
  getpeername(fd_, &address.any, &size);
  const std::string text = address.ToString();
  return text.substr(0, text.rfind(':'));
}

ScriptedServer::ScriptedServer(Script script, SSL_CTX* tls, const char* ip)
    : script_(std::move(script)), tls_(tls) {
  SocketAddress address = *SocketAddress::Parse(ip, 0);
  listener_ = socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK(bind(listener_, &address.any, address.size()) == 0);
  CHECK(listen(listener_, 512) == 0);
  socklen_t size = sizeof address.v6;
  CHECK(getsockname(listener_, &address.any, &size) == 0);
  port_ = address.port();
  accepting_ = std::thread([this] { Accept(); });
}

ScriptedServer::~ScriptedServer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const int fd : open_) shutdown(fd, SHUT_RDWR);
  }
  shutdown(listener_, SHUT_RDWR);
  accepting_.join();
  for (std::thread& thread : threads_) thread.join();
  close(listener_);
}

std::uint16_t ScriptedServer::ClosedPort() {
  SocketAddress address = *SocketAddress::Parse("127.0.0.1", 0);
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK(bind(fd, &address.any, address.size()) == 0);
  socklen_t size = sizeof address.v6;
  CHECK(getsockname(fd, &address.any, &size) == 0);
  close(fd);
  return address.port();
}

void ScriptedServer::Accept() {
  for (;;) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    const std::lock_guard lock(mutex_);
    if (stopping_ || fd < 0) {
      if (fd >= 0) close(fd);
      return;
    }
    const int index = accepted_++;
    open_.push_back(fd);
    threads_.emplace_back([this, fd, index] { Serve(fd, index); });
  }
}

void ScriptedServer::Serve(int fd, int index) {
  // OpenSSL's sockets raise SIGPIPE; only the thread that writes gets it.
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  Peer peer(fd);
  peer.index_ = index;
  if (tls_ == nullptr || peer.StartTls(tls_)) script_(peer);
  const std::lock_guard lock(mutex_);
  std::erase(open_, fd);
  close(fd);
}

}  // namespace ronda::net
