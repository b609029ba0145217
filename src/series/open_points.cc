#include "series/open_points.h"

#include <algorithm>
#include <numeric>
#include <span>

#include "base/core/check.h"

namespace ronda::series {

std::uint32_t OpenPoints::SeriesOf(std::string_view key) {
  if (const auto found = numbers_.find(key); found != numbers_.end()) return found->second;
  const auto number = static_cast<std::uint32_t>(keys_.size());
  keys_.push_back(numbers_.emplace(key, number).first->first);
  CHECK(index_.Add(keys_.back()));
  return number;
}

void OpenPoints::Clear() {
  rows_.clear();
  index_.Clear();
  keys_.clear();
  numbers_.clear();
}

std::vector<OpenPoints::Row> OpenPoints::Ordered() const {
  // Files have their series by key.
  std::vector<std::uint32_t> order(keys_.size());
  std::iota(order.begin(), order.end(), 0u);
  std::ranges::sort(order, {}, [&](std::uint32_t i) { return keys_[i]; });
  std::vector<std::size_t> ends(keys_.size());
  for (const Row& row : rows_) ++ends[row.series];
  std::size_t end = 0;
  for (const std::uint32_t series : order) {
    const std::size_t begin = end;
    end += ends[series];
    ends[series] = begin;
  }
  std::vector<Row> rows(rows_.size());
  for (const Row& row : rows_) rows[ends[row.series]++] = row;
  // Rows of one series come nearly by time.
  std::size_t begin = 0;
  for (const std::uint32_t series : order) {
    const std::span<Row> of_series(rows.data() + begin, ends[series] - begin);
    if (!std::ranges::is_sorted(of_series, {}, &Row::time_s)) {
      std::ranges::sort(of_series, {}, &Row::time_s);
    }
    begin = ends[series];
  }
  return rows;
}

void OpenPoints::WriteTo(FileWriter& file) const {
  const std::vector<Row> rows = Ordered();
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
