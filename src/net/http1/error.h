#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace ronda::net {

// Why bytes are not an acceptable HTTP/1 message. NameOf is stable ("bad-chunk-size"), for reports.
enum class Http1ErrorCode : std::uint8_t {
  kNone,
  kNotHttp,  // does not begin with HTTP/1.
  kBadStatusLine,
  kBadHeaderName,  // not a token, or a space before the colon, or no colon
  kBadHeaderValue,  // NUL or another control character
  kBareCr,  // CR without LF
  kFoldedLine,  // obs-fold
  kHeadTooLarge,
  kTooManyHeaders,
  kBadContentLength,
  kConflictingLength,  // two lengths, or a length and chunked
  kBadTransferEncoding,  // anything but "chunked" (or "identity")
  kBadChunkSize,
  kBadChunkExtension,
  kBadChunkEnd,  // no line end behind a chunk's bytes
  kTrailerTooLarge,
  kClosedEarly,  // the peer closed in the middle
};
[[nodiscard]] std::string_view NameOf(Http1ErrorCode code);

struct Http1Error {
  Http1ErrorCode code = Http1ErrorCode::kNone;
  std::uint64_t offset = 0;  // bytes from the first of the response (its head included) as it came

  [[nodiscard]] bool failed() const { return code != Http1ErrorCode::kNone; }
  // For people: "chunk size is not a hexadecimal number, at byte 231 of the response".
  [[nodiscard]] std::string Message() const;
};

}  // namespace ronda::net
