#include "trace/ingest/body.h"

#include <libdeflate.h>
#include <strings.h>
#include <zstd.h>

#include <algorithm>

#include "base/core/check.h"

namespace ronda::trace::ingest {
namespace {

// What a frame may ask for to look back at, and so the memory of a decoder: 8 MiB, as RFC 8878 (3.1.1.1.2)
// recommends to support.
constexpr int kWindowLog = 23;

bool Is(std::string_view name, std::string_view text) {
  return name.size() == text.size() && strncasecmp(name.data(), text.data(), text.size()) == 0;
}

base::Status TooLarge(std::size_t most) {
  return base::ResourceExhausted("the body is more than " + std::to_string(most) +
                                 " bytes when decompressed: send smaller batches");
}

// Makes room for `size` bytes in `out`, whose memory is counted.
base::Status Resize(std::size_t size, base::ByteReservation& memory, std::string& out) {
  if (size > out.size() && !memory.Grow(size - out.size())) {
    return base::Unavailable("too much is being worked on: send it again a little later");
  }
  out.resize(size);
  return base::Ok();
}

// A first guess of the size: what the last member says of itself, where that is possible at all.
std::size_t GzipSize(std::string_view body) {
  constexpr std::size_t kMostRatio = 1032;  // of deflate
  std::uint32_t said = 0;
  if (body.size() >= 18) __builtin_memcpy(&said, body.data() + body.size() - 4, sizeof said);
  return std::max<std::size_t>(std::min<std::size_t>(said, body.size() * kMostRatio), 1024);
}

}  // namespace

std::optional<Coding> CodingOf(std::string_view name) {
  if (name.empty() || Is(name, "identity")) return Coding::kIdentity;
  if (Is(name, "gzip") || Is(name, "x-gzip")) return Coding::kGzip;
  if (Is(name, "zstd")) return Coding::kZstd;
  return std::nullopt;
}

Decompressor::Decompressor() : gzip_(libdeflate_alloc_decompressor()), zstd_(ZSTD_createDCtx()) {
  CHECK(gzip_ != nullptr && zstd_ != nullptr);
  CHECK(ZSTD_isError(ZSTD_DCtx_setParameter(zstd_, ZSTD_d_windowLogMax, kWindowLog)) == 0);
}

Decompressor::~Decompressor() {
  libdeflate_free_decompressor(gzip_);
  ZSTD_freeDCtx(zstd_);
}

base::Status Decompressor::Read(Coding coding, std::string_view body, std::size_t most,
                                base::ByteReservation& memory, std::string& out) {
  out.clear();
  switch (coding) {
    case Coding::kGzip: return ReadGzip(body, most, memory, out);
    case Coding::kZstd: return ReadZstd(body, most, memory, out);
    case Coding::kIdentity: break;
  }
  if (body.size() > most) return TooLarge(most);
  RETURN_IF_ERROR(Resize(body.size(), memory, out));
  std::ranges::copy(body, out.begin());
  return base::Ok();
}

base::Status Decompressor::ReadGzip(std::string_view body, std::size_t most,
                                    base::ByteReservation& memory, std::string& out) {
  std::size_t filled = 0;
  RETURN_IF_ERROR(Resize(std::min(most, GzipSize(body)), memory, out));
  do {
    std::size_t taken = 0, made = 0;
    const auto result = libdeflate_gzip_decompress_ex(
        gzip_, body.data(), body.size(), out.data() + filled, out.size() - filled, &taken, &made);
    if (result == LIBDEFLATE_INSUFFICIENT_SPACE) {
      if (out.size() >= most) return TooLarge(most);
      RETURN_IF_ERROR(Resize(std::min(most, 2 * out.size()), memory, out));
      continue;  // this member from its beginning
    }
    if (result != LIBDEFLATE_SUCCESS) {
      return base::InvalidArgument("the body is no gzip, damaged or cut off");
    }
    filled += made;
    body.remove_prefix(taken);
  } while (!body.empty());
  out.resize(filled);
  return base::Ok();
}

base::Status Decompressor::ReadZstd(std::string_view body, std::size_t most,
                                    base::ByteReservation& memory, std::string& out) {
  const base::Status broken =
      base::InvalidArgument("the body is no zstd, damaged, cut off, or needs a window over 8 MiB");
  ZSTD_DCtx_reset(zstd_, ZSTD_reset_session_only);
  ZSTD_inBuffer in{body.data(), body.size(), 0};
  const unsigned long long said = ZSTD_getFrameContentSize(body.data(), body.size());
  // One byte more than there is, so that a content of just that size ends in one step.
  const bool known = said != ZSTD_CONTENTSIZE_UNKNOWN && said != ZSTD_CONTENTSIZE_ERROR;
  if (known && said > most) return TooLarge(most);
  const std::size_t guess = known ? static_cast<std::size_t>(said) + 1 : 4 * body.size() + 1024;
  RETURN_IF_ERROR(Resize(std::min(most + 1, guess), memory, out));
  std::size_t filled = 0, left = 1;
  while (in.pos < in.size || left != 0) {
    if (filled == out.size()) {
      if (filled > most) return TooLarge(most);
      RETURN_IF_ERROR(Resize(std::min(most + 1, 2 * out.size()), memory, out));
    }
    ZSTD_outBuffer to{out.data(), out.size(), filled};
    const std::size_t before = in.pos;
    left = ZSTD_decompressStream(zstd_, &to, &in);
    if (ZSTD_isError(left) != 0) return broken;
    const bool stuck = to.pos == filled && in.pos == before;
    filled = to.pos;
    if (stuck && filled < out.size()) return broken;  // it waits for bytes that do not come
  }
  if (filled > most) return TooLarge(most);
  out.resize(filled);
  return base::Ok();
}

}  // namespace ronda::trace::ingest
