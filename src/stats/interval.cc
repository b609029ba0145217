#include "stats/interval.h"

#include <algorithm>

#include "base/core/check.h"

namespace ronda::stats {
namespace {

template <typename Key>
void Count(std::vector<std::pair<Key, std::uint64_t>>& counts, Key key, std::uint64_t n) {
  for (auto& [k, count] : counts) {
    if (k == key) {
      count += n;
      return;
    }
  }
  counts.emplace_back(key, n);
}

}  // namespace

std::string_view NameOf(Phase phase) {
  static constexpr std::string_view kNames[kPhases] = {"blocked", "dns",        "connect", "tls",
                                                       "send",    "first_byte", "transfer"};
  return kNames[static_cast<std::size_t>(phase)];
}

void Gauges::Add(const Gauges& other) {
  users += other.users;
  users_max += other.users_max;
  connections += other.connections;
  connections_opened += other.connections_opened;
  tls_handshakes += other.tls_handshakes;
  tls_resumed += other.tls_resumed;
}

std::array<base::Histogram, kPhases>& StepCounters::Phases() {
  if (!phases) {
    const auto make = [this] { return base::Histogram(pool, kPhaseLayout); };
    phases.reset(new std::array<base::Histogram, kPhases>{make(), make(), make(), make(), make(),
                                                          make(), make()});
  }
  return *phases;
}

void StepCounters::TellApart() {
  differs = true;
  if (!own_latency) own_latency = std::make_unique<base::Histogram>(pool);
  CHECK(own_latency->Merge(service).ok());
}

void StepCounters::CountStatus(std::uint16_t status, std::uint64_t count) {
  Count(statuses, status, count);
}

void StepCounters::CountError(ErrorId error, std::uint64_t count) { Count(errors, error, count); }

void StepCounters::Merge(const StepCounters& other) {
  if (other.differs && !differs) TellApart();
  CHECK(service.Merge(other.service).ok());
  if (differs) CHECK(own_latency->Merge(other.Latency()).ok());
  if (other.phases) {
    auto& mine = Phases();
    for (std::size_t i = 0; i < kPhases; ++i) CHECK(mine[i].Merge((*other.phases)[i]).ok());
  }
  requests += other.requests;
  failed += other.failed;
  bytes_in += other.bytes_in;
  bytes_out += other.bytes_out;
  for (const auto& [status, count] : other.statuses) CountStatus(status, count);
  for (const auto& [error, count] : other.errors) CountError(error, count);
}

void StepCounters::Clear() {
  service.Clear();
  if (differs) own_latency->Clear();
  differs = false;
  if (phases) {
    for (auto& phase : *phases) phase.Clear();
  }
  requests = failed = bytes_in = bytes_out = 0;
  statuses.clear();
  errors.clear();
  touched = false;
}

void ScenarioCounters::Merge(const ScenarioCounters& other) {
  CHECK(duration.Merge(other.duration).ok());
  CHECK(lateness.Merge(other.lateness).ok());
  ok += other.ok;
  failed += other.failed;
  interrupted += other.interrupted;
  dropped += other.dropped;
}

void ScenarioCounters::Clear() {
  duration.Clear();
  lateness.Clear();
  ok = failed = interrupted = dropped = 0;
}

Interval::Interval(const Shape& shape) : steps(shape.steps.size()), checks(shape.checks.size()) {
  touched.reserve(shape.steps.size());
  scenarios.reserve(shape.scenarios.size());
  for (std::size_t i = 0; i < shape.scenarios.size(); ++i) scenarios.emplace_back(&pool);
}

void Interval::Touch(StepId id) {
  auto& step = steps[id];
  if (!step) step = std::make_unique<StepCounters>(&pool);
  step->touched = true;
  touched.push_back(id);
}

void Interval::Clear() {
  for (StepId id : touched) steps[id]->Clear();
  touched.clear();
  std::ranges::fill(checks, CheckCounters{});
  for (auto& scenario : scenarios) scenario.Clear();
  failures.clear();
  failures_without_group = 0;
  second = told_until = 0;
  gauges = {};
  users_peak = 0;
  final = false;
  next = nullptr;
}

}  // namespace ronda::stats
