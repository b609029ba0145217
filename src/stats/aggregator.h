#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "stats/interval.h"
#include "stats/recorder.h"
#include "stats/shape.h"
#include "stats/totals.h"

namespace ronda::stats {

// Some quantiles of one row, ns.
struct RowQuantiles {
  std::uint64_t p50 = 0, p95 = 0, p99 = 0, max = 0;
};

// One step during one second, or `width` seconds once the series was thinned out. After thinning,
// counts and max are exact, the other quantiles are means of those of the seconds, weighted by count.
struct StepRow {
  std::uint32_t second = 0;
  std::uint32_t width = 1;
  std::uint64_t requests = 0;  // or runs, of a local step
  std::uint64_t failed = 0;
  RowQuantiles latency;
};

// The whole run during one second.
struct Row {
  std::uint32_t second = 0;
  std::uint32_t width = 1;
  std::uint64_t requests = 0;
  std::uint64_t failed = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::uint64_t iterations = 0;
  std::uint64_t dropped = 0;
  std::uint64_t checks_failed = 0;
  RowQuantiles latency;
  RowQuantiles service;
  std::uint64_t lateness_p99 = 0;
  std::uint64_t lateness_max = 0;
  std::uint32_t users = 0;  // the most of the row's seconds
  std::uint32_t connections = 0;
  std::uint64_t late = 0;  // samples that came after its quantiles were fixed; in the counts
};

// Errors that are alike, with one whole exchange as evidence.
struct FailureGroup {
  StepId step = 0;
  FailureKind kind = FailureKind::kStep;
  std::uint32_t code = 0;
  std::string message;  // of the first
  std::uint64_t count = 0;
  std::uint32_t first_second = 0;
  std::uint32_t last_second = 0;
  std::unique_ptr<Example> example;
};

// A short look at a running load, for the terminal. A plain value.
struct Snapshot {
  struct Step {
    std::uint64_t requests = 0, failed = 0;  // of the run
    double rate = 0;  // of the last complete second
    RowQuantiles latency;  // of the run
  };
  double elapsed_s = 0;
  bool warm_up = false;
  Row last;  // the last complete second
  std::vector<Row> recent;  // up to 60 rows, oldest first
  std::vector<Step> steps;  // by StepId
  std::uint64_t requests = 0, failed = 0, iterations = 0, iterations_failed = 0, dropped = 0;
  std::uint64_t bytes_in = 0, bytes_out = 0;
  std::uint64_t checks_passed = 0, checks_failed = 0;
  RowQuantiles latency;  // of the run
  std::uint64_t lateness_p99 = 0, lateness_max = 0;
  Gauges gauges;
};

// Brings together what the recorders of all reactor threads (and of other processes) saw: per second
// and over the whole run. A sample belongs to the second in which it ended, however late it is told.
//
// All calls belong to one thread, except what Recorder says; recorders live as long as it does.
class Aggregator {
 public:
  struct Options {
    std::uint64_t start_ns = 0;  // the run's start, monotonic; seconds count from here
    std::uint64_t warm_up_ns = 0;  // seconds that begin before this are in rows, not in totals
    std::uint32_t window_seconds = 10;  // how far back Window() can look
    std::uint32_t max_rows = 3600;  // per series; beyond that, neighbours are put together
    std::uint32_t max_groups = 500;  // of errors
    // Shown every interval of its own recorders as it is taken in, with the recorder's number, on the
    // thread that calls Collect: what another process is to be told. May be empty.
    std::function<void(std::size_t recorder, const Interval& interval)> on_interval = {};
  };

  // `shape` is borrowed.
  Aggregator(const Shape& shape, Options options);
  ~Aggregator();

  // A recorder for one more reactor thread. Before or during the run.
  [[nodiscard]] Recorder& AddRecorder();

