#include "trace/segment/segment_reader.h"

#include <algorithm>
#include <utility>

#include "trace/segment/compression.h"
#include "trace/segment/page_reader.h"
#include "trace/segment/row_reader.h"

namespace ronda::trace::segment {

base::Result<std::shared_ptr<const SegmentReader>> SegmentReader::Open(
    std::unique_ptr<ReadableFile> file, Checksums checksums) {
  std::shared_ptr<SegmentReader> reader(new SegmentReader(std::move(file), checksums));
  RETURN_IF_ERROR(reader->Load());
  return std::shared_ptr<const SegmentReader>(std::move(reader));
}

base::Status SegmentReader::Load() {
  const std::uint64_t size = file_->size();
  if (size < kSegmentMagic.size() + kTrailer) return Damaged("the file is too short");
  std::string magic, trailer, stored, raw;
  RETURN_IF_ERROR(file_->Read(0, kSegmentMagic.size(), magic));
  RETURN_IF_ERROR(file_->Read(size - kTrailer, kTrailer, trailer));
  if (magic != kSegmentMagic || !std::string_view(trailer).ends_with(kSegmentEnd)) {
    return Damaged("it does not begin and end as a segment");
  }
  const char* at = trailer.data();
  if (checksums_ == Checksums::kVerify &&
      Fixed32At(at + 24) !=
          static_cast<std::uint32_t>(Hash(std::string_view(trailer).substr(0, 24)))) {
    return Damaged("checksum of the trailer");
  }
  const std::uint32_t version = Fixed32At(at + 20);
  if (version > kSegmentVersion) {
    return base::FailedPrecondition("the segment was written by a newer Ronda (format " +
                                    std::to_string(version) +
                                    "): start that version, or a newer one");
  }
  const std::uint64_t offset = Fixed64At(at);
  const std::uint64_t end = size - kTrailer;
  const std::uint32_t raw_size = Fixed32At(at + 16);
  if (offset > end || raw_size > kMostPieceBytes || raw_size / (64u << 10) > end - offset) {
    return Damaged("the trailer");
  }
  RETURN_IF_ERROR(file_->Read(offset, end - offset, stored));
  if (checksums_ == Checksums::kVerify && Hash(stored) != Fixed64At(at + 8)) {
    return Damaged("checksum of the directory");
  }
  if (raw_size == stored.size()) {
    raw = stored;
  } else if (!Decompressor().Decompress(stored, raw_size, raw)) {
    return Damaged("the directory");
  }
  RETURN_IF_ERROR(ReadDirectory(raw, offset, directory_));
  RETURN_IF_ERROR(PageReader(*this).ReadPiece(directory_.trace_bloom, bloom_));
  if (bloom_.empty()) return Damaged("the filter of trace ids");
  return base::Ok();
}

bool SegmentReader::MayHave(base::TraceId trace) const {
  return Bloom::MayHave(bloom_, HashOf(trace));
}

base::Result<std::optional<RowRange>> SegmentReader::FindTrace(base::TraceId trace) const {
  if (!MayHave(trace)) return std::optional<RowRange>();
  return RowReader(*this).Find(trace);
}

base::Status SegmentReader::ReadTrace(base::TraceId trace, otlp::SpanBatch& out) const {
  if (!MayHave(trace)) return base::Ok();
  RowReader reader(*this);
  ASSIGN_OR_RETURN(const std::optional<RowRange> rows, reader.Find(trace));
  return rows ? reader.Rows(*rows, out) : base::Ok();
}

base::Status SegmentReader::Read(RowRange rows, otlp::SpanBatch& out) const {
  if (std::uint64_t{rows.begin} + rows.count > directory_.info.rows) {
    return base::OutOfRange("rows that the segment does not have");
  }
  return rows.count == 0 ? base::Ok() : RowReader(*this).Rows(rows, out);
}

base::Status SegmentReader::Verify() const {
  otlp::SpanBatch batch;
  for (std::uint32_t begin = 0; begin < directory_.info.rows; begin += kPageRows) {
    batch.Clear();
    const auto left = static_cast<std::uint32_t>(directory_.info.rows) - begin;
    RETURN_IF_ERROR(Read({begin, std::min(left, kPageRows)}, batch));
  }
  return base::Ok();
}

}  // namespace ronda::trace::segment
