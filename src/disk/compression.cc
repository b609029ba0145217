#include "disk/compression.h"

#include <bit>
#include <cstring>

#define XXH_INLINE_ALL
#include <xxhash.h>
#include <zstd.h>

#include "base/core/check.h"

namespace ronda::disk {

static_assert(std::endian::native == std::endian::little);

Compressor::Compressor() : state_(ZSTD_createCCtx()) { CHECK(state_ != nullptr); }
Compressor::~Compressor() { ZSTD_freeCCtx(state_); }

void Compressor::Compress(std::string_view bytes, int level, std::string& out) {
  const std::size_t begin = out.size();
  out.resize(begin + ZSTD_compressBound(bytes.size()));
  const std::size_t size = ZSTD_compressCCtx(state_, out.data() + begin, out.size() - begin,
                                             bytes.data(), bytes.size(), level);
  CHECK(!ZSTD_isError(size));
  out.resize(begin + size);
}

Decompressor::Decompressor() : state_(ZSTD_createDCtx()) { CHECK(state_ != nullptr); }
Decompressor::~Decompressor() { ZSTD_freeDCtx(state_); }

bool Decompressor::Decompress(std::string_view frame, std::size_t size, std::string& out) {
  out.resize(size);
  const std::size_t got = ZSTD_decompressDCtx(state_, out.data(), size, frame.data(), frame.size());
  return !ZSTD_isError(got) && got == size;
}

std::uint64_t Hash(std::string_view bytes, std::uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

WideHash HashWide(std::string_view bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return {.low = hash.low64, .high = hash.high64};
}

void PutFixed32(std::uint32_t value, std::string& out) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void PutFixed64(std::uint64_t value, std::string& out) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

std::uint32_t Fixed32At(const char* at) {
  std::uint32_t value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

std::uint64_t Fixed64At(const char* at) {
  std::uint64_t value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

}  // namespace ronda::disk
