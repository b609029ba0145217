#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/address.h"
#include "net/error_kind.h"
#include "net/reactor.h"
#include "net/resolver.h"

namespace ronda::net {

// Told how dialing ended, once; possibly from inside Dialer::Start.
class DialHandler {
 public:
  virtual ~DialHandler() = default;
  // `fd` is connected, non-blocking, the taker's, and still registered with the reactor: the taker
  // calls Reactor::Modify with its own handler at once.
  virtual void OnDialed(int fd, const SocketAddress& peer) = 0;
  virtual void OnDialFailed(Failure failure) = 0;
};

// Looks a name up and makes one TCP connection to it. Addresses are tried in turn; when one does not
// answer for 250 ms the next is tried beside it, and the first to answer wins (RFC 8305, 5). Owned by
// who connects; one thread; the destructor gives everything up.
class Dialer final : private ResolveWaiter, private Timer {
 public:
  Dialer(Reactor& reactor, Resolver& resolver) : reactor_(reactor), resolver_(resolver) {}
  ~Dialer() override;

  // `source_turn` picks among the transport's source addresses. `host` is copied.
  void Start(std::string_view host, std::uint16_t port, const Transport& transport,
             std::uint64_t source_turn, DialHandler& handler);

  // Gives up: no call comes any more.
  void Cancel();

  // Durations in ns, so far.
  [[nodiscard]] std::uint64_t dns_ns() const;
  [[nodiscard]] std::uint64_t connect_ns() const;
  [[nodiscard]] bool resolving() const { return resolved_ns_ == 0; }

 private:
  struct Attempt final : FdHandler {
    explicit Attempt(Dialer& d) : dialer(d) {}
    void OnReady(std::uint32_t events) override;
    Dialer& dialer;
    int fd = -1;
    SocketAddress address;
  };

  void OnResolved(const std::vector<SocketAddress>& addresses, std::string_view error) override;
  void OnTimer() override { TryNext(); }
  void TryNext();
  // True when it is connected or under way.
  bool Try(const SocketAddress& address);
  bool BindSource(int fd, const SocketAddress& target);
  void Fail(Attempt& attempt, int errno_value);
  void GiveUpIfAllFailed();
  void Succeed(Attempt& attempt);
  void Close(Attempt& attempt);

  Reactor& reactor_;
  Resolver& resolver_;
  const Transport* transport_ = nullptr;
  DialHandler* handler_ = nullptr;
  std::string host_;
  std::uint16_t port_ = 0;
  std::uint64_t source_turn_ = 0;
  std::vector<SocketAddress> addresses_;
  std::size_t next_ = 0;  // of addresses_
  std::vector<std::unique_ptr<Attempt>> attempts_;
  std::size_t running_ = 0;
  Failure failure_;  // of the last attempt that failed
  std::uint64_t started_ns_ = 0;
  std::uint64_t resolved_ns_ = 0;
  std::uint64_t connected_ns_ = 0;
};

}  // namespace ronda::net
