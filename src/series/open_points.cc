#include "series/open_points.h"

#include <algorithm>
#include <numeric>
#include <span>

#include "base/core/check.h"

namespace ronda::series {
namespace {

// Rows by series, each series' by time.
template <typename Row>
class BySeries {
 public:
  BySeries(std::span<const Row> rows, std::size_t series)
      : begins_(series + 1), rows_(rows.size()) {
    for (const Row& row : rows) ++begins_[row.series + 1];
    std::partial_sum(begins_.begin(), begins_.end(), begins_.begin());
    std::vector<std::size_t> next(begins_.begin(), begins_.end() - 1);
    for (const Row& row : rows) rows_[next[row.series]++] = row;
    // Rows of one series come nearly by time.
    for (std::size_t i = 0; i < series; ++i) {
      const std::span<Row> of_series = Of(i);
      if (!std::ranges::is_sorted(of_series, {}, &Row::time_s)) {
        std::ranges::sort(of_series, {}, &Row::time_s);
      }
    }
  }
  [[nodiscard]] std::span<Row> Of(std::size_t series) {
    return {rows_.data() + begins_[series], begins_[series + 1] - begins_[series]};
  }

 private:
  std::vector<std::size_t> begins_;
  std::vector<Row> rows_;
};

// The rows of the first time of `rows`, cut off.
template <typename Row>
std::span<Row> Take(std::span<Row>& rows, std::uint32_t time_s) {
  std::size_t count = 0;
  while (count < rows.size() && rows[count].time_s == time_s) ++count;
  const std::span<Row> taken = rows.first(count);
  rows = rows.subspan(count);
  return taken;
}

}  // namespace

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
  value_rows_.clear();
  values_.clear();
  keys_.clear();
  numbers_.clear();
}

void OpenPoints::WriteTo(FileWriter& file) const {
  BySeries<Row> by_series(rows_, keys_.size());
  BySeries<ValueRow> values_by_series(value_rows_, keys_.size());
  // Files have their series by key.
  std::vector<std::uint32_t> order(keys_.size());
  std::iota(order.begin(), order.end(), 0u);
  std::ranges::sort(order, {}, [&](std::uint32_t i) { return keys_[i]; });
  Sum sum;
  Key key;
  std::string values;
  std::vector<std::size_t> ends;
  std::vector<Point> points;
  for (const std::uint32_t series : order) {
    CHECK(ReadKey(keys_[series], key));
    values.clear();
    ends.clear();
    points.clear();
    std::span<Row> rows = by_series.Of(series);
    std::span<ValueRow> value_rows = values_by_series.Of(series);
    while (!rows.empty() || !value_rows.empty()) {
      const std::uint32_t time_s =
          std::min(rows.empty() ? ~std::uint32_t{0} : rows.front().time_s,
                   value_rows.empty() ? ~std::uint32_t{0} : value_rows.front().time_s);
      sum.Clear();
      for (const Row& row : Take(rows, time_s)) sum.AddOne(key.kind, row.value);
      for (const ValueRow& row : Take(value_rows, time_s)) {
        CHECK(sum.Add(key.kind, ValueOf(row)).ok());
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
