#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/status.h"
#include "trace/segment/file_system.h"

namespace ronda::trace::ingest {

// The traces that tail sampling did not keep, so that spans which come late go the same way: a 64-bit
// hash of each, in files of one folder (docs/formats/trace-sampling.md). Owned by one thread.
class DroppedTraces {
 public:
  // Past so many the oldest are forgotten: 64 MiB.
  static constexpr std::size_t kMost = 8u << 20;
  // Files with fewer are joined with the next.
  static constexpr std::size_t kSmall = 128u << 10;

  // What was dropped within `remember_ns` is known. A damaged file is set aside; `notices()` says so.
  [[nodiscard]] static base::Result<DroppedTraces> Open(segment::FileSystem& files,
                                                        std::uint64_t remember_ns);

  // Those of `hashes` that were dropped; both ascending.
  [[nodiscard]] std::vector<std::uint64_t> Known(const std::vector<std::uint64_t>& hashes) const;
  // Durable when it returns Ok. `hashes` ascending. Forgets what is too old.
  [[nodiscard]] base::Status Add(const std::vector<std::uint64_t>& hashes, std::uint64_t now_ns);
  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] const std::vector<std::string>& notices() const { return notices_; }

 private:
  struct Round {
    std::uint64_t number = 0;  // its file's
    std::uint64_t decided_ns = 0;
    std::vector<std::uint64_t> hashes;  // ascending
  };

  DroppedTraces(segment::FileSystem& files, std::uint64_t remember_ns)
      : files_(&files), remember_ns_(remember_ns) {}
  void Forget(std::uint64_t now_ns);

  segment::FileSystem* files_;
  std::uint64_t remember_ns_;
  std::uint64_t next_ = 1;
  std::deque<Round> rounds_;  // oldest first
  std::vector<std::string> notices_;
};

// A file's bytes, and the way back; DataLoss when damaged, FailedPrecondition when a newer Ronda wrote
// it.
struct DroppedFile {
  std::uint64_t decided_ns = 0;
  std::vector<std::uint64_t> hashes;
};
[[nodiscard]] std::string EncodeDropped(const DroppedFile& file);
[[nodiscard]] base::Result<DroppedFile> DecodeDropped(std::string_view bytes);

}  // namespace ronda::trace::ingest
