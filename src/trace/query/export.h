#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/core/status.h"
#include "trace/segment/source.h"
#include "wire/otlp/model.h"

namespace ronda::trace::query {

// Spans of a range of time, by their start.
struct ExportPage {
  wire::otlp::SpanBatch batch;
  std::optional<std::uint64_t> next_ns;  // where the next page begins; nothing: that was all
  std::vector<std::string> notices;  // segments that could not be read, and why
};

// The spans that start in [from_ns, to_ns): about `least` of them, the earliest, and all that start in
// the same nanosecond as the last one. Pages that begin where the one before ended have every span once,
// whatever is sealed, merged and received meanwhile; but for what arrives later and started earlier, and
// what is removed. Damage is a notice. Any thread.
[[nodiscard]] base::Result<ExportPage> ReadExportPage(segment::Source& source,
                                                      std::uint64_t from_ns, std::uint64_t to_ns,
                                                      std::size_t least);

}  // namespace ronda::trace::query
