// What a step's keys do, told by what its steps log. No network: that is tests/integration.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "engine/run/run_test_util.h"

namespace ronda::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

// One iteration of these steps (a YAML list), and what stands beside them.
struct Once : TestRun {
  explicit Once(const std::string& steps, const std::string& more = "")
      : TestRun("kind: Scenario\nname: s\n" + more + "\nsteps:\n" + steps + "\n") {
    Execute();
    EXPECT_EQ(Said(), "");
  }
};

TEST(When, SkipsTheStepUnlessItHolds) {
  Once run(R"(
- {id: a, when: "1 < 2", action: log, with: {message: yes}}
- {id: b, when: "1 > 2", action: log, with: {message: no}}
- {id: c, action: log, with: {message: end}})");
  EXPECT_THAT(run.Lines(), ElementsAre("a: yes", "c: end"));
  EXPECT_TRUE(run.result.passed);
}

TEST(When, ThatCannotBeEvaluatedFailsTheStep) {
  Once run(R"(
- {id: a, when: "params.x > 1", action: log, with: {message: yes}}
- {id: b, action: log, with: {message: no}})",
           "params: {x: {type: int, required: false}}");
  EXPECT_THAT(run.Lines(), IsEmpty());
  EXPECT_FALSE(run.result.passed);
  ASSERT_EQ(run.Errors().size(), 1u);
  EXPECT_THAT(run.Errors()[0], HasSubstr("params.x"));
}

TEST(ForEach, RunsOnceForEachItemWithItsIndex) {
  Once run(R"(
- {id: a, forEach: [x, y, z], action: log, with: {message: "${index} ${item}"}}
- {id: b, forEach: {in: "${[[1, 2], [3]]}", as: pair}, action: log, with: {message: "${size(pair)}"}}
- {id: c, forEach: [], action: log, with: {message: never}})");
  EXPECT_THAT(run.Lines(), ElementsAre("a: 0 x", "a: 1 y", "a: 2 z", "b: 2", "b: 1"));
}

TEST(ForEach, OfSomethingElseOrOfTooManyFailsTheStep) {
  Once no_list(R"([{id: a, forEach: "${1 + 1}", action: log, with: {message: "${item}"}}])");
  EXPECT_THAT(no_list.Errors(), ElementsAre("forEach wants a list, not a int"));
  Once too_many(
      R"([{id: a, forEach: {in: "${range(0, 10)}", max: 3}, action: log, with: {message: "${item}"}}])");
  ASSERT_EQ(too_many.Errors().size(), 1u);
  EXPECT_THAT(too_many.Errors()[0], HasSubstr("more than `max`"));
  EXPECT_THAT(too_many.Lines(), IsEmpty());
}

TEST(Repeat, RunsSoOftenAlsoForGroupsAndInsideOneAnother) {
  Once run(R"(
- id: outer
  repeat: 2
  steps:
  - {id: inner, repeat: "${1 + 1}", action: log, with: {message: "${index}"}}
- {id: none, repeat: 0, action: log, with: {message: never}})");
  EXPECT_THAT(run.Lines(), ElementsAre("inner: 0", "inner: 1", "inner: 0", "inner: 1"));
  EXPECT_EQ(run.Runs("outer"), 2u);
}

TEST(Repeat, OfNoWholeNumberFailsTheStep) {
  Once run(R"([{id: a, repeat: "${0 - 1}", action: log, with: {message: x}}])");
  EXPECT_THAT(run.Errors(), ElementsAre("repeat wants a whole number that is not negative"));
}

TEST(While, RunsUntilItDoesNotHoldAndNotBeyondMaxLoops) {
  Once run(R"([{id: a, while: "index < 3", action: log, with: {message: "${index}"}}])");
  EXPECT_THAT(run.Lines(), ElementsAre("a: 0", "a: 1", "a: 2"));
  EXPECT_TRUE(run.result.passed);
  Once endless(R"([{id: a, while: "true", maxLoops: 5, action: log, with: {message: x}}])");
  EXPECT_EQ(endless.Lines().size(), 5u);
  ASSERT_EQ(endless.Errors().size(), 1u);
  EXPECT_THAT(endless.Errors()[0], HasSubstr("still true after 5 turns"));
  EXPECT_FALSE(endless.result.passed);
}

