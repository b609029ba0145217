#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "wire/otlp/model.h"

namespace ronda::wire::otlp {

// Texts of two parts, so that they need not be put together for every span. Borrowed.
struct Technology {
  std::string_view category;  // "db/", "messaging/", "rpc/", "http" or ""
  std::string_view system;
};
struct Peer {
  std::string_view name;
  std::int64_t port = 0;  // 0: none, or one that goes without saying
};
// "name", or "name:port".
[[nodiscard]] std::string TextOf(const Peer& peer);
[[nodiscard]] std::string TextOf(const Technology& technology);

// What a span's attributes say of what it did and with whom, by OpenTelemetry's semantic conventions:
// names of 1.20 and before, and those since. Borrows the attributes.
class Semantics {
 public:
  explicit Semantics(std::span<const Attribute> attributes);

  // ronda.run: the drill that the span belongs to.
  [[nodiscard]] std::string_view run() const { return Text(kRun); }
  // By db.system, messaging.system, rpc.system, or an HTTP method.
  [[nodiscard]] Technology technology() const;
  // With whom a span of this kind talked: peer.service; else the queue or topic of a producer or consumer,
  // or the address of what a client called, with its port unless that is 80 or 443, or the database, the
  // RPC service. Of other kinds only peer.service.
  [[nodiscard]] Peer PeerOf(std::int32_t kind) const;

 private:
  enum Name : std::uint8_t {
    kRun,
    kPeerService,
    kAddress,
    kPort,
    kSocketAddress,
    kUrl,
    kHost,
    kDbSystem,
    kDbName,
    kMessagingSystem,
    kDestination,
    kRpcSystem,
    kRpcService,
    kHttpMethod,
    kNone,
  };
  [[nodiscard]] static Name NameOf(std::string_view key);
  [[nodiscard]] Peer Address() const;

  [[nodiscard]] std::string_view Text(Name name) const {
    return found_[name] == nullptr ? std::string_view() : found_[name]->value().bytes();
  }

  std::array<const Attribute*, kNone> found_ = {};
};

}  // namespace ronda::wire::otlp
