#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "stats/aggregator.h"
#include "stats/guards.h"
#include "stats/meet_result.h"
#include "stats/shape.h"
#include "stats/thresholds.h"

namespace ronda::engine::report {

// A run that is over, as its reports tell it. Borrowed parts live as long as the call.
struct ReportInput {
  std::string name;                 // of the scenario or drill
  std::string kind;                 // "Scenario", "Drill"
  std::string digest;
  std::string environment;          // may be empty
  std::string run_id;
  std::string version;              // of ronda
  bool single_iteration = false;
  bool passed = false;
  std::string verdict;              // why, in a few words
  std::string end;                  // "done", "stopped", "aborted", "breaker", "interrupted"
  std::string reason;               // of any end but "done"
  std::uint64_t start_wall_ns = 0;  // since 1970
  std::uint64_t duration_ns = 0;
  std::uint64_t cpu_ns = 0;
  int threads = 1;
  std::vector<std::string> warnings;
  std::vector<stats::ThresholdResult> thresholds;
  std::vector<stats::GuardEvent> guard_events;
  std::vector<stats::MeetResult> meets;
  const stats::Aggregator* load = nullptr;
  const stats::Aggregator* outer = nullptr;  // setup and finally; may be null
};

enum class Paint : std::uint8_t { kPlain, kColor };

// For the terminal: verdict and thresholds first, then checks, steps, errors, and what the load was.
[[nodiscard]] std::string SummaryText(const ReportInput& input, Paint paint);
// docs/formats/report-json.md.
[[nodiscard]] std::string ReportJson(const ReportInput& input);
// The rows over time as CSV (RFC 4180), of all steps together (an empty step) and of each.
[[nodiscard]] std::string ReportCsv(const ReportInput& input);
// JUnit XML: a test case a threshold and a check.
[[nodiscard]] std::string ReportJUnit(const ReportInput& input);
// One HTML file that needs nothing else: no address is fetched, all text is escaped.
[[nodiscard]] std::string ReportHtml(const ReportInput& input);

// One line of a load that is going on.
[[nodiscard]] std::string LiveLine(const stats::Snapshot& look);
// The same as a block of lines, redrawn on a terminal; none is wider than `width` columns.
[[nodiscard]] std::vector<std::string> LiveBlock(const stats::Snapshot& look,
                                                 const stats::Shape& shape, Paint paint,
                                                 std::size_t width = 100);

// "312ms", "1.24s", "38µs".
[[nodiscard]] std::string FormatNs(std::uint64_t ns);
// "1.5%"; "0%" of nothing.
[[nodiscard]] std::string FormatRatio(std::uint64_t part, std::uint64_t whole);
// "1.2 MB".
[[nodiscard]] std::string FormatBytes(std::uint64_t bytes);
// A JSON string with its quotes.
[[nodiscard]] std::string JsonText(std::string_view text);
// Text as it stands in HTML and XML; characters that XML cannot hold become U+FFFD.
[[nodiscard]] std::string XmlText(std::string_view text);

}  // namespace ronda::engine::report