  // Takes in all that was handed over by now. Call about every 100 ms, and last after every recorder
  // has been rotated with kFinal. Returns how many seconds became complete by this call: each recorder
  // has told of them, or they ended more than kGraceNs ago.
  static constexpr std::uint64_t kGraceNs = 1'000'000'000;
  int Collect(std::uint64_t now_ns);
  // Another process that reports too; Add then takes its intervals (of the same shape, in seconds of
  // this run).
  [[nodiscard]] std::size_t AddRemote();
  void Add(std::size_t remote, const Interval& interval);
  // Marks the end of the run: rates count up to here, all rows are made. After the last Collect.
  void Finish(std::uint64_t now_ns);

  [[nodiscard]] const Shape& shape() const { return shape_; }
  [[nodiscard]] const Options& options() const { return options_; }
  // The run's totals without warm-up, exact.
  [[nodiscard]] const Totals& totals() const { return totals_; }
  // Seconds that totals() covers: from the end of warm-up until the last complete second, or Finish.
  [[nodiscard]] double MeasuredSeconds() const;
  // Requests that ended during warm-up.
  [[nodiscard]] std::uint64_t WarmUpRequests() const { return warm_up_requests_; }
  // Complete seconds so far; the next second to become complete has this number.
  [[nodiscard]] std::uint64_t CompleteSeconds() const { return complete_; }

  // All rows, once Finish was called; before, those of seconds older than kOpenSeconds.
  static constexpr std::uint64_t kOpenSeconds = 3;
  [[nodiscard]] const std::vector<Row>& rows() const { return rows_; }
  [[nodiscard]] const std::vector<StepRow>& StepRows(StepId step) const { return step_rows_[step]; }
  // Most frequent first.
  [[nodiscard]] std::vector<const FailureGroup*> Failures() const;
  // Failures that found no room in a group.
  [[nodiscard]] std::uint64_t FailuresWithoutGroup() const { return failures_without_group_; }
  // The newest gauges, added up over recorders; and the most users ever at once.
  [[nodiscard]] Gauges CurrentGauges() const;
  [[nodiscard]] std::uint32_t MostUsers() const { return most_users_; }

  // The last `seconds` complete seconds together, at most options.window_seconds; fewer while the run
  // is young: *covered says how many. Valid until the next call. Only the steps of WatchSteps are in it.
  [[nodiscard]] const Totals& Window(std::uint32_t seconds, std::uint32_t* covered);
  // Which steps Window() has to be able to tell of (guards that name them). Before the run.
  void WatchSteps(std::vector<bool> steps);

  [[nodiscard]] Snapshot Look(std::uint64_t now_ns) const;

 private:
  struct Second;
  struct Source;

  void Take(Source& source, const Interval& interval);
  void TakeFailures(const Interval& interval);
  void AddLate(const Interval& interval);
  // The second of that number, with all before it made too; null when it has been let go.
  [[nodiscard]] Second* SecondOf(std::uint64_t number);
  [[nodiscard]] bool IsComplete(std::uint64_t number, std::uint64_t now_ns) const;
  [[nodiscard]] Row MakeRow(const Second& second) const;
  void Fold(Second& second);
  void LetGo();
  void Thin();

  const Shape& shape_;
  const Options options_;
  const std::uint64_t warm_up_seconds_;
  const std::size_t max_rows_;
  std::vector<std::unique_ptr<Source>> sources_;
  std::deque<std::unique_ptr<Second>> recent_;  // consecutive, the newest last
  std::vector<std::unique_ptr<Second>> spare_;
  std::vector<bool> watched_;
  std::uint64_t complete_ = 0;
  std::uint64_t next_second_ = 0;  // the one after recent_.back()
  std::uint64_t now_ns_ = 0;  // of the last Collect or Finish
  std::uint64_t warm_up_requests_ = 0;
  std::uint32_t most_users_ = 0;
  Totals totals_;
  Totals window_;
  std::vector<Row> rows_;
  std::vector<std::vector<StepRow>> step_rows_;
  std::uint32_t row_width_ = 1;
  std::unordered_map<std::uint64_t, FailureGroup> groups_;
  std::uint64_t failures_without_group_ = 0;
};

}  // namespace ronda::stats
