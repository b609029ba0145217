#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/status.h"
#include "series/key.h"
#include "series/source.h"
#include "series/value.h"

namespace ronda::series {

// Who reads: which series, and where to.
struct Visitor {
  // The caller's number for a series; nothing: it is passed over. Asked once for each.
  std::function<std::optional<std::uint32_t>(const Key&)> number_of;
  // What the points of that number and time add up in. Asked for one at a time.
  std::function<Sum&(std::uint32_t number, std::uint64_t time_s)> sum_of;
};

// Adds every measurement of `metric` whose point lies in [from_s, to_s), whatever it is in, once. Files
// that are damaged are left out and named in `notices`, where they may have been read in part. Any thread.
[[nodiscard]] base::Status Read(Source& source, std::string_view metric, std::uint64_t from_s,
                                std::uint64_t to_s, const Visitor& visitor,
                                std::vector<std::string>& notices);

// Visits the keys of every series that may have points in [from_s, to_s), many of them several times.
void ReadKeys(Source& source, std::uint64_t from_s, std::uint64_t to_s,
              const std::function<void(const Key&)>& visit);

}  // namespace ronda::series
