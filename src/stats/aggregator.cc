#include "stats/aggregator.h"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

#include "base/core/check.h"

namespace ronda::stats {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
// All series of a run together hold at most this many rows: with many steps each gets fewer.
constexpr std::size_t kRowBudget = 200'000;

RowQuantiles QuantilesOf(const base::Histogram& h) {
  static constexpr double kQ[] = {0.5, 0.95, 0.99};
  std::uint64_t v[3];
  h.Quantiles(kQ, v);
  return {v[0], v[1], v[2], h.MaxNs()};
}

std::uint64_t WeightedMean(std::uint64_t a, double weight_a, std::uint64_t b, double weight_b) {
  const double sum = weight_a + weight_b;
  if (sum == 0) return 0;
  const double mean = (static_cast<double>(a) * weight_a + static_cast<double>(b) * weight_b) / sum;
  return static_cast<std::uint64_t>(std::llround(mean));
}

void MergeQuantiles(RowQuantiles& a, std::uint64_t count_a, const RowQuantiles& b,
                    std::uint64_t count_b) {
  const auto wa = static_cast<double>(count_a), wb = static_cast<double>(count_b);
  a.p50 = WeightedMean(a.p50, wa, b.p50, wb);
  a.p95 = WeightedMean(a.p95, wa, b.p95, wb);
  a.p99 = WeightedMean(a.p99, wa, b.p99, wb);
  a.max = std::max(a.max, b.max);
}

void MergeRow(StepRow& into, const StepRow& row) {
  MergeQuantiles(into.latency, into.requests, row.latency, row.requests);
  into.requests += row.requests;
  into.failed += row.failed;
}

void MergeRow(Row& into, const Row& row) {
  MergeQuantiles(into.latency, into.requests, row.latency, row.requests);
  MergeQuantiles(into.service, into.requests, row.service, row.requests);
  into.requests += row.requests;
  into.failed += row.failed;
  into.bytes_in += row.bytes_in;
  into.bytes_out += row.bytes_out;
  into.iterations += row.iterations;
  into.dropped += row.dropped;
  into.checks_failed += row.checks_failed;
  into.lateness_p99 = std::max(into.lateness_p99, row.lateness_p99);
  into.lateness_max = std::max(into.lateness_max, row.lateness_max);
  into.users = std::max(into.users, row.users);
  into.connections = std::max(into.connections, row.connections);
  into.late += row.late;
}

// Puts every two neighbours together; `width` is that of the rows before.
template <typename R>
void HalveRows(std::vector<R>& rows, std::uint32_t width) {
  std::size_t n = 0;
  for (std::size_t i = 0; i < rows.size(); i += 2, ++n) {
    rows[n] = rows[i];
    if (i + 1 < rows.size()) MergeRow(rows[n], rows[i + 1]);
    rows[n].width = width * 2;
  }
  rows.resize(n);
}

// The row of `second`, made together with those before it that are missing.
template <typename R>
R& RowOf(std::vector<R>& rows, std::uint64_t second, std::uint32_t width) {
  const std::size_t index = second / width;
  while (rows.size() <= index) {
    R& row = rows.emplace_back();
    row.second = static_cast<std::uint32_t>((rows.size() - 1) * width);
    row.width = width;
  }
  return rows[index];
}

std::uint64_t RunsOf(const StepCounters& step) { return step.service.count(); }

}  // namespace

// One second, as far as it has been told.
struct Aggregator::Second {
  explicit Second(const Shape& shape) : totals(shape) {}

  std::uint64_t number = 0;
  Totals totals;
  struct Stand {
    const Source* source;
    std::uint32_t users, connections;
  };
  std::vector<Stand> stands;  // one for each interval
  bool folded = false;  // its rows are made
};

// A thread or another process that tells of its seconds.
struct Aggregator::Source {
  std::unique_ptr<Recorder> recorder;  // null: another process
  Gauges gauges;
  std::uint64_t told_until = 0;
  bool final = false;
};

