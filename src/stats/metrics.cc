#include "stats/metrics.h"

#include <algorithm>
#include <array>
#include <utility>

namespace ronda::stats {
namespace {

using model::Type;
using model::Value;

// Figures that every scope has or has not; the order is that of kFigures.
enum class Stat : std::uint8_t {
  kPresence,  // the bare scope: null while it has no data
  kP50,
  kP90,
  kP95,
  kP99,
  kP999,
  kMax,
  kMin,
  kMean,
  kServiceP50,
  kServiceP90,
  kServiceP95,
  kServiceP99,
  kServiceMax,
  kServiceMean,
  kRequests,
  kFailed,
  kErrors,
  kRate,
  kBytesIn,
  kBytesOut,
  kChecks,
  kChecksFailed,
  kChecksPassed,
  kIterations,
  kIterationsFailed,
  kIterationsInterrupted,
  kIterationsRate,
  kIterationsP50,
  kIterationsP95,
  kIterationsP99,
  kIterationsMax,
  kDropped,
  kLatenessP50,
  kLatenessP95,
  kLatenessP99,
  kLatenessMax,
  kUsers,
  kUsersMax,
  kConnectP95,
  kTlsP95,
  kFirstByteP50,
  kFirstByteP95,
  kFirstByteP99,
  kTransferP95,
};

enum : std::uint8_t { kInDrill = 1, kInSteps = 2, kInScenarios = 4, kInChecks = 8 };

struct Figure {
  std::string_view name;
  Stat stat;
  Type type;
  std::uint8_t scopes;
};

constexpr std::uint8_t kExchanges = kInDrill | kInSteps;
constexpr std::uint8_t kRuns = kInDrill | kInScenarios;

constexpr Figure kFigures[] = {
    {"p50", Stat::kP50, Type::kDuration, kExchanges},
    {"p90", Stat::kP90, Type::kDuration, kExchanges},
    {"p95", Stat::kP95, Type::kDuration, kExchanges},
    {"p99", Stat::kP99, Type::kDuration, kExchanges},
    {"p999", Stat::kP999, Type::kDuration, kExchanges},
    {"max", Stat::kMax, Type::kDuration, kExchanges},
    {"min", Stat::kMin, Type::kDuration, kExchanges},
    {"mean", Stat::kMean, Type::kDuration, kExchanges},
    {"service.p50", Stat::kServiceP50, Type::kDuration, kExchanges},
    {"service.p90", Stat::kServiceP90, Type::kDuration, kExchanges},
    {"service.p95", Stat::kServiceP95, Type::kDuration, kExchanges},
    {"service.p99", Stat::kServiceP99, Type::kDuration, kExchanges},
    {"service.max", Stat::kServiceMax, Type::kDuration, kExchanges},
    {"service.mean", Stat::kServiceMean, Type::kDuration, kExchanges},
    {"connect.p95", Stat::kConnectP95, Type::kDuration, kExchanges},
    {"tls.p95", Stat::kTlsP95, Type::kDuration, kExchanges},
    {"first_byte.p50", Stat::kFirstByteP50, Type::kDuration, kExchanges},
    {"first_byte.p95", Stat::kFirstByteP95, Type::kDuration, kExchanges},
    {"first_byte.p99", Stat::kFirstByteP99, Type::kDuration, kExchanges},
    {"transfer.p95", Stat::kTransferP95, Type::kDuration, kExchanges},
    {"requests", Stat::kRequests, Type::kInt, kExchanges},
    {"failed", Stat::kFailed, Type::kInt, kExchanges},
    {"errors", Stat::kErrors, Type::kFloat, kExchanges},
    {"rate", Stat::kRate, Type::kFloat, kExchanges},
    {"bytes.in", Stat::kBytesIn, Type::kInt, kExchanges},
    {"bytes.out", Stat::kBytesOut, Type::kInt, kExchanges},
    {"checks", Stat::kChecks, Type::kFloat, kInDrill},
    {"checks.failed", Stat::kChecksFailed, Type::kInt, kInDrill},
    {"checks.passed", Stat::kChecksPassed, Type::kInt, kInDrill},
    {"failed", Stat::kChecksFailed, Type::kInt, kInChecks},
    {"passed", Stat::kChecksPassed, Type::kInt, kInChecks},
    {"iterations", Stat::kIterations, Type::kInt, kRuns},
    {"iterations.failed", Stat::kIterationsFailed, Type::kInt, kRuns},
    {"iterations.interrupted", Stat::kIterationsInterrupted, Type::kInt, kRuns},
    {"iterations.rate", Stat::kIterationsRate, Type::kFloat, kRuns},
    {"iterations.p50", Stat::kIterationsP50, Type::kDuration, kRuns},
    {"iterations.p95", Stat::kIterationsP95, Type::kDuration, kRuns},
    {"iterations.p99", Stat::kIterationsP99, Type::kDuration, kRuns},
    {"iterations.max", Stat::kIterationsMax, Type::kDuration, kRuns},
    {"dropped", Stat::kDropped, Type::kInt, kRuns},
    {"lateness.p50", Stat::kLatenessP50, Type::kDuration, kRuns},
    {"lateness.p95", Stat::kLatenessP95, Type::kDuration, kRuns},
    {"lateness.p99", Stat::kLatenessP99, Type::kDuration, kRuns},
    {"lateness.max", Stat::kLatenessMax, Type::kDuration, kRuns},
    {"users", Stat::kUsers, Type::kInt, kInDrill},
    {"users.max", Stat::kUsersMax, Type::kInt, kInDrill},
};

// What a real system and its isolation can tell; known names even where nobody provides them.
constexpr std::pair<std::string_view, Type> kOthers[] = {
    {"real.p50", Type::kDuration},    {"real.p90", Type::kDuration},
    {"real.p95", Type::kDuration},    {"real.p99", Type::kDuration},
    {"real.p999", Type::kDuration},   {"real.max", Type::kDuration},
    {"real.mean", Type::kDuration},   {"real.errors", Type::kFloat},
    {"real.rate", Type::kFloat},      {"real.requests", Type::kInt},
    {"isolation.leaks", Type::kInt},  {"isolation.refused", Type::kInt},
    {"isolation.marked", Type::kInt}, {"isolation.agents", Type::kInt},
};

std::string Join(std::span<const std::string_view> path) {
  std::string out;
  for (const auto& segment : path) {
    if (!out.empty()) out += '.';
    out += segment;
  }
  return out;
}

// A name as an expression writes it after `prefix`: with brackets unless every part is an identifier.
std::string Quote(std::string_view prefix, std::string_view name) {
  const bool plain =
      !name.empty() && !(name[0] >= '0' && name[0] <= '9') && std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '.';
      });
  std::string out(prefix);
  if (plain) return out.append(".").append(name);
  out += "['";
  for (const char c : name) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out += "']";
}

