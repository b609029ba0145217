#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>
#include <vector>

#include "engine/report/paint.h"
#include "engine/report/report.h"
#include "engine/report/text.h"
#include "stats/format.h"

namespace ronda::engine::report {
namespace {

constexpr std::size_t kMostLiveSteps = 12;
constexpr std::size_t kLeastWidth = 40;

std::string Count(std::uint64_t n) { return stats::FormatCount(static_cast<double>(n)); }

double RateOf(const stats::Row& row) {
  return static_cast<double>(row.requests) / std::max<std::uint32_t>(row.width, 1);
}

std::string Failed(const stats::Snapshot& look, Paint paint) {
  const std::string text =
      fmt::format("{} failed ({})", Count(look.failed), FormatRatio(look.failed, look.requests));
  return look.failed == 0 ? text : Colored(paint, Ink::kBad, text);
}

// The steps with the most traffic, in their own order.
std::vector<std::size_t> BusiestSteps(const stats::Snapshot& look, const stats::Shape& shape) {
  std::vector<std::size_t> steps;
  for (std::size_t i = 0; i < shape.steps.size() && i < look.steps.size(); ++i) {
    if (shape.steps[i].kind == stats::StepKind::kExchange && look.steps[i].requests > 0)
      steps.push_back(i);
  }
  if (steps.size() > kMostLiveSteps) {
    std::ranges::sort(steps, [&](std::size_t a, std::size_t b) {
      return std::tuple(look.steps[a].requests, b) > std::tuple(look.steps[b].requests, a);
    });
    steps.resize(kMostLiveSteps);
    std::ranges::sort(steps);
  }
  return steps;
}

}  // namespace

std::string Bars(std::span<const double> values) {
  static constexpr const char* kBars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  double most = 0;
  for (const double v : values) most = std::max(most, v);
  std::string bars;
  for (const double v : values) {
    const double part = most > 0 ? v / most : 0;
    bars += part <= 0 ? " " : kBars[std::min<std::size_t>(7, static_cast<std::size_t>(part * 8))];
  }
  return bars;
}

std::string LiveLine(const stats::Snapshot& look) {
  std::string line =
      fmt::format("{}  {} users  {}  p50 {}  p95 {}  p99 {}  failed {} of {}",
                  stats::FormatDuration(std::floor(look.elapsed_s) * 1e9), Count(look.gauges.users),
                  stats::FormatRate(RateOf(look.last)), FormatNs(look.last.latency.p50),
                  FormatNs(look.last.latency.p95), FormatNs(look.last.latency.p99),
                  Count(look.failed), Count(look.requests));
  if (look.checks_failed > 0) line += fmt::format("  checks failed {}", Count(look.checks_failed));
  if (look.dropped > 0) line += fmt::format("  dropped {}", Count(look.dropped));
  if (look.warm_up) line += "  (warm-up)";
  return line;
}

std::vector<std::string> LiveBlock(const stats::Snapshot& look, const stats::Shape& shape,
                                   Paint paint, std::size_t width) {
  width = std::max(width, kLeastWidth);
  std::vector<std::string> lines;
  // What has colour is cut before it is coloured, so that no line is wider than the terminal.
  const auto add = [&](const std::string& text, Ink ink) {
    lines.push_back(Colored(paint, ink, Cut(text, width)));
  };
  const auto plain = [&](const std::string& text) { lines.push_back(Cut(text, width)); };

  add(fmt::format("{}  {} users  {}{}", stats::FormatDuration(std::floor(look.elapsed_s) * 1e9),
                  Count(look.gauges.users), stats::FormatRate(RateOf(look.last)),
                  look.warm_up ? "  warm-up" : ""),
      Ink::kBold);
  plain(fmt::format("latency   p50 {}  p95 {}  p99 {}  max {}", FormatNs(look.last.latency.p50),
                    FormatNs(look.last.latency.p95), FormatNs(look.last.latency.p99),
                    FormatNs(look.last.latency.max)));
  const std::string requests = fmt::format("requests  {}  ", Count(look.requests));
  lines.push_back(Columns(requests) + Columns(Failed(look, Paint::kPlain)) <= width
                      ? requests + Failed(look, paint)
                      : Cut(requests + Failed(look, Paint::kPlain), width));
  if (look.checks_passed + look.checks_failed > 0) {
    const std::string text = fmt::format("checks    {} passed  {} failed",
                                         Count(look.checks_passed), Count(look.checks_failed));
    look.checks_failed > 0 ? add(text, Ink::kBad) : plain(text);
  }
  if (look.lateness_max > 0 || look.dropped > 0) {
    const std::string text =
        fmt::format("arrivals  lateness p99 {}  max {}  {} dropped", FormatNs(look.lateness_p99),
                    FormatNs(look.lateness_max), Count(look.dropped));
    look.dropped > 0 ? add(text, Ink::kWarn) : plain(text);
  }
  std::vector<double> rates;
  for (const stats::Row& row : look.recent) rates.push_back(RateOf(row));
  const std::size_t room = std::min<std::size_t>(60, width - 10);
  const std::size_t skip = rates.size() > room ? rates.size() - room : 0;
  if (!rates.empty()) plain("rate      " + Bars(std::span(rates).subspan(skip)));

  const std::vector<std::size_t> steps = BusiestSteps(look, shape);
  std::size_t name_width = 8;
  for (const std::size_t i : steps)
    name_width = std::max(name_width, Columns(PlainText(shape.steps[i].id)));
  name_width = std::min(name_width, width > 100 ? std::size_t{40} : std::size_t{20});
  for (const std::size_t i : steps) {
    const stats::Snapshot::Step& s = look.steps[i];
    std::string text = fmt::format(
        "  {} {:>9}", PadRight(Cut(PlainText(shape.steps[i].id), name_width), name_width),
        stats::FormatRate(s.rate));
    const std::string failed = s.failed > 0 ? fmt::format("  failed {}", Count(s.failed)) : "";
    // The quantiles that there is room for.
    for (const auto& [name, ns] : {std::pair{"p95", s.latency.p95}, std::pair{"p99", s.latency.p99},
                                   std::pair{"max", s.latency.max}}) {
      const std::string figure = fmt::format("  {} {}", name, PadLeft(FormatNs(ns), 7));
      if (Columns(text) + Columns(figure) + Columns(failed) <= width) text += figure;
    }
    lines.push_back(Columns(text) + Columns(failed) <= width
                        ? text + (failed.empty() ? "" : Colored(paint, Ink::kBad, failed))
                        : Cut(text, width));
  }
  return lines;
}

}  // namespace ronda::engine::report
