#include "net/address.h"

#include <arpa/inet.h>
#include <net/if.h>

#include <algorithm>

namespace ronda::net {

std::optional<SocketAddress> SocketAddress::Parse(std::string_view ip, std::uint16_t port) {
  char text[INET6_ADDRSTRLEN + 1 + IF_NAMESIZE] = {};
  if (ip.empty() || ip.size() >= sizeof text) return std::nullopt;
  const std::size_t zone = std::min(ip.find('%'), ip.size());
  ip.copy(text, zone);
  SocketAddress address;
  if (zone == ip.size() && inet_pton(AF_INET, text, &address.v4.sin_addr) == 1) {
    address.any.sa_family = AF_INET;
  } else if (inet_pton(AF_INET6, text, &address.v6.sin6_addr) == 1) {
    address.any.sa_family = AF_INET6;
    if (zone != ip.size()) {
      address.v6.sin6_scope_id = if_nametoindex(std::string(ip.substr(zone + 1)).c_str());
    }
  } else {
    return std::nullopt;
  }
  address.set_port(port);
  return address;
}

void SocketAddress::set_port(std::uint16_t port) {
  if (family() == AF_INET) {
    v4.sin_port = htons(port);
  } else {
    v6.sin6_port = htons(port);
  }
}

std::uint16_t SocketAddress::port() const {
  return ntohs(family() == AF_INET ? v4.sin_port : v6.sin6_port);
}

std::string SocketAddress::ToString() const {
  char text[INET6_ADDRSTRLEN] = {};
  if (family() == AF_INET) {
    inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    return std::string(text) + ":" + std::to_string(port());
  }
  inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
  return "[" + std::string(text) + "]:" + std::to_string(port());
}

}  // namespace ronda::net
