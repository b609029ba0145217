#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/core/varint.h"
#include "disk/compression.h"

// What files of series consist of (docs/formats/series.md).
namespace ronda::series {

inline constexpr std::string_view kFileMagic = "RNDASER1";
inline constexpr std::uint64_t kFileVersion = 1;
inline constexpr std::size_t kChunkBytes = 64u << 10;  // before compression; a chunk ends past it
inline constexpr std::uint64_t kMostRaw = 1u << 30;  // of a piece
inline constexpr int kLevel = 3;  // zstd's
inline constexpr std::size_t kTailBytes = 4 + 8 + 8;  // size and hash of the footer, magic

// A compressed part of a file.
struct Piece {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  std::uint64_t raw_size = 0;
  std::uint64_t hash = 0;  // of the compressed bytes
};

inline void PutPiece(const Piece& piece, std::string& out) {
  base::PutVarint(piece.offset, out);
  base::PutVarint(piece.size, out);
  base::PutVarint(piece.raw_size, out);
  disk::PutFixed64(piece.hash, out);
}

// False when it is no piece of the first `file_bytes` bytes.
[[nodiscard]] inline bool ReadPiece(base::VarintReader& reader, std::uint64_t file_bytes,
                                    Piece& piece) {
  std::string_view hash;
  if (!reader.NextUpTo(file_bytes, piece.offset) ||
      !reader.NextUpTo(file_bytes - piece.offset, piece.size) ||
      !reader.NextUpTo(kMostRaw, piece.raw_size) || !reader.NextRaw(8, hash)) {
    return false;
  }
  piece.hash = disk::Fixed64At(hash.data());
  return true;
}

}  // namespace ronda::series
