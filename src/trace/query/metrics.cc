#include "trace/query/metrics.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "series/metric_value.h"
#include "series/metrics.h"
#include "series/read.h"
#include "trace/query/steps.h"

namespace ronda::trace::query {
namespace {

namespace metrics = series::metrics;
using series::Amount;
using series::Counted;
using series::Distribution;
using series::Kind;

constexpr std::uint64_t kNs = 1'000'000'000;
constexpr std::uint64_t kWeekS = 7 * 86'400;
constexpr std::size_t kMostCells = 50'000;

MetricType TypeOf(Kind kind) {
  switch (kind) {
    case Kind::kSum:
    case Kind::kCounter: return MetricType::kSum;
    case Kind::kDistribution:
    case Kind::kCountedDistribution: return MetricType::kHistogram;
    default: return MetricType::kGauge;
  }
}

// How far back the state before a time is looked for.
std::uint64_t LookBackS(const MetricRequest& request) {
  return request.from_s + kWeekS < request.now_s ? 7200 : 600;
}

void AddGrowth(const Amount& growth, MetricCell& cell) { cell.growth += growth.value(); }
void AddGrowth(const Distribution& growth, MetricCell& cell) { cell.spread.Add(growth); }

// Follows one cumulative series from step to step.
template <typename T>
class Follower {
 public:
  explicit Follower(std::uint64_t from_ns) : from_ns_(from_ns) {}

  // By how much it grew in what `counted` has, after what came before.
  T Next(const Counted<T>& counted) {
    T growth = {};
    if (!before_) {
      if (counted.first.start_ns >= from_ns_) growth = counted.first.total;
      growth.Add(counted.growth);
    } else if (counted.first.time_ns > before_->time_ns) {
      growth = Counted<T>::Growth(*before_, counted.first);
      growth.Add(counted.growth);
    } else if (counted.last.time_ns > before_->time_ns) {
      growth = Counted<T>::Growth(*before_, counted.last);
    } else {
      return growth;
    }
    before_ = counted.last;
    return growth;
  }

 private:
  std::uint64_t from_ns_;
  std::optional<typename Counted<T>::State> before_;
};

class Reading {
 public:
  explicit Reading(const MetricRequest& request) : request_(request) {
    const Steps steps = StepsOf(request.from_s, request.to_s, request.step_s);
    answer_.from_s = steps.from_s;
    answer_.to_s = steps.to_s;
    answer_.step_s = request.step_s;
    steps_ = steps.count;
  }

  base::Result<MetricAnswer> Read(series::Source& source) {
    if (request_.from_s >= request_.to_s) {
      return base::InvalidArgument("the time asked for is empty");
    }
    const base::Status too_many = base::InvalidArgument(
        "more than 50,000 steps of series: take a longer step, a shorter time or a narrower "
        "filter");
    if (steps_ > kMostCells) return too_many;
    const std::uint64_t back_s = LookBackS(request_);
    const series::Visitor visitor{
        .number_of = [this](const series::Key& key) { return NumberOf(key); },
        .sum_of = [this](std::uint32_t number, std::uint64_t time_s) -> series::Sum& {
          return SumOf(number, time_s);
        }};
    RETURN_IF_ERROR(series::Read(source, request_.metric,
                                 answer_.from_s - std::min(answer_.from_s, back_s), answer_.to_s,
                                 visitor, answer_.notices));
    if (cells_ > kMostCells) return too_many;
    for (const Series& series : series_) Add(series);
    for (auto& [key, group] : groups_) {
      if (group.total.samples == 0) continue;
      for (MetricCell& cell : group.steps) Finish(cell);
      Finish(group.total);
      answer_.groups.push_back(std::move(group));
    }
    return std::move(answer_);
  }

 private:
  struct Series {
    Kind kind = Kind::kGauge;
    MetricGroup* group = nullptr;
    // By step, from 1 on; 0 is what came before.
    std::map<std::uint64_t, std::unique_ptr<series::Sum>> sums = {};
  };

