#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/status.h"
#include "net/message.h"

namespace ronda::net {

// A multipart/form-data body (RFC 7578) of fields and files, pulled piece by piece; nothing is
// copied but the part heads. Contents and sources are borrowed until the body was sent. Owned by
// one thread.
class MultipartBody : public BodySource {
 public:
  // `boundary` must be one (IsBoundary); RandomBoundary makes one.
  explicit MultipartBody(std::string boundary);

  struct File {
    std::string_view filename = {};
    // Empty: by the end of the filename, application/octet-stream when that says nothing.
    std::string_view content_type = {};
  };
  // Names and file names: '"', CR and LF become %22, %0D and %0A (as browsers do, WHATWG HTML
  // 4.10.21.8); other bytes, also UTF-8, go as they are. A content type with a line end in it
  // becomes application/octet-stream. Add all parts before the first Read.
  void AddField(std::string_view name, std::string_view value);
  // A field with a Content-Type, such as application/json, and without a file name.
  void AddField(std::string_view name, std::string_view value, std::string_view content_type);
  void AddFile(std::string_view name, const File& file, std::string_view content);
  void AddFile(std::string_view name, const File& file, BodySource& content);

  // The Content-Type header's value.
  [[nodiscard]] const std::string& content_type() const { return content_type_; }

  [[nodiscard]] std::optional<std::uint64_t> size() const override;
  [[nodiscard]] base::Result<std::size_t> Read(std::span<char> into) override;
  // Rewinds the parts' sources too.
  [[nodiscard]] base::Status Rewind() override;

 private:
  struct Part {
    std::string head;  // delimiter, headers, blank line
    std::string_view content;
    BodySource* source = nullptr;
  };
  [[nodiscard]] std::string_view Piece() const;
  void Advance();
  // `filename`: null for none; `content_type`: empty for none.
  void Add(std::string_view name, const std::string_view* filename, std::string_view content_type,
           std::string_view content, BodySource* source);

  std::string boundary_;
  std::string content_type_;
  std::string tail_;  // the closing delimiter
  std::vector<Part> parts_;
  std::size_t part_ = 0;  // where Read is: the part,
  enum class At : std::uint8_t { kHead, kContent, kTail, kEnd } at_ = At::kHead;
  std::size_t offset_ = 0;  // and the byte in it
};

// 1 to 70 characters that RFC 2046, 5.1.1 allows.
[[nodiscard]] bool IsBoundary(std::string_view text);
// "ronda-" and 32 random hexadecimal digits.
[[nodiscard]] std::string RandomBoundary();

}  // namespace ronda::net
