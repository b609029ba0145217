#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

// What the meters of spans and of metrics have in common.
namespace ronda::trace::ingest {

inline constexpr std::uint64_t kNsPerSecond = 1'000'000'000;
inline constexpr std::uint64_t kStepS = 10;

// The begin of the step that a time falls into; of the receipt's where a sender's clock cannot be right: an
// hour late, a minute early.
[[nodiscard]] constexpr std::uint64_t StepOf(std::uint64_t time_ns, std::uint64_t received_s) {
  constexpr std::uint64_t kLateS = 3600, kEarlyS = 60;
  std::uint64_t time_s = time_ns / kNsPerSecond;
  if (time_s + kLateS < received_s || time_s > received_s + kEarlyS) time_s = received_s;
  return time_s - time_s % kStepS;
}

// A text of at most 256 bytes, cut between two characters.
[[nodiscard]] constexpr std::string_view Cut(std::string_view text) {
  constexpr std::size_t kMostText = 256;
  if (text.size() <= kMostText) return text;
  std::size_t end = kMostText;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end);
}

}  // namespace ronda::trace::ingest
