#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ronda::base {

// A W3C trace id: 16 bytes, big-endian on the wire. Ronda's own ids say where they were born (F162);
// from the most significant bit:
//
//   42 bits  milliseconds since 1970-01-01T00:00:00Z (until 2109)
//   22 bits  process id
//   32 bits  IPv4 address of the machine, or a hash of its name where it has none
//    4 bits  environment (Environment below)
//   12 bits  random per process: uniqueness never rests on process id and address alone
//   16 bits  counter of the process, which starts at random
//
// A process makes at most 65,536 ids a millisecond before the counter wraps into ids of the same
// millisecond; the generator then takes the next millisecond, so ids stay unique.
struct TraceId {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  [[nodiscard]] bool valid() const { return high != 0 || low != 0; }
  bool operator==(const TraceId&) const = default;
};

// Where an id was born; the letter is shown by `ronda trace decode`.
enum class Environment : std::uint8_t {
  kUnknown = 0,
  kDevelopment = 1,  // d
  kTest = 2,  // t
  kStress = 3,  // s
  kPreRelease = 4,  // p
  kGray = 5,  // g
  kProduction = 6,  // o (online)
};

// Of a name as definitions have it: "development", "test", "stress", "pre-release", "gray", "production";
// kUnknown for any other.
[[nodiscard]] Environment EnvironmentNamed(std::string_view name);

struct TraceIdParts {
  std::uint64_t unix_ms = 0;
  std::uint32_t process = 0;
  std::uint32_t ipv4 = 0;  // host byte order
  Environment environment = Environment::kUnknown;
  std::uint16_t random = 0;  // 12 bits
  std::uint16_t counter = 0;
};

[[nodiscard]] TraceId Encode(const TraceIdParts& parts);
[[nodiscard]] TraceIdParts Decode(TraceId id);

// 32 lower-case hex digits.
[[nodiscard]] std::string ToHex(TraceId id);
[[nodiscard]] std::optional<TraceId> ParseTraceId(std::string_view hex);
// Writes `digits` lower-case hex digits of `value` to `out`, most significant first.
void WriteHex(std::uint64_t value, int digits, char* out);

// Makes trace ids of one process. Owned by one thread; several generators of a process get disjoint
// ids by different `lane`s (0..63), which take the top bits of the 12 random ones.
class TraceIdGenerator {
 public:
  TraceIdGenerator(Environment environment, int lane);
  // `unix_ms`: now, milliseconds since 1970.
  [[nodiscard]] TraceId Next(std::uint64_t unix_ms);

 private:
  TraceIdParts parts_;
  std::uint32_t made_in_ms_ = 0;
};

// A value of the W3C traceparent header, 55 characters, without terminator:
// "00-<trace id>-<span id>-<flags>" (W3C Trace Context, level 1).
using TraceParent = std::array<char, 55>;
enum class Sampled : std::uint8_t { kNo = 0, kYes = 1 };
[[nodiscard]] TraceParent FormatTraceParent(TraceId trace, std::uint64_t span, Sampled sampled);

}  // namespace ronda::base
