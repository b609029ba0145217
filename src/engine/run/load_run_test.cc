#include "engine/run/load_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "engine/run/run_test_util.h"

namespace ronda::engine {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string Scenario(const std::string& more,
                     const std::string& steps = "[{id: a, action: wait, with: {for: 1ms}}]") {
  return "kind: Scenario\nname: s\n" + more + "\nsteps: " + steps + "\n";
}

std::size_t CountOf(const std::vector<std::string>& lines, const std::string& line) {
  return static_cast<std::size_t>(std::ranges::count(lines, line));
}

// ---- setup and finally

TEST(Setup, RunsOnceAndWhatItFoundIsSeenByEveryUserOfEveryThread) {
  TestRun run(Scenario(R"(
setup: [{id: prepare, action: wait, with: {for: 1ms}, extract: {token: {expr: "'t' + string(2) + ''"}}}]
finally: [{id: clean, action: log, with: {message: "clean ${prepare.token}"}}]
load: {executor: per-vu-iterations, vus: 4, iterations: 3, threads: 2})",
                       R"([{id: a, action: log, with: {message: "${prepare.token}"}}])"));
  run.Execute();
  EXPECT_EQ(run.Said(), "");
  EXPECT_EQ(CountOf(run.Lines(), "a: t2"), 12u);
  EXPECT_EQ(run.Lines().back(), "finally.clean: clean t2");
  EXPECT_EQ(run.Iterations(), 12u) << "setup and finally are no part of the load";
  EXPECT_TRUE(run.result.passed);
}

TEST(Setup, ThatFailsAbortsTheRunAndFinallyStillRuns) {
  TestRun run(Scenario(R"(
setup: [{id: bad, action: assert, with: {that: "1 == 2"}}]
finally: [{id: clean, action: log, with: {message: "clean"}}]
load: {executor: constant-vus, vus: 1, duration: 1h})",
                       R"([{id: a, action: log, with: {message: no}}])"));
  run.Execute();
  EXPECT_EQ(run.result.end, RunEnd::kAborted);
  EXPECT_EQ(run.result.exit_code(), base::ExitCode::kAborted);
  EXPECT_THAT(run.Lines(), ElementsAre("finally.clean: clean"));
}

TEST(Interrupt, DrainsRunningIterationsAndFinallyRuns) {
  TestRun run(Scenario(
      R"(
setup: [{id: s, action: log, with: {message: begun}}]
finally: [{id: clean, action: log, with: {message: clean}}]
load: {executor: constant-vus, vus: 3, duration: 1h})",
      R"([{id: a, action: log, with: {message: in}}, {id: w, action: wait, with: {for: 100ms}}, {id: b, action: log, with: {message: out}}])"));
  std::atomic<int> in = 0;
  run.on_log = [&](const std::string& line) {
    if (line == "a: in" && ++in == 3) run.Interrupt();
  };
  run.Execute();
  EXPECT_EQ(run.result.end, RunEnd::kInterrupted);
  EXPECT_EQ(CountOf(run.Lines(), "b: out"), 3u) << "running iterations come to their end";
  EXPECT_EQ(run.Lines().back(), "finally.clean: clean");
  EXPECT_EQ(run.result.load->totals().IterationsInterrupted(), 0u);
}

TEST(Interrupt, TwiceEndsIterationsThatNeverEndAndFinallyRuns) {
  TestRun run(Scenario(
      R"(
finally: [{id: clean, action: log, with: {message: clean}}]
load: {executor: constant-vus, vus: 3, duration: 1h, threads: 2})",
      R"([{id: a, action: log, with: {message: in}}, {id: w, action: wait, with: {for: 10h}}])"));
  std::atomic<int> in = 0;
  run.on_log = [&](const std::string& line) {
    if (line == "a: in" && ++in == 3) {
      run.Interrupt();
      run.Interrupt();
    }
  };
  run.Execute();
  EXPECT_EQ(run.result.end, RunEnd::kAborted);
  EXPECT_EQ(run.result.exit_code(), base::ExitCode::kAborted);
  EXPECT_EQ(run.result.load->totals().IterationsInterrupted(), 3u);
  EXPECT_EQ(run.Lines().back(), "finally.clean: clean");
}

