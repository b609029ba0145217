#include <fmt/format.h>

#include "engine/report/report.h"

namespace ronda::engine::report {

std::string ReportJUnit(const ReportInput& input) {
  const stats::Shape& shape = input.load->shape();
  const stats::Totals& totals = input.load->totals();
  std::string cases;
  int tests = 0;
  int failures = 0;
  const auto add = [&](const std::string& group, const std::string& name, bool passed,
                       const std::string& why) {
    ++tests;
    cases += fmt::format("  <testcase classname=\"{}\" name=\"{}\"", XmlText(group), XmlText(name));
    if (passed) {
      cases += "/>\n";
      return;
    }
    ++failures;
    cases += fmt::format("><failure message=\"{}\"/></testcase>\n", XmlText(why));
  };
  add(input.name, "run", input.passed, input.verdict);
  for (const stats::ThresholdResult& t : input.thresholds) {
    std::string actual = t.reason;
    for (const stats::MetricValue& m : t.actual)
      actual += fmt::format("{}{} = {}", actual.empty() ? "" : ", ", m.name, m.value);
    add(input.name + ".thresholds", t.text, t.verdict == stats::ThresholdResult::Verdict::kPassed,
        actual);
  }
  for (std::size_t i = 0; i < shape.checks.size() && i < totals.checks.size(); ++i) {
    const stats::CheckCounters& c = totals.checks[i];
    add(input.name + "." + shape.steps[shape.checks[i].step].id, shape.checks[i].name,
        c.failed == 0, fmt::format("{} of {} failed", c.failed, c.passed + c.failed));
  }
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"{}\" tests=\"{}\" "
      "failures=\"{}\" time=\"{:.3f}\">\n{}</testsuite>\n",
      XmlText(input.name), tests, failures, static_cast<double>(input.duration_ns) / 1e9, cases);
}

}  // namespace ronda::engine::report
