#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/report/report.h"
#include "engine/report/report_data.h"

namespace ronda::engine::report {

// What became of one figure from run A to run B.
enum class Change : std::uint8_t {
  kSame,     // within the noise
  kBetter,
  kWorse,
  kUnknown,  // too few seconds to tell noise from change
};
[[nodiscard]] std::string_view NameOf(Change change);

struct ComparedFigure {
  std::string step;      // empty: all steps together
  std::string name;      // "rate", "errors", "p50", "p95", "p99"
  std::string unit;      // "1/s", "ratio", "ms"
  double a = 0, b = 0;   // exact, of the whole runs
  double change = 0;     // (b - a) / a; of "errors" b - a. 0 where a is 0
  double noise = 0;      // how much the figure moves by chance: half the band around `change`
  Change verdict = Change::kUnknown;
};

struct Comparison {
  ReportData a, b;
  std::vector<ComparedFigure> figures;
  std::vector<std::string> only_in_a, only_in_b;  // steps
  [[nodiscard]] bool worse() const;
};

// Compares two runs. A figure has changed when its change is larger than the noise band and larger
// than 2 % (errors: 0.1 percentage points). The band is half the 99 % interval of a block bootstrap
// (Künsch 1989) over the per-second values of both runs, in blocks because neighbouring seconds are
// alike; for errors of the run with fewer of them. With fewer than kLeastSeconds rows on either side
// the verdict is kUnknown. Repeatable: the bootstrap's random numbers have a fixed seed.
inline constexpr std::size_t kLeastSeconds = 8;
[[nodiscard]] Comparison Compare(ReportData a, ReportData b);

[[nodiscard]] std::string ComparisonText(const Comparison& comparison, Paint paint);
// docs/formats/report-json.md, "Comparison".
[[nodiscard]] std::string ComparisonJson(const Comparison& comparison);
[[nodiscard]] std::string ComparisonHtml(const Comparison& comparison);

}  // namespace ronda::engine::report
