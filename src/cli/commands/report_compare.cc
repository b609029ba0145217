#include <ostream>
#include <string>

#include "base/file.h"
#include "cli/commands/commands.h"
#include "engine/report/compare.h"

namespace ronda::cli {
namespace {

namespace report = engine::report;

base::Result<report::ReportData> ReadReportFile(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, base::ReadFile(path));
  auto data = report::ReadReport(text);
  if (!data.ok()) return base::Status(data.status().code(), path + ": " + data.status().message());
  return data;
}

base::Result<base::ExitCode> Compare(const Invocation& invocation, Context& context) {
  ASSIGN_OR_RETURN(report::ReportData a, ReadReportFile(invocation.arguments[0]));
  ASSIGN_OR_RETURN(report::ReportData b, ReadReportFile(invocation.arguments[1]));
  const report::Comparison comparison = report::Compare(std::move(a), std::move(b));
  const std::string& format = invocation.options.String("format");
  if (format == "json") {
    context.out << report::ComparisonJson(comparison);
  } else if (format == "html") {
    context.out << report::ComparisonHtml(comparison);
  } else {
    context.out << report::ComparisonText(comparison, invocation.out_color == Color::kOn
                                                          ? report::Paint::kColor
                                                          : report::Paint::kPlain);
  }
  return comparison.worse() ? base::ExitCode::kCheckFailed : base::ExitCode::kOk;
}

}  // namespace

Command ReportCompareCommand() {
  return {.name = "report compare",
          .summary = "compare two JSON reports, noise told from change",
          .description =
              "Compares the reports that two runs wrote by --out json=FILE. A figure has changed "
              "when it moved by more than it does by chance. Exit "
              "code 99 when one became worse.",
          .examples =
              "ronda report compare before.json after.json\nronda report compare before.json "
              "after.json --format html > compare.html",
          .positionals = {{.name = "A", .description = "The report to compare with."},
                          {.name = "B", .description = "The report that is judged."}},
          .options = {{.name = "format",
                       .type = base::OptionType::kChoice,
                       .default_text = "text",
                       .choices = {"text", "json", "html"},
                       .scope = base::OptionScope::kFlagOnly,
                       .description = "How it is printed."}},
          .run = Compare};
}

}  // namespace ronda::cli
