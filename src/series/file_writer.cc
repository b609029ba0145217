#include "series/file_writer.h"

#include <algorithm>
#include <utility>

#include "base/core/check.h"
#include "base/core/varint.h"
#include "series/file_format.h"

namespace ronda::series {

FileWriter::FileWriter(std::uint64_t step_s) : out_(kFileMagic) {
  CHECK(step_s > 0);
  info_.step_s = step_s;
  info_.first_s = ~std::uint64_t{0};
}

void FileWriter::Add(std::string_view key, std::span<const Point> points) {
  if (points.empty()) return;
  body_.clear();
  base::PutVarint(points.size(), body_);
  std::uint64_t before = 0;
  for (const Point& point : points) {
    const std::uint64_t step = point.time_s / info_.step_s;
    base::PutVarint(step - before, body_);
    base::PutBytes(point.value, body_);
    before = step;
  }
  base::PutBytes(body_, chunk_);
  base::PutBytes(key, keys_);
  ++series_;
  ++chunk_series_;
  info_.points += points.size();
  info_.first_s = std::min(info_.first_s, points.front().time_s);
  info_.last_s = std::max(info_.last_s, points.back().time_s);
  if (chunk_.size() >= kChunkBytes) EndChunk();
}

void FileWriter::EndChunk() {
  if (chunk_series_ == 0) return;
  const std::size_t begin = out_.size();
  compressor_.Compress(chunk_, kLevel, out_);
  PutPiece({.offset = begin,
            .size = out_.size() - begin,
            .raw_size = chunk_.size(),
            .hash = disk::Hash(std::string_view(out_).substr(begin))},
           chunks_);
  base::PutVarint(chunk_series_, chunks_);
  ++chunk_count_;
  chunk_series_ = 0;
  chunk_.clear();
}

std::string FileWriter::Finish(std::uint64_t through, std::vector<std::uint64_t> replaces) {
  EndChunk();
  info_.through = through;
  info_.replaces = std::move(replaces);
  if (info_.points == 0) info_.first_s = 0;
  const std::size_t begin = out_.size();
  compressor_.Compress(keys_, kLevel, out_);
  std::string footer;
  for (const std::uint64_t value : {kFileVersion, info_.step_s, info_.first_s, info_.last_s,
                                    info_.points, info_.through, info_.replaces.size()}) {
    base::PutVarint(value, footer);
  }
  for (const std::uint64_t id : info_.replaces) base::PutVarint(id, footer);
  base::PutVarint(series_, footer);
  PutPiece({.offset = begin,
            .size = out_.size() - begin,
            .raw_size = keys_.size(),
            .hash = disk::Hash(std::string_view(out_).substr(begin))},
           footer);
  base::PutVarint(chunk_count_, footer);
  footer += chunks_;
  out_ += footer;
  disk::PutFixed32(static_cast<std::uint32_t>(footer.size()), out_);
  disk::PutFixed64(disk::Hash(footer), out_);
  out_ += kFileMagic;
  return std::move(out_);
}

}  // namespace ronda::series
