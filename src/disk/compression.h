#pragma once

#include <cstdint>
#include <string>
#include <string_view>

struct ZSTD_CCtx_s;
struct ZSTD_DCtx_s;

namespace ronda::disk {

// zstd with one state for many small pieces. Owned by one thread.
class Compressor {
 public:
  Compressor();
  ~Compressor();
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;
  // Appends one frame. `level` as zstd counts: -7 fastest, 19 smallest.
  void Compress(std::string_view bytes, int level, std::string& out);

 private:
  ZSTD_CCtx_s* state_;
};

class Decompressor {
 public:
  Decompressor();
  ~Decompressor();
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;
  // `out` becomes the frame's content if that is exactly `size` bytes; else false.
  [[nodiscard]] bool Decompress(std::string_view frame, std::size_t size, std::string& out);

 private:
  ZSTD_DCtx_s* state_;
};

// XXH3, 64 bits (github.com/Cyan4973/xxHash).
[[nodiscard]] std::uint64_t Hash(std::string_view bytes, std::uint64_t seed = 0);

// The same, 128 bits: as good as the bytes themselves for telling them apart.
struct WideHash {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  bool operator==(const WideHash&) const = default;
};
[[nodiscard]] WideHash HashWide(std::string_view bytes);

// Integers as the files have them: little-endian.
void PutFixed32(std::uint32_t value, std::string& out);
void PutFixed64(std::uint64_t value, std::string& out);
[[nodiscard]] std::uint32_t Fixed32At(const char* at);
[[nodiscard]] std::uint64_t Fixed64At(const char* at);

}  // namespace ronda::disk