Value DurationOf(std::uint64_t ns) { return Value::DurationNs(static_cast<std::int64_t>(ns)); }
Value IntOf(std::uint64_t n) { return Value::Int(static_cast<std::int64_t>(n)); }

Value QuantileOf(const base::Histogram& h, double q) {
  return h.count() == 0 ? Value() : DurationOf(h.Quantile(q));
}
Value MaxOf(const base::Histogram& h) { return h.count() == 0 ? Value() : DurationOf(h.MaxNs()); }
Value MeanOf(const base::Histogram& h) {
  return h.count() == 0 ? Value() : DurationOf(static_cast<std::uint64_t>(h.MeanNs()));
}
Value RatioOf(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? Value()
                    : Value::Float(static_cast<double>(part) / static_cast<double>(whole));
}
Value RateOf(std::uint64_t n, double seconds) {
  return seconds <= 0 ? Value() : Value::Float(static_cast<double>(n) / seconds);
}
Value PhaseOf(const StepCounters& c, Phase phase, double q) {
  return c.phases ? QuantileOf((*c.phases)[static_cast<std::size_t>(phase)], q) : Value();
}

Value ComputeStep(Stat stat, const StepCounters& c, double seconds) {
  const base::Histogram& durations = c.Latency();
  const std::uint64_t runs = c.service.count();
  switch (stat) {
    case Stat::kPresence: return runs == 0 ? Value() : IntOf(runs);
    case Stat::kP50: return QuantileOf(durations, 0.5);
    case Stat::kP90: return QuantileOf(durations, 0.9);
    case Stat::kP95: return QuantileOf(durations, 0.95);
    case Stat::kP99: return QuantileOf(durations, 0.99);
    case Stat::kP999: return QuantileOf(durations, 0.999);
    case Stat::kMax: return MaxOf(durations);
    case Stat::kMin: return durations.count() == 0 ? Value() : DurationOf(durations.MinNs());
    case Stat::kMean: return MeanOf(durations);
    case Stat::kServiceP50: return QuantileOf(c.service, 0.5);
    case Stat::kServiceP90: return QuantileOf(c.service, 0.9);
    case Stat::kServiceP95: return QuantileOf(c.service, 0.95);
    case Stat::kServiceP99: return QuantileOf(c.service, 0.99);
    case Stat::kServiceMax: return MaxOf(c.service);
    case Stat::kServiceMean: return MeanOf(c.service);
    case Stat::kConnectP95: return PhaseOf(c, Phase::kConnect, 0.95);
    case Stat::kTlsP95: return PhaseOf(c, Phase::kTls, 0.95);
    case Stat::kFirstByteP50: return PhaseOf(c, Phase::kFirstByte, 0.5);
    case Stat::kFirstByteP95: return PhaseOf(c, Phase::kFirstByte, 0.95);
    case Stat::kFirstByteP99: return PhaseOf(c, Phase::kFirstByte, 0.99);
    case Stat::kTransferP95: return PhaseOf(c, Phase::kTransfer, 0.95);
    case Stat::kRequests: return IntOf(runs);
    case Stat::kFailed: return IntOf(c.failed);
    case Stat::kErrors: return RatioOf(c.failed, runs);
    case Stat::kRate: return RateOf(runs, seconds);
    case Stat::kBytesIn: return IntOf(c.bytes_in);
    case Stat::kBytesOut: return IntOf(c.bytes_out);
    default: return {};
  }
}

