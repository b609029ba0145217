#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <tuple>
#include <vector>

#include "base/json_writer.h"
#include "engine/report/html_assets.h"
#include "engine/report/html_page.h"
#include "engine/report/report.h"
#include "engine/report/text.h"
#include "stats/format.h"

namespace ronda::engine::report {
namespace {

using base::JsonWriter;

constexpr std::size_t kLeastRows = 3;          // seconds that make a chart
constexpr std::size_t kMostPoints = 400;        // of a chart of the whole run
// The file stays below 1 MB whatever a run was: each part has its share of the bytes, and says what
// it had no room for; the JSON report has the rest. Style, script and headings are about 30 kB.
constexpr std::size_t kThresholdBytes = 80'000;
constexpr std::size_t kStepBytes = 190'000;
constexpr std::size_t kPhaseBytes = 60'000;
constexpr std::size_t kCheckBytes = 90'000;
constexpr std::size_t kFailureBytes = 260'000;
constexpr std::size_t kExampleBytes = 200'000;  // of them, for the examples
constexpr std::size_t kNoteBytes = 60'000;
constexpr std::size_t kFactBytes = 20'000;
constexpr std::size_t kChartBytes = 180'000;
static_assert(kThresholdBytes + kStepBytes + kPhaseBytes + kCheckBytes + kFailureBytes +
                  kNoteBytes + kFactBytes + kChartBytes <=
              950'000);
constexpr std::size_t kMostSteps = 300;
constexpr std::size_t kMostStepPoints = 200, kFewestStepPoints = 12;
constexpr std::size_t kStepPointBudget = 6000;  // points of all steps together, to begin with
constexpr std::size_t kMostName = 80;  // characters of a name
constexpr std::size_t kMostText = 400;  // characters of a sentence

using stats::Row;
using stats::RowQuantiles;
using stats::StepRow;

// The rows of one part of the page, as far as its share of the file goes. A row that does not fit is
// left out and counted; rows after it may still fit.
class Rows {
 public:
  explicit Rows(std::size_t budget) : budget_(budget) {}

  bool Add(std::string_view row) {
    if (text_.size() + row.size() > budget_) {
      ++left_out_;
      return false;
    }
    text_ += row;
    return true;
  }
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] std::size_t left_out() const { return left_out_; }
  [[nodiscard]] bool empty() const { return text_.empty() && left_out_ == 0; }
  // A line that says how many are missing; empty when none is.
  [[nodiscard]] std::string LeftOut(std::string_view what) const {
    return left_out_ == 0 ? ""
                          : fmt::format("<p class=\"dim\">{} more {} are in the JSON report.</p>\n",
                                        stats::FormatCount(static_cast<double>(left_out_)), what);
  }

 private:
  const std::size_t budget_;
  std::string text_;
  std::size_t left_out_ = 0;
};

// ---- series ------------------------------------------------------------------------------------

// Rows put together to what a chart shows: sums of counts, means of quantiles, the largest of maxima.
struct Point {
  double time = 0;  // the middle, seconds since the start
  double seconds = 0;  // that it covers
  double requests = 0, failed = 0;
  double p50 = 0, p95 = 0, p99 = 0, max = 0;  // ms

