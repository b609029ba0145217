#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "disk/compression.h"
#include "series/file_writer.h"
#include "series/key_index.h"

namespace ronda::series {

// What was measured and is in no file yet: a row for each measurement, or for each value that came as
// one. Owned by one thread at a time.
class OpenPoints {
 public:
  struct Row {
    std::uint32_t series = 0;
    std::uint32_t time_s = 0;  // begin of its step
    std::uint64_t value = 0;  // how many, or ns
  };

  // A value as points have it.
  struct ValueRow {
    std::uint32_t series = 0;
    std::uint32_t time_s = 0;
    std::uint32_t begin = 0, size = 0;  // where it is
  };

  // The number of the series with this key (PutKey), which is given one if it has none.
  [[nodiscard]] std::uint32_t SeriesOf(std::string_view key);
  void Add(std::uint32_t series, std::uint64_t time_s, std::uint64_t value) {
    rows_.push_back({series, static_cast<std::uint32_t>(time_s), value});
  }
  // Something whose value is one of points (Sum::Add takes it). At most 4 GiB of those.
  void AddValue(std::uint32_t series, std::uint64_t time_s, std::string_view value) {
    value_rows_.push_back({series, static_cast<std::uint32_t>(time_s),
                           static_cast<std::uint32_t>(values_.size()),
                           static_cast<std::uint32_t>(value.size())});
    values_ += value;
  }
  [[nodiscard]] bool empty() const { return rows_.empty() && value_rows_.empty(); }
  // Of values, about.
  [[nodiscard]] std::size_t value_bytes() const {
    return values_.size() + value_rows_.size() * sizeof(ValueRow);
  }
  [[nodiscard]] std::size_t series() const { return keys_.size(); }
  [[nodiscard]] std::string_view KeyAt(std::size_t series) const { return keys_[series]; }
  [[nodiscard]] const KeyIndex& index() const { return index_; }
  [[nodiscard]] std::span<const Row> rows() const { return rows_; }
  [[nodiscard]] std::span<const ValueRow> value_rows() const { return value_rows_; }
  [[nodiscard]] std::string_view ValueOf(const ValueRow& row) const {
    return std::string_view(values_).substr(row.begin, row.size);
  }
  void Clear();

  // Adds all of it to a file that is empty yet.
  void WriteTo(FileWriter& file) const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return disk::Hash(text); }
  };

  std::unordered_map<std::string, std::uint32_t, Hash, std::equal_to<>> numbers_;
  std::vector<std::string_view> keys_;  // of numbers_
  KeyIndex index_;  // of keys_
  std::vector<Row> rows_;
  std::vector<ValueRow> value_rows_;
  std::string values_;
};

}  // namespace ronda::series
