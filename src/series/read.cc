#include "series/read.h"

#include <unordered_map>

#include "base/core/check.h"
#include "disk/compression.h"
#include "series/read_all.h"

namespace ronda::series {
namespace {

class Reading {
 public:
  Reading(std::string_view metric, std::uint64_t from_s, std::uint64_t to_s, const Visitor& visitor)
      : metric_(metric), from_s_(from_s), to_s_(to_s), visitor_(visitor) {}

  void Read(const OpenPoints& open) {
    std::vector<Series> series(open.series());
    for (std::size_t i = 0; i < series.size(); ++i) series[i] = SeriesOf(open.KeyAt(i));
    for (const OpenPoints::Row& row : open.rows()) {
      const Series& of = series[row.series];
      if (!of.number || !Wanted(row.time_s)) continue;
      visitor_.sum_of(*of.number, row.time_s).AddOne(of.kind, row.value);
    }
    for (const OpenPoints::ValueRow& row : open.value_rows()) {
      const Series& of = series[row.series];
      if (!of.number || !Wanted(row.time_s)) continue;
      CHECK(visitor_.sum_of(*of.number, row.time_s).Add(of.kind, open.ValueOf(row)).ok());
    }
  }

  base::Status Read(const File& file) {
    const FileInfo& info = file.info();
    if (info.points == 0 || info.last_s < from_s_ || info.first_s >= to_s_) return base::Ok();
    FileCursor cursor(file);
    std::vector<Point> points;
    for (std::size_t i = 0; i < file.series(); ++i) {
      const Series series = SeriesOf(file.KeyAt(i));
      if (!series.number) continue;
      RETURN_IF_ERROR(cursor.Read(i, points));
      for (const Point& point : points) {
        if (!Wanted(point.time_s)) continue;
        if (!visitor_.sum_of(*series.number, point.time_s).Add(series.kind, point.value).ok()) {
          return base::DataLoss("a point has no value of its kind");
        }
      }
    }
    return base::Ok();
  }

 private:
  struct Series {
    std::optional<std::uint32_t> number = {};
    Kind kind = Kind::kCount;
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return disk::Hash(text); }
  };

  [[nodiscard]] bool Wanted(std::uint64_t time_s) const {
    return time_s >= from_s_ && time_s < to_s_;
  }
  // The same series are in many files.
  Series SeriesOf(std::string_view bytes) {
    if (const auto found = known_.find(bytes); found != known_.end()) return found->second;
    Series series;
    if (ReadKey(bytes, key_) && key_.metric == metric_) {
      series = {visitor_.number_of(key_), key_.kind};
    }
    known_.emplace(bytes, series);
    return series;
  }

  std::string_view metric_;
  std::uint64_t from_s_, to_s_;
  const Visitor& visitor_;
  Key key_;
  std::unordered_map<std::string, Series, Hash, std::equal_to<>> known_;
};

}  // namespace

base::Status Read(Source& source, std::string_view metric, std::uint64_t from_s, std::uint64_t to_s,
                  const Visitor& visitor, std::vector<std::string>& notices) {
  Reading reading(metric, from_s, to_s, visitor);
  return ReadAll(source, reading, notices);
}

void ReadKeys(Source& source, std::uint64_t from_s, std::uint64_t to_s,
              const std::function<void(const Key&)>& visit) {
  Key key;
  const auto read = [&](std::string_view bytes) {
    if (ReadKey(bytes, key)) visit(key);
  };
  const Source::Files files = source.Snapshot([&](const OpenPoints& open) {
    for (std::size_t i = 0; i < open.series(); ++i) read(open.KeyAt(i));
  });
  for (const auto& file : files) {
    if (file->info().last_s < from_s || file->info().first_s >= to_s) continue;
    for (std::size_t i = 0; i < file->series(); ++i) read(file->KeyAt(i));
  }
}

}  // namespace ronda::series
