#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace ronda::wire::otlp {

// What a decoder takes. Past the first limit the request is refused, past `item_bytes` the span,
// record or metric; past the others something is cut away from it, which its dropped counts say too.
struct Limits {
  std::size_t request_bytes = 64u << 20;  // after decompression; at most 1 GiB
  std::size_t item_bytes = 4u << 20;  // a span or a log record
  std::uint32_t attributes = 256;  // of a span, event, link, record, scope or resource
  std::uint32_t events = 1024;
  std::uint32_t links = 1024;
  std::uint32_t points = 256u << 10;  // data points of a request; the rest is refused
  std::uint32_t buckets = 1024;  // of a side of a histogram, and quantiles of a summary
  std::uint32_t key_bytes = 1024;
  std::uint32_t value_bytes = 256u << 10;  // a text is cut; an array or list is left out
  std::uint32_t depth = 16;  // arrays and lists inside each other; at most 64
};

// Why a span, record or data point was refused.
enum class Refusal : std::uint8_t {
  kTraceId,  // not 16 bytes, or all zero
  kSpanId,  // not 8 bytes, or all zero
  kParentId,  // neither absent nor 8 bytes
  kTooLarge,
  kPoint,  // a data point that says nothing, or contradicts itself
};
inline constexpr std::size_t kRefusals = 5;
// "bad trace id" and the like.
[[nodiscard]] std::string_view NameOf(Refusal refusal);

// What a decoder did with a request.
struct DecodeReport {
  std::uint64_t accepted = 0;
  std::array<std::uint64_t, kRefusals> refused{};
  std::uint64_t attributes_cut = 0;  // left out: too many, the key too long, too deep, too large
  std::uint64_t values_cut = 0;  // shortened
  std::uint64_t events_cut = 0;
  std::uint64_t links_cut = 0;  // too many, or with bad ids

  [[nodiscard]] std::uint64_t total_refused() const;
  [[nodiscard]] bool clean() const { return total_refused() == 0 && total_cut() == 0; }
  [[nodiscard]] std::uint64_t total_cut() const {
    return attributes_cut + values_cut + events_cut + links_cut;
  }
  // For the reply: "2 of 10 refused: bad trace id 2; cut: attributes 3". "" when clean.
  [[nodiscard]] std::string Describe() const;
  void Add(const DecodeReport& other);
  bool operator==(const DecodeReport&) const = default;
};

}  // namespace ronda::wire::otlp