Aggregator::Aggregator(const Shape& shape, Options options)
    : shape_(shape),
      options_(options),
      warm_up_seconds_((options.warm_up_ns + kSecond - 1) / kSecond),
      max_rows_(std::clamp<std::size_t>(kRowBudget / (shape.steps.size() + 1), 60,
                                        std::max<std::uint32_t>(options.max_rows, 60))),
      watched_(shape.steps.size(), false),
      now_ns_(options.start_ns),
      totals_(shape),
      window_(shape),
      step_rows_(shape.steps.size()) {}

Aggregator::~Aggregator() = default;

Recorder& Aggregator::AddRecorder() {
  auto& source = sources_.emplace_back(std::make_unique<Source>());
  source->recorder = std::make_unique<Recorder>(shape_, options_.start_ns);
  return *source->recorder;
}

std::size_t Aggregator::AddRemote() {
  sources_.push_back(std::make_unique<Source>());
  return sources_.size() - 1;
}

int Aggregator::Collect(std::uint64_t now_ns) {
  now_ns_ = std::max(now_ns_, now_ns);
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    Source* const source = sources_[i].get();
    if (!source->recorder) continue;
    for (Interval* interval = source->recorder->TakeAll(); interval != nullptr;) {
      Interval* const next = interval->next;
      if (options_.on_interval) options_.on_interval(i, *interval);
      Take(*source, *interval);
      source->recorder->Recycle(interval);
      interval = next;
    }
  }
  int completed = 0;
  for (; IsComplete(complete_, now_ns); ++complete_, ++completed) {
    const Second* second = SecondOf(complete_);
    if (second != nullptr) most_users_ = std::max(most_users_, MakeRow(*second).users);
  }
  LetGo();
  return completed;
}

void Aggregator::Add(std::size_t remote, const Interval& interval) {
  CHECK(remote < sources_.size() && !sources_[remote]->recorder);
  Take(*sources_[remote], interval);
}

void Aggregator::Take(Source& source, const Interval& interval) {
  source.gauges = interval.gauges;
  source.told_until = std::max(source.told_until, interval.told_until);
  source.final = interval.final;
  if (interval.second >= warm_up_seconds_) {
    totals_.Merge(interval, shape_);
  } else {
    for (const StepId id : interval.touched) warm_up_requests_ += interval.steps[id]->requests;
  }
  TakeFailures(interval);

  Second* second = SecondOf(interval.second);
  if (second == nullptr) {
    AddLate(interval);
    return;
  }
  second->totals.Merge(interval, shape_);
  second->stands.push_back({&source, interval.users_peak, interval.gauges.connections});
  if (second->folded) AddLate(interval);
}

void Aggregator::TakeFailures(const Interval& interval) {
  failures_without_group_ += interval.failures_without_group;
  for (const FailureDelta& delta : interval.failures) {
    auto it = groups_.find(delta.key);
    if (it == groups_.end()) {
      if (groups_.size() >= options_.max_groups) {
        failures_without_group_ += delta.count;
        continue;
      }
      it = groups_.try_emplace(delta.key).first;
      it->second.step = delta.step;
      it->second.kind = delta.kind;
      it->second.code = delta.code;
      it->second.first_second = static_cast<std::uint32_t>(interval.second);
    }
    FailureGroup& group = it->second;
    group.count += delta.count;
    group.first_second = std::min(group.first_second, static_cast<std::uint32_t>(interval.second));
    group.last_second = std::max(group.last_second, static_cast<std::uint32_t>(interval.second));
    if (group.example == nullptr && delta.example != nullptr) {
      group.message = delta.message;
      group.example = std::make_unique<Example>(*delta.example);
    }
  }
}

// What comes after its second's rows were made: the counts and maxima are still right.
void Aggregator::AddLate(const Interval& interval) {
  Row& row = RowOf(rows_, interval.second, row_width_);
  for (const StepId id : interval.touched) {
    const StepCounters& step = *interval.steps[id];
    StepRow& step_row = RowOf(step_rows_[id], interval.second, row_width_);
    step_row.requests += RunsOf(step);
    step_row.failed += step.failed;
    step_row.latency.max = std::max(step_row.latency.max, step.Latency().MaxNs());
    if (shape_.steps[id].kind != StepKind::kExchange) continue;
    row.requests += step.requests;
    row.failed += step.failed;
    row.bytes_in += step.bytes_in;
    row.bytes_out += step.bytes_out;
    row.late += step.requests;
    row.latency.max = std::max(row.latency.max, step.Latency().MaxNs());
    row.service.max = std::max(row.service.max, step.service.MaxNs());
  }
  for (const CheckCounters& check : interval.checks) row.checks_failed += check.failed;
  for (const ScenarioCounters& scenario : interval.scenarios) {
    row.iterations += scenario.iterations();
    row.dropped += scenario.dropped;
    row.lateness_max = std::max(row.lateness_max, scenario.lateness.MaxNs());
  }
}