TEST(Parallel, TurnsRunAtTheSameTimeEachWithItsOwnItem) {
  // Each waits the longer the earlier it is: one after the other they would come as they stand.
  Once run(R"(
- id: p
  forEach: [40, 20, 0]
  parallel: all
  steps:
  - {id: w, action: wait, with: {for: "${item}ms"}}
  - {id: l, action: log, with: {message: "${item}"}})");
  EXPECT_THAT(run.Lines(), ElementsAre("l: 0", "l: 20", "l: 40"));
  EXPECT_EQ(run.Runs("p"), 3u) << "a run a turn";
}

TEST(Parallel, NAtATimeAreNoMore) {
  Once run(R"(
- id: p
  forEach: [1, 2, 3, 4, 5]
  parallel: 2
  steps:
  - {id: a, action: log, with: {message: in}}
  - {id: w, action: wait, with: {for: 5ms}}
  - {id: b, action: log, with: {message: out}})");
  int in = 0;
  int most = 0;
  for (const std::string& line : run.Lines()) most = std::max(most, in += line == "a: in" ? 1 : -1);
  EXPECT_EQ(most, 2);
  EXPECT_EQ(run.Lines().size(), 10u);
}

TEST(Parallel, MembersOfAGroupRunAtTheSameTimeAndAreWaitedFor) {
  Once run(R"(
- id: g
  parallel: all
  steps:
  - {id: slow, action: wait, with: {for: 30ms}}
  - {id: fast, action: log, with: {message: "fast"}}
- {id: after, action: log, with: {message: "${slow.waited >= 30ms}"}})");
  EXPECT_THAT(run.Lines(), ElementsAre("fast: fast", "after: true"));
  EXPECT_EQ(run.Runs("g"), 1u);
}

TEST(Parallel, AFailedTurnEndsTheStepAndIsCounted) {
  Once run(R"(
- id: p
  forEach: [1, 2, 3]
  parallel: 3
  action: assert
  with: {that: "item != 2"}
- {id: after, action: log, with: {message: no}})");
  EXPECT_THAT(run.Lines(), IsEmpty());
  EXPECT_FALSE(run.result.passed);
}

TEST(Parallel, OfNothingIsDoneAtOnce) {
  Once run(R"(
- {id: p, forEach: [], parallel: all, action: log, with: {message: no}}
- {id: after, action: log, with: {message: yes}})");
  EXPECT_THAT(run.Lines(), ElementsAre("after: yes"));
}

TEST(OnFailure, AbortEndsTheIterationButAlwaysRuns) {
  Once run(R"(
- {id: bad, action: assert, with: {that: "1 == 2"}}
- {id: skipped, action: log, with: {message: no}}
- {id: cleanup, always: true, action: log, with: {message: yes}})");
  EXPECT_THAT(run.Lines(), ElementsAre("cleanup: yes"));
  EXPECT_EQ(run.Failed(), 1u);
}

TEST(OnFailure, AnAlwaysStepRunsWithAllItsTurnsAndMembers) {
  Once run(R"(
- {id: bad, action: assert, with: {that: "1 == 2"}}
- {id: each, always: true, forEach: [1, 2, 3], action: log, with: {message: "${item}"}}
- id: group
  always: true
  repeat: 2
  steps:
  - {id: x, action: log, with: {message: "x"}}
  - {id: y, action: log, with: {message: "y"}})");
  EXPECT_THAT(run.Lines(),
              ElementsAre("each: 1", "each: 2", "each: 3", "x: x", "y: y", "x: x", "y: y"));
}

TEST(OnFailure, ContinueGoesOnAndGotoJumps) {
  Once run(R"(
- {id: a, onFailure: continue, action: assert, with: {that: "1 == 2"}}
- {id: b, action: log, with: {message: "on"}}
- {id: c, onFailure: goto e, action: assert, with: {that: "1 == 2"}}
- {id: d, action: log, with: {message: no}}
- {id: e, action: log, with: {message: "there"}})");
  EXPECT_THAT(run.Lines(), ElementsAre("b: on", "e: there"));
  EXPECT_EQ(run.Failed(), 1u);
  EXPECT_FALSE(run.result.passed) << "a failed step fails a single iteration, whatever comes after";
}

