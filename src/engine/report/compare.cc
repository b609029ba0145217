#include "engine/report/compare.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "base/core/random.h"

namespace ronda::engine::report {
namespace {

constexpr int kResamples = 1000;
constexpr double kLeastChange = 0.02;
constexpr double kLeastErrorChange = 0.001;

// One figure during one row, and how much that row counts.
struct Point {
  double value;
  double weight;
};
using Points = std::vector<Point>;

// How the values of rows make one of the run: by their mean, or, as a median is not moved by a few
// bad seconds, by their median.
enum class Middle { kMean, kMedian };

double MiddleOf(Points& points, Middle middle) {
  double weights = 0;
  for (const Point& p : points) weights += p.weight;
  if (weights <= 0) return 0;
  double sum = 0;
  if (middle == Middle::kMean) {
    for (const Point& p : points) sum += p.value * p.weight;
    return sum / weights;
  }
  std::ranges::sort(points, {}, &Point::value);
  for (const Point& p : points) {
    sum += p.weight;
    if (sum * 2 >= weights) return p.value;
  }
  return points.back().value;
}

// As many points, drawn in blocks of neighbours with replacement.
void Resample(const Points& points, base::Random& random, Points& drawn_points) {
  const std::size_t n = points.size();
  const auto block =
      static_cast<std::size_t>(std::max(1.0, std::round(std::cbrt(static_cast<double>(n)))));
  drawn_points.clear();
  while (drawn_points.size() < n) {
    const std::size_t start = random.Below(n);
    for (std::size_t i = 0; i < block && drawn_points.size() < n; ++i) {
      drawn_points.push_back(points[(start + i) % n]);  // circular: every row is drawn as often
    }
  }
}

// Half the width of the 99 % interval of the difference between resamples of `a` and of `b`.
double NoiseOf(const Points& a, const Points& b, Middle middle) {
  base::Random random(1);
  std::vector<double> changes;
  changes.reserve(kResamples);
  Points drawn;
  for (int i = 0; i < kResamples; ++i) {
    Resample(b, random, drawn);
    const double of_b = MiddleOf(drawn, middle);
    Resample(a, random, drawn);
    changes.push_back(of_b - MiddleOf(drawn, middle));
  }
  std::ranges::sort(changes);
  return (changes[kResamples - 1 - kResamples / 200] - changes[kResamples / 200]) / 2;
}

// The rows of a figure after warm-up; the last is left out where it may be a part of its time only.
template <typename Value, typename Weight>
Points PointsOf(const ReportData::Measured& m, Value value, Weight weight) {
  Points points;
  const std::size_t n = m.row_requests.empty() ? 0 : m.row_requests.size() - 1;
  for (std::size_t i = (m.warm_up_seconds + m.width - 1) / m.width; i < n; ++i) {
    const double w = weight(i);
    if (w > 0) points.push_back({value(i), w});
  }
  return points;
}

enum class Good { kMore, kLess };

void Judge(ComparedFigure& figure, const Points& a, const Points& b, Good good, Middle middle) {
  const bool ratio = figure.unit == "ratio";
  const double scale = ratio ? 1 : figure.a;
  figure.change = scale > 0 ? (figure.b - figure.a) / scale : 0;
  if (a.size() < kLeastSeconds || b.size() < kLeastSeconds || scale <= 0) return;
  // Errors come in bursts, which would hide themselves in their own noise: what counts is how much the
  // run with fewer of them scatters.
  const Points& calm_a = ratio && figure.b < figure.a ? b : a;
  const Points& calm_b = ratio && figure.a <= figure.b ? a : b;
  figure.noise = NoiseOf(calm_a, calm_b, middle) / scale;
  const double least = ratio ? kLeastErrorChange : kLeastChange;
  if (std::abs(figure.change) <= std::max(least, figure.noise)) {
    figure.verdict = Change::kSame;
  } else {
    figure.verdict =
        (figure.change > 0) == (good == Good::kMore) ? Change::kBetter : Change::kWorse;
  }
}

double Ratio(const ReportData::Measured& m) {
  return m.requests > 0 ? static_cast<double>(m.failed) / static_cast<double>(m.requests) : 0;
}

void CompareMeasured(const ReportData::Measured& a, double a_seconds, const ReportData::Measured& b,
                     double b_seconds, std::vector<ComparedFigure>& out) {
  const auto rate = [](const ReportData::Measured& m, double seconds) {
    return seconds > 0 ? static_cast<double>(m.requests) / seconds : 0;
  };
  const auto rates = [](const ReportData::Measured& m) {
    return PointsOf(
        m, [&](std::size_t i) { return m.row_requests[i] / m.width; },
        [](std::size_t) { return 1; });
  };
  const auto errors = [](const ReportData::Measured& m) {
    return PointsOf(
        m, [&](std::size_t i) { return m.row_failed[i] / m.row_requests[i]; },
        [&](std::size_t i) { return m.row_requests[i]; });
  };
  const auto latencies = [](const ReportData::Measured& m, const std::vector<double>& column) {
    return PointsOf(
        m, [&](std::size_t i) { return column[i]; },
        [&](std::size_t i) { return m.row_requests[i]; });
  };

  ComparedFigure figure{.step = a.id,
                        .name = "rate",
                        .unit = "1/s",
                        .a = rate(a, a_seconds),
                        .b = rate(b, b_seconds)};
  Judge(figure, rates(a), rates(b), Good::kMore, Middle::kMean);
  out.push_back(std::move(figure));

  figure = {.step = a.id, .name = "errors", .unit = "ratio", .a = Ratio(a), .b = Ratio(b)};
  Judge(figure, errors(a), errors(b), Good::kLess, Middle::kMean);
  out.push_back(std::move(figure));

  struct Quantile {
    const char* name;
    double q;
    std::vector<double> ReportData::Measured::* column;
  };
  for (const Quantile& quantile : {Quantile{"p50", 0.5, &ReportData::Measured::row_p50_ms},
                                   Quantile{"p95", 0.95, &ReportData::Measured::row_p95_ms},
                                   Quantile{"p99", 0.99, &ReportData::Measured::row_p99_ms}}) {
    figure = {.step = a.id,
              .name = quantile.name,
              .unit = "ms",
              .a = static_cast<double>(a.latency.Quantile(quantile.q)) / 1e6,
              .b = static_cast<double>(b.latency.Quantile(quantile.q)) / 1e6};
    Judge(figure, latencies(a, a.*quantile.column), latencies(b, b.*quantile.column), Good::kLess,
          quantile.q == 0.5 ? Middle::kMedian : Middle::kMean);
    out.push_back(std::move(figure));
  }
}

}  // namespace

std::string_view NameOf(Change change) {
  switch (change) {
    case Change::kSame: return "same";
    case Change::kBetter: return "better";
    case Change::kWorse: return "worse";
    case Change::kUnknown: break;
  }
  return "unknown";
}

bool Comparison::worse() const {
  return std::ranges::any_of(figures, [](const auto& f) { return f.verdict == Change::kWorse; });
}

Comparison Compare(ReportData a, ReportData b) {
  Comparison comparison{
      .a = std::move(a), .b = std::move(b), .figures = {}, .only_in_a = {}, .only_in_b = {}};
  const ReportData& left = comparison.a;
  const ReportData& right = comparison.b;
  CompareMeasured(left.all, left.seconds, right.all, right.seconds, comparison.figures);
  std::set<std::string> common;
  for (const auto& step : left.steps) {
    const auto other = std::ranges::find(right.steps, step.id, &ReportData::Measured::id);
    if (other == right.steps.end()) {
      comparison.only_in_a.push_back(step.id);
    } else if (common.insert(step.id).second) {
      CompareMeasured(step, left.seconds, *other, right.seconds, comparison.figures);
    }
  }
  for (const auto& step : right.steps) {
    if (!common.contains(step.id)) comparison.only_in_b.push_back(step.id);
  }
  return comparison;
}

}  // namespace ronda::engine::report
