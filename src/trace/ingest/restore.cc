#include "trace/ingest/restore.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "trace/segment/file_system.h"
#include "trace/segment/manifest.h"
#include "trace/segment/segment_reader.h"

namespace ronda::trace::ingest {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kCopiedAtOnce = 4u << 20;

bool IsLane(std::string_view name) { return name.starts_with("lane-"); }
bool IsLogs(std::string_view name) { return name.starts_with("logs-"); }

bool IsRest(std::string_view name) { return name.starts_with("metrics-") || name == "sampling"; }

base::Result<std::vector<std::string>> FoldersIn(const std::string& path) {
  std::error_code error;
  std::vector<std::string> folders;
  for (fs::directory_iterator at(path, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename();
    if (at->is_directory(error) && (IsLane(name) || IsLogs(name) || IsRest(name))) {
      folders.push_back(name);
    }
  }
  if (error) return base::FromErrno("read the folder " + path, error.value());
  std::ranges::sort(folders);
  if (std::ranges::none_of(folders, IsLane)) {
    return base::FailedPrecondition(path + " is no folder of traces: it has no lane-00");
  }
  return folders;
}

// Keeps other processes from a folder of traces, if it was ever one's (a backup was not).
class FolderLock {
 public:
  static base::Result<FolderLock> Share(const std::string& folder) {
    FolderLock lock(open((folder + "/LOCK").c_str(), O_RDONLY | O_CLOEXEC));
    if (lock.fd_ >= 0 && flock(lock.fd_, LOCK_SH | LOCK_NB) != 0) {
      return base::Unavailable(folder +
                               " is in use by another process: stop it, or have it make a "
                               "backup");
    }
    return lock;
  }
  FolderLock(FolderLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FolderLock& operator=(FolderLock&&) = delete;
  ~FolderLock() {
    if (fd_ >= 0) close(fd_);
  }

 private:
  explicit FolderLock(int fd) : fd_(fd) {}
  int fd_;
};

// Reads all segments that count, and adds their rows.
base::Status Verify(segment::FileSystem& files, const std::string& path, std::uint64_t& rows) {
  ASSIGN_OR_RETURN(const std::string bytes, ReadWhole(files, std::string(segment::kManifestName)));
  ASSIGN_OR_RETURN(const segment::Manifest manifest, segment::DecodeManifest(bytes));
  for (const segment::Manifest::Entry& entry : manifest.segments) {
    const std::string name = segment::SegmentName(entry.id);
    ASSIGN_OR_RETURN(auto file, files.Open(name));
    const auto reader = segment::SegmentReader::Open(std::move(file));
    base::Status status = reader.status();
    if (status.ok()) status = (*reader)->Verify();
    if (!status.ok()) {
      return base::Status(status.code(), path + "/" + name + ": " + status.message());
    }
    rows += entry.rows;
  }
  return base::Ok();
}

base::Status CopyFile(segment::FileSystem& from, const std::string& name, segment::FileSystem& to,
                      Restored& restored) {
  ASSIGN_OR_RETURN(const auto file, from.Open(name));
  ASSIGN_OR_RETURN(const auto copy, to.Create(name));
  std::string bytes;
  for (std::uint64_t at = 0; at < file->size(); at += bytes.size()) {
    RETURN_IF_ERROR(
        file->Read(at, std::min<std::uint64_t>(kCopiedAtOnce, file->size() - at), bytes));
    RETURN_IF_ERROR(copy->Append(bytes));
    restored.bytes += bytes.size();
  }
  ++restored.files;
  return copy->Sync();
}

base::Status CopyFolder(const std::string& from, const std::string& to, Restored& restored) {
  ASSIGN_OR_RETURN(const auto source, segment::OpenFolder(from));
  ASSIGN_OR_RETURN(const auto target, segment::OpenFolder(to));
  ASSIGN_OR_RETURN(const std::vector<std::string> names, source->List());
  for (const std::string& name : names) {
    RETURN_IF_ERROR(CopyFile(*source, name, *target, restored));
  }
  return target->SyncFolder();
}

}  // namespace

base::Result<Restored> Restore(std::string from, std::string to) {
  for (std::string* path : {&from, &to}) {
    while (path->size() > 1 && path->ends_with('/')) path->pop_back();
  }
  std::error_code error;
  if (fs::exists(to, error) && !fs::is_empty(to, error)) {
    return base::FailedPrecondition(to +
                                    " has something in it: name an empty folder, or a new one");
  }
  Restored restored;
  ASSIGN_OR_RETURN(const std::vector<std::string> folders, FoldersIn(from));
  ASSIGN_OR_RETURN(const FolderLock lock, FolderLock::Share(from));
  for (const std::string& folder : folders) {
    if (!IsLane(folder) && !IsLogs(folder)) continue;
    const std::string path = from + "/" + folder;
    ASSIGN_OR_RETURN(const auto files, segment::OpenFolder(path));
    RETURN_IF_ERROR(Verify(*files, path, IsLane(folder) ? restored.spans : restored.log_records));
  }
  const std::string unfinished = to + std::string(segment::kUnfinished);
  fs::remove_all(unfinished, error);
  fs::create_directories(unfinished, error);
  if (error) return base::FromErrno("make " + unfinished, error.value());
  for (const std::string& folder : folders) {
    RETURN_IF_ERROR(CopyFolder(from + "/" + folder, unfinished + "/" + folder, restored));
  }
  fs::remove(to, error);  // empty
  fs::rename(unfinished, to, error);
  if (error) return base::FromErrno("name " + to, error.value());
  return restored;
}

}  // namespace ronda::trace::ingest