  std::optional<std::uint32_t> NumberOf(const series::Key& key) {
    if (!IsMetric(key.kind)) return std::nullopt;
    for (const MetricFilter& filter : request_.where) {
      if (key.At(filter.attribute) != filter.value) return std::nullopt;
    }
    std::vector<std::string> values;
    for (const std::string& attribute : request_.by) values.emplace_back(key.At(attribute));
    const MetricType type = TypeOf(key.kind);
    MetricGroup& group = groups_[{values, type}];
    group.values = std::move(values);
    group.type = type;
    series_.push_back({.kind = key.kind, .group = &group});
    return static_cast<std::uint32_t>(series_.size() - 1);
  }

  series::Sum& SumOf(std::uint32_t number, std::uint64_t time_s) {
    std::uint64_t step = 0;
    if (time_s >= answer_.from_s) {
      step = 1 + (request_.step_s == 0 ? 0 : (time_s - answer_.from_s) / request_.step_s);
    }
    auto& sums = series_[number].sums;
    const auto found = sums.find(step);
    if (found != sums.end()) return *found->second;
    // Past the most, what comes is of no use any more.
    if (++cells_ > kMostCells) return spare_;
    return *sums.emplace(step, std::make_unique<series::Sum>()).first->second;
  }

  void Add(const Series& series) {
    MetricGroup& group = *series.group;
    if (request_.step_s > 0 && group.steps.empty()) group.steps.resize(steps_);
    Follower<Amount> counter(answer_.from_s * kNs);
    Follower<Distribution> histogram(answer_.from_s * kNs);
    bool first = true;
    for (const auto& [step, sum] : series.sums) {
      if (sum->metric() == nullptr) continue;
      MetricCell cell;
      AddTo(series.kind, *sum->metric(), counter, histogram, cell);
      if (step == 0) continue;
      if (request_.step_s > 0) Join(cell, group.steps[step - 1]);
      // In all of the time it is one series, whose mean is that of all its samples.
      cell.series = first ? 1 : 0;
      Join(cell, group.total);
      first = false;
    }
    if (request_.step_s > 0) SumMeans(series, group.total);
  }

  // The total's sum of means: what Join has added is one mean for each step.
  void SumMeans(const Series& series, MetricCell& total) {
    series::Gauge all;
    double means = 0;
    for (const auto& [step, sum] : series.sums) {
      if (step == 0 || series.kind != Kind::kGauge || sum->metric() == nullptr) continue;
      const series::Gauge& gauge = sum->metric()->gauge();
      means += gauge.sum / static_cast<double>(gauge.samples);
      all.Add(gauge);
    }
    if (all.samples > 0) total.sum += all.sum / static_cast<double>(all.samples) - means;
  }

  static void AddTo(Kind kind, const series::MetricSum& sum, Follower<Amount>& counter,
                    Follower<Distribution>& histogram, MetricCell& cell) {
    cell.series = 1;
    switch (kind) {
      case Kind::kGauge: {
        const series::Gauge& gauge = sum.gauge();
        cell.samples = gauge.samples;
        cell.mean = gauge.sum;  // of all samples, until Finish
        cell.least = gauge.least;
        cell.most = gauge.most;
        cell.sum = gauge.sum / static_cast<double>(gauge.samples);
        return;
      }
      case Kind::kSum: cell.samples = sum.sum().samples; return AddGrowth(sum.sum().total, cell);
      case Kind::kCounter:
        cell.samples = sum.counter().samples;
        return AddGrowth(counter.Next(sum.counter()), cell);
      case Kind::kDistribution:
        cell.samples = sum.histogram().samples;
        return AddGrowth(sum.histogram().total, cell);
      case Kind::kCountedDistribution:
        cell.samples = sum.counted_histogram().samples;
        return AddGrowth(histogram.Next(sum.counted_histogram()), cell);
      case Kind::kCount:
      case Kind::kHistogram: return;
    }
  }

  static void Join(const MetricCell& part, MetricCell& cell) {
    if (part.samples == 0) return;
    cell.least = cell.samples == 0 ? part.least : std::min(cell.least, part.least);
    cell.most = cell.samples == 0 ? part.most : std::max(cell.most, part.most);
    cell.samples += part.samples;
    cell.series += part.series;
    cell.mean += part.mean;
    cell.sum += part.sum;
    cell.growth += part.growth;
    cell.spread.Add(part.spread);
  }

  static void Finish(MetricCell& cell) {
    if (cell.samples > 0) cell.mean /= static_cast<double>(cell.samples);
  }