Aggregator::Second* Aggregator::SecondOf(std::uint64_t number) {
  while (next_second_ <= number) {
    if (spare_.empty()) spare_.push_back(std::make_unique<Second>(shape_));
    recent_.push_back(std::move(spare_.back()));
    spare_.pop_back();
    recent_.back()->number = next_second_++;
  }
  if (recent_.empty() || number < recent_.front()->number) return nullptr;
  return recent_[number - recent_.front()->number].get();
}

bool Aggregator::IsComplete(std::uint64_t number, std::uint64_t now_ns) const {
  const std::uint64_t end_ns = options_.start_ns + (number + 1) * kSecond;
  if (now_ns < end_ns) return false;
  if (now_ns >= end_ns + kGraceNs) return true;
  return std::ranges::all_of(sources_,
                             [&](const auto& s) { return s->final || s->told_until > number; });
}

Row Aggregator::MakeRow(const Second& second) const {
  const Totals& t = second.totals;
  Row row;
  row.second = static_cast<std::uint32_t>(second.number);
  row.requests = t.all.requests;
  row.failed = t.all.failed;
  row.bytes_in = t.all.bytes_in;
  row.bytes_out = t.all.bytes_out;
  row.iterations = t.Iterations();
  row.dropped = t.Dropped();
  row.checks_failed = t.AllChecks().failed;
  row.latency = QuantilesOf(t.all.Latency());
  row.service = QuantilesOf(t.all.service);
  const base::Histogram lateness = t.Lateness();
  row.lateness_p99 = lateness.Quantile(0.99);
  row.lateness_max = lateness.MaxNs();
  for (const auto& source : sources_) {
    // A source that said nothing of this second still has what it had last.
    const bool told = std::ranges::any_of(
        second.stands, [&](const auto& stand) { return stand.source == source.get(); });
    std::uint32_t users = told || source->final ? 0 : source->gauges.users;
    std::uint32_t connections = told || source->final ? 0 : source->gauges.connections;
    for (const auto& stand : second.stands) {
      if (stand.source != source.get()) continue;
      users = std::max(users, stand.users);
      connections = std::max(connections, stand.connections);
    }
    row.users += users;
    row.connections += connections;
  }
  return row;
}

void Aggregator::Fold(Second& second) {
  second.folded = true;
  MergeRow(RowOf(rows_, second.number, row_width_), MakeRow(second));
  for (std::size_t i = 0; i < second.totals.steps.size(); ++i) {
    StepRow& step_row = RowOf(step_rows_[i], second.number, row_width_);
    const auto& step = second.totals.steps[i];
    if (!step || RunsOf(*step) == 0) continue;
    StepRow add;
    add.requests = RunsOf(*step);
    add.failed = step->failed;
    add.latency = QuantilesOf(step->Latency());
    MergeRow(step_row, add);
    if (!watched_[i]) step->Clear();
  }
  if (rows_.size() > max_rows_) Thin();
}

void Aggregator::LetGo() {
  for (auto& second : recent_) {
    if (!second->folded && second->number + kOpenSeconds <= complete_) Fold(*second);
  }
  const std::uint64_t keep = std::max<std::uint64_t>(options_.window_seconds, kOpenSeconds);
  while (!recent_.empty() && recent_.front()->folded &&
         recent_.front()->number + keep < complete_) {
    auto second = std::move(recent_.front());
    recent_.pop_front();
    second->totals.Clear();
    second->stands.clear();
    second->folded = false;
    spare_.push_back(std::move(second));
  }
}

void Aggregator::Thin() {
  HalveRows(rows_, row_width_);
  for (auto& rows : step_rows_) HalveRows(rows, row_width_);
  row_width_ *= 2;
}

