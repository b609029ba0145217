#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/status.h"
#include "disk/file_system.h"
#include "series/file_format.h"
#include "series/file_writer.h"
#include "series/key_index.h"
#include "series/value.h"

namespace ronda::series {

// A file of series, open for reading. Never changes; any thread, through cursors of its own.
class File {
 public:
  // DataLoss when it is damaged, FailedPrecondition when a newer Ronda wrote it.
  [[nodiscard]] static base::Result<std::unique_ptr<File>> Open(
      std::unique_ptr<disk::ReadableFile> file);

  [[nodiscard]] const FileInfo& info() const { return info_; }
  [[nodiscard]] std::uint64_t bytes() const { return file_->size(); }
  // Keys ascend as bytes.
  [[nodiscard]] std::size_t series() const { return keys_.size(); }
  [[nodiscard]] std::string_view KeyAt(std::size_t series) const { return keys_[series]; }
  [[nodiscard]] const KeyIndex& index() const { return index_; }

 private:
  friend class FileCursor;
  struct Chunk {
    Piece piece;
    std::size_t first = 0;  // series
    std::size_t count = 0;
  };

  File() = default;
  base::Status ReadFooter(std::string_view footer, Piece& keys, std::uint64_t& series);
  base::Status ReadKeys(const Piece& piece, std::uint64_t series);
  base::Status ReadPieceBytes(const Piece& piece, disk::Decompressor& decompressor,
                              std::string& packed, std::string& out) const;

  std::unique_ptr<disk::ReadableFile> file_;
  FileInfo info_;
  std::vector<Chunk> chunks_;
  std::string key_bytes_;
  std::vector<std::string_view> keys_;
  KeyIndex index_;
};

// Reads the points of a file's series, best in their order. One thread.
class FileCursor {
 public:
  explicit FileCursor(const File& file) : file_(file) {}

  // The points of series `series`, ascending in time; valid until the next call. DataLoss when damaged.
  [[nodiscard]] base::Status Read(std::size_t series, std::vector<Point>& points);

 private:
  base::Status Load(const File::Chunk& chunk);

  const File& file_;
  disk::Decompressor decompressor_;
  const File::Chunk* loaded_ = nullptr;
  std::string packed_, chunk_;
  std::vector<std::string_view> bodies_;  // of the chunk's series
};

}  // namespace ronda::series
