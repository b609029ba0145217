#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "net/message.h"

namespace ronda::engine {

// A file that is sent piece by piece; it stays as large as it was when it was opened. One thread.
class FileSource : public net::BodySource {
 public:
  // `path` is taken relative to `folder` unless it is absolute.
  [[nodiscard]] static base::Result<std::unique_ptr<net::BodySource>> Open(
      const std::string& folder, const std::string& path);
  ~FileSource() override;
  [[nodiscard]] std::optional<std::uint64_t> size() const override { return size_; }
  [[nodiscard]] base::Result<std::size_t> Read(std::span<char> into) override;
  [[nodiscard]] base::Status Rewind() override {
    read_ = 0;
    return base::Ok();
  }

 private:
  FileSource(int fd, std::uint64_t size, std::string name)
      : fd_(fd), size_(size), name_(std::move(name)) {}
  const int fd_;
  const std::uint64_t size_;
  const std::string name_;
  std::uint64_t read_ = 0;
};

}  // namespace ronda::engine