Value ComputeScenarios(Stat stat, const ScenarioCounters& s, double seconds) {
  switch (stat) {
    case Stat::kPresence: return s.iterations() == 0 ? Value() : IntOf(s.iterations());
    case Stat::kIterations: return IntOf(s.iterations());
    case Stat::kIterationsFailed: return IntOf(s.failed);
    case Stat::kIterationsInterrupted: return IntOf(s.interrupted);
    case Stat::kIterationsRate: return RateOf(s.iterations(), seconds);
    case Stat::kIterationsP50: return QuantileOf(s.duration, 0.5);
    case Stat::kIterationsP95: return QuantileOf(s.duration, 0.95);
    case Stat::kIterationsP99: return QuantileOf(s.duration, 0.99);
    case Stat::kIterationsMax: return MaxOf(s.duration);
    case Stat::kDropped: return IntOf(s.dropped);
    case Stat::kLatenessP50: return QuantileOf(s.lateness, 0.5);
    case Stat::kLatenessP95: return QuantileOf(s.lateness, 0.95);
    case Stat::kLatenessP99: return QuantileOf(s.lateness, 0.99);
    case Stat::kLatenessMax: return MaxOf(s.lateness);
    default: return {};
  }
}

Value ComputeChecks(Stat stat, const CheckCounters& c) {
  switch (stat) {
    case Stat::kPresence:
    case Stat::kChecks: return RatioOf(c.passed, c.passed + c.failed);
    case Stat::kChecksFailed: return IntOf(c.failed);
    case Stat::kChecksPassed: return IntOf(c.passed);
    default: return {};
  }
}

