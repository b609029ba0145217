#include <algorithm>
#include <deque>
#include <map>
#include <utility>

#include "series/store.h"

namespace ronda::series {
namespace {

// Where a series is: file of the plan, number in it.
using Places = std::vector<std::pair<std::size_t, std::size_t>>;

// Joins the points of one series from all files.
class Joiner {
 public:
  explicit Joiner(const UpkeepPlan& plan) : plan_(plan) {
    for (const auto& file : plan.files) cursors_.emplace_back(*file);
  }

  // Appends to `writer`. On DataLoss damaged() is the id of the file.
  base::Status Join(std::string_view key_bytes, const Places& places, FileWriter& writer) {
    Key key;
    if (!ReadKey(key_bytes, key)) return base::Internal("a key that was read is none");
    all_.clear();
    for (const auto& [file, series] : places) {
      damaged_ = plan_.ids[file];
      RETURN_IF_ERROR(cursors_[file].Read(series, points_));
      for (Point& point : points_) {
        point.time_s -= point.time_s % plan_.step_s;
        all_.push_back({point, plan_.ids[file]});
      }
    }
    std::ranges::sort(all_, {}, [](const From& from) { return from.point.time_s; });
    return Write(key.kind, key_bytes, writer);
  }
  [[nodiscard]] std::uint64_t damaged() const { return damaged_; }

 private:
  struct From {
    Point point;
    std::uint64_t file = 0;
  };

  base::Status Write(Kind kind, std::string_view key_bytes, FileWriter& writer) {
    values_.clear();
    points_.clear();
    ends_.clear();
    for (std::size_t i = 0; i < all_.size();) {
      const std::uint64_t time_s = all_[i].point.time_s;
      sum_.Clear();
      for (; i < all_.size() && all_[i].point.time_s == time_s; ++i) {
        if (!sum_.Add(kind, all_[i].point.value).ok()) {
          damaged_ = all_[i].file;
          return base::DataLoss("a point has no value of its kind");
        }
      }
      sum_.Encode(kind, values_);
      ends_.push_back(values_.size());
      points_.push_back({.time_s = time_s, .value = {}});
    }
    for (std::size_t p = 0, begin = 0; p < points_.size(); begin = ends_[p++]) {
      points_[p].value = std::string_view(values_).substr(begin, ends_[p] - begin);
    }
    writer.Add(key_bytes, points_);
    return base::Ok();
  }

  const UpkeepPlan& plan_;
  std::deque<FileCursor> cursors_;
  std::vector<Point> points_;
  std::vector<From> all_;
  std::string values_;
  std::vector<std::size_t> ends_;
  Sum sum_;
  std::uint64_t damaged_ = 0;
};

}  // namespace

base::Result<UpkeepOutcome> RunUpkeep(disk::FileSystem& files, const UpkeepPlan& plan) {
  std::map<std::string_view, Places> series;
  std::uint64_t through = 0;
  for (std::size_t f = 0; f < plan.files.size(); ++f) {
    const File& file = *plan.files[f];
    through = std::max(through, file.info().through);
    for (std::size_t s = 0; s < file.series(); ++s) series[file.KeyAt(s)].emplace_back(f, s);
  }
  FileWriter writer(plan.step_s);
  Joiner joiner(plan);
  for (const auto& [key, places] : series) {
    const base::Status status = joiner.Join(key, places, writer);
    if (status.code() == base::Code::kDataLoss) {
      return UpkeepOutcome{.damaged = joiner.damaged(), .why = status};
    }
    RETURN_IF_ERROR(status);
  }
  const std::string bytes = writer.Finish(through, plan.ids);
  RETURN_IF_ERROR(WriteWhole(files, FileName(plan.id), bytes));
  const FileInfo& info = writer.info();
  return UpkeepOutcome{.entry = {.id = plan.id,
                                 .bytes = bytes.size(),
                                 .step_s = info.step_s,
                                 .first_s = info.first_s,
                                 .last_s = info.last_s,
                                 .points = info.points}};
}

}  // namespace ronda::series
