#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "model/testing.h"

namespace ronda::model {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

Load OneLoad(const std::string& load) {
  const Loaded loaded = LoadWith("load: " + load);
  EXPECT_THAT(loaded.Said(), IsEmpty());
  return loaded.set.all.empty() ? Load{} : loaded.First<Scenario>().plan.loads.at(0);
}

std::string LoadError(const std::string& load) {
  const Loaded loaded = LoadWith("load: " + load);
  EXPECT_TRUE(loaded.diagnostics.has_errors()) << load;
  return loaded.Said();
}

TEST(Load, EveryExecutorOfK6IsReadWithItsFields) {
  const Load shared =
      OneLoad("{executor: shared-iterations, vus: 10, iterations: 200, maxDuration: 30s}");
  EXPECT_EQ(shared.iterations, 200);
  EXPECT_EQ(shared.max_duration.ns, 30'000'000'000);
  EXPECT_EQ(OneLoad("{executor: per-vu-iterations, vus: 10, iterations: 20}").vus, 10);
  EXPECT_EQ(OneLoad("{executor: constant-vus, vus: 10, duration: 30s}").duration.ns,
            30'000'000'000);
  const Load ramping = OneLoad(
      "{executor: ramping-vus, startVUs: 0, stages: [{target: 10, duration: 20s}], "
      "gracefulRampDown: 0s}");
  EXPECT_EQ(ramping.start_vus, 0);
  EXPECT_EQ(ramping.stages.at(0).target, 10);
  EXPECT_EQ(ramping.graceful_ramp_down.ns, 0);
  EXPECT_EQ(ramping.graceful_stop.ns, 30'000'000'000);
  const Load arrival = OneLoad(
      "{executor: constant-arrival-rate, rate: 30, timeUnit: 1m, duration: 30s, "
      "preAllocatedVUs: 2, maxVUs: 50, maxBacklog: 10, warmup: 5s, threads: 2, startTime: 1s}");
  EXPECT_DOUBLE_EQ(arrival.rate.per_second, 0.5);
  EXPECT_EQ(arrival.max_vus, 50);
  EXPECT_EQ(arrival.max_backlog, 10);
  EXPECT_EQ(arrival.warmup.ns, 5'000'000'000);
  const Load ramp = OneLoad(
      "{executor: ramping-arrival-rate, startRate: 300, timeUnit: 1m, preAllocatedVUs: 5, "
      "stages: [{target: 600, duration: 1m}, {target: 20/s, duration: 1m}]}");
  EXPECT_DOUBLE_EQ(ramp.start_rate.per_second, 5);
  EXPECT_DOUBLE_EQ(ramp.stages.at(0).target, 10);
  EXPECT_DOUBLE_EQ(ramp.stages.at(1).target, 20);
  EXPECT_DOUBLE_EQ(OneLoad("{executor: externally-controlled, rate: 100/s}").rate.per_second, 100);
}

TEST(Load, AFieldOfAnotherExecutorIsAnErrorThatSaysWhose) {
  const std::string error = LoadError("{executor: constant-vus, duration: 1s, rate: 5}");
  EXPECT_THAT(error, HasSubstr("constant-vus has no \"rate\""));
  EXPECT_THAT(error, HasSubstr("constant-arrival-rate"));
}

TEST(Load, WhatAnExecutorCannotDoWithoutIsNeeded) {
  EXPECT_THAT(LoadError("{executor: constant-vus}"), HasSubstr("needs \"duration\""));
  EXPECT_THAT(LoadError("{executor: ramping-vus}"), HasSubstr("needs \"stages\""));
  EXPECT_THAT(LoadError("{executor: constant-arrival-rate, duration: 1s}"),
              HasSubstr("needs \"rate\""));
  EXPECT_THAT(LoadError("{vus: 3}"), HasSubstr("needs \"executor\""));
  EXPECT_THAT(LoadError("{executor: constant-vu, duration: 1s}"),
              HasSubstr("did you mean \"constant-vus\"?"));
}

TEST(Load, NumbersThatDoNotFitTogetherAreTold) {
  const std::string arrival = "{executor: constant-arrival-rate, duration: 10s, ";
  EXPECT_THAT(LoadError(arrival + "rate: 0}"), HasSubstr("more than 0"));
  EXPECT_THAT(LoadError(arrival + "rate: 5, preAllocatedVUs: 9, maxVUs: 3}"),
              HasSubstr("less than"));
  EXPECT_THAT(LoadError(arrival + "rate: 5, warmup: 10s}"), HasSubstr("as long as the load"));
  EXPECT_THAT(LoadError(arrival + "rate: 5 a minute}"), HasSubstr("100/s or 600/m"));
  EXPECT_THAT(LoadError("{executor: shared-iterations, vus: 5, iterations: 2}"),
              HasSubstr("less than \"vus\""));
  EXPECT_THAT(LoadError("{executor: ramping-vus, stages: [{target: 1.5, duration: 1s}]}"),
              HasSubstr("is an int"));
  EXPECT_THAT(LoadError("{executor: ramping-vus, stages: [{target: 1, duration: 0}]}"),
              HasSubstr("no time at all"));
  EXPECT_THAT(LoadError("{executor: constant-vus, duration: 1s, vus: 100000000}"),
              HasSubstr("at most 10000000"));
}

TEST(Load, SeveralStandUnderTheirNames) {
  const Loaded loaded = LoadWith(
      "load: {calm: {executor: constant-vus, duration: 1s}, "
      "spike: {executor: constant-vus, duration: 1s, startTime: 1m}}");
  ASSERT_THAT(loaded.Said(), IsEmpty());
  const auto& loads = loaded.First<Scenario>().plan.loads;
  ASSERT_EQ(loads.size(), 2u);
  EXPECT_EQ(loads[1].name, "spike");
  EXPECT_EQ(loads[1].start_time.ns, 60'000'000'000);
}

TEST(Plan, MeetsGuardsThresholdsAndOutputs) {
  const Loaded loaded = LoadWith(
      "meets: {m: {users: 3, at: 1m, onTimeout: abort}}\n"
      "thresholds: [\"drill.p95 < 300ms\", {expr: drill.errors < 1%, name: errors}]\n"
      "guards: [{when: drill.errors > 2%, for: 5s, do: throttle, to: 100/s}, {when: absent(drill), "
      "do: stop}]\n"
      "outputs: {html: report.html, junit: j.xml}");
  ASSERT_THAT(loaded.Said(), IsEmpty());
  const LoadPlan& plan = loaded.First<Scenario>().plan;
  EXPECT_EQ(plan.meets[0].on_timeout, Meet::OnTimeout::kAbort);
  EXPECT_EQ(plan.meets[0].at->ns, 60'000'000'000);
  EXPECT_EQ(plan.thresholds[0].name, "drill.p95 < 300ms");
  EXPECT_EQ(plan.thresholds[1].name, "errors");
  EXPECT_EQ(plan.guards[0].hold.ns, 5'000'000'000);
  EXPECT_DOUBLE_EQ(plan.guards[0].to_rate->per_second, 100);
  EXPECT_EQ(plan.guards[1].action, Guard::Do::kStop);
  EXPECT_EQ(plan.outputs[1].kind, "junit");
}

TEST(Plan, WrongMeetsGuardsAndOutputsAreTold) {
  EXPECT_THAT(LoadWith("meets: {m: {timeout: 3s}}").Said(), HasSubstr("needs \"users\""));
  EXPECT_THAT(LoadWith("guards: [{when: x, do: throttle}]").Said(),
              HasSubstr("\"throttle\" needs \"to\""));
  EXPECT_THAT(LoadWith("guards: [{when: x, do: abort, to: 5%}]").Said(), HasSubstr("do: throttle"));
  EXPECT_THAT(LoadWith("guards: [{when: x, do: throttle, to: 150%}]").Said(),
              HasSubstr("at most 100%"));
  EXPECT_THAT(LoadWith("outputs: {htm: a}").Said(), HasSubstr("did you mean \"html\"?"));
}

std::string DrillError(const std::string& more) {
  return LoadText("kind: Drill\nname: d\n" + more + "\n").Said();
}

TEST(Drill, NeedsSomethingToRun) {
  EXPECT_THAT(DrillError("lease: 15s"), HasSubstr("needs \"mix\" or \"scenario\""));
  EXPECT_THAT(DrillError("scenario: a\nmix: [{scenario: b}]"), HasSubstr("not both"));
  EXPECT_THAT(DrillError("mix: [{scenario: a, weight: 0}]"), HasSubstr("\"weight\" is at least"));
  EXPECT_THAT(DrillError("scenario: a"), IsEmpty());
  EXPECT_THAT(DrillError("load: {a: {executor: constant-vus, duration: 1s, mix: [{scenario: x}]}}"),
              IsEmpty());
  EXPECT_THAT(DrillError("scenario: a\nwindow: {allow: \"1:00-5:00\"}"), HasSubstr("01:00-05:00"));
  EXPECT_THAT(DrillError("scenario: a\nisolation: {unproven: refuse}"),
              HasSubstr("needs \"profile\""));
  EXPECT_THAT(DrillError("scenario: a@x"), HasSubstr("a version is a number from 1"));
}

}  // namespace
}  // namespace ronda::model
