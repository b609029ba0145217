#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ronda::series {

// What the points of a series are, and how two of the same time become one.
enum class Kind : std::uint8_t {
  kCount = 0,  // how many were added within the step: they add up
  kHistogram = 1,  // base::Histogram of kLayout, of what came within the step: they merge
  // Of metrics that others send (metric_value.h).
  kGauge = 2,  // Gauge
  kSum = 3,  // Delta<Amount>
  kCounter = 4,  // Counted<Amount>
  kDistribution = 5,  // Delta<Distribution>
  kCountedDistribution = 6,  // Counted<Distribution>
};
inline constexpr Kind kLastKind = Kind::kCountedDistribution;
// Whether others name and send it; the rest is measured here.
[[nodiscard]] constexpr bool IsMetric(Kind kind) { return kind >= Kind::kGauge; }

// Texts are borrowed.
struct Label {
  std::string_view name;
  std::string_view value;
  bool operator==(const Label&) const = default;
};

// Which series: a metric and its labels. An empty value is the same as no label.
struct Key {
  Kind kind = Kind::kCount;
  std::string_view metric;
  std::vector<Label> labels;  // by name, each once

  // "" when it has no such label.
  [[nodiscard]] std::string_view At(std::string_view label) const;
};

// Appends the key as bytes (docs/formats/series.md, "Keys"); equal keys have equal bytes. `labels` are
// ascending by name; empty ones are left out.
void PutKey(Kind kind, std::string_view metric, std::span<const Label> labels, std::string& out);
// What PutKey wrote, borrowed from the bytes; false when they are something else.
[[nodiscard]] bool ReadKey(std::string_view bytes, Key& key);

}  // namespace ronda::series
