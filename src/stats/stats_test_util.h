#pragma once

#include <cstdint>
#include <optional>

#include "stats/recorder.h"
#include "stats/shape.h"

// What the tests of this room share.
namespace ronda::stats {

inline constexpr std::uint64_t kSecond = 1'000'000'000;
inline constexpr std::uint64_t kStart = 1'000 * kSecond;

// One scenario "buy" of two exchanges, "login" and "order", and a local step "pause".
inline Shape TestShape() {
  Shape shape;
  shape.scenarios = {{"buy", "constant-arrival-rate"}};
  shape.steps = {{"login", 0, "http.request", StepKind::kExchange},
                 {"order", 0, "http.request", StepKind::kExchange},
                 {"pause", 0, "wait", StepKind::kLocal}};
  shape.checks = {{"status == 200", 0}, {"latency < 1s", 1}};
  shape.errors = {"", "connect-refused", "timeout"};
  return shape;
}

// A good exchange of the first step that began at `start_ns` and took `duration_ns`.
inline Exchange ExchangeAt(std::uint64_t start_ns, std::uint64_t duration_ns) {
  Exchange e;
  e.step = 0;
  e.start_ns = start_ns;
  e.end_ns = start_ns + duration_ns;
  e.status = 200;
  e.bytes_in = 100;
  e.bytes_out = 10;
  return e;
}

// How often this test binary has allocated; nothing where a sanitizer keeps that to itself.
[[nodiscard]] std::optional<std::uint64_t> AllocationsSoFar();

}  // namespace ronda::stats