bool IsOfScenarios(Stat stat) { return stat >= Stat::kIterations && stat <= Stat::kLatenessMax; }
bool IsOfChecks(Stat stat) { return stat >= Stat::kChecks && stat <= Stat::kChecksPassed; }

// The longest figure of the scope that `path` begins with, and how many segments it has.
std::pair<const Figure*, std::uint32_t> FindFigure(std::span<const std::string_view> path,
                                                   std::uint8_t scope) {
  for (std::size_t n = std::min<std::size_t>(path.size(), 2); n > 0; --n) {
    const std::string name = Join(path.first(n));
    for (const Figure& f : kFigures) {
      if ((f.scopes & scope) != 0 && f.name == name) return {&f, static_cast<std::uint32_t>(n)};
    }
  }
  return {nullptr, 0};
}

}  // namespace

Metrics::Metrics(const Shape& shape, std::span<const ExternalMetric> external)
    : shape_(shape), external_(external) {}

std::optional<model::Binding> Metrics::Bind(Slot slot, std::uint32_t segments, model::Type type) {
  model::Binding binding;
  binding.segments = segments;
  binding.type = type;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const Slot& known = slots_[i];
    if (known.scope == slot.scope && known.index == slot.index && known.stat == slot.stat &&
        known.name == slot.name) {
      binding.slot = static_cast<std::uint32_t>(i);
      return binding;
    }
  }
  binding.slot = static_cast<std::uint32_t>(slots_.size());
  slots_.push_back(std::move(slot));
  values_.resize(slots_.size());
  return binding;
}

std::optional<model::Binding> Metrics::ResolveOther(std::span<const std::string_view> path) {
  const std::string name = Join(path.first(std::min<std::size_t>(path.size(), 2)));
  for (std::size_t i = 0; i < external_.size(); ++i) {
    const std::string& known = external_[i].name;
    if (known == name || known.starts_with(name + ".")) {
      const bool bare = known != name;
      return Bind({Scope::kExternal, static_cast<std::uint32_t>(i), 0, name},
                  static_cast<std::uint32_t>(bare ? 1 : 2), external_[i].type);
    }
  }
  for (const auto& [known, type] : kOthers) {
    if (known == name || (path.size() == 1 && known.starts_with(name + "."))) {
      return Bind({Scope::kExternal, kNone, 0, name},
                  static_cast<std::uint32_t>(path.size() == 1 ? 1 : 2), type);
    }
  }
  return std::nullopt;
}

std::optional<model::Binding> Metrics::Resolve(std::span<const std::string_view> path) {
  if (path.empty()) return std::nullopt;
  const auto figure = [&](Scope scope, std::uint32_t index, std::uint8_t scopes,
                          std::size_t used) -> std::optional<model::Binding> {
    if (path.size() == used) {
      const Type type = scope == Scope::kCheck ? Type::kFloat : Type::kInt;
      return Bind({scope, index, static_cast<std::uint8_t>(Stat::kPresence), Join(path)},
                  static_cast<std::uint32_t>(used), type);
    }
    const auto [f, n] = FindFigure(path.subspan(used), scopes);
    if (f == nullptr) return std::nullopt;
    return Bind({scope, index, static_cast<std::uint8_t>(f->stat), Join(path.first(used + n))},
                static_cast<std::uint32_t>(used + n), f->type);
  };
  // Names may have dots in them: the longest that fits.
  const auto named = [&](Scope scope, std::uint8_t scopes, const auto& list,
                         auto name_of) -> std::optional<model::Binding> {
    for (std::size_t used = path.size(); used > 1; --used) {
      const std::string name = Join(path.subspan(1, used - 1));
      std::optional<std::uint32_t> found;
      int matches = 0;
      for (std::size_t i = 0; i < list.size(); ++i) {
        if (name_of(list[i]) != name) continue;
        if (matches++ == 0) found = static_cast<std::uint32_t>(i);
      }
      if (matches > 1) return std::nullopt;  // it would be anybody's guess
      if (!found) continue;
      if (auto binding = figure(scope, *found, scopes, used)) return binding;
    }
    return std::nullopt;
  };

  if (path[0] == "drill") return figure(Scope::kDrill, kNone, kInDrill, 1);
  if (path[0] == "steps") {
    if (auto b = named(Scope::kStep, kInSteps, shape_.steps, [](const auto& s) { return s.id; })) {
      return b;
    }
    return named(Scope::kStep, kInSteps, shape_.steps, [&](const StepInfo& s) {
      return shape_.scenarios.empty() ? s.id : shape_.scenarios[s.scenario].name + "." + s.id;
    });
  }
  if (path[0] == "scenarios") {
    return named(Scope::kScenario, kInScenarios, shape_.scenarios,
                 [](const auto& s) { return s.name; });
  }
  if (path[0] == "checks") {
    return named(Scope::kCheck, kInChecks, shape_.checks, [](const auto& c) { return c.name; });
  }
  return ResolveOther(path);
}

