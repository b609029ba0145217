#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "wire/otlp/model.h"

namespace ronda::trace::ingest {

// What a span's attributes say of what it did and with whom, by OpenTelemetry's semantic conventions:
// names of 1.20 and before, and those since. Borrows the attributes.
class RedAttributes {
 public:
  explicit RedAttributes(std::span<const wire::otlp::Attribute> attributes);

  // ronda.run: the drill that the span belongs to.
  [[nodiscard]] std::string_view run() const { return text_[kRun]; }
  // "db/SYSTEM", "messaging/SYSTEM", "rpc/SYSTEM", "http" or "".
  void Technology(std::string& out) const;
  // With whom a span of this kind talked: peer.service; else the queue or topic of a producer or consumer,
  // or the address of what a client called, with its port unless that is 80 or 443, or the database, the
  // RPC service. Of other kinds only peer.service.
  void Peer(std::int32_t kind, std::string& out) const;

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
  void Address(std::string& out) const;

  std::array<std::string_view, kNone> text_;
  std::int64_t port_ = 0;
};

}  // namespace ronda::trace::ingest