TEST(OnFailure, OfAGroupDecidesForItsSteps) {
  Once run(R"(
- id: g
  onFailure: continue
  steps:
  - {id: bad, action: assert, with: {that: "1 == 2"}}
  - {id: no, action: log, with: {message: no}}
- {id: yes, action: log, with: {message: "yes"}})");
  EXPECT_THAT(run.Lines(), ElementsAre("yes: yes"));
}

TEST(Retry, TriesAgainSoOftenAndCountsOneFailure) {
  Once run(R"([{id: a, retry: {times: 3, every: 1ms}, action: assert, with: {that: "1 == 2"}}])");
  EXPECT_EQ(run.Runs("a"), 4u);
  EXPECT_EQ(run.Errors().size(), 1u);
  EXPECT_EQ(run.result.load->Failures()[0]->count, 1u);
  Once luck(
      R"([{id: a, retry: {times: 60, every: 1ms, jitter: 50%}, action: assert, with: {that: "random(0, 3) == 0"}}])");
  EXPECT_TRUE(luck.result.passed);
}

TEST(Retry, OnlyForWhatItIsFor) {
  Once run(
      R"([{id: a, retry: {times: 3, every: 1ms, on: [timeout]}, action: assert, with: {that: "1 == 2"}}])");
  EXPECT_EQ(run.Runs("a"), 1u);
}

TEST(Retry, OnChecksThatAreFatal) {
  Once fatal(
      R"([{id: a, retry: {times: 2, every: 1ms, on: [check]}, action: wait, with: {for: 0s}, checks: [{expr: "waited > 1h", fatal: true}]}])");
  EXPECT_EQ(fatal.Runs("a"), 3u);
  Once counted(
      R"([{id: a, retry: {times: 2, every: 1ms, on: [check]}, action: wait, with: {for: 0s}, checks: ["waited > 1h"]}])");
  EXPECT_EQ(counted.Runs("a"), 1u);
}

TEST(Poll, GoesOnUntilItHoldsOrTheDeadlineHasCome) {
  Once run(
      R"([{id: a, poll: {until: "random(0, 5) == 0", every: 1ms, deadline: 30s}, action: wait, with: {for: 0s}}])");
  EXPECT_TRUE(run.result.passed);
  Once never(
      R"([{id: a, poll: {until: "waited > 1h", every: 4ms, deadline: 10ms}, action: wait, with: {for: 0s}}, {id: b, action: log, with: {message: no}}])");
  EXPECT_THAT(never.Errors(), ElementsAre("poll: `until` did not hold before the deadline"));
  EXPECT_GE(never.Runs("a"), 2u);
  EXPECT_THAT(never.Lines(), IsEmpty());
}

TEST(Poll, AFailedCheckIsCountedForTheLastLookOnly) {
  Once run(
      R"([{id: a, poll: {until: "random(0, 20) == 0", every: 1ms, deadline: 60s}, action: wait, with: {for: 0s}, checks: ["waited > 1h"]}])");
  EXPECT_GT(run.Runs("a"), 1u) << "a check that is not fatal does not end the polling";
  ASSERT_EQ(run.result.load->Failures().size(), 1u);
  EXPECT_EQ(run.result.load->Failures()[0]->count, 1u);
}

TEST(Checks, AFailedOneIsCountedAndAFatalOneEndsTheIteration) {
  Once run(R"(
- {id: a, action: wait, with: {for: 0s}, checks: ["waited > 1h"]}
- {id: b, action: log, with: {message: "on"}}
- {id: c, action: wait, with: {for: 0s}, checks: [{expr: "waited > 1h", name: slow, fatal: true}]}
- {id: d, action: log, with: {message: no}})");
  EXPECT_THAT(run.Lines(), ElementsAre("b: on"));
  EXPECT_EQ(run.result.load->totals().AllChecks().failed, 2u);
  EXPECT_FALSE(run.result.passed);
}

