#include "base/core/ids.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/core/check.h"
#include "base/core/random.h"

namespace ronda::base {
namespace {

constexpr std::uint64_t kMask42 = (std::uint64_t{1} << 42) - 1;

// The first non-loopback IPv4 address of an interface that is up, else an FNV-1a hash of the host
// name with the top byte 0 (a "this network" address, RFC 6890, that no machine can have).
std::uint32_t MachineAddress() {
  ifaddrs* list = nullptr;
  std::uint32_t found = 0;
  if (getifaddrs(&list) == 0) {
    for (const ifaddrs* i = list; i != nullptr && found == 0; i = i->ifa_next) {
      if (i->ifa_addr == nullptr || i->ifa_addr->sa_family != AF_INET) continue;
      if ((i->ifa_flags & IFF_LOOPBACK) != 0 || (i->ifa_flags & IFF_UP) == 0) continue;
      sockaddr_in address;
      std::memcpy(&address, i->ifa_addr, sizeof address);
      found = ntohl(address.sin_addr.s_addr);
    }
    freeifaddrs(list);
  }
  if (found != 0) return found;
  char name[256] = {};
  gethostname(name, sizeof name - 1);
  std::uint32_t hash = 2166136261u;
  for (const char* c = name; *c != '\0'; ++c) {
    hash = (hash ^ static_cast<unsigned char>(*c)) * 16777619u;
  }
  return hash & 0x00ff'ffffu;
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

Environment EnvironmentNamed(std::string_view name) {
  static constexpr std::pair<std::string_view, Environment> kKnown[] = {
      {"development", Environment::kDevelopment},
      {"test", Environment::kTest},
      {"stress", Environment::kStress},
      {"pre-release", Environment::kPreRelease},
      {"gray", Environment::kGray},
      {"production", Environment::kProduction}};
  for (const auto& [known, environment] : kKnown) {
    if (known == name) return environment;
  }
  return Environment::kUnknown;
}

TraceId Encode(const TraceIdParts& parts) {
  TraceId id;
  id.high = (parts.unix_ms & kMask42) << 22 | (parts.process & 0x3f'ffffu);
  id.low = static_cast<std::uint64_t>(parts.ipv4) << 32 |
           (static_cast<std::uint64_t>(parts.environment) & 0xf) << 28 |
           (static_cast<std::uint64_t>(parts.random) & 0xfff) << 16 | parts.counter;
  return id;
}

TraceIdParts Decode(TraceId id) {
  TraceIdParts parts;
  parts.unix_ms = id.high >> 22;
  parts.process = static_cast<std::uint32_t>(id.high & 0x3f'ffffu);
  parts.ipv4 = static_cast<std::uint32_t>(id.low >> 32);
  parts.environment = static_cast<Environment>(id.low >> 28 & 0xf);
  parts.random = static_cast<std::uint16_t>(id.low >> 16 & 0xfff);
  parts.counter = static_cast<std::uint16_t>(id.low);
  return parts;
}

void WriteHex(std::uint64_t value, int digits, char* out) {
  static constexpr char kDigits[] = "0123456789abcdef";
  for (int i = digits - 1; i >= 0; --i) {
    out[i] = kDigits[value & 0xf];
    value >>= 4;
  }
}

std::string ToHex(TraceId id) {
  std::string hex(32, '0');
  WriteHex(id.high, 16, hex.data());
  WriteHex(id.low, 16, hex.data() + 16);
  return hex;
}

std::optional<TraceId> ParseTraceId(std::string_view hex) {
  if (hex.size() != 32) return std::nullopt;
  TraceId id;
  for (std::size_t i = 0; i < 32; ++i) {
    const int digit = HexDigit(hex[i]);
    if (digit < 0) return std::nullopt;
    std::uint64_t& half = i < 16 ? id.high : id.low;
    half = half << 4 | static_cast<std::uint64_t>(digit);
  }
  if (!id.valid()) return std::nullopt;
  return id;
}

TraceIdGenerator::TraceIdGenerator(Environment environment, int lane) {
  CHECK(lane >= 0 && lane < 64);
  Random random = Random::FromEntropy();
  parts_.process = static_cast<std::uint32_t>(getpid());
  parts_.ipv4 = MachineAddress();
  parts_.environment = environment;
  parts_.random = static_cast<std::uint16_t>(lane << 6 | static_cast<int>(random.Below(64)));
  parts_.counter = static_cast<std::uint16_t>(random());
}

TraceId TraceIdGenerator::Next(std::uint64_t unix_ms) {
  if (unix_ms > parts_.unix_ms) {
    parts_.unix_ms = unix_ms;
    made_in_ms_ = 0;
  } else if (made_in_ms_ == 65'536) {
    ++parts_.unix_ms;
    made_in_ms_ = 0;
  }
  ++made_in_ms_;
  ++parts_.counter;
  return Encode(parts_);
}

TraceParent FormatTraceParent(TraceId trace, std::uint64_t span, Sampled sampled) {
  TraceParent out;
  out[0] = out[1] = '0';
  out[2] = out[35] = out[52] = '-';
  WriteHex(trace.high, 16, out.data() + 3);
  WriteHex(trace.low, 16, out.data() + 19);
  WriteHex(span, 16, out.data() + 36);
  out[53] = '0';
  out[54] = sampled == Sampled::kYes ? '1' : '0';
  return out;
}

}  // namespace ronda::base
