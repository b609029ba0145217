#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/core/byte_budget.h"
#include "base/core/status.h"

struct libdeflate_decompressor;
struct ZSTD_DCtx_s;

namespace ronda::trace::ingest {

// How a body came: Content-Encoding of HTTP, grpc-encoding of gRPC.
enum class Coding : std::uint8_t { kIdentity, kGzip, kZstd };

// "" and "identity", "gzip" and "x-gzip", "zstd", in any case; nothing for others, and for several.
[[nodiscard]] std::optional<Coding> CodingOf(std::string_view name);

// Decompresses bodies: gzip (RFC 1952, any number of members), zstd (RFC 8878, any number of frames).
// Owned by one thread; keep one.
class Decompressor {
 public:
  Decompressor();
  ~Decompressor();
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;

  // `out` becomes the content of `body`. Never takes more than `most` bytes of memory for it, whatever
  // the body claims, and none that `memory` does not have.
  // InvalidArgument: malformed or cut off. ResourceExhausted: more than `most`. Unavailable: no memory.
  [[nodiscard]] base::Status Read(Coding coding, std::string_view body, std::size_t most,
                                  base::ByteReservation& memory, std::string& out);

 private:
  base::Status ReadGzip(std::string_view body, std::size_t most, base::ByteReservation& memory,
                        std::string& out);
  base::Status ReadZstd(std::string_view body, std::size_t most, base::ByteReservation& memory,
                        std::string& out);

  libdeflate_decompressor* gzip_;
  ZSTD_DCtx_s* zstd_;
};

}  // namespace ronda::trace::ingest