TEST(Names, OfStepsGroupsComponentsAndParamsCanBeReadLater) {
  TestRun run(R"(
kind: Component
name: twice
params: {of: {type: int, required: true}, plus: {type: int, default: 1}}
steps:
- {id: inner, action: wait, with: {for: 1ms}, extract: {value: {expr: "params.of * 2 + params.plus"}}}
---
kind: Scenario
name: s
params: {start: {type: int, default: 3}}
steps:
- {id: t, use: twice, with: {of: "${params.start}"}}
- {id: u, use: twice, with: {of: "${t.value}", plus: 0}}
- id: g
  steps: [{id: w, action: wait, with: {for: 1ms}}]
- {id: out, action: log, with: {message: "${t.value} ${u.value} ${w.waited > 0s} ${vu.iteration}"}}
)");
  run.input.set = {{"start", "5"}};
  run.Execute();
  EXPECT_THAT(run.Lines(), ElementsAre("out: 11 22 true 1")) << run.Said();
}

TEST(Pacing, IterationsOfAUserBeginNoCloserThanItSays) {
  TestRun run(R"(
kind: Scenario
name: s
pacing: {every: 20ms}
load: {executor: per-vu-iterations, vus: 2, iterations: 4}
steps: [{id: a, action: log, with: {message: "${vu.id} ${unixMs()}"}}]
)");
  run.Execute();
  std::vector<std::vector<long>> begun(3);
  for (const std::string& line : run.Lines()) {
    int user = 0;
    long ms = 0;
    ASSERT_EQ(std::sscanf(line.c_str(), "a: %d %ld", &user, &ms), 2) << line;
    begun.at(static_cast<std::size_t>(user)).push_back(ms);
  }
  for (const int user : {1, 2}) {
    const auto& times = begun[static_cast<std::size_t>(user)];
    ASSERT_EQ(times.size(), 4u);
    for (std::size_t i = 1; i < times.size(); ++i) EXPECT_GE(times[i] - times[i - 1], 19);
  }
}

TEST(Think, StandsAfterAStepAndBetweenItsTurns) {
  Once run(R"(
- {id: a, repeat: 3, think: 10ms, action: log, with: {message: "${unixMs()}"}}
- {id: b, action: log, with: {message: "${unixMs()}"}})");
  std::vector<long> times;
  for (const std::string& line : run.Lines()) {
    long ms = 0;
    ASSERT_EQ(std::sscanf(line.c_str(), "%*c: %ld", &ms), 1) << line;
    times.push_back(ms);
  }
  ASSERT_EQ(times.size(), 4u);
  for (std::size_t i = 1; i < times.size(); ++i) EXPECT_GE(times[i] - times[i - 1], 9);
}

TEST(Secrets, AreMaskedInLogsAndErrors) {
  TestRun run(R"(
kind: Scenario
name: s
feeds: {u: {inline: [{user: anna, pass: hunter22}], secret: [pass]}}
params: {key: {type: string, secret: true, default: "k/e y\"1"}}
steps:
- {id: a, onFailure: continue, action: log, with: {message: "${u.user} ${u.pass} ${params.key} ${urlEncode(params.key)}"}}
- {id: b, onFailure: continue, action: assert, with: {that: "1 == 2", message: "pass ${u.pass}"}}
- {id: c, action: wait, with: {for: 0s}, extract: {tok: {expr: "'tk-' + u.user", secret: true}}}
- {id: d, onFailure: continue, action: log, with: {message: "${c.tok}"}}
- {id: e, action: wait, with: {for: 0s}, checks: ["c.tok == u.pass"]}
)");
  run.Execute();
  EXPECT_EQ(run.Said(), "");
  EXPECT_THAT(run.Lines(), ElementsAre("a: anna *** *** ***", "d: ***"));
  std::string all;
  for (const stats::FailureGroup* group : run.result.load->Failures())
    all += group->message + "\n" + group->example->detail + "\n";
  EXPECT_THAT(all, HasSubstr("pass ***"));
  EXPECT_THAT(all, ::testing::Not(HasSubstr("hunter22")));
  EXPECT_THAT(all, ::testing::Not(HasSubstr("tk-anna")));
}

}  // namespace
}  // namespace ronda::engine
