#include "series/file.h"

#include <algorithm>
#include <utility>

namespace ronda::series {
namespace {

base::Status Damaged(std::string_view what) {
  return base::DataLoss("the file of series is damaged: " + std::string(what));
}

}  // namespace

base::Result<std::unique_ptr<File>> File::Open(std::unique_ptr<disk::ReadableFile> from) {
  std::unique_ptr<File> file(new File());
  file->file_ = std::move(from);
  const std::uint64_t size = file->file_->size();
  if (size < kFileMagic.size() + kTailBytes) return Damaged("it is too short");
  std::string tail, footer;
  RETURN_IF_ERROR(file->file_->Read(size - kTailBytes, kTailBytes, tail));
  if (!tail.ends_with(kFileMagic)) return Damaged("its end is not there");
  const std::uint64_t footer_size = disk::Fixed32At(tail.data());
  if (footer_size > size - kTailBytes) return Damaged("its footer");
  RETURN_IF_ERROR(file->file_->Read(size - kTailBytes - footer_size, footer_size, footer));
  if (disk::Hash(footer) != disk::Fixed64At(tail.data() + 4)) return Damaged("its footer");
  Piece keys;
  std::uint64_t series = 0;
  RETURN_IF_ERROR(file->ReadFooter(footer, keys, series));
  RETURN_IF_ERROR(file->ReadKeys(keys, series));
  return file;
}

base::Status File::ReadFooter(std::string_view footer, Piece& keys, std::uint64_t& series) {
  base::VarintReader reader(footer);
  std::uint64_t version = 0, replaces = 0, chunks = 0;
  if (!reader.Next(version)) return Damaged("its footer");
  if (version > kFileVersion) {
    return base::FailedPrecondition("the file of series was written by a newer Ronda (format " +
                                    std::to_string(version) +
                                    "): start that version, or a newer one");
  }
  if (!reader.Next(info_.step_s) || info_.step_s == 0 || !reader.Next(info_.first_s) ||
      !reader.Next(info_.last_s) || !reader.Next(info_.points) || !reader.Next(info_.through) ||
      !reader.NextUpTo(reader.left(), replaces)) {
    return Damaged("its footer");
  }
  info_.replaces.resize(replaces);
  for (std::uint64_t& id : info_.replaces) {
    if (!reader.Next(id)) return Damaged("its footer");
  }
  if (!reader.Next(series) || !ReadPiece(reader, bytes(), keys) ||
      !reader.NextUpTo(reader.left(), chunks)) {
    return Damaged("its footer");
  }
  std::uint64_t first = 0;
  for (; chunks > 0; --chunks) {
    Chunk chunk;
    chunk.first = static_cast<std::size_t>(first);
    std::uint64_t count = 0;
    if (!ReadPiece(reader, bytes(), chunk.piece) || !reader.NextUpTo(series - first, count) ||
        count == 0) {
      return Damaged("its footer");
    }
    chunk.count = static_cast<std::size_t>(count);
    first += count;
    chunks_.push_back(chunk);
  }
  return first == series && reader.at_end() ? base::Ok() : Damaged("its footer");
}

base::Status File::ReadKeys(const Piece& piece, std::uint64_t series) {
  disk::Decompressor decompressor;
  std::string packed;
  RETURN_IF_ERROR(ReadPieceBytes(piece, decompressor, packed, key_bytes_));
  base::VarintReader reader(key_bytes_);
  if (series > key_bytes_.size()) return Damaged("its keys");
  keys_.reserve(static_cast<std::size_t>(series));
  for (; series > 0; --series) {
    std::string_view bytes;
    if (!reader.NextBytes(bytes) || !index_.Add(bytes)) return Damaged("its keys");
    if (!keys_.empty() && bytes <= keys_.back()) return Damaged("the order of its keys");
    keys_.push_back(bytes);
  }
  index_.Finish();
  return reader.at_end() ? base::Ok() : Damaged("its keys");
}

base::Status File::ReadPieceBytes(const Piece& piece, disk::Decompressor& decompressor,
                                  std::string& packed, std::string& out) const {
  RETURN_IF_ERROR(file_->Read(piece.offset, piece.size, packed));
  if (disk::Hash(packed) != piece.hash || !decompressor.Decompress(packed, piece.raw_size, out)) {
    return Damaged("bytes " + std::to_string(piece.offset) + " to " +
                   std::to_string(piece.offset + piece.size));
  }
  return base::Ok();
}

base::Status FileCursor::Load(const File::Chunk& chunk) {
  loaded_ = nullptr;
  RETURN_IF_ERROR(file_.ReadPieceBytes(chunk.piece, decompressor_, packed_, chunk_));
  bodies_.clear();
  base::VarintReader reader(chunk_);
  for (std::size_t i = 0; i < chunk.count; ++i) {
    std::string_view body;
    if (!reader.NextBytes(body)) return Damaged("a chunk");
    bodies_.push_back(body);
  }
  if (!reader.at_end()) return Damaged("a chunk");
  loaded_ = &chunk;
  return base::Ok();
}

base::Status FileCursor::Read(std::size_t series, std::vector<Point>& points) {
  points.clear();
  if (loaded_ == nullptr || series < loaded_->first || series >= loaded_->first + loaded_->count) {
    const auto after = std::ranges::upper_bound(file_.chunks_, series, {}, &File::Chunk::first);
    RETURN_IF_ERROR(Load(*std::prev(after)));
  }
  base::VarintReader reader(bodies_[series - loaded_->first]);
  std::uint64_t count = 0, step = 0;
  if (!reader.NextUpTo(reader.left(), count)) return Damaged("a series");
  points.reserve(static_cast<std::size_t>(count));
  const std::uint64_t most = ~std::uint64_t{0} / file_.info().step_s;
  for (; count > 0; --count) {
    std::uint64_t ahead = 0;
    Point point;
    if (!reader.NextUpTo(most - step, ahead) || !reader.NextBytes(point.value)) {
      return Damaged("a series");
    }
    if (!points.empty() && ahead == 0) return Damaged("a series");
    step += ahead;
    point.time_s = step * file_.info().step_s;
    points.push_back(point);
  }
  return reader.at_end() ? base::Ok() : Damaged("a series");
}

}  // namespace ronda::series
