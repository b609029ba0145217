#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/status.h"
#include "trace/segment/census.h"

namespace ronda::trace::segment {

// What became of spans that were in segments and are no more.
enum class Gone : std::uint8_t {
  kExpired,  // with their partition
  kLost,  // in a segment that was set aside as damaged
  kSampledOut,  // with their trace, by a verdict of tail sampling
  kDeleted,  // on demand
};
inline constexpr std::size_t kGone = 4;

// Which segments a store consists of, and what became of the rest: the one file that changes as a
// whole (docs/formats/trace-segment.md, "Manifest"). A value.
struct Manifest {
  struct Entry {
    std::uint64_t id = 0;  // its file is SegmentName(id)
    std::uint64_t rows = 0;
    std::uint64_t bytes = 0;  // of the file
    std::uint64_t partition_ns = 0;
    std::uint64_t merged = 0;
    std::uint64_t received_ns = 0;  // the last of its spans came then; 0: not known
    bool sampled = false;  // only what is to be kept is in it
    std::shared_ptr<const Census> census = {};  // whose its rows are; null: not known
  };
  std::uint64_t next_id = 1;
  std::uint64_t sealed_through = 0;  // records of the log up to this number are in segments
  std::uint64_t lost_records = 0;  // of the log up to there, damaged before they were in segments
  std::array<Census, kGone> gone;
  std::vector<Entry> segments;  // oldest first
  std::string note;  // of the store's owner, about the records up to sealed_through; any bytes

  [[nodiscard]] Census& Of(Gone gone_by) { return gone[static_cast<std::size_t>(gone_by)]; }
  [[nodiscard]] const Census& Of(Gone gone_by) const {
    return gone[static_cast<std::size_t>(gone_by)];
  }
};

inline constexpr std::string_view kManifestName = "MANIFEST";
[[nodiscard]] std::string SegmentName(std::uint64_t id);
[[nodiscard]] std::string WalName(std::uint64_t first);

[[nodiscard]] std::string EncodeManifest(const Manifest& manifest);
// DataLoss when damaged, FailedPrecondition when a newer Ronda wrote it.
[[nodiscard]] base::Result<Manifest> DecodeManifest(std::string_view bytes);

}  // namespace ronda::trace::segment
