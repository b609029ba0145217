#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/report/compare.h"

// A report of somebody else: it is read or refused, and what was read can be compared and shown.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ronda::engine::report;  // NOLINT(google-build-using-namespace): one function
  auto report = ReadReport({reinterpret_cast<const char*>(data), size});
  if (!report.ok()) return 0;
  if (report->all.row_requests.size() > 64 || report->steps.size() > 8) return 0;  // slow, and no other code
  const Comparison comparison = Compare(*report, *report);
  (void)ComparisonText(comparison, Paint::kPlain);
  (void)ComparisonJson(comparison);
  (void)ComparisonHtml(comparison);
  return 0;
}
