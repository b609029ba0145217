#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/core/random.h"
#include "base/core/status.h"
#include "engine/load/executor.h"
#include "model/definitions.h"
#include "model/value.h"

namespace ronda::engine {

// The rows of a feed, read once and shared by all threads; they take rows without a lock, but for
// unique rows that go round again.
class FeedTable {
 public:
  // Reads the feed's file (relative to `folder`) or its inline rows. With `shard` only the rows of the
  // process's part (row number modulo the number of processes) are kept. InvalidArgument or NotFound
  // says file, line and what to do.
  [[nodiscard]] static base::Result<std::unique_ptr<FeedTable>> Load(const std::string& name,
                                                                     const model::Feed& feed,
                                                                     const std::string& folder,
                                                                     Share process);
  // The rows of a CSV (RFC 4180), JSON (an array of objects) or NDJSON text; `source` for messages.
  [[nodiscard]] static base::Result<std::unique_ptr<FeedTable>> Parse(const std::string& name,
                                                                      const model::Feed& feed,
                                                                      std::string_view text,
                                                                      const std::string& source,
                                                                      Share process);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::vector<std::string>& columns() const { return columns_; }
  [[nodiscard]] std::optional<std::uint32_t> Column(std::string_view name) const;
  [[nodiscard]] std::uint32_t rows() const { return rows_; }
  [[nodiscard]] model::Value At(std::uint32_t row, std::uint32_t column) const {
    return cells_[static_cast<std::size_t>(row) * columns_.size() + column];
  }
  [[nodiscard]] model::Feed::OnEnd on_end() const { return on_end_; }
  [[nodiscard]] bool per_user() const { return per_user_; }
  // Named in `secret:`, or called like something that is nobody's business ("pass", "token").
  [[nodiscard]] bool IsSecret(std::string_view column) const;

  struct Taken {
    enum class Kind : std::uint8_t {
      kRow,
      kBusy,  // unique: all are held; one comes back by Return
      kEnd,  // used up
    } kind = Kind::kEnd;
    std::uint32_t row = 0;
  };
  // The next row. Thread-safe.
  [[nodiscard]] Taken Take(base::Random& random);
  // Who took it needs it no more. Thread-safe.
  void Return(std::uint32_t row);
  // No row is held by two users at once; of per-user feeds each keeps one for good.
  [[nodiscard]] bool unique() const { return pick_ == model::Feed::Pick::kUnique; }

 private:
  [[nodiscard]] base::Status AddRow(std::vector<model::Member> row, const std::string& source,
                                    int line);
  [[nodiscard]] base::Status ReadCsv(std::string_view text, const model::Feed& feed,
                                     const std::string& source);
  [[nodiscard]] base::Status ReadJson(std::string_view text, const std::string& source);
  [[nodiscard]] base::Status ReadInline(const model::Feed& feed);
  [[nodiscard]] base::Status Finish(const std::string& source, Share process, bool shard);

  std::string name_;
  std::vector<std::string> columns_;
  std::vector<std::string> secret_;
  std::vector<model::Value> cells_;  // row by row
  std::uint32_t rows_ = 0;
  model::Feed::Pick pick_ = model::Feed::Pick::kSequential;
  model::Feed::OnEnd on_end_ = model::Feed::OnEnd::kRecycle;
  bool per_user_ = false;
  model::Arena memory_;
  std::atomic<std::uint64_t> next_{0};
  std::mutex mutex_;
  std::deque<std::uint32_t> returned_;  // guarded by mutex_; kUnique that recycles
};

}  // namespace ronda::engine
