#pragma once

#include <string>

namespace ronda::stats {

// Figures as people read them, the same in every report. Three significant digits where they matter.

// Nanoseconds: "312ns", "4.08µs", "31.2ms", "1.25s", "2m05s", "1h02m".
[[nodiscard]] std::string FormatDuration(double ns);
// "1,234,567"
[[nodiscard]] std::string FormatCount(double n);
// A ratio: 0.0123 is "1.23%", 0 is "0%", 1 is "100%"; what is not zero never reads "0%", what is not
// all never reads "100%".
[[nodiscard]] std::string FormatPercent(double ratio);
// "1,234/s", "12.3/s"
[[nodiscard]] std::string FormatRate(double per_second);
// "1.2 kB", "3.4 MB" (powers of 1000)
[[nodiscard]] std::string FormatBytes(double bytes);

}  // namespace ronda::stats
