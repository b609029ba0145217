#pragma once

#include <string>
#include <vector>

#include "base/core/status.h"
#include "series/source.h"

namespace ronda::series {

// Hands all points of a source to `reading`: Read(const OpenPoints&), and Read(const File&) for each file.
// A damaged file is told in `notices` and the rest is read on; any other failure ends it.
template <typename Reading>
base::Status ReadAll(Source& source, Reading& reading, std::vector<std::string>& notices) {
  const Source::Files files = source.Snapshot([&](const OpenPoints& open) { reading.Read(open); });
  for (const auto& file : files) {
    const base::Status status = reading.Read(*file);
    if (status.code() == base::Code::kDataLoss) {
      notices.push_back("figures are missing: " + status.message());
    } else {
      RETURN_IF_ERROR(status);
    }
  }
  return base::Ok();
}

}  // namespace ronda::series
