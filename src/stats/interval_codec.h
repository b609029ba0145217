#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/core/status.h"
#include "stats/interval.h"
#include "stats/shape.h"

namespace ronda::stats {

// The form in which one process tells another of an interval: exact, so that a run on many workers
// has the same percentiles as one on one machine (docs/formats/metrics.md, "Interval").
void EncodeInterval(const Interval& interval, std::string& out);

// What was encoded, for a run of this shape. `bytes` is foreign: anything inconsistent, or of another
// shape, is InvalidArgument.
[[nodiscard]] base::Result<std::unique_ptr<Interval>> DecodeInterval(std::string_view bytes,
                                                                     const Shape& shape);

}  // namespace ronda::stats
