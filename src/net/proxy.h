#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/core/status.h"

namespace ronda::net {

// An HTTP proxy. A value.
struct ProxyServer {
  std::string host;
  std::uint16_t port = 0;
  std::string authorization;  // the value of Proxy-Authorization; empty: none
};

// "http://[user:password@]host:port"; without a scheme http is meant. Unimplemented for proxies that
// are spoken to by TLS or SOCKS.
[[nodiscard]] base::Result<ProxyServer> ParseProxy(std::string_view text);

// Whether `no_proxy` (comma-separated: names, which also cover what ends in ".name", addresses, "*",
// each with an optional ":port") exempts the host.
[[nodiscard]] bool BypassesProxy(std::string_view no_proxy, std::string_view host,
                                 std::uint16_t port);

// The usual environment variables; the caller reads them (lower case first, and HTTP_PROXY in upper
// case never inside CGI).
struct ProxyEnvironment {
  std::string http_proxy;
  std::string https_proxy;
  std::string all_proxy;
  std::string no_proxy;
};
enum class Scheme : std::uint8_t { kHttp, kHttps };
// What belongs into Transport::proxy for URLs of that scheme, by curl's rules; may be empty.
[[nodiscard]] const std::string& ProxyFor(const ProxyEnvironment& environment, Scheme scheme);

}  // namespace ronda::net
