#include "disk/file_system.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace ronda::disk {
namespace {

// A descriptor that is closed with its owner.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() { close(fd_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

class PosixWritable : public WritableFile {
 public:
  PosixWritable(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}

  base::Status Append(std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t n = write(fd_.get(), bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return base::FromErrno("cannot write " + path_, errno);
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return base::Ok();
  }

  base::Status Sync() override {
    if (fdatasync(fd_.get()) != 0) return base::FromErrno("cannot sync " + path_, errno);
    return base::Ok();
  }

 private:
  Descriptor fd_;
  std::string path_;
};

class PosixReadable : public ReadableFile {
 public:
  PosixReadable(int fd, std::uint64_t size, std::string path)
      : fd_(fd), size_(size), path_(std::move(path)) {}

  std::uint64_t size() const override { return size_; }

  base::Status Read(std::uint64_t offset, std::uint64_t size, std::string& out) const override {
    if (offset > size_ || size > size_ - offset) {
      return base::DataLoss(path_ + " ends before byte " + std::to_string(offset + size));
    }
    out.resize(size);
    std::uint64_t done = 0;
    while (done < size) {
      const ssize_t n =
          pread(fd_.get(), out.data() + done, size - done, static_cast<off_t>(offset + done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return base::FromErrno("cannot read " + path_, errno);
      if (n == 0) return base::DataLoss(path_ + " was cut short while it was open");
      done += static_cast<std::uint64_t>(n);
    }
    return base::Ok();
  }

 private:
  Descriptor fd_;
  std::uint64_t size_;
  std::string path_;
};

class Folder : public FileSystem {
 public:
  Folder(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}

  base::Result<std::unique_ptr<WritableFile>> Create(const std::string& name) override {
    const int fd = openat(fd_.get(), name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (fd < 0) return base::FromErrno("cannot create " + PathOf(name), errno);
    return std::unique_ptr<WritableFile>(std::make_unique<PosixWritable>(fd, PathOf(name)));
  }

  base::Result<std::unique_ptr<ReadableFile>> Open(const std::string& name) override {
    const int fd = openat(fd_.get(), name.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return base::FromErrno("cannot open " + PathOf(name), errno);
    struct stat about{};
    if (fstat(fd, &about) != 0) {
      const int why = errno;
      close(fd);
      return base::FromErrno("cannot read " + PathOf(name), why);
    }
    return std::unique_ptr<ReadableFile>(std::make_unique<PosixReadable>(
        fd, static_cast<std::uint64_t>(about.st_size), PathOf(name)));
  }

  base::Result<std::vector<std::string>> List() override {
    DIR* folder = opendir(path_.c_str());
    if (folder == nullptr) return base::FromErrno("cannot list " + path_, errno);
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = readdir(folder)) {
      if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
    }
    const int why = errno;
    closedir(folder);
    if (why != 0) return base::FromErrno("cannot list " + path_, why);
    std::ranges::sort(names);
    return names;
  }

  base::Status Rename(const std::string& from, const std::string& to) override {
    if (renameat(fd_.get(), from.c_str(), fd_.get(), to.c_str()) != 0) {
      return base::FromErrno("cannot rename " + PathOf(from) + " to " + to, errno);
    }
    return base::Ok();
  }

  base::Status Remove(const std::string& name) override {
    if (unlinkat(fd_.get(), name.c_str(), 0) != 0) {
      return base::FromErrno("cannot remove " + PathOf(name), errno);
    }
    return base::Ok();
  }

  base::Status LinkInto(FileSystem& to, const std::string& name) override {
    auto* const folder = dynamic_cast<Folder*>(&to);
    if (folder == nullptr) return base::FailedPrecondition("the other folder is of another kind");
    if (linkat(fd_.get(), name.c_str(), folder->fd_.get(), name.c_str(), 0) != 0) {
      const std::string what = "cannot link " + PathOf(name) + " into " + folder->path_;
      if (errno != EXDEV) return base::FromErrno(what, errno);
      return base::FailedPrecondition(what + ": it has to be on the same file system");
    }
    return base::Ok();
  }

  base::Status SyncFolder() override {
    if (fsync(fd_.get()) != 0) return base::FromErrno("cannot sync " + path_, errno);
    return base::Ok();
  }

 private:
  std::string PathOf(const std::string& name) const { return path_ + "/" + name; }

  Descriptor fd_;
  std::string path_;
};

}  // namespace

base::Result<std::unique_ptr<FileSystem>> OpenFolder(const std::string& path) {
  if (mkdir(path.c_str(), 0750) != 0 && errno != EEXIST) {
    return base::FromErrno("cannot make the folder " + path, errno);
  }
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return base::FromErrno("cannot open the folder " + path, errno);
  return std::unique_ptr<FileSystem>(std::make_unique<Folder>(fd, path));
}

base::Status WriteWhole(FileSystem& files, const std::string& name, std::string_view bytes) {
  const std::string unfinished = name + std::string(kUnfinished);
  {
    ASSIGN_OR_RETURN(const auto file, files.Create(unfinished));
    RETURN_IF_ERROR(file->Append(bytes));
    RETURN_IF_ERROR(file->Sync());
  }
  RETURN_IF_ERROR(files.Rename(unfinished, name));
  return files.SyncFolder();
}

base::Result<std::string> ReadWhole(FileSystem& files, const std::string& name) {
  ASSIGN_OR_RETURN(const auto file, files.Open(name));
  std::string bytes;
  RETURN_IF_ERROR(file->Read(0, file->size(), bytes));
  return bytes;
}

}  // namespace ronda::disk
