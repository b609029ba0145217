#include "stats/interval_codec.h"

#include <limits>
#include <utility>

#include "base/core/varint.h"

namespace ronda::stats {
namespace {

using base::PutBytes;
using base::PutVarint;
using base::VarintReader;

constexpr std::uint64_t kFormatVersion = 1;

base::Status Malformed(const char* what) {
  return base::InvalidArgument(std::string("not an interval of this run: ") + what);
}

template <typename T>
bool Read(VarintReader& reader, T& value) {
  std::uint64_t wide = 0;
  if (!reader.NextUpTo(std::numeric_limits<T>::max(), wide)) return false;
  value = static_cast<T>(wide);
  return true;
}

void PutHistogram(const base::Histogram& h, std::string& out) {
  std::string bytes;
  h.Encode(bytes);
  PutBytes(bytes, out);
}

bool ReadHistogram(VarintReader& reader, base::Histogram& h) {
  std::string_view bytes;
  if (!reader.NextBytes(bytes)) return false;
  auto decoded = base::Histogram::Decode(bytes);
  if (!decoded.ok() || decoded->layout() != h.layout()) return false;
  h = *std::move(decoded);
  return true;
}

template <typename Key>
void PutCounts(const std::vector<std::pair<Key, std::uint64_t>>& counts, std::string& out) {
  PutVarint(counts.size(), out);
  for (const auto& [key, count] : counts) {
    PutVarint(key, out);
    PutVarint(count, out);
  }
}

template <typename Key>
bool ReadCounts(VarintReader& reader, std::vector<std::pair<Key, std::uint64_t>>& counts) {
  std::uint64_t n = 0;
  if (!reader.NextUpTo(reader.left(), n)) return false;
  for (std::uint64_t i = 0; i < n; ++i) {
    auto& [key, count] = counts.emplace_back();
    if (!Read(reader, key) || !reader.Next(count)) return false;
  }
  return true;
}

void PutStep(const StepCounters& s, std::string& out) {
  for (const std::uint64_t n : {s.requests, s.failed, s.bytes_in, s.bytes_out}) PutVarint(n, out);
  PutCounts(s.statuses, out);
  PutCounts(s.errors, out);
  PutHistogram(s.service, out);
  PutVarint(s.differs ? 1 : 0, out);
  if (s.differs) PutHistogram(*s.own_latency, out);
  PutVarint(s.phases ? 1 : 0, out);
  if (s.phases) {
    for (const auto& phase : *s.phases) PutHistogram(phase, out);
  }
}

bool ReadStep(VarintReader& reader, StepCounters& s, std::size_t errors) {
  for (std::uint64_t* n : {&s.requests, &s.failed, &s.bytes_in, &s.bytes_out}) {
    if (!reader.Next(*n)) return false;
  }
  if (!ReadCounts(reader, s.statuses) || !ReadCounts(reader, s.errors)) return false;
  for (const auto& [error, count] : s.errors) {
    if (error >= errors) return false;
  }
  std::uint64_t phases = 0, differs = 0;
  if (!ReadHistogram(reader, s.service) || !reader.NextUpTo(1, differs)) return false;
  if (differs == 1) {
    s.own_latency = std::make_unique<base::Histogram>();
    s.differs = true;
    if (!ReadHistogram(reader, *s.own_latency)) return false;
  }
  if (!reader.NextUpTo(1, phases)) return false;
  if (phases == 0) return true;
  for (auto& phase : s.Phases()) {
    if (!ReadHistogram(reader, phase)) return false;
  }
  return true;
}

// The example's texts in the order of the format.
template <typename E, typename F>
void ForEachText(E& e, F&& f) {
  for (auto* text : {&e.trace_id, &e.user, &e.request_line, &e.request_head, &e.request_body,
                     &e.response_line, &e.response_head, &e.response_body, &e.detail}) {
    f(*text);
  }
}

void PutFailure(const FailureDelta& f, std::string& out) {
  PutVarint(f.key, out);
  PutVarint(f.step, out);
  PutVarint(static_cast<std::uint64_t>(f.kind), out);
  PutVarint(f.code, out);
  PutVarint(f.count, out);
  PutVarint(f.example ? 1 : 0, out);
  if (!f.example) return;
  PutBytes(f.message, out);
  PutVarint(f.example->wall_ns, out);
  PutVarint(f.example->duration_ns, out);
  ForEachText(*f.example, [&](const std::string& text) { PutBytes(text, out); });
}

bool ReadFailure(VarintReader& reader, FailureDelta& f, const Shape& shape) {
  std::uint64_t example = 0, kind = 0;
  if (!reader.Next(f.key) || !Read(reader, f.step) || f.step >= shape.steps.size()) return false;
  if (!reader.NextUpTo(kFailureKinds - 1, kind) || !Read(reader, f.code)) return false;
  f.kind = static_cast<FailureKind>(kind);
  if (!reader.Next(f.count) || !reader.NextUpTo(1, example)) return false;
  if (example == 0) return true;
  std::string_view bytes;
  if (!reader.NextBytes(bytes)) return false;
  f.message = bytes;
  f.example = std::make_unique<Example>();
  if (!reader.Next(f.example->wall_ns) || !reader.Next(f.example->duration_ns)) return false;
  bool good = true;
  ForEachText(*f.example, [&](std::string& text) {
    std::string_view piece;
    good = good && reader.NextBytes(piece);
    if (good) text = piece;
  });
  return good;
}

void PutScenario(const ScenarioCounters& s, std::string& out) {
  for (const std::uint64_t n : {s.ok, s.failed, s.interrupted, s.dropped}) PutVarint(n, out);
  PutHistogram(s.duration, out);
  PutHistogram(s.lateness, out);
}

bool ReadScenario(VarintReader& reader, ScenarioCounters& s) {
  for (std::uint64_t* n : {&s.ok, &s.failed, &s.interrupted, &s.dropped}) {
    if (!reader.Next(*n)) return false;
  }
  return ReadHistogram(reader, s.duration) && ReadHistogram(reader, s.lateness);
}

bool ReadHead(VarintReader& reader, Interval& interval) {
  std::uint64_t final = 0;
  Gauges& g = interval.gauges;
  const bool good = Read(reader, interval.second) && Read(reader, interval.told_until) &&
                    reader.NextUpTo(1, final) && Read(reader, interval.users_peak) &&
                    Read(reader, g.users) && Read(reader, g.users_max) &&
                    Read(reader, g.connections) && Read(reader, g.connections_opened) &&
                    Read(reader, g.tls_handshakes) && Read(reader, g.tls_resumed);
  interval.final = final == 1;
  // A day has 86,400 seconds: a second years ahead would ask for as many rows.
  return good && interval.second < kMostSeconds;
}

bool ReadSteps(VarintReader& reader, Interval& interval, const Shape& shape) {
  std::uint64_t n = 0;
  if (!reader.NextUpTo(shape.steps.size(), n)) return false;
  for (std::uint64_t i = 0; i < n; ++i) {
    std::uint64_t id = 0;
    if (!reader.Next(id) || id >= shape.steps.size()) return false;
    if (interval.steps[id] && interval.steps[id]->touched) return false;
    if (!ReadStep(reader, interval.Step(static_cast<StepId>(id)), shape.errors.size()))
      return false;
  }
  return true;
}

bool ReadFailures(VarintReader& reader, Interval& interval, const Shape& shape) {
  std::uint64_t n = 0;
  if (!reader.Next(interval.failures_without_group) || !reader.NextUpTo(reader.left(), n))
    return false;
  for (std::uint64_t i = 0; i < n; ++i) {
    if (!ReadFailure(reader, interval.failures.emplace_back(), shape)) return false;
  }
  return true;
}

}  // namespace

void EncodeInterval(const Interval& interval, std::string& out) {
  const Gauges& g = interval.gauges;
  for (const std::uint64_t n :
       {kFormatVersion, static_cast<std::uint64_t>(interval.steps.size()),
        static_cast<std::uint64_t>(interval.checks.size()),
        static_cast<std::uint64_t>(interval.scenarios.size()), interval.second, interval.told_until,
        static_cast<std::uint64_t>(interval.final ? 1 : 0),
        static_cast<std::uint64_t>(interval.users_peak), static_cast<std::uint64_t>(g.users),
        static_cast<std::uint64_t>(g.users_max), static_cast<std::uint64_t>(g.connections),
        g.connections_opened, g.tls_handshakes, g.tls_resumed,
        static_cast<std::uint64_t>(interval.touched.size())}) {
    PutVarint(n, out);
  }
  for (const StepId id : interval.touched) {
    PutVarint(id, out);
    PutStep(*interval.steps[id], out);
  }
  for (const CheckCounters& check : interval.checks) {
    PutVarint(check.passed, out);
    PutVarint(check.failed, out);
  }
  for (const ScenarioCounters& scenario : interval.scenarios) PutScenario(scenario, out);
  PutVarint(interval.failures_without_group, out);
  PutVarint(interval.failures.size(), out);
  for (const FailureDelta& failure : interval.failures) PutFailure(failure, out);
}

base::Result<std::unique_ptr<Interval>> DecodeInterval(std::string_view bytes, const Shape& shape) {
  VarintReader reader(bytes);
  std::uint64_t version = 0, steps = 0, checks = 0, scenarios = 0;
  if (!reader.Next(version) || version != kFormatVersion) return Malformed("its version is not 1");
  if (!reader.Next(steps) || !reader.Next(checks) || !reader.Next(scenarios) ||
      steps != shape.steps.size() || checks != shape.checks.size() ||
      scenarios != shape.scenarios.size()) {
    return Malformed("it has other steps, checks or scenarios");
  }
  auto interval = std::make_unique<Interval>(shape);
  if (!ReadHead(reader, *interval)) return Malformed("its head");
  if (!ReadSteps(reader, *interval, shape)) return Malformed("a step");
  for (CheckCounters& check : interval->checks) {
    if (!reader.Next(check.passed) || !reader.Next(check.failed)) return Malformed("a check");
  }
  for (ScenarioCounters& scenario : interval->scenarios) {
    if (!ReadScenario(reader, scenario)) return Malformed("a scenario");
  }
  if (!ReadFailures(reader, *interval, shape)) return Malformed("a failure");
  if (!reader.at_end()) return Malformed("bytes after its end");
  return interval;
}

}  // namespace ronda::stats
