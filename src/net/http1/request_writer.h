#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/core/status.h"
#include "net/message.h"

namespace ronda::net {

// The pieces of an HTTP/1.1 request head; all borrowed for the call.
struct RequestHead {
  enum class Body : std::uint8_t { kNone, kLength, kChunked };

  std::string_view method = "GET";
  std::string_view target_prefix =
      {};  // "http://host:port" before the target (to a proxy), or empty
  std::string_view target = "/";
  std::string_view authority = {};      // Host, unless `headers` has one
  std::span<const HeaderView> headers = {};
  std::span<const HeaderView> more_headers = {};  // behind `headers`: what the client itself adds
  // kLength writes Content-Length, kChunked Transfer-Encoding, unless `headers` has one of them.
  Body body = Body::kNone;
  std::uint64_t content_length = 0;
  bool close = false;  // writes "Connection: close" unless `headers` has Connection
};

// What the caller's headers said about matters that the client otherwise decides.
struct RequestFacts {
  bool close = false;  // the request asks to close afterwards (either way)
  bool expect_continue = false;  // Expect: 100-continue
  bool own_length = false;  // Content-Length given by the caller
  bool own_transfer_encoding = false;
};

// Appends the head, blank line included, to `out`: one pass, no allocation once `out` has grown.
// InvalidArgument, and `out` unchanged, if the method or a header name is not a token, if a value
// holds CR, LF or NUL, or the target CR, LF, NUL or a space (request splitting): the message says
// which.
[[nodiscard]] base::Result<RequestFacts> AppendRequestHead(const RequestHead& head,
                                                           std::string& out);

// One chunk's size line; its payload and "\r\n" follow. kLastChunk ends the body.
void AppendChunkHead(std::uint64_t size, std::string& out);
inline constexpr std::string_view kChunkEnd = "\r\n";
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

}  // namespace ronda::net
