#include "series/open_points.h"

#include <algorithm>
#include <numeric>
#include <tuple>

#include "base/core/check.h"

namespace ronda::series {

std::optional<std::uint32_t> OpenPoints::Find(std::string_view key) const {
  const auto found = numbers_.find(key);
  return found == numbers_.end() ? std::nullopt : std::optional(found->second);
}

std::uint32_t OpenPoints::SeriesOf(std::string_view key) {
  if (const auto found = Find(key)) return *found;
  const auto number = static_cast<std::uint32_t>(keys_.size());
  keys_.push_back(numbers_.emplace(key, number).first->first);
  return number;
}

void OpenPoints::Clear() {
  rows_.clear();
  keys_.clear();
  numbers_.clear();
}

void OpenPoints::WriteTo(FileWriter& file) const {
  // Files have their series by key.
  std::vector<std::uint32_t> order(keys_.size()), rank(keys_.size());
  std::iota(order.begin(), order.end(), 0u);
  std::ranges::sort(order, {}, [&](std::uint32_t i) { return keys_[i]; });
  for (std::uint32_t i = 0; i < order.size(); ++i) rank[order[i]] = i;
  std::vector<Row> rows = rows_;
  std::ranges::sort(
      rows, {}, [&](const Row& row) { return std::uint64_t{rank[row.series]} << 32 | row.time_s; });
  Sum sum;
  Key key;
  std::string values;
  std::vector<std::size_t> ends;
  std::vector<Point> points;
  for (std::size_t i = 0; i < rows.size();) {
    const std::uint32_t series = rows[i].series;
    CHECK(ReadKey(keys_[series], key));
    values.clear();
    ends.clear();
    points.clear();
    while (i < rows.size() && rows[i].series == series) {
      const std::uint32_t time_s = rows[i].time_s;
      sum.Clear();
      for (; i < rows.size() && rows[i].series == series && rows[i].time_s == time_s; ++i) {
        sum.AddOne(key.kind, rows[i].value);
      }
      points.push_back({.time_s = time_s, .value = {}});
      sum.Encode(key.kind, values);
      ends.push_back(values.size());
    }
    for (std::size_t p = 0, begin = 0; p < points.size(); begin = ends[p++]) {
      points[p].value = std::string_view(values).substr(begin, ends[p] - begin);
    }
    file.Add(keys_[series], points);
  }
}

}  // namespace ronda::series
