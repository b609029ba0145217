#include "series/select.h"

#include <algorithm>
#include <unordered_map>

#include "base/core/check.h"
#include "disk/compression.h"
#include "series/key_index.h"
#include "series/read_all.h"

namespace ronda::series {
namespace {

constexpr std::uint32_t kNone = ~std::uint32_t{0};

// Finds the group of each series of an index.
class Selector {
 public:
  explicit Selector(const Selection& selection) : selection_(selection) {
    CHECK(selection.where.size() <= Selection::kMostFilters);
    for (std::size_t i = 0; i < selection.where.size(); ++i) {
      const std::uint64_t bit = std::uint64_t{1} << i;
      all_ |= bit;
      if (Has(selection.where[i], "")) hold_without_label_ |= bit;
    }
    NumberOfValue("");
  }

  // By series; kNone where it is not selected. Valid until the next call.
  const std::vector<std::uint32_t>& GroupsOf(const KeyIndex& index) {
    LookAtLabels(index);
    groups_of_.clear();
    for (const KeyIndex::Series& series : index.series()) {
      const bool of_metric = index.metrics()[series.metric] == selection_.metric;
      groups_of_.push_back(of_metric ? GroupOf(index.LabelsOf(series)) : kNone);
    }
    return groups_of_;
  }

  [[nodiscard]] std::vector<std::vector<std::string>> Take() { return std::move(groups_); }

 private:
  // What a label of the index means for the question.
  struct Meaning {
    std::uint64_t asked = 0;  // the filters on it
    std::uint64_t hold = 0;  // those of them that hold
    bool by = false;  // it is one of those that are told apart
    std::uint32_t value = kNone;  // number of its value, once it was in a group
  };
  struct Hash {
    std::size_t operator()(const std::vector<std::uint32_t>& values) const {
      return disk::Hash({reinterpret_cast<const char*>(values.data()), 4 * values.size()});
    }
  };

  static bool Has(const Filter& filter, std::string_view value) {
    return std::ranges::find(filter.values, value) != filter.values.end();
  }

  void LookAtLabels(const KeyIndex& index) {
    labels_ = index.labels();
    meanings_.clear();
    for (const Label& label : labels_) {
      Meaning& meaning = meanings_.emplace_back();
      for (std::size_t i = 0; i < selection_.where.size(); ++i) {
        if (selection_.where[i].label != label.name) continue;
        meaning.asked |= std::uint64_t{1} << i;
        if (Has(selection_.where[i], label.value)) meaning.hold |= std::uint64_t{1} << i;
      }
      meaning.by = std::ranges::find(selection_.by, label.name) != selection_.by.end();
    }
  }

  std::uint32_t GroupOf(std::span<const std::uint32_t> labels) {
    std::uint64_t hold = hold_without_label_;
    for (const std::uint32_t label : labels) {
      hold = (hold & ~meanings_[label].asked) | meanings_[label].hold;
    }
    if (hold != all_) return kNone;
    group_values_.assign(selection_.by.size(), 0);
    for (const std::uint32_t label : labels) {
      Meaning& meaning = meanings_[label];
      if (!meaning.by) continue;
      if (meaning.value == kNone) meaning.value = NumberOfValue(labels_[label].value);
      for (std::size_t i = 0; i < selection_.by.size(); ++i) {
        if (selection_.by[i] == labels_[label].name) group_values_[i] = meaning.value;
      }
    }
    const auto [at, made] =
        numbers_.try_emplace(group_values_, static_cast<std::uint32_t>(groups_.size()));
    if (made) {
      auto& texts = groups_.emplace_back();
      for (const std::uint32_t value : group_values_) texts.push_back(values_[value]);
    }
    return at->second;
  }

  std::uint32_t NumberOfValue(std::string_view value) {
    const auto [at, made] =
        value_numbers_.try_emplace(std::string(value), static_cast<std::uint32_t>(values_.size()));
    if (made) values_.emplace_back(value);
    return at->second;
  }

  const Selection& selection_;
  std::uint64_t all_ = 0;  // a bit for each filter
  std::uint64_t hold_without_label_ = 0;
  std::vector<std::string> values_;
  std::unordered_map<std::string, std::uint32_t> value_numbers_;
  std::vector<std::vector<std::string>> groups_;
  std::unordered_map<std::vector<std::uint32_t>, std::uint32_t, Hash> numbers_;
  // Of the index.
  std::span<const Label> labels_;
  std::vector<Meaning> meanings_;
  std::vector<std::uint32_t> groups_of_;
  std::vector<std::uint32_t> group_values_;  // scratch
};

class Reading {
 public:
  Reading(const Selection& selection, const SumOf& sum_of)
      : selection_(selection), sum_of_(sum_of), selector_(selection) {}

  void Read(const OpenPoints& open) {
    const std::vector<std::uint32_t>& groups = selector_.GroupsOf(open.index());
    for (const OpenPoints::Row& row : open.rows()) {
      if (groups[row.series] == kNone || !Wanted(row.time_s)) continue;
      sum_of_(groups[row.series], row.time_s)
          .AddOne(open.index().series()[row.series].kind, row.value);
    }
    for (const OpenPoints::ValueRow& row : open.value_rows()) {
      if (groups[row.series] == kNone || !Wanted(row.time_s)) continue;
      const Kind kind = open.index().series()[row.series].kind;
      CHECK(sum_of_(groups[row.series], row.time_s).Add(kind, open.ValueOf(row)).ok());
    }
  }

  base::Status Read(const File& file) {
    const FileInfo& info = file.info();
    if (info.points == 0 || info.last_s < selection_.from_s || info.first_s >= selection_.to_s) {
      return base::Ok();
    }
    FileCursor cursor(file);
    std::vector<Point> points;
    const KeyIndex& index = file.index();
    const std::vector<std::uint32_t>& groups = selector_.GroupsOf(index);
    for (std::size_t i = 0; i < groups.size(); ++i) {
      if (groups[i] == kNone) continue;
      RETURN_IF_ERROR(cursor.Read(i, points));
      for (const Point& point : points) {
        if (!Wanted(point.time_s)) continue;
        if (!sum_of_(groups[i], point.time_s).Add(index.series()[i].kind, point.value).ok()) {
          return base::DataLoss("a point has no value of its kind");
        }
      }
    }
    return base::Ok();
  }

  [[nodiscard]] std::vector<std::vector<std::string>> TakeGroups() { return selector_.Take(); }

 private:
  [[nodiscard]] bool Wanted(std::uint64_t time_s) const {
    return time_s >= selection_.from_s && time_s < selection_.to_s;
  }

  const Selection& selection_;
  const SumOf& sum_of_;
  Selector selector_;
};

}  // namespace

base::Result<std::vector<std::vector<std::string>>> ReadGroups(Source& source,
                                                               const Selection& selection,
                                                               const SumOf& sum_of,
                                                               std::vector<std::string>& notices) {
  Reading reading(selection, sum_of);
  RETURN_IF_ERROR(ReadAll(source, reading, notices));
  return reading.TakeGroups();
}

}  // namespace ronda::series
