#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "disk/compression.h"
#include "series/value.h"

namespace ronda::series {

// What a file says of itself.
struct FileInfo {
  std::uint64_t step_s = 0;  // between two points of a series
  std::uint64_t first_s = 0, last_s = 0;  // times of its first and its last point
  std::uint64_t points = 0;
  std::uint64_t through = 0;  // the last contribution in it
  std::vector<std::uint64_t> replaces = {};  // files that it was made of
  bool operator==(const FileInfo&) const = default;
};

// Makes the bytes of a file of series (docs/formats/series.md). Owned by one thread; for one file.
class FileWriter {
 public:
  explicit FileWriter(std::uint64_t step_s);

  // The next series: keys ascend as bytes, times ascend and are multiples of the step. No points: it is
  // left out.
  void Add(std::string_view key, std::span<const Point> points);
  [[nodiscard]] bool empty() const { return info_.points == 0; }
  // The file; the writer is done with.
  [[nodiscard]] std::string Finish(std::uint64_t through, std::vector<std::uint64_t> replaces = {});
  // Complete after Finish.
  [[nodiscard]] const FileInfo& info() const { return info_; }

 private:
  void EndChunk();

  FileInfo info_;
  disk::Compressor compressor_;
  std::string out_, keys_, chunk_, chunks_, body_;
  std::uint64_t series_ = 0, chunk_series_ = 0, chunk_count_ = 0;
};

}  // namespace ronda::series
