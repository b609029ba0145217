#include "net/proxy.h"

#include <strings.h>

#include <algorithm>

#include "net/codec/auth.h"
#include "net/codec/url.h"

namespace ronda::net {
namespace {

std::string_view Trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

bool EqualIgnoringCase(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

// "name" covers itself and every name below it.
bool Covers(std::string_view entry, std::string_view host) {
  if (entry.starts_with('.')) entry.remove_prefix(1);
  if (entry.empty() || entry.size() > host.size()) return false;
  const std::size_t before = host.size() - entry.size();
  if (!EqualIgnoringCase(host.substr(before), entry)) return false;
  return before == 0 || host[before - 1] == '.';
}

}  // namespace

base::Result<ProxyServer> ParseProxy(std::string_view text) {
  const std::size_t scheme_end = text.find("://");
  const std::string_view scheme =
      scheme_end == std::string_view::npos ? "http" : text.substr(0, scheme_end);
  if (!EqualIgnoringCase(scheme, "http")) {
    return base::Unimplemented("a proxy spoken to by " + std::string(scheme) +
                               "; give one as http://host:port");
  }
  std::string with_scheme = scheme_end == std::string_view::npos ? "http://" : "";
  with_scheme.append(text);
  std::string storage;
  ASSIGN_OR_RETURN(const Url url, ParseUrl(with_scheme, storage));
  ProxyServer proxy{std::string(url.host), url.port, ""};
  if (url.userinfo.empty()) return proxy;
  const std::size_t colon = std::min(url.userinfo.find(':'), url.userinfo.size());
  std::string user, password;
  AppendPercentDecoded(url.userinfo.substr(0, colon), user);
  if (colon < url.userinfo.size()) AppendPercentDecoded(url.userinfo.substr(colon + 1), password);
  RETURN_IF_ERROR(AppendBasicAuth(user, password, proxy.authorization));
  return proxy;
}

bool BypassesProxy(std::string_view no_proxy, std::string_view host, std::uint16_t port) {
  while (!no_proxy.empty()) {
    const std::size_t comma = std::min(no_proxy.find(','), no_proxy.size());
    std::string_view entry = Trim(no_proxy.substr(0, comma));
    no_proxy.remove_prefix(std::min(comma + 1, no_proxy.size()));
    if (entry == "*") return true;
    // One colon is a port; several are an IPv6 address.
    const std::size_t colon = entry.find(':');
    if (colon != std::string_view::npos && entry.find(':', colon + 1) == std::string_view::npos) {
      if (entry.substr(colon + 1) != std::to_string(port)) continue;
      entry = entry.substr(0, colon);
    }
    if (Covers(entry, host)) return true;
  }
  return false;
}

const std::string& ProxyFor(const ProxyEnvironment& environment, Scheme scheme) {
  const std::string& own =
      scheme == Scheme::kHttps ? environment.https_proxy : environment.http_proxy;
  return own.empty() ? environment.all_proxy : own;
}

}  // namespace ronda::net
