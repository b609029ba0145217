#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

namespace ronda::base {
namespace {

constexpr std::size_t kPiece = 64 * 1024;

// Appends what `fd` holds.
Status ReadAll(int fd, const std::string& path, std::size_t most, std::string& text) {
  struct stat info{};
  if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode))
    text.reserve(std::min(most, static_cast<std::size_t>(info.st_size)));
  while (text.size() < most) {
    const std::size_t before = text.size();
    const std::size_t want = std::min(kPiece, most - before);
    text.resize(before + want);
    const ssize_t got = read(fd, text.data() + before, want);
    const int why = errno;
    text.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got == 0) break;
    if (got < 0 && why != EINTR) return FromErrno("cannot read " + path, why);
  }
  return Ok();
}

}  // namespace

Result<std::string> ReadFile(const std::string& path, std::size_t most) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return FromErrno("cannot read " + path, errno);
  std::string text;
  const Status status = ReadAll(fd, path, most, text);
  close(fd);
  RETURN_IF_ERROR(status);
  return text;
}

Status WritePrivateFile(const std::string& path, std::string_view bytes) {
  // Beside it first: whoever reads sees the old one or the new one.
  const std::string fresh = path + "." + std::to_string(getpid());
  const int file = open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return FromErrno("cannot write " + fresh, errno);
  const bool written =
      write(file, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()) &&
      fsync(file) == 0;
  const int why = errno;
  close(file);
  if (written && rename(fresh.c_str(), path.c_str()) == 0) return Ok();
  const Status failed = FromErrno("cannot write " + path, written ? errno : why);
  unlink(fresh.c_str());
  return failed;
}

}  // namespace ronda::base