void Aggregator::Finish(std::uint64_t now_ns) {
  Collect(now_ns);
  for (auto& second : recent_) {
    if (!second->folded) Fold(*second);
    most_users_ = std::max(most_users_, RowOf(rows_, second->number, row_width_).users);
  }
  complete_ = std::max(complete_, next_second_);
  now_ns_ = now_ns;
}

double Aggregator::MeasuredSeconds() const {
  const std::uint64_t from = options_.start_ns + warm_up_seconds_ * kSecond;
  return now_ns_ > from ? static_cast<double>(now_ns_ - from) / 1e9 : 0;
}

std::vector<const FailureGroup*> Aggregator::Failures() const {
  std::vector<const FailureGroup*> out;
  out.reserve(groups_.size());
  for (const auto& [key, group] : groups_) out.push_back(&group);
  std::ranges::sort(out, [](const FailureGroup* a, const FailureGroup* b) {
    return a->count != b->count ? a->count > b->count
                                : std::tie(a->step, a->kind, a->code, a->message) <
                                      std::tie(b->step, b->kind, b->code, b->message);
  });
  return out;
}

Gauges Aggregator::CurrentGauges() const {
  Gauges sum;
  for (const auto& source : sources_) sum.Add(source->gauges);
  return sum;
}

const Totals& Aggregator::Window(std::uint32_t seconds, std::uint32_t* covered) {
  window_.Clear();
  *covered = 0;
  const std::uint64_t wanted = std::min<std::uint64_t>(
      {seconds, std::max<std::uint64_t>(options_.window_seconds, kOpenSeconds), complete_});
  for (const auto& second : recent_) {
    if (second->number >= complete_ || second->number + wanted < complete_) continue;
    window_.Merge(second->totals, &watched_);
    ++*covered;
  }
  return window_;
}

void Aggregator::WatchSteps(std::vector<bool> steps) {
  CHECK(steps.size() == watched_.size());
  watched_ = std::move(steps);
}

Snapshot Aggregator::Look(std::uint64_t now_ns) const {
  Snapshot s;
  s.elapsed_s =
      now_ns > options_.start_ns ? static_cast<double>(now_ns - options_.start_ns) / 1e9 : 0;
  s.warm_up = now_ns < options_.start_ns + warm_up_seconds_ * kSecond;
  s.gauges = CurrentGauges();
  const Second* last = nullptr;
  static constexpr std::size_t kRecent = 60;
  const std::size_t folded = std::min(rows_.size(), kRecent);
  s.recent.assign(rows_.end() - static_cast<std::ptrdiff_t>(folded), rows_.end());
  for (const auto& second : recent_) {
    if (second->number >= complete_) break;
    last = second.get();
    if (!second->folded) s.recent.push_back(MakeRow(*second));
  }
  if (s.recent.size() > kRecent) {
    s.recent.erase(s.recent.begin(), s.recent.end() - static_cast<std::ptrdiff_t>(kRecent));
  }
  if (!s.recent.empty()) s.last = s.recent.back();
  s.steps.resize(shape_.steps.size());
  for (std::size_t i = 0; i < s.steps.size(); ++i) {
    const auto& step = totals_.steps[i];
    if (!step) continue;
    s.steps[i].requests = RunsOf(*step);
    s.steps[i].failed = step->failed;
    s.steps[i].latency = QuantilesOf(step->Latency());
    if (last != nullptr && last->totals.steps[i]) {
      s.steps[i].rate = static_cast<double>(RunsOf(*last->totals.steps[i]));
    }
  }
  s.requests = totals_.all.requests;
  s.failed = totals_.all.failed;
  s.bytes_in = totals_.all.bytes_in;
  s.bytes_out = totals_.all.bytes_out;
  s.iterations = totals_.Iterations();
  s.iterations_failed = totals_.IterationsFailed();
  s.dropped = totals_.Dropped();
  const CheckCounters checks = totals_.AllChecks();
  s.checks_passed = checks.passed;
  s.checks_failed = checks.failed;
  s.latency = QuantilesOf(totals_.all.Latency());
  const base::Histogram lateness = totals_.Lateness();
  s.lateness_p99 = lateness.Quantile(0.99);
  s.lateness_max = lateness.MaxNs();
  return s;
}

}  // namespace ronda::stats
