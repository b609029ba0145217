#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/core/histogram.h"
#include "base/core/ids.h"
#include "stats/shape.h"

namespace ronda::stats {

enum class Outcome : std::uint8_t { kOk, kFailed };
enum class CheckResult : std::uint8_t { kPassed, kFailed };
enum class IterationOutcome : std::uint8_t { kOk, kFailed, kInterrupted };

// Where an exchange's time went, in the order in which it goes.
enum class Phase : std::uint8_t { kBlocked, kDns, kConnect, kTls, kSend, kFirstByte, kTransfer };
inline constexpr std::size_t kPhases = 7;
using PhaseTimes = std::array<std::uint64_t, kPhases>;  // ns by Phase; 0: did not happen
[[nodiscard]] std::string_view NameOf(Phase phase);     // "blocked", "dns", "connect", ...

// Phases are told to 0.8 %, latencies to 0.1 %.
inline constexpr base::Histogram::Layout kPhaseLayout{.precision_bits = 6};

// How things stand on one thread.
struct Gauges {
  std::uint32_t users = 0;        // virtual users that are in an iteration
  std::uint32_t users_max = 0;    // virtual users that exist
  std::uint32_t connections = 0;  // open now
  std::uint64_t connections_opened = 0;  // since the start
  std::uint64_t tls_handshakes = 0;
  std::uint64_t tls_resumed = 0;

  void Add(const Gauges& other);
};

// One whole exchange, kept as the example of an error group. Bodies are cut at 4 KiB; secrets have
// been taken out by whoever filled it.
struct Example {
  static constexpr std::size_t kBodyLimit = 4096;

  std::string trace_id;       // 32 hex digits, or empty
  std::uint64_t wall_ns = 0;  // when it ended, since 1970
  std::uint64_t duration_ns = 0;
  std::string user;           // "u17 iteration 3"
  std::string request_line;   // "POST http://shop/orders"
  std::string request_head;   // one header a line
  std::string request_body;
  std::string response_line;  // "HTTP/1.1 500 Internal Server Error"; empty: there was none
  std::string response_head;
  std::string response_body;
  std::string detail;         // the error's text, the check with the values that it read
};

// What one step did. Pool: the interval's.
struct StepCounters {
  explicit StepCounters(base::HistogramPool* pool) : service(pool), pool(pool) {}

  base::Histogram service;  // from the real start; also the duration of a local step
  std::unique_ptr<std::array<base::Histogram, kPhases>> phases;  // made when first needed
  std::uint64_t requests = 0;  // exchanges that ended
  std::uint64_t failed = 0;    // of them, or of local steps
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::vector<std::pair<std::uint16_t, std::uint64_t>> statuses;  // status, count
  std::vector<std::pair<ErrorId, std::uint64_t>> errors;          // error kind, count
  bool touched = false;           // used in the interval that is open
  bool differs = false;           // own_latency is in use
  std::unique_ptr<base::Histogram> own_latency;
  base::HistogramPool* pool;      // borrowed; null: the heap

  // From the intended start where there is one. Kept apart from `service` only once they differ.
  [[nodiscard]] const base::Histogram& Latency() const { return differs ? *own_latency : service; }
  void RecordDurations(std::uint64_t service_ns, std::uint64_t latency_ns) {
    if (service_ns != latency_ns && !differs) [[unlikely]]
      TellApart();
    service.Record(service_ns);
    if (differs) own_latency->Record(latency_ns);
  }
  // From here on latencies have a histogram of their own.
  void TellApart();

  // The phases' histograms; made by the first call.
  [[nodiscard]] std::array<base::Histogram, kPhases>& Phases();
  void CountStatus(std::uint16_t status, std::uint64_t count);
  void CountError(ErrorId error, std::uint64_t count);
  void Merge(const StepCounters& other);
  void Clear();
};

struct CheckCounters {
  std::uint64_t passed = 0;
  std::uint64_t failed = 0;
};

struct ScenarioCounters {
  explicit ScenarioCounters(base::HistogramPool* pool) : duration(pool), lateness(pool) {}

  base::Histogram duration;  // of iterations, from the intended start where there is one
  base::Histogram lateness;  // of arrivals
  std::uint64_t ok = 0;
  std::uint64_t failed = 0;
  std::uint64_t interrupted = 0;
  std::uint64_t dropped = 0;

  [[nodiscard]] std::uint64_t iterations() const { return ok + failed; }
  void Merge(const ScenarioCounters& other);
  void Clear();
};

// Why something failed; with step, code and message it names an error group.
enum class FailureKind : std::uint8_t {
  kTransport,   // code: ErrorId
  kStatus,      // code: the HTTP status
  kCheck,       // code: CheckId
  kStep,        // an expression, an extraction, an assert, a feed that ended; code: 0
};
inline constexpr std::uint64_t kFailureKinds = 4;

// No run lasts longer, in seconds: ten years.
inline constexpr std::uint64_t kMostSeconds = 10ull * 366 * 86'400;

// How often an error group was hit, and its example when it was new on its thread.
struct FailureDelta {
  std::uint64_t key = 0;    // equal for equal groups on every thread and worker
  StepId step = 0;
  FailureKind kind = FailureKind::kStep;
  std::uint32_t code = 0;
  std::uint64_t count = 0;
  std::string message;                // only with the example
  std::unique_ptr<Example> example;   // only when new
};

// What one thread saw during one second of the run (or several when the reader was slow). Belongs to
// one thread at a time and moves as a whole: thread to aggregator and back, or encoded to another
// process (docs/formats/metrics.md).
struct Interval {
  explicit Interval(const Shape& shape);

  base::HistogramPool pool;  // of all histograms in here
  std::uint64_t second = 0;  // since the run's start
  std::uint64_t told_until = 0;  // with this, its thread has told of every second before that one
  std::vector<std::unique_ptr<StepCounters>> steps;  // by StepId; null: never used
  std::vector<StepId> touched;  // steps used in this interval
  std::vector<CheckCounters> checks;
  std::vector<ScenarioCounters> scenarios;
  std::vector<FailureDelta> failures;
  std::uint64_t failures_without_group = 0;  // too many different ones
  Gauges gauges;  // as they stood at its end
  std::uint32_t users_peak = 0;  // the most active users within it
  bool final = false;  // its thread records no more
  Interval* next = nullptr;

  // The counters of a step, marked as used.
  [[nodiscard]] StepCounters& Step(StepId id) {
    auto& step = steps[id];
    if (!step || !step->touched) [[unlikely]]
      Touch(id);
    return *step;
  }
  void Clear();

 private:
  void Touch(StepId id);
};

}  // namespace ronda::stats