  void Add(const RowQuantiles& latency, std::uint64_t n, std::uint64_t failed_n) {
    const auto w = static_cast<double>(n);
    p50 += static_cast<double>(latency.p50) / 1e6 * w;
    p95 += static_cast<double>(latency.p95) / 1e6 * w;
    p99 += static_cast<double>(latency.p99) / 1e6 * w;
    max = std::max(max, static_cast<double>(latency.max) / 1e6);
    requests += w;
    failed += static_cast<double>(failed_n);
  }
};

// How many neighbours of `rows` are one point.
std::size_t GroupOf(std::size_t rows, std::size_t most) {
  return std::max<std::size_t>(1, (rows + most - 1) / most);
}

// Calls f(first row, row after the last, middle, seconds) for each point; `span`: the run's seconds.
template <typename R, typename F>
void ForEachPoint(const std::vector<R>& rows, std::size_t most, double span, F&& f) {
  const std::size_t group = GroupOf(rows.size(), most);
  for (std::size_t i = 0; i < rows.size(); i += group) {
    const std::size_t end = std::min(rows.size(), i + group);
    const double from = rows[i].second;
    const double to =
        std::min(span, static_cast<double>(rows[end - 1].second + rows[end - 1].width));
    // What is left of the last second is too little to tell a rate of.
    if (to - from < 0.25 && i > 0) continue;
    f(i, end, (from + std::max(to, from)) / 2, std::max(to - from, 0.25));
  }
}

template <typename R>
std::vector<Point> PointsOf(const std::vector<R>& rows, std::size_t most, double span) {
  std::vector<Point> points;
  ForEachPoint(rows, most, span,
               [&](std::size_t i, std::size_t end, double middle, double seconds) {
                 Point& point = points.emplace_back();
                 point.time = middle;
                 point.seconds = seconds;
                 for (; i < end; ++i) point.Add(rows[i].latency, rows[i].requests, rows[i].failed);
               });
  return points;
}

// Enough digits for a chart.
double Short(double v) {
  if (v == 0 || !std::isfinite(v)) return 0;
  const double power = std::pow(10, 2 - std::floor(std::log10(std::abs(v))));
  return power < 1 ? std::round(v) : std::round(v * power) / power;
}

void PutPoints(JsonWriter& json, const std::vector<Point>& points) {
  json.Column("t", points, [](const Point& p) { return Short(p.time * 10) / 10; });
  json.Column("rate", points, [](const Point& p) { return Short(p.requests / p.seconds); });
  json.Column("failed", points, [](const Point& p) { return Short(p.failed / p.seconds); });
  const auto latency = [&](std::string_view key, double Point::* value, bool mean) {
    json.Key(key).List();
    for (const Point& p : points) {
      if (p.requests == 0) {
        json.Null();
      } else {
        json.Number(Short(mean ? p.*value / p.requests : p.*value));
      }
    }
    json.EndList();
  };
  latency("p50", &Point::p50, true);
  latency("p95", &Point::p95, true);
  latency("p99", &Point::p99, true);
  latency("max", &Point::max, false);
}

// A column of the whole run's chart: the sum a second, or the most.
enum class Fold { kRate, kMost };

template <typename F>
void PutColumn(JsonWriter& json, std::string_view key, const std::vector<Row>& rows, double span,
               Fold fold, F&& value) {
  json.Key(key).List();
  ForEachPoint(rows, kMostPoints, span,
               [&](std::size_t i, std::size_t end, double, double seconds) {
                 double sum = 0, most = 0;
                 for (; i < end; ++i) {
                   const double v = value(rows[i]);
                   sum += v;
                   most = std::max(most, v);
                 }
                 json.Number(Short(fold == Fold::kRate ? sum / seconds : most));
               });
  json.EndList();
}

double Ms(std::uint64_t ns) { return static_cast<double>(ns) / 1e6; }

// The steps that came to an end, in the order of the file. When they are too many those that failed
// stay, then the most frequent.
std::vector<std::size_t> StepsToShow(const stats::Aggregator& load) {
  std::vector<std::size_t> shown;
  const auto& steps = load.totals().steps;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (steps[i] != nullptr && steps[i]->service.count() > 0) shown.push_back(i);
  }
  if (shown.size() <= kMostSteps) return shown;
  std::ranges::sort(shown, [&](std::size_t a, std::size_t b) {
    return std::tuple(steps[a]->failed > 0, steps[a]->service.count(), b) >
           std::tuple(steps[b]->failed > 0, steps[b]->service.count(), a);
  });
  shown.resize(kMostSteps);
  std::ranges::sort(shown);
  return shown;
}

std::size_t StepsWithRuns(const stats::Aggregator& load) {
  return static_cast<std::size_t>(std::ranges::count_if(load.totals().steps, [](const auto& step) {
    return step != nullptr && step->service.count() > 0;
  }));
}

// The series of each of `shown`, a JSON list.
std::string StepSeries(const stats::Aggregator& load, const std::vector<std::size_t>& shown,
                       std::size_t points, double span) {
  JsonWriter json;
  json.List();
  for (const std::size_t i : shown) {
    json.Object();
    PutPoints(json, PointsOf(load.StepRows(static_cast<stats::StepId>(i)), points, span));
    json.EndObject();
  }
  json.EndList();
  return std::move(json.out);
}

std::string ChartData(const stats::Aggregator& load, const std::vector<std::size_t>& shown) {
  const auto& rows = load.rows();
  const double warm_up = std::ceil(static_cast<double>(load.options().warm_up_ns) / 1e9);
  const double span = warm_up + load.MeasuredSeconds();
  JsonWriter json;
  json.Object().Field("span", span).Field("warm_up", warm_up).Key("all").Object();
  PutPoints(json, PointsOf(rows, kMostPoints, span));
  const bool differs = load.totals().all.differs;  // else service time is the latency
  if (differs)
    PutColumn(json, "service_p50", rows, span, Fold::kMost,
              [](const Row& r) { return Ms(r.service.p50); });
  if (differs)
    PutColumn(json, "service_p95", rows, span, Fold::kMost,
              [](const Row& r) { return Ms(r.service.p95); });
  if (differs)
    PutColumn(json, "service_p99", rows, span, Fold::kMost,
              [](const Row& r) { return Ms(r.service.p99); });
  PutColumn(json, "users", rows, span, Fold::kMost, [](const Row& r) { return r.users; });
  PutColumn(json, "connections", rows, span, Fold::kMost,
            [](const Row& r) { return r.connections; });
  PutColumn(json, "lateness_p99", rows, span, Fold::kMost,
            [](const Row& r) { return Ms(r.lateness_p99); });
  PutColumn(json, "lateness_max", rows, span, Fold::kMost,
            [](const Row& r) { return Ms(r.lateness_max); });
  const auto number = [](std::uint64_t n) { return static_cast<double>(n); };
  PutColumn(json, "dropped", rows, span, Fold::kRate,
            [&](const Row& r) { return number(r.dropped); });
  PutColumn(json, "checks_failed", rows, span, Fold::kRate,
            [&](const Row& r) { return number(r.checks_failed); });
  PutColumn(json, "bytes_in", rows, span, Fold::kRate,
            [&](const Row& r) { return number(r.bytes_in); });
  PutColumn(json, "bytes_out", rows, span, Fold::kRate,
            [&](const Row& r) { return number(r.bytes_out); });
  json.EndObject().Key("steps");
  const std::size_t budget = kChartBytes - std::min(json.out.size(), kChartBytes);
  std::size_t points =
      std::clamp<std::size_t>(kStepPointBudget / std::max<std::size_t>(shown.size(), 1),
                              kFewestStepPoints, kMostStepPoints);
  // Coarser until it fits. What comes out is deterministic; the last resort is a chart of one point.
  std::string steps = StepSeries(load, shown, points, span);
  for (; steps.size() > budget && points > 1; points = points * 3 / 4)
    steps = StepSeries(load, shown, points * 3 / 4, span);
  json.out += steps.size() > budget ? "[]" : steps;
  json.out += '}';
  return std::move(json.out);
}

// ---- parts of the page -------------------------------------------------------------------------

std::string Name(std::string_view text) {
  return "<bdi>" + XmlText(Cut(text, kMostName)) + "</bdi>";
}

std::string Sentence(std::string_view text) {
  return "<bdi>" + XmlText(Cut(text, kMostText)) + "</bdi>";
}

std::string DurationCell(std::uint64_t ns) {
  return fmt::format("<td data-v=\"{}\">{}</td>", ns, FormatNs(ns));
}
std::string CountCell(std::uint64_t n, std::string_view css = {}) {
  return fmt::format("<td data-v=\"{}\"{}{}{}>{}</td>", n, css.empty() ? "" : " class=\"", css,
                     css.empty() ? "" : "\"", stats::FormatCount(static_cast<double>(n)));
}

std::string Actual(const stats::ThresholdResult& t) {
  std::string actual;
  for (const stats::MetricValue& m : t.actual)
    actual += fmt::format("{}{} is {}", actual.empty() ? "" : ", ", m.name, m.value);
  if (!t.reason.empty()) actual += (actual.empty() ? "" : "; ") + t.reason;
  return actual;
}

std::string Banner(const ReportInput& in) {
  std::string out = fmt::format(
      "<div class=\"banner{}\"><div class=\"top\"><span class=\"pill\">{}</span><h1>{}</h1></div>",
      in.passed ? " pass" : "", in.passed ? "PASSED" : "FAILED", Name(in.name));
  out += fmt::format(
      "<p>{}{}</p>", Sentence(in.verdict),
      in.end == "done" || in.end.empty()
          ? ""
          : Sentence(" (" + in.end + (in.reason.empty() ? "" : ": " + in.reason) + ")"));
  out += fmt::format("<p class=\"dim\">{}{} · {} · {}</p></div>\n", XmlText(in.kind),
                     in.environment.empty() ? "" : " in " + Name(in.environment),
                     in.start_wall_ns == 0 ? "no start" : UtcTime(in.start_wall_ns),
                     FormatNs(in.duration_ns));
  return out;
}

std::string Thresholds(const ReportInput& in) {
  if (in.thresholds.empty()) return {};
  Rows rows(kThresholdBytes);
  // What failed comes first, and is never the part that is left out.
  std::vector<const stats::ThresholdResult*> order;
  for (const stats::ThresholdResult& t : in.thresholds) order.push_back(&t);
  std::ranges::sort(order, [](const auto* a, const auto* b) {
    return a->verdict != b->verdict ? a->verdict > b->verdict : a < b;
  });
  for (const stats::ThresholdResult* t : order) {
    const bool good = t->verdict == stats::ThresholdResult::Verdict::kPassed;
    rows.Add(
        fmt::format("<tr><td class=\"{}\">{}</td><td class=\"l wrap\">{}</td><td class=\"l "
                    "wrap\">{}</td></tr>\n",
                    good ? "ok" : "no", good ? "✓ passed" : "✗ failed", Sentence(t->text),
                    Sentence(Actual(*t))));
  }
  return "<h2>Thresholds</h2><div class=\"scroll\"><table "
         "class=\"conditions\"><thead><tr><th>verdict</th><th class=\"l\">threshold</th>"
         "<th class=\"l\">actual</th></tr></thead><tbody>\n" +
         rows.text() + "</tbody></table></div>\n" + rows.LeftOut("thresholds");
}

std::string Tile(const std::string& value, std::string_view label, bool bad = false) {
  return fmt::format("<div class=\"tile{}\"><b>{}</b><span>{}</span></div>", bad ? " no" : "",
                     XmlText(value), label);
}

// A count that fits a tile.
std::string TileCount(std::uint64_t n) {
  return n < 100'000'000 ? stats::FormatCount(static_cast<double>(n))
                         : fmt::format("{:.1f} M", static_cast<double>(n) / 1e6);
}

std::string Tiles(const ReportInput& in) {
  const stats::Totals& totals = in.load->totals();
  const double seconds = in.load->MeasuredSeconds();
  const base::Histogram& latency = totals.all.Latency();
  const auto quantile = [&](double q) {
    return latency.count() == 0 ? "–" : FormatNs(latency.Quantile(q));
  };
  std::string out = "<div class=\"tiles\">";
  out += Tile(TileCount(totals.all.requests), "requests");
  if (!in.single_iteration) {
    out += Tile(
        stats::FormatRate(seconds > 0 ? static_cast<double>(totals.all.requests) / seconds : 0),
        "rate");
  }
  out += Tile(totals.all.requests == 0 ? "–" : FormatRatio(totals.all.failed, totals.all.requests),
              "failed requests", totals.all.failed > 0);
  out += Tile(quantile(0.5), "p50") + Tile(quantile(0.95), "p95") + Tile(quantile(0.99), "p99");
  out += Tile(latency.count() == 0 ? "–" : FormatNs(latency.MaxNs()), "max");
  out += Tile(TileCount(totals.Iterations()), "iterations");
  if (totals.IterationsFailed() > 0) {
    out += Tile(TileCount(totals.IterationsFailed()), "failed iterations", true);
  }
  if (totals.IterationsInterrupted() > 0)
    out += Tile(TileCount(totals.IterationsInterrupted()), "interrupted iterations");
  const stats::CheckCounters checks = totals.AllChecks();
  if (checks.passed + checks.failed > 0) {
    out += Tile(FormatRatio(checks.passed, checks.passed + checks.failed), "checks passed",
                checks.failed > 0);
  }
  if (!in.single_iteration) {
    const base::Histogram lateness = totals.Lateness();
    out += Tile(stats::FormatCount(in.load->MostUsers()), "users at most");
    out += Tile(lateness.count() > 0 ? FormatNs(lateness.Quantile(0.99)) : "–", "lateness p99");
    out += Tile(TileCount(totals.Dropped()), "arrivals dropped", totals.Dropped() > 0);
  }
  out += Tile(FormatBytes(totals.all.bytes_in), "received") +
         Tile(FormatBytes(totals.all.bytes_out), "sent");
  return out + "</div>\n";
}

// The table of steps. Cuts `shown` to those that it had room for.
std::string Steps(const stats::Aggregator& load, std::vector<std::size_t>& shown) {
  if (shown.empty()) return "<p class=\"empty\">No step came to its end.</p>\n";
  const double seconds = load.MeasuredSeconds();
  Rows rows(kStepBytes);
  std::size_t n = 0;
  for (const std::size_t i : shown) {
    const stats::StepInfo& info = load.shape().steps[i];
    const stats::StepCounters& s = *load.totals().steps[i];
    const base::Histogram& h = s.Latency();
    const double rate = seconds > 0 ? static_cast<double>(h.count()) / seconds : 0;
    std::string row =
        fmt::format("<tr data-step=\"{}\"><td class=\"wrap\">{}</td>", n, Name(info.id));
    row += CountCell(h.count()) +
           fmt::format("<td data-v=\"{:.6f}\">{}</td>", rate, stats::FormatRate(rate));
    row += CountCell(s.failed, s.failed > 0 ? "no" : "");
    row += DurationCell(h.Quantile(0.5)) + DurationCell(h.Quantile(0.95)) +
           DurationCell(h.Quantile(0.99));
    row += DurationCell(h.MaxNs()) + DurationCell(s.service.Quantile(0.95)) +
           "<td class=\"spark\"></td></tr>\n";
    if (rows.Add(row)) shown[n++] = i;
  }
  shown.resize(n);
  return "<div class=\"scroll\"><table class=\"sort" +
         std::string(load.rows().size() < kLeastRows ? " plain" : "") +
         "\"><thead><tr><th>step</th><th>runs</th><th>rate</th><th>failed</th>"
         "<th>p50</th><th>p95</th><th>p99</th><th>max</th><th>service p95</th><th data-plain>p95 "
         "over time</th></tr></thead><tbody>\n" +
         rows.text() + "</tbody></table></div>\n";
}

std::string PhaseP95(const stats::StepCounters& s, stats::Phase phase) {
  const base::Histogram& h = (*s.phases)[static_cast<std::size_t>(phase)];
  return h.count() == 0 ? "–" : FormatNs(h.Quantile(0.95));
}

// Where the time of each step goes, on average: a bar of its phases.
std::string Phases(const stats::Aggregator& load, const std::vector<std::size_t>& shown) {
  static constexpr const char* kColors[stats::kPhases] = {"s4", "s7", "s2", "s3", "s6", "s1", "s5"};
  static constexpr const char* kLabels[stats::kPhases] = {"blocked", "DNS",        "connect", "TLS",
                                                          "send",    "first byte", "transfer"};
  Rows rows(kPhaseBytes);
  std::array<bool, stats::kPhases> used{};
  for (const std::size_t i : shown) {
    const stats::StepCounters& s = *load.totals().steps[i];
    if (!s.phases) continue;
    std::array<double, stats::kPhases> mean{};
    double sum = 0;
    for (std::size_t p = 0; p < stats::kPhases; ++p) {
      mean[p] =
          static_cast<double>((*s.phases)[p].SumNs()) / static_cast<double>(s.service.count());
      sum += mean[p];
    }
    if (sum <= 0) continue;
    std::string bar, cells;
    for (std::size_t p = 0; p < stats::kPhases; ++p) {
      used[p] = used[p] || mean[p] > 0;
      if (mean[p] / sum >= 0.002) {
        bar += fmt::format("<i style=\"width:{:.2f}%;background:var(--{})\" title=\"{} {}\"></i>",
                           100 * mean[p] / sum, kColors[p], kLabels[p],
                           stats::FormatDuration(mean[p]));
      }
    }
    rows.Add(
        fmt::format("<tr><td class=\"wrap\">{}</td><td class=\"l\"><div "
                    "class=\"bar\">{}</div></td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
                    Name(load.shape().steps[i].id), bar, stats::FormatDuration(sum),
                    PhaseP95(s, stats::Phase::kFirstByte), PhaseP95(s, stats::Phase::kConnect)));
  }
  if (rows.empty()) return {};
  std::string legend = "<div class=\"legend\">";
  for (std::size_t p = 0; p < stats::kPhases; ++p) {
    if (used[p])
      legend += fmt::format("<span><i style=\"background:var(--{})\"></i>{}</span>", kColors[p],
                            kLabels[p]);
  }
  return "<h2>Where the time goes</h2><div class=\"scroll\"><table><thead><tr><th>step</th><th "
         "class=\"l\">mean by phase</th><th>mean</th>"
         "<th>first byte p95</th><th>connect p95</th></tr></thead><tbody>\n" +
         rows.text() + "</tbody></table></div>" + legend + "</div>\n" + rows.LeftOut("steps");
}

std::string Checks(const stats::Aggregator& load) {
  const stats::Shape& shape = load.shape();
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < shape.checks.size(); ++i) {
    if (load.totals().checks[i].passed + load.totals().checks[i].failed > 0) order.push_back(i);
  }
  // What failed is never the part that is left out.
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
    return std::tuple(load.totals().checks[a].failed > 0, b) >
           std::tuple(load.totals().checks[b].failed > 0, a);
  });
  if (order.empty()) return {};
  Rows rows(kCheckBytes);
  for (const std::size_t i : order) {
    const stats::CheckCounters& c = load.totals().checks[i];
    const bool good = c.failed == 0;
    std::string row =
        fmt::format("<tr><td class=\"wrap\">{}</td><td class=\"l wrap\">{}</td>",
                    Name(shape.checks[i].name), Name(shape.steps[shape.checks[i].step].id));
    row += CountCell(c.passed) + CountCell(c.failed, good ? "" : "no");
    row += fmt::format("<td data-v=\"{:.6f}\" class=\"{}\">{} {}</td></tr>\n",
                       static_cast<double>(c.passed) / static_cast<double>(c.passed + c.failed),
                       good ? "ok" : "no", good ? "✓" : "✗",
                       FormatRatio(c.passed, c.passed + c.failed));
    rows.Add(row);
  }
  return "<h2>Checks</h2><div class=\"scroll\"><table class=\"sort\"><thead><tr><th>check</th><th "
         "class=\"l\">step</th><th>passed</th><th>failed</th>"
         "<th>ratio</th></tr></thead><tbody>\n" +
         rows.text() + "</tbody></table></div>\n" + rows.LeftOut("checks");
}

