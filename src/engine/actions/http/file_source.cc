#include "engine/actions/http/file_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

namespace ronda::engine {

base::Result<std::unique_ptr<net::BodySource>> FileSource::Open(const std::string& folder,
                                                                const std::string& path) {
  std::filesystem::path full(path);
  if (full.is_relative()) full = std::filesystem::path(folder) / full;
  const int fd = open(full.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return base::FromErrno("open " + full.string(), errno);
  struct stat info;
  if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    close(fd);
    return base::InvalidArgument(full.string() + " is no regular file");
  }
  return std::unique_ptr<net::BodySource>(
      new FileSource(fd, static_cast<std::uint64_t>(info.st_size), full.string()));
}

FileSource::~FileSource() { close(fd_); }

base::Result<std::size_t> FileSource::Read(std::span<char> into) {
  const std::size_t most =
      static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), size_ - read_));
  if (most == 0) return std::size_t{0};
  const ssize_t n = pread(fd_, into.data(), most, static_cast<off_t>(read_));
  if (n < 0) return base::FromErrno("read " + name_, errno);
  if (n == 0) return base::DataLoss(name_ + " became shorter while it was sent");
  read_ += static_cast<std::uint64_t>(n);
  return static_cast<std::size_t>(n);
}

}  // namespace ronda::engine
