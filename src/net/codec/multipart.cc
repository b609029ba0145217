#include "net/codec/multipart.h"

#include <strings.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/core/check.h"
#include "base/core/random.h"

namespace ronda::net {
namespace {

constexpr std::size_t kMaxBoundary = 70;
constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kUnknownType = "application/octet-stream";

// Browsers' escaping of names inside quotes.
void AppendName(std::string_view name, std::string& out) {
  for (const char c : name) {
    switch (c) {
      case '"': out += "%22"; break;
      case '\r': out += "%0D"; break;
      case '\n': out += "%0A"; break;
      default: out += c;
    }
  }
}

// By the names that files usually have.
std::string_view TypeOf(const MultipartBody::File& file) {
  static constexpr std::pair<std::string_view, std::string_view> kTypes[] = {
      {"csv", "text/csv"},        {"gif", "image/gif"},         {"gz", "application/gzip"},
      {"htm", "text/html"},       {"html", "text/html"},        {"jpeg", "image/jpeg"},
      {"jpg", "image/jpeg"},      {"json", "application/json"}, {"mp3", "audio/mpeg"},
      {"mp4", "video/mp4"},       {"pdf", "application/pdf"},   {"png", "image/png"},
      {"svg", "image/svg+xml"},   {"txt", "text/plain"},        {"webp", "image/webp"},
      {"xml", "application/xml"}, {"yaml", "application/yaml"}, {"yml", "application/yaml"},
      {"zip", "application/zip"}};
  if (!file.content_type.empty()) return file.content_type;
  const std::size_t dot = file.filename.rfind('.');
  if (dot == std::string_view::npos) return kUnknownType;
  const std::string_view ending = file.filename.substr(dot + 1);
  for (const auto& [known, type] : kTypes) {
    if (known.size() == ending.size() &&
        strncasecmp(known.data(), ending.data(), known.size()) == 0)
      return type;
  }
  return kUnknownType;
}

bool FitsHeader(std::string_view value) {
  return std::ranges::none_of(value, [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

}  // namespace

bool IsBoundary(std::string_view text) {
  constexpr std::string_view kOthers = "'()+_,-./:=? ";
  return !text.empty() && text.size() <= kMaxBoundary && text.back() != ' ' &&
         std::ranges::all_of(text, [&](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  kOthers.find(c) != std::string_view::npos;
         });
}

std::string RandomBoundary() {
  std::array<unsigned char, 16> bytes;
  base::FillEntropy(bytes.data(), bytes.size());
  std::string boundary = "ronda-";
  for (const unsigned char b : bytes) {
    boundary += "0123456789abcdef"[b >> 4];
    boundary += "0123456789abcdef"[b & 15];
  }
  return boundary;
}

MultipartBody::MultipartBody(std::string boundary)
    : boundary_(std::move(boundary)),
      content_type_("multipart/form-data; boundary=\"" + boundary_ + "\""),
      tail_("--" + boundary_ + "--\r\n") {
  CHECK(IsBoundary(boundary_));
}

void MultipartBody::AddField(std::string_view name, std::string_view value) {
  Add(name, nullptr, {}, value, nullptr);
}

void MultipartBody::AddField(std::string_view name, std::string_view value,
                             std::string_view content_type) {
  Add(name, nullptr, content_type, value, nullptr);
}

void MultipartBody::AddFile(std::string_view name, const File& file, std::string_view content) {
  Add(name, &file.filename, TypeOf(file), content, nullptr);
}

void MultipartBody::AddFile(std::string_view name, const File& file, BodySource& content) {
  Add(name, &file.filename, TypeOf(file), {}, &content);
}

void MultipartBody::Add(std::string_view name, const std::string_view* filename,
                        std::string_view content_type, std::string_view content,
                        BodySource* source) {
  Part part;
  if (parts_.empty()) {
    tail_.insert(0, kLineEnd);
  } else {
    part.head = kLineEnd;
  }
  part.head.append("--").append(boundary_).append("\r\nContent-Disposition: form-data; name=\"");
  AppendName(name, part.head);
  part.head += '"';
  if (filename != nullptr) {
    part.head += "; filename=\"";
    AppendName(*filename, part.head);
    part.head += '"';
  }
  if (!content_type.empty()) {
    part.head += "\r\nContent-Type: ";
    part.head += FitsHeader(content_type) ? content_type : kUnknownType;
  }
  part.head += "\r\n\r\n";
  part.content = content;
  part.source = source;
  parts_.push_back(std::move(part));
}

std::optional<std::uint64_t> MultipartBody::size() const {
  std::uint64_t size = tail_.size();
  for (const Part& part : parts_) {
    const auto content = part.source == nullptr ? std::optional<std::uint64_t>(part.content.size())
                                                : part.source->size();
    if (!content.has_value()) return std::nullopt;
    size += part.head.size() + *content;
  }
  return size;
}

base::Result<std::size_t> MultipartBody::Read(std::span<char> into) {
  std::size_t written = 0;
  while (written < into.size() && at_ != At::kEnd) {
    const std::span<char> rest = into.subspan(written);
    if (at_ == At::kContent && parts_[part_].source != nullptr) {
      ASSIGN_OR_RETURN(const std::size_t n, parts_[part_].source->Read(rest));
      written += n;
      if (n == 0) Advance();
      continue;
    }
    const std::string_view text = Piece().substr(offset_);
    const std::size_t n = std::min(rest.size(), text.size());
    std::copy_n(text.begin(), n, rest.data());
    written += n;
    offset_ += n;
    if (n == text.size()) Advance();
  }
  return written;
}

// The bytes that Read is in, unless they come from a source.
std::string_view MultipartBody::Piece() const {
  if (at_ == At::kTail || part_ == parts_.size()) return tail_;
  return at_ == At::kHead ? std::string_view(parts_[part_].head) : parts_[part_].content;
}

void MultipartBody::Advance() {
  offset_ = 0;
  if (at_ == At::kTail || part_ == parts_.size()) {
    at_ = At::kEnd;
  } else if (at_ == At::kHead) {
    at_ = At::kContent;
  } else {
    ++part_;
    at_ = part_ == parts_.size() ? At::kTail : At::kHead;
  }
}

base::Status MultipartBody::Rewind() {
  for (const Part& part : parts_) {
    if (part.source != nullptr) RETURN_IF_ERROR(part.source->Rewind());
  }
  part_ = offset_ = 0;
  at_ = At::kHead;
  return base::Ok();
}

}  // namespace ronda::net