  const MetricRequest& request_;
  MetricAnswer answer_;
  std::uint64_t steps_ = 0;
  std::map<std::pair<std::vector<std::string>, MetricType>, MetricGroup> groups_;
  std::vector<Series> series_;
  std::size_t cells_ = 0;
  series::Sum spare_;
};

// Each key of a metric once.
void EachSeries(series::Source& source, std::uint64_t from_s, std::uint64_t to_s,
                std::string_view service, const std::function<void(const series::Key&)>& visit) {
  std::set<std::string, std::less<>> known;
  std::string bytes;
  ReadKeys(source, from_s, to_s, [&](const series::Key& key) {
    if (!IsMetric(key.kind)) return;
    if (!service.empty() && key.At(metrics::kService) != service) return;
    bytes.clear();
    PutKey(key.kind, key.metric, key.labels, bytes);
    if (known.insert(bytes).second) visit(key);
  });
}

std::vector<std::string> ListOf(const std::set<std::string>& texts) {
  return {texts.begin(), texts.end()};
}

}  // namespace

std::string_view NameOf(MetricType type) {
  switch (type) {
    case MetricType::kGauge: return "gauge";
    case MetricType::kSum: return "sum";
    case MetricType::kHistogram: return "histogram";
  }
  return "";
}

std::vector<MetricInfo> ListMetrics(series::Source& source, std::uint64_t from_s,
                                    std::uint64_t to_s, std::string_view service) {
  struct Found {
    std::set<std::string> units, services, attributes;
    std::uint64_t series = 0;
  };
  std::map<std::pair<std::string, MetricType>, Found> found;
  EachSeries(source, from_s, to_s, service, [&](const series::Key& key) {
    Found& of = found[{std::string(key.metric), TypeOf(key.kind)}];
    ++of.series;
    for (const series::Label& label : key.labels) {
      if (label.name == metrics::kUnit) {
        of.units.emplace(label.value);
      } else {
        of.attributes.emplace(label.name);
      }
    }
    of.services.emplace(key.At(metrics::kService));
  });
  std::vector<MetricInfo> infos;
  for (const auto& [of, metric] : found) {
    infos.push_back({.name = of.first,
                     .type = of.second,
                     .units = ListOf(metric.units),
                     .services = ListOf(metric.services),
                     .attributes = ListOf(metric.attributes),
                     .series = metric.series});
  }
  return infos;
}

std::vector<AttributeValues> AttributesOf(series::Source& source, std::string_view metric,
                                          std::uint64_t from_s, std::uint64_t to_s,
                                          std::string_view service) {
  std::map<std::string, std::set<std::string>, std::less<>> found;
  EachSeries(source, from_s, to_s, service, [&](const series::Key& key) {
    if (key.metric != metric) return;
    for (const series::Label& label : key.labels) {
      found[std::string(label.name)].emplace(label.value);
    }
  });
  std::vector<AttributeValues> attributes;
  for (const auto& [name, values] : found) {
    AttributeValues& attribute = attributes.emplace_back(AttributeValues{.name = name});
    attribute.total = values.size();
    for (const std::string& value : values) {
      if (attribute.values.size() < kMostValues) attribute.values.push_back(value);
    }
  }
  return attributes;
}

base::Result<MetricAnswer> ReadMetric(series::Source& source, const MetricRequest& request) {
  return Reading(request).Read(source);
}

base::Result<std::vector<std::string>> NotKept(series::Source& source, std::uint64_t from_s,
                                               std::uint64_t to_s) {
  std::vector<std::string> services, notices;
  std::map<std::uint32_t, series::Sum> sums;
  const series::Visitor visitor{
      .number_of = [&](const series::Key& key) -> std::optional<std::uint32_t> {
        if (key.kind != Kind::kCount) return std::nullopt;
        services.emplace_back(key.At(metrics::kService));
        return static_cast<std::uint32_t>(services.size() - 1);
      },
      .sum_of = [&](std::uint32_t number, std::uint64_t) -> series::Sum& { return sums[number]; }};
  RETURN_IF_ERROR(Read(source, metrics::kNotKept, from_s, to_s, visitor, notices));
  for (const auto& [number, sum] : sums) {
    notices.push_back(std::to_string(sum.count()) + " data points of \"" + services[number] +
                      "\" were not kept: there are too many series");
  }
  return notices;
}

}  // namespace ronda::trace::query
