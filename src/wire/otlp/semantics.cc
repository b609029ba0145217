#include "wire/otlp/semantics.h"

namespace ronda::wire::otlp {
namespace {

// Host and port of a URL (RFC 3986, 3.2); "" when it has none.
std::string_view HostOf(std::string_view url) {
  const std::size_t begin = url.find("://");
  if (begin == std::string_view::npos) return {};
  std::string_view host = url.substr(begin + 3);
  host = host.substr(0, host.find_first_of("/?#"));
  return host.substr(host.rfind('@') + 1);
}

}  // namespace

std::string TextOf(const Peer& peer) {
  std::string text(peer.name);
  if (peer.port != 0) text += ":" + std::to_string(peer.port);
  return text;
}

std::string TextOf(const Technology& technology) {
  return std::string(technology.category) + std::string(technology.system);
}

Semantics::Name Semantics::NameOf(std::string_view key) {
  switch (key.size()) {
    case 7: return key == "db.name" ? kDbName : kNone;
    case 8: return key == "url.full" || key == "http.url" ? kUrl : kNone;
    case 9:
      if (key == "db.system") return kDbSystem;
      if (key == "ronda.run") return kRun;
      return key == "http.host" ? kHost : kNone;
    case 10: return key == "rpc.system" ? kRpcSystem : kNone;
    case 11:
      if (key == "http.method") return kHttpMethod;
      if (key == "rpc.service") return kRpcService;
      if (key == "server.port") return kPort;
      return key == "net.peer.ip" ? kSocketAddress : kNone;
    case 12:
      if (key == "peer.service") return kPeerService;
      return key == "db.namespace" ? kDbName : kNone;
    case 13:
      if (key == "net.peer.name") return kAddress;
      return key == "net.peer.port" ? kPort : kNone;
    case 14:
      if (key == "server.address") return kAddress;
      return key == "db.system.name" ? kDbSystem : kNone;
    case 15: return key == "rpc.system.name" ? kRpcSystem : kNone;
    case 16: return key == "messaging.system" ? kMessagingSystem : kNone;
    case 19: return key == "http.request.method" ? kHttpMethod : kNone;
    case 20: return key == "network.peer.address" ? kSocketAddress : kNone;
    case 21: return key == "messaging.destination" ? kDestination : kNone;
    case 26: return key == "messaging.destination.name" ? kDestination : kNone;
    default: return kNone;
  }
}

Semantics::Semantics(std::span<const Attribute> attributes) {
  for (const Attribute& attribute : attributes) {
    const Name name = NameOf(attribute.key());
    if (name != kNone) found_[name] = &attribute;
  }
}

Technology Semantics::technology() const {
  if (!Text(kDbSystem).empty()) return {"db/", Text(kDbSystem)};
  if (!Text(kMessagingSystem).empty()) return {"messaging/", Text(kMessagingSystem)};
  if (!Text(kRpcSystem).empty()) return {"rpc/", Text(kRpcSystem)};
  return {Text(kHttpMethod).empty() ? "" : "http", ""};
}

Peer Semantics::PeerOf(std::int32_t kind) const {
  if (!Text(kPeerService).empty()) return {Text(kPeerService)};
  if (kind == kKindProducer || kind == kKindConsumer) {
    return Text(kDestination).empty() ? Address() : Peer{Text(kDestination)};
  }
  if (kind != kKindClient) return {};
  Peer peer = Address();
  for (const Name name : {kDbName, kRpcService, kDestination}) {
    if (peer.name.empty()) peer = {Text(name)};
  }
  return peer;
}

Peer Semantics::Address() const {
  std::int64_t port = found_[kPort] == nullptr ? 0 : found_[kPort]->value().integer();
  if (port == 80 || port == 443) port = 0;
  if (!Text(kAddress).empty()) return {Text(kAddress), port};
  if (const std::string_view host = HostOf(Text(kUrl)); !host.empty()) return {host};
  if (!Text(kHost).empty()) return {Text(kHost)};
  return {Text(kSocketAddress), Text(kSocketAddress).empty() ? 0 : port};
}

}  // namespace ronda::wire::otlp
