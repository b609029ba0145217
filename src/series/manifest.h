#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/status.h"

namespace ronda::series {

// Which files a store of series consists of: the one file that changes as a whole (docs/formats/series.md,
// "Manifest"). A value.
struct Manifest {
  struct Entry {
    std::uint64_t id = 0;  // its file is FileName(id)
    std::uint64_t bytes = 0;
    std::uint64_t step_s = 0;
    std::uint64_t first_s = 0, last_s = 0;
    std::uint64_t points = 0;
    bool operator==(const Entry&) const = default;
  };
  std::uint64_t next_id = 1;
  std::uint64_t through = 0;  // contributions up to this number are in the files
  std::uint64_t lost_points = 0;  // in files that were set aside as damaged
  std::vector<Entry> files;  // as they were made
  bool operator==(const Manifest&) const = default;
};

inline constexpr std::string_view kManifestName = "SERIES";
inline constexpr std::string_view kFilePrefix = "series-";
[[nodiscard]] std::string FileName(std::uint64_t id);

[[nodiscard]] std::string EncodeManifest(const Manifest& manifest);
// DataLoss when damaged, FailedPrecondition when a newer Ronda wrote it.
[[nodiscard]] base::Result<Manifest> DecodeManifest(std::string_view bytes);

}  // namespace ronda::series
