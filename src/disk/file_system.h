#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/status.h"

namespace ronda::disk {

// A file being written, front to back. Owned by one thread; closed when destroyed.
class WritableFile {
 public:
  virtual ~WritableFile() = default;
  // After a failure some of the bytes may have been written.
  [[nodiscard]] virtual base::Status Append(std::string_view bytes) = 0;
  // Returns once everything appended survives a power cut. After a failure nothing is known about
  // what was appended since the last success: give the file up.
  [[nodiscard]] virtual base::Status Sync() = 0;
};

// A file that no longer changes. Any thread.
class ReadableFile {
 public:
  virtual ~ReadableFile() = default;
  [[nodiscard]] virtual std::uint64_t size() const = 0;
  // Exactly `size` bytes from `offset` on replace `out`; DataLoss when the file is shorter.
  [[nodiscard]] virtual base::Status Read(std::uint64_t offset, std::uint64_t size,
                                          std::string& out) const = 0;
};

// One folder of files, so that tests own what a disk does. Names have no slash. Any thread.
class FileSystem {
 public:
  virtual ~FileSystem() = default;
  // A new, empty file, whatever stood there.
  [[nodiscard]] virtual base::Result<std::unique_ptr<WritableFile>> Create(
      const std::string& name) = 0;
  [[nodiscard]] virtual base::Result<std::unique_ptr<ReadableFile>> Open(
      const std::string& name) = 0;
  [[nodiscard]] virtual base::Result<std::vector<std::string>> List() = 0;
  [[nodiscard]] virtual base::Status Rename(const std::string& from, const std::string& to) = 0;
  [[nodiscard]] virtual base::Status Remove(const std::string& name) = 0;
  // Returns once creations, renames and removals survive a power cut.
  [[nodiscard]] virtual base::Status SyncFolder() = 0;
  // The same file, which must not change any more, under its name in `to` too. FailedPrecondition
  // where the disk cannot do that.
  [[nodiscard]] virtual base::Status LinkInto(FileSystem& to, const std::string& name) = 0;
};

// A folder of the machine, made if it is missing.
[[nodiscard]] base::Result<std::unique_ptr<FileSystem>> OpenFolder(const std::string& path);

// Writes `bytes` as `name` so that at any moment, whatever fails, either the old file or the whole
// new one stands there: a file beside it, synced, renamed, and the folder synced.
[[nodiscard]] base::Status WriteWhole(FileSystem& files, const std::string& name,
                                      std::string_view bytes);
// What WriteWhole's unfinished files end in.
inline constexpr std::string_view kUnfinished = ".unfinished";

[[nodiscard]] base::Result<std::string> ReadWhole(FileSystem& files, const std::string& name);

}  // namespace ronda::disk
