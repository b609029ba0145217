#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ronda::net {

// An IPv4 or IPv6 address with a port. A value.
struct SocketAddress {
  union {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
  };

  SocketAddress() : v6{} {}
  // `ip`: dotted quad or IPv6 without brackets, with an optional %zone. Nothing if it is no literal.
  [[nodiscard]] static std::optional<SocketAddress> Parse(std::string_view ip, std::uint16_t port);

  [[nodiscard]] int family() const { return any.sa_family; }
  [[nodiscard]] socklen_t size() const {
    return family() == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
  }
  void set_port(std::uint16_t port);
  [[nodiscard]] std::uint16_t port() const;
  // "127.0.0.1:80", "[::1]:80".
  [[nodiscard]] std::string ToString() const;
};

}  // namespace ronda::net