TEST(Interrupt, InSetupEndsItAndFinallyRuns) {
  TestRun run(Scenario(R"(
setup: [{id: s, action: log, with: {message: in}}, {id: w, action: wait, with: {for: 10h}}]
finally: [{id: clean, action: log, with: {message: clean}}])"));
  run.on_log = [&](const std::string& line) {
    if (line == "setup.s: in") run.Interrupt();
  };
  run.Execute();
  EXPECT_EQ(run.result.end, RunEnd::kInterrupted);
  EXPECT_THAT(run.Lines(), ElementsAre("setup.s: in", "finally.clean: clean"));
}

TEST(Interrupt, OfAFinallyThatNeverEndsEndsTheRun) {
  TestRun run(Scenario(R"(
finally: [{id: f, action: log, with: {message: in}}, {id: w, action: wait, with: {for: 10h}}])"));
  run.on_log = [&](const std::string& line) {
    if (line != "finally.f: in") return;
    run.Interrupt();
    run.Interrupt();
  };
  run.Execute();
  EXPECT_TRUE(run.result.load != nullptr);
}

TEST(GracefulStop, InterruptsIterationsThatNeverEnd) {
  TestRun run(Scenario("load: {executor: constant-vus, vus: 2, duration: 50ms, gracefulStop: 50ms}",
                       "[{id: w, action: wait, with: {for: 10h}}]"));
  run.Execute();
  EXPECT_EQ(run.result.end, RunEnd::kDone);
  EXPECT_EQ(run.result.load->totals().IterationsInterrupted(), 2u);
  EXPECT_FALSE(run.result.passed);
  EXPECT_THAT(run.result.verdict, HasSubstr("no iteration came to its end"));
}

// ---- executors, on real threads

TEST(Load, CountsAreExactOnSeveralThreads) {
  for (const char* threads : {"1", "2", "4"}) {
    TestRun shared(Scenario(
        std::string("load: {executor: shared-iterations, vus: 7, iterations: 501, threads: ") +
        threads + "}"));
    shared.Execute();
    EXPECT_EQ(shared.Iterations(), 501u) << threads;
    TestRun each(Scenario(
        std::string("load: {executor: per-vu-iterations, vus: 5, iterations: 21, threads: ") +
        threads + "}"));
    each.Execute();
    EXPECT_EQ(each.Iterations(), 105u) << threads;
    TestRun rate(Scenario(
        std::string(
            "load: {executor: constant-arrival-rate, rate: 400/s, duration: 500ms, threads: ") +
        threads + "}"));
    rate.Execute();
    EXPECT_EQ(rate.Iterations(), 200u) << threads;
    EXPECT_EQ(rate.result.load->totals().Lateness().count(), 200u);
  }
}

TEST(Load, SharedIterationsOfTwoProcessesAddUp) {
  for (const auto& [users, iterations] : {std::pair{1u, 10u}, {3u, 11u}}) {
    std::uint64_t sum = 0;
    for (const std::uint32_t process : {0u, 1u}) {
      TestRun run(Scenario(""));
      run.input.load.users = users;
      run.input.load.iterations = iterations;
      run.input.process = {process, 2};
      RunOptions options;
      options.process = {process, 2};
      run.Execute(std::move(options));
      sum += run.Iterations();
    }
    EXPECT_EQ(sum, iterations) << users << " users";
  }
}

TEST(Load, OpenLoadsHaveNoMoreUsersThanMaxVUsOnAnyNumberOfThreads) {
  TestRun run(
      Scenario("load: {executor: constant-arrival-rate, rate: 200/s, duration: 300ms, maxVUs: 2, "
               "threads: 4}",
               "[{id: w, action: wait, with: {for: 20ms}}]"));
  run.Execute();
  EXPECT_LE(run.result.load->CurrentGauges().users_max, 2u);
  EXPECT_EQ(run.Iterations() + run.result.load->totals().Dropped(), 60u)
      << "every arrival is accounted for";
}

TEST(Load, StartTimeAndSeveralLoadsRunBesideOneAnother) {
  TestRun run(R"(
kind: Scenario
name: one
steps: [{id: a, action: wait, with: {for: 1ms}}]
---
kind: Scenario
name: two
steps: [{id: b, action: wait, with: {for: 1ms}}]
---
kind: Drill
name: d
load:
  first: {executor: per-vu-iterations, vus: 2, iterations: 5, mix: [{scenario: one}]}
  second: {executor: constant-arrival-rate, rate: 100/s, duration: 200ms, startTime: 100ms, mix: [{scenario: two}]}
)");
  run.Execute();
  EXPECT_EQ(run.Said(), "");
  EXPECT_EQ(run.Runs("a"), 10u);
  EXPECT_EQ(run.Runs("b"), 20u);
  EXPECT_GE(run.result.duration_ns, 300'000'000u);
}

TEST(Load, ALoadThatEndsEarlierHasItsOwnGracefulStop) {
  TestRun run(R"(
kind: Scenario
name: endless
steps: [{id: a, action: wait, with: {for: 10h}}, {id: never, action: log, with: {message: no}}]
---
kind: Scenario
name: short
steps: [{id: b, action: wait, with: {for: 1ms}}]
---
kind: Drill
name: d
load:
  early: {executor: constant-vus, vus: 1, duration: 20ms, gracefulStop: 0s, mix: [{scenario: endless}]}
  late: {executor: constant-vus, vus: 1, duration: 600ms, mix: [{scenario: short}]}
)");
  run.Execute();
  EXPECT_EQ(run.result.load->totals().IterationsInterrupted(), 1u);
  EXPECT_LT(run.result.duration_ns, 20'000'000'000u) << "not the other's 30 s";
}

TEST(Mix, WeightsHoldExactlyOverManyIterations) {
  TestRun run(R"(
kind: Scenario
name: buy
steps: [{id: a, action: wait, with: {for: 0s}}]
---
kind: Scenario
name: browse
steps: [{id: b, action: wait, with: {for: 0s}}]
---
kind: Drill
name: d
mix: [{scenario: buy, weight: 8}, {scenario: browse, weight: 92}]
load: {executor: shared-iterations, vus: 3, iterations: 1000}
)");
  run.Execute();
  EXPECT_EQ(run.Said(), "");
  EXPECT_EQ(run.Runs("a"), 80u);
  EXPECT_EQ(run.Runs("b"), 920u);
}

// ---- feeds

TEST(Feed, ThatStopsEndsTheLoadAfterExactlyItsRows) {
  for (const char* threads : {"1", "3"}) {
    TestRun run(
        Scenario(std::string("feeds: {n: {inline: [1, 2, 3, 4, 5, 6, 7], onEnd: stop}}\nload: "
                             "{executor: constant-vus, vus: 3, duration: 1h, threads: ") +
                     threads + "}",
                 R"([{id: a, action: log, with: {message: "${n.value}"}}])"));
    run.Execute();
    EXPECT_EQ(run.result.end, RunEnd::kStopped);
    EXPECT_EQ(run.Iterations(), 7u) << "none more, whatever the number of users";
    EXPECT_EQ(run.result.load->totals().IterationsInterrupted(), 0u);
    const auto lines = run.Lines();
    EXPECT_EQ(std::set<std::string>(lines.begin(), lines.end()).size(), 7u);
    EXPECT_TRUE(run.result.passed);
    EXPECT_THAT(run.result.reason, HasSubstr("feed n came to its end"));
  }
}

TEST(Feed, ThatFailsAbortsTheRun) {
  TestRun run(
      Scenario("feeds: {n: {inline: [1, 2], onEnd: fail}}\nload: {executor: constant-vus, vus: 1, "
               "duration: 1h}",
               R"([{id: a, action: log, with: {message: "${n.value}"}}])"));
  run.Execute();
  EXPECT_EQ(run.result.end, RunEnd::kAborted);
  EXPECT_EQ(run.Iterations(), 2u);
  EXPECT_EQ(run.result.load->Failures().size(), 1u);
}

TEST(Feed, UniqueRowsAreNeverHeldTwiceAndUsersWaitForOne) {
  TestRun run(Scenario(
      "feeds: {n: {inline: [1, 2], pick: unique}}\nload: {executor: per-vu-iterations, vus: 5, "
      "iterations: 2, threads: 2}",
      R"([{id: take, action: log, with: {message: "${n.value}"}}, {id: w, action: wait, with: {for: 3ms}}, {id: give, action: log, with: {message: "${n.value}"}}])"));
  run.Execute();
  EXPECT_EQ(run.Iterations(), 10u);
  std::set<std::string> held;
  for (const std::string& line : run.Lines()) {
    const std::string row = line.substr(line.find(": "));
    if (line.starts_with("take")) {
      EXPECT_TRUE(held.insert(row).second) << row;
    } else {
      EXPECT_EQ(held.erase(row), 1u);
    }
  }
}

TEST(Feed, ARowForEachUserStaysWithIt) {
  TestRun run(
      Scenario("feeds: {n: {inline: [1, 2, 3], pick: unique, take: per-user}}\nload: {executor: "
               "per-vu-iterations, vus: 3, iterations: 4}",
               R"([{id: a, action: log, with: {message: "${vu.id} ${n.value}"}}])"));
  run.Execute();
  const auto lines = run.Lines();
  EXPECT_EQ(lines.size(), 12u);
  EXPECT_EQ(std::set<std::string>(lines.begin(), lines.end()).size(), 3u);
  TestRun few(
      Scenario("feeds: {n: {inline: [1, 2, 3], pick: unique, take: per-user}}\nload: {executor: "
               "constant-vus, vus: 4, duration: 1h}"));
  EXPECT_FALSE(few.Compile());
  EXPECT_THAT(few.Said(), HasSubstr("feed n has 3 rows"));
}

// ---- meetings

TEST(Meet, UsersGoOnTogetherAndTheSkewIsTold) {
  TestRun run(Scenario(
      "load: {executor: per-vu-iterations, vus: 4, iterations: 2, threads: 2}\nmeets: {m: {users: "
      "4, timeout: 30s}}",
      R"([{id: take, action: log, with: {message: x}}, {id: w, meet: m, action: log, with: {message: go}}])"));
  run.Execute();
  const auto lines = run.Lines();
  ASSERT_EQ(lines.size(), 16u);
  EXPECT_EQ(std::count(lines.begin(), lines.begin() + 4, "take: x"), 4)
      << "none goes before all are there";
  ASSERT_EQ(run.result.meets.size(), 1u);
  EXPECT_EQ(run.result.meets[0].rounds, 2u);
  EXPECT_EQ(run.result.meets[0].users, 8u);
  EXPECT_EQ(run.result.meets[0].timeouts, 0u);
}

TEST(Meet, ThoseWhoNeverComeAreNotWaitedForForEver) {
  // Of two users one never comes: each round ends by its timeout.
  TestRun run(
      Scenario("load: {executor: per-vu-iterations, vus: 2, iterations: 2}\nmeets: {m: {users: 2, "
               "timeout: 30ms}}",
               R"([{id: a, when: "vu.id == 1", meet: m, action: log, with: {message: go}}])"));
  run.Execute();
  EXPECT_EQ(run.Lines().size(), 2u);
  EXPECT_EQ(run.result.meets[0].timeouts, 2u);
  TestRun aborted(Scenario(
      "load: {executor: constant-vus, vus: 2, duration: 1h}\nmeets: {m: {users: 2, timeout: 30ms, "
      "onTimeout: abort}}",
      R"([{id: a, when: "vu.id == 1", meet: m, action: log, with: {message: go}}, {id: w, action: wait, with: {for: 5ms}}])"));
  aborted.Execute();
  EXPECT_EQ(aborted.result.end, RunEnd::kAborted);
  EXPECT_THAT(aborted.result.reason, HasSubstr("1 of 2 users came in time"));
}

TEST(Meet, TheEndOfTheLoadReleasesAll) {
  TestRun run(
      Scenario("load: {executor: constant-vus, vus: 2, duration: 100ms}\nmeets: {m: {users: 2, at: "
               "30m, timeout: 1h}}",
               R"([{id: a, meet: m, action: log, with: {message: go}}])"));
  run.Execute();
  EXPECT_EQ(run.result.end, RunEnd::kDone);
  EXPECT_EQ(run.Iterations(), 2u);
}

TEST(Meet, IsNothingInASingleIteration) {
  TestRun run(Scenario("meets: {m: {users: 3, timeout: 1h}}",
                       R"([{id: a, meet: m, action: log, with: {message: go}}])"));
  run.Execute();
  EXPECT_THAT(run.Lines(), ElementsAre("a: go"));
}

// ---- what cannot be compiled

TEST(Compile, AnUnknownNameInAUrlIsOneError) {
  TestRun run(Scenario("", R"([{id: a, action: http.request, with: {url: "${lgoin.url}/x"}}])"));
  EXPECT_FALSE(run.Compile());
  EXPECT_EQ(run.diagnostics.error_count(), 1) << run.Said();
  EXPECT_THAT(run.Said(), HasSubstr("lgoin"));
}

// ---- verdicts

TEST(Verdict, ASingleIterationPassesOnlyIfEveryCheckDoes) {
  TestRun bad(Scenario("", R"([{id: a, action: wait, with: {for: 0s}, checks: ["waited > 1h"]}])"));
  EXPECT_FALSE(bad.Execute().passed);
  EXPECT_EQ(bad.result.exit_code(), base::ExitCode::kCheckFailed);
  TestRun good(
      Scenario("", R"([{id: a, action: wait, with: {for: 0s}, checks: ["waited < 1h"]}])"));
  EXPECT_TRUE(good.Execute().passed);
}

TEST(Verdict, UnderLoadThresholdsDecideAndFailedChecksAloneDoNot) {
  const std::string steps = R"([{id: a, action: wait, with: {for: 0s}, checks: ["waited > 1h"]}])";
  const std::string load = "load: {executor: per-vu-iterations, vus: 1, iterations: 3}\n";
  TestRun some(
      Scenario(load, R"([{id: a, action: wait, with: {for: 0s}, checks: ["vu.iteration != 1"]}])"));
  EXPECT_TRUE(some.Execute().passed);
  TestRun none(Scenario(load, steps));
  EXPECT_FALSE(none.Execute().passed) << "nothing worked, and no threshold says that it may";
  EXPECT_EQ(none.result.verdict, "every iteration failed");
  EXPECT_EQ(none.result.exit_code(), base::ExitCode::kCheckFailed);
  TestRun crossed(Scenario(load + "thresholds: [\"drill.checks > 99%\"]", steps));
  EXPECT_FALSE(crossed.Execute().passed);
  EXPECT_EQ(crossed.result.exit_code(), base::ExitCode::kCheckFailed);
  TestRun kept(Scenario(load + "thresholds: [\"drill.iterations == 3\"]", steps));
  EXPECT_TRUE(kept.Execute().passed);
  TestRun silent(Scenario(load + "thresholds: [\"drill.p95 < 1s\"]", steps));
  EXPECT_FALSE(silent.Execute().passed) << "no request, no data: not passed";
}

TEST(Verdict, WarmUpIsNotPartOfIt) {
  TestRun run(
      Scenario("load: {executor: constant-vus, vus: 1, duration: 1500ms, warmup: 1s}\nthresholds: "
               "[\"drill.iterations < 40\"]",
               "[{id: a, action: wait, with: {for: 20ms}}]"));
  run.Execute();
  EXPECT_TRUE(run.result.passed) << run.Iterations();
  EXPECT_GT(run.Iterations(), 0u);
}

// ---- what is told at load

TEST(LoadErrors, NameThePlaceAndTheNearestName) {
  const auto said = [](const std::string& yaml) {
    TestRun run(yaml);
    EXPECT_FALSE(run.Compile()) << yaml;
    return run.Said();
  };
  EXPECT_THAT(
      said(Scenario(
          "",
          R"([{id: login, action: wait, with: {for: 1s}}, {id: b, action: log, with: {message: "${lgoin.waited}"}}])")),
      ::testing::AllOf(HasSubstr("t.yaml:"), HasSubstr("lgoin"), HasSubstr("login.waited"),
                       HasSubstr("^")));
  EXPECT_THAT(said(Scenario(
                  "meets: {m: {users: 9}}\nload: {executor: constant-vus, vus: 3, duration: 1s}")),
              HasSubstr("wants 9 users, the load has 3"));
  EXPECT_THAT(said(Scenario("load: {executor: constant-vus, vus: 3, duration: 1s}\nguards: [{when: "
                            "\"drill.errors > 1%\", do: throttle, to: 10/s}]")),
              HasSubstr("no arrival rate that could be throttled"));
  EXPECT_THAT(said(Scenario("feeds: {n: {file: /tmp/no-such-file.csv}}")),
              HasSubstr("no-such-file.csv"));
  EXPECT_THAT(said(Scenario("feeds: {n: {inline: [{user: a}]}}",
                            R"([{id: b, action: log, with: {message: "${n.usr}"}}])")),
              HasSubstr("n.user"));
}

TEST(LoadErrors, TheCaretStandsUnderTheNameAlsoInTextsWithEscapes) {
  for (const std::string step : {R"({action: log, with: {message: "${nobody}"}})",
                                 R"({action: log, with: {message: "a\tb ${1 + 1} ${nobody}"}})",
                                 R"({action: log, with: {message: 'a ${nobody}'}})",
                                 R"({action: assert, with: {that: "1 == nobody"}})"}) {
    const std::string line = "steps: [" + step + "]";
    TestRun run("kind: Scenario\nname: s\n" + line + "\n");
    EXPECT_FALSE(run.Compile());
    EXPECT_THAT(run.Said(), HasSubstr("t.yaml:3:" + std::to_string(line.find("nobody") + 1) + ":"));
  }
}

TEST(LoadErrors, ADurationForStagesIsToldAndNotIgnored) {
  TestRun run(Scenario("load: {executor: ramping-vus, stages: [{target: 3, duration: 1s}]}"));
  run.input.load.duration_ns = 5'000'000'000;
  EXPECT_FALSE(run.Compile());
  EXPECT_THAT(run.Said(), HasSubstr("--duration does not apply to ramping-vus"));
}

}  // namespace
}  // namespace ronda::engine