std::string Block(std::string_view heading, const std::string& first, const std::string& second,
                  const std::string& third) {
  std::string text = first;
  for (const std::string* part : {&second, &third}) {
    if (!part->empty()) text += (text.empty() ? "" : part == &third ? "\n\n" : "\n") + *part;
  }
  return text.empty() ? ""
                      : fmt::format("<h4>{}</h4><pre dir=\"ltr\">{}</pre>", heading, XmlText(text));
}

std::string Failure(const stats::FailureGroup& g, const stats::Shape& shape, std::string_view part,
                    std::size_t& example_budget) {
  const std::string when = g.first_second == g.last_second
                               ? fmt::format("at {} s", g.first_second)
                               : fmt::format("{}–{} s", g.first_second, g.last_second);
  std::string out = fmt::format(
      "<details><summary><b class=\"no\">{}×</b> {}{}: {} <span class=\"dim\">{}</span></summary>",
      stats::FormatCount(static_cast<double>(g.count)), part, Name(shape.steps[g.step].id),
      Sentence(g.message), when);
  if (g.example != nullptr) {
    const stats::Example& e = *g.example;
    std::string body;
    if (e.detail != g.message) body += Block("what happened", e.detail, {}, {});
    body += Block("request", e.request_line, e.request_head, e.request_body);
    body += Block("response", e.response_line, e.response_head, e.response_body);
    if (body.size() > example_budget) {
      body = "<p class=\"dim\">Its example is in the JSON report.</p>";
    } else {
      example_budget -= body.size();
    }
    std::string facts;
    for (const std::string& fact :
         {e.user, e.wall_ns == 0 ? std::string() : UtcTime(e.wall_ns),
          e.duration_ns == 0 ? std::string() : "took " + FormatNs(e.duration_ns),
          e.trace_id.empty() ? std::string() : "trace " + e.trace_id}) {
      if (!fact.empty()) facts += (facts.empty() ? "" : " · ") + fact;
    }
    if (!facts.empty()) out += "<p class=\"dim\">The first of them: " + XmlText(facts) + "</p>";
    out += body;
  }
  return out + "</details>\n";
}

