#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/ids.h"
#include "base/core/status.h"
#include "base/core/varint.h"
#include "wire/otlp/model.h"

// The parts of a segment file (docs/formats/trace-segment.md), as its writer and its reader share them.
namespace ronda::trace::segment {

namespace otlp = ronda::wire::otlp;

inline constexpr std::string_view kSegmentMagic = "RNDASEG1";
inline constexpr std::string_view kSegmentEnd = "RSEG";
inline constexpr std::uint32_t kSegmentVersion = 1;
inline constexpr std::size_t kTrailer = 32;
inline constexpr std::uint32_t kPageRows = 8192;
inline constexpr std::uint32_t kMostPieceBytes = 1u << 30;

// What a segment says about itself.
struct SegmentInfo {
  std::uint64_t partition_ns = 0;  // when its partition begins
  std::uint64_t first_sequence = 0;  // of the log: what it was made from
  std::uint64_t last_sequence = 0;
  std::uint64_t rows = 0;
  std::uint64_t traces = 0;
  std::uint64_t min_start_ns = 0;
  std::uint64_t max_start_ns = 0;
  std::uint64_t merged = 0;  // how often its oldest rows were merged
  bool operator==(const SegmentInfo&) const = default;
};

// Bytes somewhere in the file.
struct Piece {
  std::uint64_t offset = 0;
  std::uint64_t stored = 0;
  std::uint64_t raw = 0;  // equal to `stored`: not compressed
  std::uint32_t checksum = 0;  // of the stored bytes
};

enum class Table : std::uint8_t { kSpans = 0, kEvents = 1, kLinks = 2 };
inline constexpr std::size_t kTables = 3;

// What a column means in its table.
enum class Role : std::uint8_t {
  kAttribute = 0,
  kOverflow = 1,
  kShape = 2,
  kName = 3,
  kTraceState = 4,
  kDroppedAttributes = 5,
  kFlags = 6,
  kSpanId = 7,
  kStatusMessage = 8,
  kParentCode = 9,
  kParentId = 10,
  kStart = 11,
  kDuration = 12,
  kKind = 13,
  kStatus = 14,
  kDroppedEvents = 15,
  kDroppedLinks = 16,
  kScope = 17,
  kEventCount = 18,
  kLinkCount = 19,
  kTimeOffset = 20,
  kTraceHigh = 21,
  kTraceLow = 22,
};
inline constexpr std::uint64_t kLastRole = 22;

enum class Encoding : std::uint8_t {
  kInts = 0,  // above the page's least, in byte planes
  kDeltas = 1,  // zigzag differences, in byte planes
  kRaw = 2,  // 8 bytes each
  kDictionary = 3,  // kInts that number the dictionary's texts
  kTexts = 4,  // lengths, then bytes
};
inline constexpr std::uint64_t kLastEncoding = 4;

struct Page {
  std::uint32_t count = 0;  // of values
  Piece piece = {};
  std::uint64_t min = 0;  // of kInts and kDeltas
  std::uint64_t max = 0;
};

struct Column {
  Role role = Role::kAttribute;
  Encoding encoding = Encoding::kInts;
  otlp::ValueType type = otlp::ValueType::kEmpty;  // of kAttribute
  std::string key;  // of kAttribute
  Piece dictionary;  // of kDictionary
  Piece bloom;  // of kTexts
  std::vector<Page> pages;
};

struct TableLayout {
  Piece shapes;
  std::vector<std::uint32_t> page_rows;
  std::vector<Column> columns;
};

struct Directory {
  SegmentInfo info;
  Piece trace_ids;  // high and low, 8 bytes each, one for each trace in the order of rows
  Piece trace_rows;  // a varint for each trace
  Piece trace_bloom;
  Piece resources;
  Piece scopes;
  TableLayout tables[kTables];
};

void PutDirectory(const Directory& directory, std::string& out);
// Everything in it is bounded and consistent in itself; pieces lie below `end`. DataLoss otherwise.
[[nodiscard]] base::Status ReadDirectory(std::string_view bytes, std::uint64_t end,
                                         Directory& directory);

[[nodiscard]] inline std::uint64_t ZigZag(std::int64_t v) {
  return static_cast<std::uint64_t>(v) << 1 ^ static_cast<std::uint64_t>(v >> 63);
}
[[nodiscard]] inline std::int64_t UnZigZag(std::uint64_t v) {
  return static_cast<std::int64_t>(v >> 1) ^ -static_cast<std::int64_t>(v & 1);
}
// How many bytes the largest value needs: 0 for 0.
[[nodiscard]] inline std::uint32_t BytesFor(std::uint64_t largest) {
  std::uint32_t width = 0;
  for (; largest != 0; largest >>= 8) ++width;
  return width;
}

// A Bloom filter: 10 bits a value, 7 probes, about 1 % false positives.
class Bloom {
 public:
  explicit Bloom(std::size_t values) : bits_(values * 10 / 8 + 8, '\0') {}
  void Add(std::uint64_t hash);
  [[nodiscard]] const std::string& bits() const { return bits_; }
  [[nodiscard]] static bool MayHave(std::string_view bits, std::uint64_t hash);

 private:
  std::string bits_;
};
[[nodiscard]] std::uint64_t HashOf(base::TraceId trace);

}  // namespace ronda::trace::segment
