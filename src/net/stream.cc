#include "net/stream.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstddef>
#include <utility>

#include "net/tls.h"

namespace ronda::net {
Stream::Stream(Stream&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      ssl_(std::exchange(other.ssl_, nullptr)),
      ended_(other.ended_),
      failure_(std::move(other.failure_)) {}

Stream& Stream::operator=(Stream&& other) noexcept {
  if (this == &other) return *this;
  Close();
  fd_ = std::exchange(other.fd_, -1);
  ssl_ = std::exchange(other.ssl_, nullptr);
  ended_ = other.ended_;
  failure_ = std::move(other.failure_);
  return *this;
}

void Stream::Close() {
  if (ssl_ != nullptr) {
    // close_notify, if the socket takes it at once.
    if (SSL_in_init(ssl_) == 0) SSL_shutdown(ssl_);
    SSL_free(std::exchange(ssl_, nullptr));
    ERR_clear_error();
  }
  if (fd_ >= 0) close(std::exchange(fd_, -1));
}

Stream::Io Stream::Read(char* into, std::size_t room) {
  if (ssl_ != nullptr) return ReadTls(into, room);
  for (;;) {
    const ssize_t got = recv(fd_, into, room, 0);
    if (got > 0) return {Outcome::kOk, static_cast<std::size_t>(got)};
    if (got == 0) return {Outcome::kEnd, 0};
    if (errno == EAGAIN) return {Outcome::kAgain, 0};
    if (errno != EINTR) return FailWith("receive", errno);
  }
}

Stream::Io Stream::Write(const iovec* pieces, int count) {
  if (ssl_ != nullptr) return WriteTls(pieces, count);
  for (;;) {
    ssize_t sent = 0;
    if (count == 1) {
      sent = send(fd_, pieces->iov_base, pieces->iov_len, MSG_NOSIGNAL);
    } else {
      msghdr message{};
      message.msg_iov = const_cast<iovec*>(pieces);
      message.msg_iovlen = static_cast<std::size_t>(count);
      sent = sendmsg(fd_, &message, MSG_NOSIGNAL);
    }
    if (sent >= 0) return {Outcome::kOk, static_cast<std::size_t>(sent)};
    if (errno == EAGAIN) return {Outcome::kAgain, 0};
    if (errno != EINTR) return FailWith("send", errno);
  }
}

std::uint64_t Stream::Unacknowledged() const {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (getsockopt(fd_, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return 0;
  if (size < offsetof(tcp_info, tcpi_bytes_retrans) + sizeof info.tcpi_bytes_retrans) return 0;
  const std::uint64_t sent = info.tcpi_bytes_sent - info.tcpi_bytes_retrans;
  const std::uint64_t acknowledged = info.tcpi_bytes_acked;  // the SYN is among them
  return sent + 1 > acknowledged ? sent + 1 - acknowledged : 0;
}

Stream::Io Stream::ReadTls(char* into, std::size_t room) {
  std::size_t total = 0;
  errno = 0;
  while (total < room) {
    std::size_t got = 0;
    const int result = SSL_read_ex(ssl_, into + total, room - total, &got);
    if (result != 1) {
      const Io end = FailTls(result, "receive");
      if (total == 0) return end;
      if (end.outcome != Outcome::kAgain) ended_ = true;
      break;
    }
    total += got;
    if (SSL_has_pending(ssl_) == 0) break;
  }
  return {Outcome::kOk, total};
}

Stream::Io Stream::WriteTls(const iovec* pieces, int count) {
  std::size_t total = 0;
  errno = 0;
  for (int i = 0; i < count; ++i) {
    std::size_t left = pieces[i].iov_len;
    const char* from = static_cast<const char*>(pieces[i].iov_base);
    while (left > 0) {
      std::size_t sent = 0;
      const int result = SSL_write_ex(ssl_, from, left, &sent);
      if (result != 1) {
        const Io end = FailTls(result, "send");
        return total > 0 ? Io{Outcome::kOk, total} : end;
      }
      from += sent;
      left -= sent;
      total += sent;
    }
  }
  return {Outcome::kOk, total};
}

Stream::Io Stream::FailWith(std::string_view what, int errno_value) {
  failure_ = FailureFromErrno(what, errno_value);
  return {Outcome::kFailed, 0};
}

Stream::Io Stream::FailTls(int result, std::string_view what) {
  const int errno_value = errno;
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: return {Outcome::kAgain, 0};
    case SSL_ERROR_ZERO_RETURN: return {Outcome::kEnd, 0};
    case SSL_ERROR_SYSCALL:
      ERR_clear_error();
      if (errno_value != 0) return FailWith(what, errno_value);
      return {Outcome::kEnd, 0};
    default: break;
  }
  failure_ = {ErrorKind::kTls, std::string(what) + ": " + TakeTlsError()};
  return {Outcome::kFailed, 0};
}

}  // namespace ronda::net