std::string Failures(const ReportInput& in) {
  Rows rows(kFailureBytes);
  std::size_t all = 0, example_budget = kExampleBytes;
  const auto add = [&](const stats::Aggregator* load, std::string_view part) {
    if (load == nullptr) return;
    for (const stats::FailureGroup* g : load->Failures()) {
      ++all;
      rows.Add(Failure(*g, load->shape(), part, example_budget));
    }
  };
  add(in.outer, "setup or finally, ");
  add(in.load, "");
  if (rows.empty()) return {};
  std::string out = rows.text() + rows.LeftOut("kinds of errors");
  if (in.load->FailuresWithoutGroup() > 0) {
    out += fmt::format("<p class=\"dim\">{} failures of other kinds were counted only.</p>\n",
                       stats::FormatCount(static_cast<double>(in.load->FailuresWithoutGroup())));
  }
  return fmt::format(
             "<h2>Errors <small>{} kind{}, the most frequent first, each with one "
             "example</small></h2>\n",
             all, all == 1 ? "" : "s") +
         out;
}

std::string Notes(const ReportInput& in) {
  if (in.guard_events.empty() && in.warnings.empty()) return {};
  Rows rows(kNoteBytes);
  for (const stats::GuardEvent& e : in.guard_events) {
    rows.Add(fmt::format("<li>at {} s the guard <b>{}</b> {}: {}</li>\n", e.second, Name(e.text),
                         e.kind == stats::GuardEvent::Kind::kFired ? "fired" : "let go",
                         Sentence(e.reason)));
  }
  for (const std::string& warning : in.warnings) {
    rows.Add("<li>" + Sentence(warning) + "</li>\n");
  }
  return "<h2>Events and notes</h2><ul class=\"notes\">\n" + rows.text() + "</ul>\n" +
         rows.LeftOut("notes");
}

