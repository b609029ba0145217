#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/core/random.h"
#include "engine/report/report.h"
#include "stats/recorder.h"

// What the tests of this room share.
namespace ronda::engine::report {

inline constexpr std::uint64_t kSecond = 1'000'000'000;

// A run of `seconds` with two steps, 50 exchanges a second each.
struct TestRun {
  struct Like {
    int seconds = 30;
    double slower = 1;        // factor on all durations
    double errors = 0;        // of every exchange
    std::uint64_t seed = 1;
    std::vector<std::string> steps = {"login", "order"};
    std::string body = "sorry";  // of a failed response
    int failing_step = -1;    // every exchange of it fails
  };

  explicit TestRun(const Like& like) {
    shape.scenarios = {{"buy", "constant-arrival-rate"}};
    for (const std::string& step : like.steps) {
      shape.checks.push_back({"status == 200", static_cast<stats::StepId>(shape.steps.size())});
      shape.steps.push_back({step, 0, "http.request", stats::StepKind::kExchange});
    }
    shape.errors = {"", "reset"};
    load =
        std::make_unique<stats::Aggregator>(shape, stats::Aggregator::Options{.start_ns = kSecond});
    stats::Recorder& recorder = load->AddRecorder();
    base::Random random(like.seed);
    const auto end = static_cast<std::uint64_t>(like.seconds);
    for (std::uint64_t second = 0; second < end; ++second) {
      const double mood = 0.95 + 0.1 * random.Unit();  // no two seconds are alike
      for (std::uint64_t i = 0; i < 50 * shape.steps.size(); ++i) {
        stats::Exchange e;
        e.step = static_cast<stats::StepId>(i % shape.steps.size());
        e.end_ns = kSecond * (second + 1) + i * 1'000'000;
        e.start_ns =
            e.end_ns - static_cast<std::uint64_t>(like.slower * mood * (1e6 + 9e6 * random.Unit()));
        e.status = 200;
        e.bytes_in = 1000;
        e.phases = {0, 0, 0, 0, 1'000, 500'000, 300'000};
        const bool bad =
            random.Unit() < like.errors || static_cast<int>(e.step) == like.failing_step;
        if (bad) {
          e.status = 503;
          e.outcome = stats::Outcome::kFailed;
          recorder.RecordFailure(
              {.step = e.step,
               .kind = stats::FailureKind::kStatus,
               .code = 503,
               .message = "503 Service Unavailable"},
              [&](stats::Example& example) { example.response_body = like.body; });
        }
        recorder.RecordExchange(e);
        recorder.RecordCheck(e.step,
                             bad ? stats::CheckResult::kFailed : stats::CheckResult::kPassed);
        if (e.step == 0) recorder.RecordArrival(0, e.start_ns - 1000, e.start_ns);
        recorder.RecordIteration(
            0, 0, e.start_ns, e.end_ns,
            bad ? stats::IterationOutcome::kFailed : stats::IterationOutcome::kOk);
      }
      recorder.Rotate(kSecond * (second + 2));
      load->Collect(kSecond * (second + 2));
    }
    recorder.Rotate(kSecond * (end + 1), stats::Recorder::Flush::kFinal);
    load->Finish(kSecond * (end + 1));
    input.name = "peak";
    input.kind = "Drill";
    input.digest = "sha256:0";
    input.run_id = "r1";
    input.version = "ronda 0";
    input.end = "done";
    input.passed = true;
    input.verdict = "all good";
    input.duration_ns = end * kSecond;
    input.load = load.get();
  }

  stats::Shape shape;
  std::unique_ptr<stats::Aggregator> load;
  ReportInput input;
};

}  // namespace ronda::engine::report
