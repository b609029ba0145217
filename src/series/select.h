#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/status.h"
#include "series/source.h"
#include "series/value.h"

namespace ronda::series {

// A label and the values of which it has one; "" is the value of a label that is missing.
struct Filter {
  std::string label;
  std::vector<std::string> values;
};

// Which measurements are asked for, and what of them is told apart.
struct Selection {
  static constexpr std::size_t kMostFilters = 64;

  std::string_view metric;
  std::uint64_t from_s = 0, to_s = 0;  // their points lie in [from_s, to_s), since 1970
  std::vector<Filter> where = {};  // all of them hold; at most kMostFilters
  std::vector<std::string> by = {};  // labels
};

// What the points of a group and time add up in. Asked for one at a time; groups are numbered 0, 1, ... as
// they are met.
using SumOf = std::function<Sum&(std::uint32_t group, std::uint64_t time_s)>;

// Adds every measurement that is selected, whatever it is in, once. The result: for each group the values
// of its labels, in the order of `by`. Files that are damaged are left out and named in `notices`, where
// they may have been read in part. Any thread.
[[nodiscard]] base::Result<std::vector<std::vector<std::string>>> ReadGroups(
    Source& source, const Selection& selection, const SumOf& sum_of,
    std::vector<std::string>& notices);

}  // namespace ronda::series
