#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/core/status.h"

namespace ronda::net {

struct HeaderView {
  std::string_view name;   // as on the wire; lower case over HTTP/2
  std::string_view value;
};

enum class HttpVersion : std::uint8_t { k10, k11, k2 };

// A body that is produced piece by piece (a file, a multipart of files).
class BodySource {
 public:
  virtual ~BodySource() = default;
  // Bytes in all, or nothing when unknown (then chunked / until END_STREAM).
  [[nodiscard]] virtual std::optional<std::uint64_t> size() const = 0;
  // Writes up to `into.size()` bytes, returns how many; 0 is the end.
  [[nodiscard]] virtual base::Result<std::size_t> Read(std::span<char> into) = 0;
  // Back to the first byte, for a redirect or a challenge that asks for the body once more.
  // FailedPrecondition unless the source can do that.
  [[nodiscard]] virtual base::Status Rewind() {
    return base::FailedPrecondition("the body cannot be sent a second time");
  }
};

}  // namespace ronda::net
