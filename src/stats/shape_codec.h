#pragma once

#include <string>
#include <string_view>

#include "base/core/status.h"
#include "stats/shape.h"

namespace ronda::stats {

// The form in which one process tells another of a run's shape (docs/formats/metrics.md, "Shape").
void EncodeShape(const Shape& shape, std::string& out);

// What was encoded. `bytes` is foreign: anything inconsistent is InvalidArgument.
[[nodiscard]] base::Result<Shape> DecodeShape(std::string_view bytes);

}  // namespace ronda::stats