void Metrics::List(std::vector<std::string>& out) const {
  const auto figures = [&](const std::string& prefix, std::uint8_t scope) {
    out.push_back(prefix);
    for (const Figure& f : kFigures) {
      if ((f.scopes & scope) != 0) out.push_back(prefix + "." + std::string(f.name));
    }
  };
  figures("drill", kInDrill);
  for (const auto& step : shape_.steps) figures(Quote("steps", step.id), kInSteps);
  for (const auto& s : shape_.scenarios) figures(Quote("scenarios", s.name), kInScenarios);
  for (const auto& check : shape_.checks) figures(Quote("checks", check.name), kInChecks);
  for (const auto& metric : external_) out.push_back(metric.name);
  for (const auto& [name, type] : kOthers) out.emplace_back(name);
}

Value Metrics::Compute(const Slot& slot, const Input& input) const {
  const auto stat = static_cast<Stat>(slot.stat);
  if (slot.scope == Scope::kExternal) {
    return slot.index < input.external.size() ? input.external[slot.index] : Value();
  }
  if (input.totals == nullptr) return {};
  const Totals& totals = *input.totals;
  switch (slot.scope) {
    case Scope::kStep: {
      const auto& step = totals.steps[slot.index];
      if (!step) return stat == Stat::kRequests || stat == Stat::kFailed ? Value::Int(0) : Value();
      return ComputeStep(stat, *step, input.seconds);
    }
    case Scope::kScenario:
      return ComputeScenarios(stat, totals.scenarios[slot.index], input.seconds);
    case Scope::kCheck: return ComputeChecks(stat, totals.checks[slot.index]);
    default: break;
  }
  if (stat == Stat::kUsers) return Value::Int(input.users);
  if (stat == Stat::kUsersMax) return Value::Int(input.users_max);
  if (IsOfChecks(stat)) return ComputeChecks(stat, totals.AllChecks());
  if (IsOfScenarios(stat)) {
    ScenarioCounters sum(nullptr);
    for (const auto& scenario : totals.scenarios) sum.Merge(scenario);
    return ComputeScenarios(stat, sum, input.seconds);
  }
  return ComputeStep(stat, totals.all, input.seconds);
}

void Metrics::Fill(const Input& input) {
  for (std::size_t i = 0; i < slots_.size(); ++i) values_[i] = Compute(slots_[i], input);
}

std::vector<bool> Metrics::StepsUsed() const {
  std::vector<bool> used(shape_.steps.size(), false);
  for (const Slot& slot : slots_) {
    if (slot.scope == Scope::kStep) used[slot.index] = true;
  }
  return used;
}

std::vector<std::string> Metrics::WithoutSource() const {
  std::vector<std::string> out;
  for (const Slot& slot : slots_) {
    if (slot.scope == Scope::kExternal && slot.index == kNone) out.push_back(slot.name);
  }
  return out;
}

}  // namespace ronda::stats
