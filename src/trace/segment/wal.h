#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/core/status.h"
#include "trace/segment/file_system.h"

namespace ronda::trace::segment {

// How a record's body is compressed.
enum class BodyEncoding : std::uint8_t { kIdentity = 0, kZstd = 1, kGzip = 2 };
// What the body is.
enum class Signal : std::uint8_t { kTraces = 0, kLogs = 1, kMetrics = 2 };

// One request as it was received; the texts are borrowed.
struct WalRecord {
  std::uint64_t sequence = 0;  // its number, when it is read back
  std::uint64_t received_ns = 0;  // since 1970
  Signal signal = Signal::kTraces;
  BodyEncoding encoding = BodyEncoding::kIdentity;
  std::uint64_t raw_size = 0;  // of the body when decompressed
  std::string_view note = {};  // what its writer wants to find again with it; any bytes
  std::string_view body;
};

// Writes one file of the write-ahead log (docs/formats/trace-wal.md). Owned by one thread.
class WalWriter {
 public:
  // A new file whose first record gets sequence number `first`. Nothing of it is durable yet.
  [[nodiscard]] static base::Result<std::unique_ptr<WalWriter>> Create(FileSystem& files,
                                                                       const std::string& name,
                                                                       std::uint64_t first);
  // Takes the record; returns its sequence number. In memory only until Commit.
  std::uint64_t Append(const WalRecord& record);
  // Writes and syncs everything appended, in one go. After a failure the file is given up: continue
  // in a new one whose `first` is the first number that was not committed.
  [[nodiscard]] base::Status Commit();

  [[nodiscard]] std::uint64_t first() const { return first_; }
  [[nodiscard]] std::uint64_t next() const { return next_; }
  [[nodiscard]] std::size_t uncommitted_bytes() const { return buffer_.size(); }
  [[nodiscard]] std::uint64_t file_bytes() const { return file_bytes_; }

 private:
  WalWriter(FileSystem& files, std::unique_ptr<WritableFile> file, std::uint64_t first);

  FileSystem& files_;
  std::unique_ptr<WritableFile> file_;
  std::uint64_t first_;
  std::uint64_t next_;
  std::uint64_t file_bytes_ = 0;
  bool named_ = false;  // the folder is synced: the file's name is durable
  std::string buffer_;
};

// What is in a file of the log besides good records.
struct WalDamage {
  std::uint64_t torn_bytes = 0;  // a tail that was never completely written
  std::uint64_t damaged_bytes = 0;  // between good records, or the header
  std::uint64_t lost_records = 0;  // numbers that are missing between good records
};

// Calls `visit(sequence, record)` for each good record of a file's bytes, in order, up to the first
// error it returns. Foreign bytes never crash it. FailedPrecondition for a newer version.
[[nodiscard]] base::Status ReadWal(
    std::string_view bytes, WalDamage& damage,
    const std::function<base::Status(std::uint64_t, const WalRecord&)>& visit);
// The number of the file's first record, or DataLoss.
[[nodiscard]] base::Result<std::uint64_t> FirstOfWal(std::string_view bytes);

}  // namespace ronda::trace::segment
