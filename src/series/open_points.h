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

// What was measured and is in no file yet: a row for each measurement. Owned by one thread at a time.
class OpenPoints {
 public:
  struct Row {
    std::uint32_t series = 0;
    std::uint32_t time_s = 0;  // begin of its step
    std::uint64_t value = 0;  // how many, or ns
  };

  // The number of the series with this key (PutKey), which is given one if it has none.
  [[nodiscard]] std::uint32_t SeriesOf(std::string_view key);
  void Add(std::uint32_t series, std::uint64_t time_s, std::uint64_t value) {
    rows_.push_back({series, static_cast<std::uint32_t>(time_s), value});
  }
  [[nodiscard]] bool empty() const { return rows_.empty(); }
  [[nodiscard]] std::size_t series() const { return keys_.size(); }
  [[nodiscard]] std::string_view KeyAt(std::size_t series) const { return keys_[series]; }
  [[nodiscard]] const KeyIndex& index() const { return index_; }
  [[nodiscard]] std::span<const Row> rows() const { return rows_; }
  void Clear();

  // Adds all of it to a file that is empty yet.
  void WriteTo(FileWriter& file) const;

 private:
  // The rows by key, then time.
  [[nodiscard]] std::vector<Row> Ordered() const;

  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return disk::Hash(text); }
  };

  std::unordered_map<std::string, std::uint32_t, Hash, std::equal_to<>> numbers_;
  std::vector<std::string_view> keys_;  // of numbers_
  KeyIndex index_;  // of keys_
  std::vector<Row> rows_;
};

}  // namespace ronda::series
