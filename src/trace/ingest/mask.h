#pragma once

#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "wire/otlp/metric_model.h"
#include "wire/otlp/model.h"

namespace ronda::trace::ingest {

// What is made unreadable before it reaches a disk.
struct MaskRules {
  enum class Apply : std::uint8_t { kNo, kYes };
  // Literals of db.statement and db.query.text become "?"; values of db.query.parameter.* "***".
  Apply sql = Apply::kYes;
  // http.request.header.* and http.response.header.* of authorization, cookie and the like: "***".
  Apply headers = Apply::kYes;
  // Attributes of these keys: "***". A key that ends in '*' means all that begin so.
  std::vector<std::string> keys = {};
};

// `sql` with "?" for every literal: 'texts', numbers, $tag$ texts $tag$, x'hex'. Identifiers, comments
// and placeholders stay. "double quoted" is an identifier, unless `quotes` says that it is a text, as in
// MySQL. A text that does not end is masked to the end.
enum class DoubleQuotes : std::uint8_t { kIdentifier, kText };
[[nodiscard]] std::string MaskSql(std::string_view sql, DoubleQuotes quotes);

// Applies rules to batches, in place; masking what is masked changes nothing. Immutable: any thread.
class Masker {
 public:
  explicit Masker(const MaskRules& rules);
  // How many values were changed.
  std::uint64_t Apply(wire::otlp::SpanBatch& batch) const;
  // The same of metrics, which have no statements.
  std::uint64_t Apply(wire::otlp::MetricBatch& batch) const;

 private:
  [[nodiscard]] std::uint64_t HideKeys(wire::otlp::BatchParts& batch) const;
  [[nodiscard]] bool HidesKey(std::string_view key) const;

  MaskRules rules_;
  std::unordered_set<std::string> exact_;
  std::vector<std::string> prefixes_;
  std::bitset<256> first_;  // characters that a key to hide may begin with
};

}  // namespace ronda::trace::ingest
