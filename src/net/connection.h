#pragma once

#include <sys/epoll.h>

#include <cstdint>
#include <string>

#include "net/client_core.h"
#include "net/stream.h"

namespace ronda::net {

// Of a connection or what becomes one.
inline constexpr std::uint32_t kReadEvents = EPOLLIN | EPOLLRDHUP;
inline constexpr std::uint32_t kEndEvents = EPOLLRDHUP | EPOLLHUP | EPOLLERR;

// How an established connection is reached and what it showed.
struct Established {
  Stream stream;
  std::string remote;            // "127.0.0.1:80"
  std::string
      proxy_prefix;      // "http://host:port" in front of every target (HTTP by proxy), or empty
  std::string proxy_authorization;
  std::unique_ptr<TlsInfo> tls;  // null in the clear
};

// A connection that carries exchanges. Owned by its session until Close, which buries it: its memory
// lives to the end of the wake-up. One thread.
class Connection : public Disposable, public FdHandler {
 public:
  Connection(ClientCore& core, HttpSession::Impl& session, Origin origin, Established established);
  ~Connection() override;

  [[nodiscard]] const Origin& origin() const { return origin_; }
  [[nodiscard]] HttpSession::Impl& session() { return session_; }
  [[nodiscard]] int fd() const { return established_.stream.fd(); }
  // Whether a request may be started now.
  [[nodiscard]] virtual bool CanTake() const = 0;
  // Whether it speaks a protocol that may take more later, so that waiting is worth it.
  [[nodiscard]] virtual bool WillTake() const = 0;
  // Whether it carries many exchanges at once.
  [[nodiscard]] virtual bool multiplexes() const = 0;
  // No exchange is on it.
  [[nodiscard]] virtual bool idle() const = 0;
  // The events it waits for while it has nothing left to send. Edges cost less than levels. Not with
  // TLS: a record that was read says nothing of what the socket holds.
  [[nodiscard]] std::uint32_t read_events() const {
    return established_.tls == nullptr ? kReadEvents | EPOLLET : kReadEvents;
  }
  // Sends the request. Never calls the handler; failures come later.
  virtual void Start(Exchange& exchange) = 0;
  // Gives the exchange up without a word to its handler.
  virtual void Abandon(Exchange& exchange) = 0;
  // The same, because its time is over.
  virtual void Expire(Exchange& exchange) { Abandon(exchange); }
  [[nodiscard]] const std::string& remote() const { return established_.remote; }
  // Whether Start has been called before: then the peer may have closed meanwhile.
  [[nodiscard]] bool used() const { return used_; }
  [[nodiscard]] bool closed() const { return closed_; }

  void Close();

 protected:
  ClientCore& core_;
  HttpSession::Impl& session_;
  const Origin origin_;
  Established established_;
  bool used_ = false;
  bool closed_ = false;
  bool end_announced_ = false;  // by kEndEvents: it waits behind the bytes, and is told only once
};

}  // namespace ronda::net
