#pragma once

#include <string>

#include "base/core/status.h"
#include "trace/ingest/sampling.h"

namespace ronda::apps {

// Reads what tail sampling keeps (docs/help/sampling.md), YAML. InvalidArgument names every place that
// is wrong, as FILE:LINE:COLUMN; NotFound and the like when the file cannot be read.
[[nodiscard]] base::Result<trace::ingest::SamplingRules> ReadSamplingFile(const std::string& path);
// The same from a text; `name` stands for the file.
[[nodiscard]] base::Result<trace::ingest::SamplingRules> ReadSampling(std::string name,
                                                                      std::string text);

}  // namespace ronda::apps
