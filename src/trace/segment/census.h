#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "base/core/status.h"
#include "trace/segment/columns.h"

namespace ronda::trace::segment {

// Whose spans they are: who took them in ("otlp-http"; "" where that is not known) and the service
// that sent them ("" where its resource does not say).
struct Origin {
  std::string receiver;
  std::string service;
  auto operator<=>(const Origin&) const = default;
};

// How many spans there are of each origin. A value.
class Census {
 public:
  // More origins than this share, of each receiver, the service kOther.
  static constexpr std::size_t kMost = 10'000;
  static constexpr std::string_view kOther = "(other)";

  void Add(const Origin& origin, std::uint64_t spans);
  void Add(const Census& other);
  // Takes away what `part` counts. An origin that has fewer of them (it is among the others here) goes
  // to 0, and the rest is taken from whoever has some: the total is right in any case.
  void Subtract(const Census& part);
  [[nodiscard]] std::uint64_t total() const;
  [[nodiscard]] bool Has(std::string_view service) const;
  [[nodiscard]] const std::map<Origin, std::uint64_t>& counts() const { return counts_; }
  bool operator==(const Census&) const = default;

 private:
  // Returns how many of `spans` could not be taken.
  std::uint64_t Take(const Origin& origin, std::uint64_t spans);

  std::map<Origin, std::uint64_t> counts_;  // no zeros
};

// Counts the rows of a block or segment, by their scopes. DataLoss when these are damaged.
[[nodiscard]] base::Result<Census> CensusOf(SpanColumns& columns);

// The resource attribute service.name; "" when there is none, or it is no text.
[[nodiscard]] std::string_view ServiceOf(const otlp::BatchParts& batch,
                                         const otlp::Resource& resource);

}  // namespace ronda::trace::segment
