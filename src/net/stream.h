#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "net/error_kind.h"

typedef struct ssl_st SSL;

namespace ronda::net {

// A connected socket, in the clear or under TLS. Owns both; one thread. Never blocks.
class Stream {
 public:
  enum class Outcome : unsigned char { kOk, kAgain, kEnd, kFailed };
  struct Io {
    Outcome outcome = Outcome::kOk;
    std::size_t size = 0;  // bytes moved, with kOk
  };

  Stream() = default;
  // Takes `fd`.
  explicit Stream(int fd) : fd_(fd) {}
  ~Stream() { Close(); }
  Stream(Stream&& other) noexcept;
  Stream& operator=(Stream&& other) noexcept;

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] SSL* ssl() const { return ssl_; }

  // Goes on under TLS; takes `ssl`.
  void SetTls(SSL* ssl) { ssl_ = ssl; }

  // One recv in the common case. A full buffer means that there may be more.
  [[nodiscard]] Io Read(char* into, std::size_t room);
  // One send in the common case; may take only a part.
  [[nodiscard]] Io Write(const iovec* pieces, int count);
  // Why the last Read or Write returned kFailed.
  [[nodiscard]] const Failure& failure() const { return failure_; }
  // Under TLS the end of the stream may have been seen behind the bytes of the last Read.
  [[nodiscard]] bool ended() const { return ended_; }
  // Of the bytes that left us, how many the peer's kernel has not acknowledged: its program cannot
  // have seen them. 0 when that is not known. A system call.
  [[nodiscard]] std::uint64_t Unacknowledged() const;

  // The caller has taken the descriptor out of the reactor.
  void Close();

 private:
  Io ReadTls(char* into, std::size_t room);
  Io WriteTls(const iovec* pieces, int count);
  Io FailWith(std::string_view what, int errno_value);
  Io FailTls(int result, std::string_view what);

  int fd_ = -1;
  SSL* ssl_ = nullptr;
  bool ended_ = false;
  Failure failure_;
};

}  // namespace ronda::net
