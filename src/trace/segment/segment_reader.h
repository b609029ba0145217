#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/core/status.h"
#include "trace/segment/file_system.h"
#include "trace/segment/layout.h"
#include "wire/otlp/model.h"

namespace ronda::trace::segment {

// Rows of a segment.
struct RowRange {
  std::uint32_t begin = 0;
  std::uint32_t count = 0;
  bool operator==(const RowRange&) const = default;
};

// One segment file, open. Holds its directory in memory and reads the rest when asked. Whatever bytes
// the file has, a call gives what was written or DataLoss that says what is wrong. Immutable: any
// thread, many at once.
class SegmentReader {
 public:
  // A fuzzer cannot guess checksums: it leaves them out.
  enum class Checksums : std::uint8_t { kVerify, kIgnore };

  // DataLoss when the file is damaged, FailedPrecondition when a newer Ronda wrote it.
  [[nodiscard]] static base::Result<std::shared_ptr<const SegmentReader>> Open(
      std::unique_ptr<ReadableFile> file, Checksums checksums = Checksums::kVerify);

  [[nodiscard]] const SegmentInfo& info() const { return directory_.info; }
  [[nodiscard]] const Directory& directory() const { return directory_; }
  [[nodiscard]] std::uint64_t file_bytes() const { return file_->size(); }

  // The rows of a trace, if it is here.
  [[nodiscard]] base::Result<std::optional<RowRange>> FindTrace(base::TraceId trace) const;
  // Whether the filter lets the trace be here; about 1 % of those that are not pass.
  [[nodiscard]] bool MayHave(base::TraceId trace) const;
  // Appends these rows to `out`, in the segment's order, with their resources and scopes. After a
  // failure `out` holds some of them.
  [[nodiscard]] base::Status Read(RowRange rows, otlp::SpanBatch& out) const;
  // FindTrace and Read in one go: appends the trace's rows to `out`, none when it is not here.
  [[nodiscard]] base::Status ReadTrace(base::TraceId trace, otlp::SpanBatch& out) const;
  // Reads everything there is.
  [[nodiscard]] base::Status Verify() const;

 private:
  friend class PageReader;

  SegmentReader(std::unique_ptr<ReadableFile> file, Checksums checksums)
      : file_(std::move(file)), checksums_(checksums) {}
  [[nodiscard]] base::Status Load();

  std::unique_ptr<ReadableFile> file_;
  Checksums checksums_;
  Directory directory_;
  std::string bloom_;
};

}  // namespace ronda::trace::segment