std::string Facts(const ReportInput& in) {
  const stats::Totals& totals = in.load->totals();
  const stats::Gauges gauges = in.load->CurrentGauges();
  Rows rows(kFactBytes);
  const auto fact = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) rows.Add(fmt::format("<dt>{}</dt><dd>{}</dd>", name, Sentence(value)));
  };
  for (const stats::MeetResult& m : in.meets) {
    fact("meet " + m.name,
         m.rounds == 0
             ? "nobody waited"
             : fmt::format("{} rounds of {}, {} users, skew first to last {} (max {}), {} "
                           "not full in time",
                           m.rounds, m.planned, m.users, FormatNs(m.last_skew_ns),
                           FormatNs(m.max_skew_ns), m.timeouts));
  }
  for (const stats::ScenarioInfo& s : in.load->shape().scenarios)
    fact("scenario", s.name + (s.executor.empty() ? "" : ", " + s.executor));
  fact("run", in.run_id);
  fact("digest", in.digest);
  fact("measured",
       FormatNs(static_cast<std::uint64_t>(in.load->MeasuredSeconds() * 1e9)) +
           (in.load->WarmUpRequests() > 0
                ? fmt::format(", after a warm-up of {} requests",
                              stats::FormatCount(static_cast<double>(in.load->WarmUpRequests())))
                : ""));
  fact(
      "generator",
      fmt::format("{} thread{}{}", in.threads, in.threads == 1 ? "" : "s",
                  totals.all.requests > 0 && in.cpu_ns > 0
                      ? fmt::format(", {} of CPU for a request",
                                    stats::FormatDuration(static_cast<double>(in.cpu_ns) /
                                                          static_cast<double>(totals.all.requests)))
                      : ""));
  if (gauges.connections_opened > 0) {
    fact("connections",
         fmt::format("{} opened, {} TLS handshakes, {} of them resumed",
                     stats::FormatCount(static_cast<double>(gauges.connections_opened)),
                     stats::FormatCount(static_cast<double>(gauges.tls_handshakes)),
                     stats::FormatCount(static_cast<double>(gauges.tls_resumed))));
  }
  std::string statuses;
  auto sorted = totals.all.statuses;
  std::ranges::sort(sorted);
  for (const auto& [status, count] : sorted)
    statuses += fmt::format("{}{} × {}", statuses.empty() ? "" : ", ", status,
                            stats::FormatCount(static_cast<double>(count)));
  fact("statuses", statuses);
  fact("written by", in.version);
  return "<h2>The run</h2><dl>" + rows.text() + "</dl>\n" + rows.LeftOut("facts");
}

}  // namespace

