#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/core/status.h"

namespace ronda::net {

enum class ContentCoding : std::uint8_t { kGzip, kDeflate };

// The body compressed whole (RFC 1952, RFC 1950), as Content-Encoding names it. ResourceExhausted when
// there is no memory.
[[nodiscard]] base::Result<std::string> EncodeContent(ContentCoding coding, std::string_view body);

}  // namespace ronda::net
