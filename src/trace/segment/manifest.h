#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/status.h"

namespace ronda::trace::segment {

// Which segments a store consists of, and what became of the rest: the one file that changes as a
// whole (docs/formats/trace-segment.md, "Manifest"). A value.
struct Manifest {
  struct Entry {
    std::uint64_t id = 0;  // its file is SegmentName(id)
    std::uint64_t rows = 0;
    std::uint64_t bytes = 0;  // of the file
    std::uint64_t partition_ns = 0;
    std::uint64_t merged = 0;
    bool operator==(const Entry&) const = default;
  };
  std::uint64_t next_id = 1;
  std::uint64_t sealed_through = 0;  // records of the log up to this number are in segments
  // Spans that were in segments and are no more.
  std::uint64_t expired = 0;
  std::uint64_t lost = 0;
  std::vector<Entry> segments;  // oldest first
  std::string note;  // of the store's owner, about the records up to sealed_through; any bytes
  bool operator==(const Manifest&) const = default;
};

inline constexpr std::string_view kManifestName = "MANIFEST";
[[nodiscard]] std::string SegmentName(std::uint64_t id);
[[nodiscard]] std::string WalName(std::uint64_t first);

[[nodiscard]] std::string EncodeManifest(const Manifest& manifest);
// DataLoss when damaged, FailedPrecondition when a newer Ronda wrote it.
[[nodiscard]] base::Result<Manifest> DecodeManifest(std::string_view bytes);

}  // namespace ronda::trace::segment
