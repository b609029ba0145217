#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/core/status.h"
#include "net/address.h"
#include "net/http_client.h"
#include "net/reactor.h"

namespace ronda::net {

// Somebody who waits for a name. Withdrawn by its destructor.
class ResolveWaiter {
 public:
  ResolveWaiter() = default;
  virtual ~ResolveWaiter();
  ResolveWaiter(const ResolveWaiter&) = delete;
  ResolveWaiter& operator=(const ResolveWaiter&) = delete;
  // The addresses in the order in which to try them (port 0), or why there are none. Called on the
  // reactor's thread, never from inside Resolve.
  virtual void OnResolved(const std::vector<SocketAddress>& addresses, std::string_view error) = 0;
  // No longer waits.
  void Withdraw();

 private:
  friend class Resolver;
  std::vector<ResolveWaiter*>* waiting_in_ = nullptr;
};

// Name to addresses, for the clients of one reactor thread. getaddrinfo runs on helper threads that
// are started when first needed; answers are kept for `ttl_ns` and handed out in turn, so that
// connections spread over all addresses of a name. Failures are not kept.
class Resolver {
 public:
  Resolver(Reactor& reactor, std::uint64_t ttl_ns);
  ~Resolver();

  // Fills `addresses` at once and returns true for literals, --resolve overrides and kept answers;
  // otherwise returns false and calls `waiter` later.
  [[nodiscard]] bool Resolve(std::string_view host, std::uint16_t port, const Transport& transport,
                             std::vector<SocketAddress>& addresses, ResolveWaiter& waiter);

 private:
  struct Entry {
    std::vector<SocketAddress> addresses;  // the preferred family first
    std::size_t preferred = 0;  // how many are of it
    std::uint64_t expires_ns = 0;
    std::size_t turn = 0;
    std::vector<ResolveWaiter*> waiters;
  };
  struct Shared;  // with the helper threads; outlives the resolver while a lookup hangs

  void OnAnswer(const std::string& key, const std::vector<SocketAddress>& addresses,
                const std::string& error);
  static void HandOut(Entry& entry, std::vector<SocketAddress>& addresses);

  Reactor& reactor_;
  const std::uint64_t ttl_ns_;
  std::unordered_map<std::string, Entry> entries_;  // by family digit and name
  std::string key_;  // scratch
  std::shared_ptr<Shared> shared_;
};

// InvalidArgument, saying what would be right, unless it is "host:port:address".
[[nodiscard]] base::Status CheckResolveEntry(std::string_view entry);

// The address that a "host:port:address" entry (port "*": any; address may be in brackets) gives for
// host and port; the first match counts. As curl's --resolve.
[[nodiscard]] std::optional<SocketAddress> ResolveOverride(const std::vector<std::string>& entries,
                                                           std::string_view host,
                                                           std::uint16_t port);

}  // namespace ronda::net
