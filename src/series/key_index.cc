#include "series/key_index.h"

namespace ronda::series {

bool KeyIndex::Add(std::string_view key_bytes) {
  if (!ReadKey(key_bytes, key_)) return false;
  Series series{.kind = key_.kind, .metric = NumberOfMetric(key_.metric)};
  series.begin = static_cast<std::uint32_t>(numbers_.size());
  for (std::size_t i = 0; i < key_.labels.size(); ++i) {
    numbers_.push_back(NumberOf(key_.labels[i], i));
  }
  series.end = static_cast<std::uint32_t>(numbers_.size());
  series_.push_back(series);
  return true;
}

void KeyIndex::Clear() {
  series_.clear();
  numbers_.clear();
  labels_.clear();
  metrics_.clear();
  label_numbers_.clear();
  metric_numbers_.clear();
}

std::uint32_t KeyIndex::NumberOf(const Label& label, std::size_t position) {
  // Keys that follow each other have most of their labels in common.
  if (!series_.empty()) {
    const std::span<const std::uint32_t> before = LabelsOf(series_.back());
    if (position < before.size() && labels_[before[position]] == label) return before[position];
  }
  const auto [at, made] =
      label_numbers_.try_emplace(label, static_cast<std::uint32_t>(labels_.size()));
  if (made) labels_.push_back(label);
  return at->second;
}

std::uint32_t KeyIndex::NumberOfMetric(std::string_view metric) {
  const auto [at, made] =
      metric_numbers_.try_emplace(metric, static_cast<std::uint32_t>(metrics_.size()));
  if (made) metrics_.push_back(metric);
  return at->second;
}

}  // namespace ronda::series
