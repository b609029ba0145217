#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "disk/compression.h"
#include "series/key.h"

namespace ronda::series {

// The keys of many series taken apart: labels that are in many of them have one number, so that a question
// looks at each text once and then at numbers. Series have the numbers 0, 1, ... in the order in which
// they were added. One writer at a time.
class KeyIndex {
 public:
  struct Series {
    Kind kind = Kind::kCount;
    std::uint32_t metric = 0;
    std::uint32_t begin = 0, end = 0;  // of its labels' numbers
  };

  // Takes what PutKey wrote, borrowed for the index's life; false, and nothing added, when it is no key.
  [[nodiscard]] bool Add(std::string_view key_bytes);
  // No more keys come: what only Add needs goes.
  void Finish() {
    label_numbers_ = {};
    metric_numbers_ = {};
  }
  void Clear();

  [[nodiscard]] std::span<const Series> series() const { return series_; }
  // Of a series, as numbers in labels().
  [[nodiscard]] std::span<const std::uint32_t> LabelsOf(const Series& series) const {
    return {numbers_.data() + series.begin, series.end - series.begin};
  }
  [[nodiscard]] std::span<const Label> labels() const { return labels_; }
  [[nodiscard]] std::span<const std::string_view> metrics() const { return metrics_; }

 private:
  struct Hash {
    std::size_t operator()(const Label& label) const {
      return disk::Hash(label.value, disk::Hash(label.name));
    }
  };

  [[nodiscard]] std::uint32_t NumberOf(const Label& label, std::size_t position);
  [[nodiscard]] std::uint32_t NumberOfMetric(std::string_view metric);

  std::vector<Series> series_;
  std::vector<std::uint32_t> numbers_;
  std::vector<Label> labels_;
  std::vector<std::string_view> metrics_;
  std::unordered_map<Label, std::uint32_t, Hash> label_numbers_;
  std::unordered_map<std::string_view, std::uint32_t> metric_numbers_;
  Key key_;  // scratch
};

}  // namespace ronda::series
