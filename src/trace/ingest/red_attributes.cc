#include "trace/ingest/red_attributes.h"

namespace ronda::trace::ingest {
namespace {

namespace otlp = wire::otlp;

// Host and port of a URL (RFC 3986, 3.2); "" when it has none.
std::string_view HostOf(std::string_view url) {
  const std::size_t begin = url.find("://");
  if (begin == std::string_view::npos) return {};
  std::string_view host = url.substr(begin + 3);
  host = host.substr(0, host.find_first_of("/?#"));
  return host.substr(host.rfind('@') + 1);
}

}  // namespace

RedAttributes::Name RedAttributes::NameOf(std::string_view key) {
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

RedAttributes::RedAttributes(std::span<const otlp::Attribute> attributes) {
  for (const otlp::Attribute& attribute : attributes) {
    const Name name = NameOf(attribute.key());
    if (name == kNone) continue;
    text_[name] = attribute.value().bytes();
    if (name == kPort) port_ = attribute.value().integer();
  }
}

void RedAttributes::Technology(std::string& out) const {
  out.clear();
  const auto set = [&](std::string_view category, Name system) {
    if (text_[system].empty()) return false;
    out = category;
    out += text_[system];
    return true;
  };
  if (set("db/", kDbSystem) || set("messaging/", kMessagingSystem) || set("rpc/", kRpcSystem)) {
    return;
  }
  if (!text_[kHttpMethod].empty()) out = "http";
}

void RedAttributes::Peer(std::int32_t kind, std::string& out) const {
  out = text_[kPeerService];
  if (!out.empty()) return;
  if (kind == otlp::kKindProducer || kind == otlp::kKindConsumer) {
    out = text_[kDestination];
    if (out.empty()) Address(out);
    return;
  }
  if (kind != otlp::kKindClient) return;
  Address(out);
  for (const Name name : {kDbName, kRpcService, kDestination}) {
    if (out.empty()) out = text_[name];
  }
}

void RedAttributes::Address(std::string& out) const {
  out = text_[kAddress];
  if (out.empty()) out = HostOf(text_[kUrl]);
  if (out.empty()) out = text_[kHost];
  if (out.empty()) out = text_[kSocketAddress];
  const bool of_url = text_[kAddress].empty() && text_[kSocketAddress].empty();
  if (out.empty() || of_url || port_ == 0 || port_ == 80 || port_ == 443) return;
  out += ':';
  out += std::to_string(port_);
}

}  // namespace ronda::trace::ingest
