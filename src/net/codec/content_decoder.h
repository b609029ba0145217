#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/core/status.h"

namespace ronda::net {

// Undoes Content-Encoding (RFC 9110, 8.4) as the bytes come: gzip (several members), deflate (with
// a zlib header, or raw as some servers send it), br, zstd; lists of up to four, in order.
// Reusable: the libraries' state is kept from body to body. Owned by one thread.
class ContentDecoder {
 public:
  ContentDecoder();
  ~ContentDecoder();
  ContentDecoder(ContentDecoder&&) noexcept;
  ContentDecoder& operator=(ContentDecoder&&) noexcept;

  // What Accept-Encoding may say.
  static constexpr std::string_view kAccepted = "gzip, deflate, br, zstd";

  // Begins a body. `content_encoding` is the header's value; empty and "identity" pass bytes
  // through. More than `max_output` decoded bytes is an error (a bomb). Unimplemented for an
  // unknown coding.
  [[nodiscard]] base::Status Start(std::string_view content_encoding, std::uint64_t max_output);
  // True when bytes would pass through unchanged (then there is no need to call Decode).
  [[nodiscard]] bool identity() const;

  // Decodes from the front of `in`, which is shortened by what was used, into `out`; returns how
  // many bytes were written. Call again while it returns out.size() or `in` is not empty. DataLoss
  // when the bytes are not what the header said, ResourceExhausted beyond max_output.
  [[nodiscard]] base::Result<std::size_t> Decode(std::string_view& in, std::span<char> out);
  // Decodes all of `in` to the end of `out`.
  [[nodiscard]] base::Status DecodeTo(std::string_view in, std::string& out);
  // No more input: DataLoss if the stream stopped in the middle.
  [[nodiscard]] base::Status Finish();

  [[nodiscard]] std::uint64_t output_bytes() const;
  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;  // null until a coding was needed
};

}  // namespace ronda::net
