#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <type_traits>
#include <vector>

#include "stats/interval.h"
#include "stats/shape.h"

namespace ronda::stats {

// One finished exchange with a server. All times are monotonic nanoseconds.
struct Exchange {
  StepId step = 0;
  // When it should have begun: set for the first exchange of an iteration of an arrival-rate executor.
  // 0: it had no time of its own to begin at. Latency counts from here, service time from start_ns.
  std::uint64_t intended_ns = 0;
  std::uint64_t start_ns = 0;
  std::uint64_t end_ns = 0;
  PhaseTimes phases{};
  std::uint16_t status = 0;  // 0: there was no response
  ErrorId error = 0;
  Outcome outcome = Outcome::kOk;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
};

struct Failure {
  StepId step = 0;
  FailureKind kind = FailureKind::kStep;
  std::uint32_t code = 0;
  // For people. Two messages that differ in digits only are of one group.
  std::string_view message;
};

// What one reactor thread has seen, second by second. Every call costs a few nanoseconds, takes no
// lock and, once the steps in use have been seen, allocates nothing.
//
// Made and owned by the Aggregator; the record calls belong to ONE thread, the run's reactor thread.
// Times given to it never go back by more than the interval that is open: a sample whose second has
// been handed over already is counted in the one that is open.
class Recorder {
 public:
  // `start_ns`: the run's start, monotonic; seconds count from it. `shape` is borrowed.
  Recorder(const Shape& shape, std::uint64_t start_ns);
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  void RecordExchange(const Exchange& e);
  // A step without network, or one that failed before anything was sent.
  void RecordStep(StepId step, std::uint64_t start_ns, std::uint64_t end_ns, Outcome outcome);
  void RecordCheck(CheckId check, CheckResult result);
  // An iteration that ended. `intended_ns` as in Exchange.
  void RecordIteration(ScenarioId scenario, std::uint64_t intended_ns, std::uint64_t start_ns,
                       std::uint64_t end_ns, IterationOutcome outcome);
  // An arrival that began: how late it was.
  void RecordArrival(ScenarioId scenario, std::uint64_t intended_ns, std::uint64_t start_ns);
  // Arrivals given up because the backlog was full, or the run ended before they began.
  void RecordDropped(ScenarioId scenario, std::uint64_t now_ns, std::uint64_t count = 1);

  // How things stand on this thread now; each is added up over threads.
  void SetUsers(std::uint32_t active) {
    gauges_.users = active;
    open_->users_peak = std::max(open_->users_peak, active);
  }
  void SetGauges(const Gauges& gauges) {
    gauges_ = gauges;
    SetUsers(gauges.users);
  }

  // Counts a failure into its group. `make(Example&)` is called only for the first of a group on this
  // thread: it writes down the whole exchange as evidence.
  template <typename MakeExample>
  void RecordFailure(const Failure& failure, MakeExample&& make) {
    using Make = std::remove_reference_t<MakeExample>;
    CountFailure(
        failure, [](void* context, Example& example) { (*static_cast<Make*>(context))(example); },
        const_cast<void*>(static_cast<const void*>(&make)));
  }

  // Hands over every second that has ended by `now_ns`. Called by a timer of the reactor a few
  // milliseconds after each full second (an idle thread has to tell that it is idle), and once more
  // with kFinal when the thread records no more.
  enum class Flush : std::uint8_t { kEnded, kFinal };
  void Rotate(std::uint64_t now_ns, Flush flush = Flush::kEnded);

  // --- For the Aggregator, on its thread ---
  // All intervals handed over since the last call, oldest first (linked by Interval::next).
  [[nodiscard]] Interval* TakeAll();
  // Gives an interval back for use again.
  void Recycle(Interval* interval);

 private:
  struct Groups;

  void CountFailure(const Failure& failure, void (*make)(void*, Example&), void* context);
  void Advance(std::uint64_t now_ns) {
    if (now_ns >= open_end_ns_) [[unlikely]]
      Rotate(now_ns);
  }
  void HandOver(std::uint64_t told_until, Flush flush);
  void Open(std::uint64_t second);
  void SetOpenSecond(std::uint64_t second);

  const Shape& shape_;
  const std::uint64_t start_ns_;
  std::uint64_t open_end_ns_ = 0;
  std::unique_ptr<Interval> open_;
  Gauges gauges_;
  std::unique_ptr<Groups> groups_;
  // Lists between the two threads: pushed by one, taken whole by the other.
  alignas(64) std::atomic<Interval*> full_{nullptr};
  std::atomic<std::uint32_t> waiting_{0};
  alignas(64) std::atomic<Interval*> spare_{nullptr};
  Interval* spare_taken_ = nullptr;
};

}  // namespace ronda::stats