std::string HtmlPage(std::string_view title, const std::string& body, const std::string& data) {
  std::string out =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
      "'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">"
      "<title>" +
      XmlText(title) + "</title><style>\n";
  out += kReportStyle;
  out += "</style></head><body><main>\n" + body + "</main>\n";
  if (!data.empty()) {
    // JSON stays JSON when its "<" are written as escapes, and no text in it can end the element.
    out += "<script type=\"application/json\" id=\"data\">";
    for (const char c : data) {
      if (c == '<') {
        out += "\\u003c";
      } else {
        out += c;
      }
    }
    out += "</script>\n<script>\n";
    out += kReportScript;
    out += "</script>";
  }
  return out + "</body></html>\n";
}

std::string ReportHtml(const ReportInput& in) {
  std::vector<std::size_t> shown = StepsToShow(*in.load);
  const std::string steps = Steps(*in.load, shown);
  std::string body = Banner(in) + Thresholds(in) + Tiles(in);
  const bool charts = in.load->rows().size() >= kLeastRows;
  if (charts) {
    body +=
        "<h2>Over time <small id=\"charted\">all steps</small><button class=\"button\" "
        "id=\"all-steps\" hidden>show all steps</button></h2>\n"
        "<div class=\"charts\" id=\"charts\"></div>\n";
  } else if (!in.single_iteration) {
    body += "<h2>Over time</h2>\n<p class=\"empty\">The run was too short for charts.</p>\n";
  }
  const std::size_t all = StepsWithRuns(*in.load);
  body += fmt::format(
              "<h2>Steps <small>{}{}</small></h2>\n",
              all > shown.size()
                  ? fmt::format("{} of {}, the others are in the JSON report; ", shown.size(), all)
                  : "",
              charts ? "choose one to see its charts" : "") +
          steps;
  body += Phases(*in.load, shown) + Checks(*in.load) + Failures(in) + Notes(in) + Facts(in);
  return HtmlPage(Cut(in.name, kMostName) + " – Ronda", body, ChartData(*in.load, shown));
}

}  // namespace ronda::engine::report
