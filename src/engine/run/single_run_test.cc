#include "engine/run/single_run.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/run/run_test_util.h"

namespace ronda::engine {
namespace {

// Keeps what an observer is shown.
class Seen : public StepObserver {
 public:
  void OnStep(const StepReport& report) override {
    steps.emplace_back(report.step);
    verdicts.push_back(report.verdict);
    attempts.push_back(report.attempt);
    errors.emplace_back(report.error);
    details.push_back(report.detail);
  }
  std::vector<std::string> steps, errors, details;
  std::vector<StepReport::Verdict> verdicts;
  std::vector<int> attempts;
};

class SingleRunTest : public testing::Test {
 protected:
  // Runs `count` iterations of it at a time, and waits for all.
  std::vector<SingleResult> Run(const std::string& yaml, int count = 1) {
    TestRun test(yaml);
    test.input.load.once = true;
    test.input.run_id = "compiled";
    EXPECT_TRUE(test.Compile()) << test.Said();
    reactor_ = *net::Reactor::Create();
    const auto client = net::HttpClient::Create(*reactor_, {});
    std::vector<SingleResult> results;
    std::vector<std::unique_ptr<SingleRun>> runs;
    for (int i = 0; i < count; ++i) {
      SingleRunOptions options;
      options.run_id = "r" + std::to_string(i);
      options.run_mark = "m";
      options.timeout_ns = timeout_ns_;
      options.seed = 1;
      options.observer = &seen_;
      options.on_log = [this](std::string_view, std::string_view text) { log_.emplace_back(text); };
      runs.push_back(
          SingleRun::Start(*test.program, *reactor_, *client, options, [&](const SingleResult& r) {
            results.push_back(r);
            if (static_cast<int>(results.size()) == count) reactor_->Stop();
          }));
    }
    if (interrupt_) reactor_->Post([&] { runs.front()->Interrupt("told to"); });
    reactor_->Run();
    return results;
  }

  std::unique_ptr<net::Reactor> reactor_;
  Seen seen_;
  std::vector<std::string> log_;
  std::uint64_t timeout_ns_ = 0;
  bool interrupt_ = false;
};

TEST_F(SingleRunTest, SetupIterationAndFinallyRunOnceInOrder) {
  const auto results = Run(R"(
kind: Drill
name: d
setup: [{id: a, action: log, with: {message: "setup ${run.id} ${run.mark}"}}]
mix: [{scenario: s, weight: 1}]
finally: [{id: b, action: log, with: {message: finally}}]
load: {executor: constant-vus, vus: 3, duration: 1h}
---
kind: Scenario
name: s
steps: [{id: it, action: log, with: {message: iteration}}]
)");
  ASSERT_EQ(results.size(), 1U);
  EXPECT_TRUE(results[0].passed) << results[0].reason;
  EXPECT_EQ(log_, (std::vector<std::string>{"setup.a: setup r0 m", "it: iteration",
                                            "finally.b: finally"}));
}

TEST_F(SingleRunTest, AFailedStepIsTheReasonAndIsShownWithWhatItRead) {
  const auto results = Run(R"(
kind: Scenario
name: s
params: {n: {type: int, default: 3}}
steps:
- {id: good, action: log, with: {message: x}}
- {id: bad, action: assert, with: {that: "params.n == 4"}}
- {id: never, action: log, with: {message: y}}
)");
  EXPECT_FALSE(results[0].passed);
  EXPECT_EQ(results[0].end, SingleResult::End::kDone);
  EXPECT_TRUE(results[0].reason.starts_with("bad: ")) << results[0].reason;
  EXPECT_EQ(seen_.steps, (std::vector<std::string>{"good", "bad"}));
  EXPECT_EQ(seen_.verdicts, (std::vector{StepReport::Verdict::kOk, StepReport::Verdict::kFailed}));
}

TEST_F(SingleRunTest, WhatCannotBeEvaluatedIsShownToo) {
  (void)Run(R"(
kind: Scenario
name: s
params: {n: {type: int, default: 0}}
steps: [{id: bad, when: "1 / params.n > 1", action: log, with: {message: x}}]
)");
  ASSERT_EQ(seen_.steps, (std::vector<std::string>{"bad"}));
  EXPECT_EQ(seen_.verdicts[0], StepReport::Verdict::kFailed);
  EXPECT_FALSE(seen_.errors[0].empty());
}

TEST_F(SingleRunTest, ItsTimeoutEndsItAndFinallyStillRuns) {
  timeout_ns_ = 1'000'000;
  const auto results = Run(R"(
kind: Drill
name: d
mix: [{scenario: s, weight: 1}]
finally: [{id: b, action: log, with: {message: finally}}]
---
kind: Scenario
name: s
steps: [{id: it, action: wait, with: {for: 1h}}]
)");
  EXPECT_EQ(results[0].end, SingleResult::End::kTimedOut);
  EXPECT_FALSE(results[0].passed);
  EXPECT_EQ(log_, (std::vector<std::string>{"finally.b: finally"}));
}

TEST_F(SingleRunTest, InterruptEndsOneAndNotItsNeighbours) {
  interrupt_ = true;
  const auto results = Run(R"(
kind: Scenario
name: s
steps: [{id: it, action: wait, with: {for: 20ms}}]
)",
                           3);
  ASSERT_EQ(results.size(), 3U);
  EXPECT_EQ(results[0].end, SingleResult::End::kInterrupted);
  EXPECT_EQ(results[0].reason, "told to");
  EXPECT_TRUE(results[1].passed);
  EXPECT_TRUE(results[2].passed);
}

}  // namespace
}  // namespace ronda::engine
