#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "model/testing.h"

namespace ronda::model {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

Loaded LoadPatrol(const std::string& more) {
  return LoadText("kind: Patrol\nname: p\nscenario: buy@3\n" + more + "\n");
}

std::string PatrolError(const std::string& more) {
  const Loaded loaded = LoadPatrol(more);
  EXPECT_TRUE(loaded.diagnostics.has_errors()) << more;
  EXPECT_TRUE(loaded.set.all.empty()) << "what is wrong is not loaded";
  return loaded.Said();
}

Trigger OneTrigger(const std::string& trigger) {
  const Loaded loaded = LoadPatrol("triggers: [" + trigger + "]");
  EXPECT_THAT(loaded.Said(), IsEmpty());
  const auto& triggers = loaded.First<Patrol>().triggers;
  return triggers.empty() ? Trigger{} : triggers.front();
}

std::string TriggerError(const std::string& trigger) {
  return PatrolError("triggers: [" + trigger + "]");
}

TEST(Patrol, NeedsNoMoreThanAScenario) {
  const Loaded loaded = LoadPatrol("");
  ASSERT_THAT(loaded.Said(), IsEmpty());
  const Patrol& patrol = loaded.First<Patrol>();
  ASSERT_EQ(patrol.scenarios.size(), 1u);
  EXPECT_EQ(patrol.scenarios[0].scenario.name, "buy");
  EXPECT_EQ(patrol.scenarios[0].scenario.version, 3);
  EXPECT_EQ(patrol.verdict.fail, (Share{1, 1}));
  EXPECT_EQ(patrol.retry.times, 0);
  EXPECT_EQ(patrol.timeout.ns, 60'000'000'000);
  EXPECT_EQ(patrol.evidence.keep, Evidence::Keep::kFailures);
  EXPECT_EQ(patrol.evidence.body.bytes, 65'536u);
  EXPECT_FALSE(patrol.raise.has_value());
  EXPECT_FALSE(patrol.slo.has_value());
}

TEST(Patrol, ReadsEveryField) {
  const Loaded loaded = LoadText(R"(
kind: Patrol
name: p
scenarios: [buy, {scenario: search@2, with: {q: tea}}]
environments: [production, gray@4]
workers: {zones: [bj, sh], labels: {net: public, tier: 1}, count: 3}
triggers: [{every: 30s, jitter: 5s}]
verdict: {fail: 2 of 3}
retry: {times: 2, every: 5s}
flap: {fail: 2, pass: 3}
timeout: 20s
raise: {severity: P1, after: 5m}
evidence: {keep: all, body: 1MiB}
covers: [cart, checkout]
slo: 99.9%
)");
  ASSERT_THAT(loaded.Said(), IsEmpty());
  const Patrol& patrol = loaded.First<Patrol>();
  EXPECT_EQ(patrol.scenarios.at(1).scenario.version, 2);
  EXPECT_EQ(patrol.scenarios.at(1).with.Find("q")->scalar, "tea");
  EXPECT_EQ(patrol.environments.at(1).version, 4);
  EXPECT_EQ(patrol.workers.zones.at(1), "sh");
  EXPECT_EQ(patrol.workers.labels.at("tier"), "1");
  EXPECT_EQ(patrol.workers.count, 3);
  EXPECT_EQ(patrol.triggers.at(0).jitter.ns, 5'000'000'000);
  EXPECT_EQ(patrol.verdict.fail, (Share{2, 3}));
  EXPECT_EQ(patrol.retry.times, 2);
  EXPECT_EQ(patrol.retry.every.ns, 5'000'000'000);
  EXPECT_EQ(patrol.flap.pass, 3);
  EXPECT_EQ(patrol.timeout.ns, 20'000'000'000);
  EXPECT_EQ(patrol.raise->severity, RiskSeverity::kP1);
  EXPECT_EQ(patrol.raise->after.ns, 300'000'000'000);
  EXPECT_EQ(patrol.evidence.keep, Evidence::Keep::kAll);
  EXPECT_EQ(patrol.covers.at(1).name, "checkout");
  EXPECT_EQ(patrol.covers.at(1).where.line, 14);
  EXPECT_DOUBLE_EQ(patrol.slo->fraction, 0.999);
}

TEST(Patrol, ShortFormsMeanTheSame) {
  const Loaded loaded = LoadPatrol("retry: 2\ncovers: cart\nworkers: {zones: bj}\nwith: {a: 1}");
  ASSERT_THAT(loaded.Said(), IsEmpty());
  const Patrol& patrol = loaded.First<Patrol>();
  EXPECT_EQ(patrol.retry.times, 2);
  EXPECT_EQ(patrol.covers.at(0).name, "cart");
  EXPECT_EQ(patrol.workers.zones.at(0), "bj");
  EXPECT_EQ(patrol.scenarios.at(0).with.Find("a")->scalar, "1");
}

TEST(Patrol, HasOneFormOfScenarioAndOfEnvironment) {
  EXPECT_THAT(LoadText("kind: Patrol\nname: p\n").Said(), HasSubstr("a Patrol needs \"scenario\""));
  EXPECT_THAT(PatrolError("scenarios: [a]"),
              HasSubstr("t.yaml:4:12: error: a Patrol has \"scenar"));
  EXPECT_THAT(PatrolError("environment: a\nenvironments: [b]"), HasSubstr("not both"));
  EXPECT_THAT(PatrolError("environments: []"), HasSubstr("has no environment"));
  EXPECT_THAT(LoadText("kind: Patrol\nname: p\nscenarios: []\n").Said(),
              HasSubstr("has no scenario"));
  EXPECT_THAT(LoadText("kind: Patrol\nname: p\nscenarios: [a, a@2]\n").Said(),
              HasSubstr("\"a\" is named twice"));
  EXPECT_THAT(LoadText("kind: Patrol\nname: p\nscenarios: [a]\nwith: {b: 1}\n").Said(),
              HasSubstr("\"with\" belongs to \"scenario\""));
}

TEST(Patrol, MistakesAreToldWithTheNearestWord) {
  EXPECT_THAT(PatrolError("verdct: {fail: 1 of 1}"), HasSubstr("did you mean \"verdict\"?"));
  EXPECT_THAT(PatrolError("versoin: 2"), HasSubstr("did you mean \"version\"?"));
  EXPECT_THAT(PatrolError("verdict: {fail: 4 of 3}"), HasSubstr("expected n of m like 2 of 3"));
  EXPECT_THAT(PatrolError("verdict: {fail: 2}"), HasSubstr("expected n of m like 2 of 3"));
  EXPECT_THAT(PatrolError("evidence: {keep: failure}"), HasSubstr("did you mean \"failures\"?"));
  EXPECT_THAT(PatrolError("raise: {severity: P5}"), HasSubstr("P1, P2, P3, P4"));
  EXPECT_THAT(PatrolError("slo: 99.9"), HasSubstr("expected a percentage"));
  EXPECT_THAT(PatrolError("slo: 101%"), HasSubstr("at most 100%"));
  EXPECT_THAT(PatrolError("workers: {zone: [a]}"), HasSubstr("did you mean \"zones\"?"));
  EXPECT_THAT(PatrolError("workers: {labels: {a b: c}}"), HasSubstr("no name for a label"));
  EXPECT_THAT(PatrolError("retry: 11"), HasSubstr("at most 10"));
  EXPECT_THAT(PatrolError("covers: [{a: b}]"), HasSubstr("names of entries"));
}

TEST(Triggers, HaveOneSource) {
  EXPECT_EQ(OneTrigger("{cron: '* * * * *', zone: Asia/Shanghai}").zone, "Asia/Shanghai");
  EXPECT_EQ(OneTrigger("{every: 30s}").every.ns, 30'000'000'000);
  EXPECT_EQ(OneTrigger("{event: release.finished}").event, "release.finished");
  EXPECT_EQ(OneTrigger("{risk: \"kind == 'overload'\"}").source, Trigger::Source::kRisk);
  EXPECT_EQ(OneTrigger("{run: \"state == 'failed'\"}").condition.text, "state == 'failed'");
  EXPECT_THAT(TriggerError("{every: 30s, event: a}"), HasSubstr("write two triggers"));
  EXPECT_THAT(TriggerError("{mode: auto}"),
              HasSubstr("needs one of cron, every, event, risk, run"));
  EXPECT_THAT(TriggerError("{evry: 3s}"), HasSubstr("did you mean \"every\"?"));
}

TEST(Triggers, ReadWhatHoldsOfAllOfThem) {
  const Trigger trigger = OneTrigger(
      "{event: release.finished, where: \"service in ['cart', 'order']\", mode: confirm, "
      "cooldown: 10m, dedup: \"${event.service}\", rate: 3 per 1h}");
  EXPECT_EQ(trigger.source, Trigger::Source::kEvent);
  EXPECT_EQ(trigger.condition.text, "service in ['cart', 'order']");
  EXPECT_EQ(trigger.mode, Trigger::Mode::kConfirm);
  EXPECT_EQ(trigger.cooldown.ns, 600'000'000'000);
  EXPECT_EQ(trigger.dedup.text, "${event.service}");
  EXPECT_EQ(trigger.rate, (Quota{3, Duration{3'600'000'000'000}}));
  EXPECT_EQ(OneTrigger("{every: 1m}").misfire, Trigger::Misfire::kOnce);
  EXPECT_EQ(OneTrigger("{every: 1m, misfire: all}").misfire, Trigger::Misfire::kAll);
}

TEST(Triggers, FieldsBelongToTheirSources) {
  EXPECT_THAT(TriggerError("{event: a, jitter: 5s}"), HasSubstr("belongs to cron, every"));
  EXPECT_THAT(TriggerError("{every: 30s, zone: UTC}"),
              HasSubstr("a trigger by every has no \"zone\""));
  EXPECT_THAT(TriggerError("{every: 30s, where: a}"), HasSubstr("it belongs to event"));
  EXPECT_THAT(TriggerError("{every: 30s, jitter: 30s}"), HasSubstr("as long as \"every\""));
  EXPECT_THAT(TriggerError("{every: 0s}"), HasSubstr("at least 1s"));
  EXPECT_THAT(TriggerError("{every: 30s, rate: 3/h}"), HasSubstr("a limit like 3 per 1h"));
  EXPECT_THAT(TriggerError("{every: 30s, rate: 0 per 1h}"), HasSubstr("1 to 1000000"));
}

TEST(Triggers, SchedulesAndZonesAreChecked) {
  EXPECT_THAT(TriggerError("{cron: \"0 25 * * *\"}"),
              HasSubstr("t.yaml:4:22: error: there is no hour 25"));
  EXPECT_THAT(TriggerError("{cron: '@hourly', zone: Asia/Shanhai}"),
              HasSubstr("there is no time zone \"Asia/Shanhai\""));
  EXPECT_THAT(LoadText("kind: Drill\nname: d\nscenario: s\nwindow: {allow: \"01:00-05:00\", "
                       "zone: Mars/Base}\n")
                  .Said(),
              HasSubstr("there is no time zone"));
}

TEST(Triggers, ConditionsAndKeysHaveToCompile) {
  EXPECT_THAT(TriggerError("{event: a, where: \"service ==\"}"), HasSubstr("t.yaml:4:"));
  EXPECT_THAT(TriggerError("{risk: \"kind = 'a'\"}"), HasSubstr("t.yaml:4:"));
  EXPECT_THAT(TriggerError("{event: a, dedup: \"${event.}\"}"), HasSubstr("t.yaml:4:"));
}

TEST(Triggers, ADrillHasThemToo) {
  const Loaded loaded =
      LoadText("kind: Drill\nname: d\nscenario: s\ntriggers: [{every: 1h, mode: confirm}]\n");
  ASSERT_THAT(loaded.Said(), IsEmpty());
  EXPECT_EQ(loaded.First<Drill>().triggers.at(0).mode, Trigger::Mode::kConfirm);
  EXPECT_THAT(LoadText("kind: Drill\nname: d\nscenario: s\ntriggers: [{evry: 1h}]\n").Said(),
              HasSubstr("did you mean \"every\"?"));
}

TEST(TriggerDefinition, IsATargetAndATrigger) {
  const Loaded loaded =
      LoadText("kind: Trigger\nname: t\npatrol: p@2\nevent: release.finished\ncooldown: 1m\n");
  ASSERT_THAT(loaded.Said(), IsEmpty());
  const TriggerDefinition& trigger = loaded.First<TriggerDefinition>();
  EXPECT_EQ(trigger.target_kind, Kind::kPatrol);
  EXPECT_EQ(trigger.target.version, 2);
  EXPECT_EQ(trigger.trigger.event, "release.finished");
  EXPECT_EQ(trigger.trigger.cooldown.ns, 60'000'000'000);
  const std::string head = "kind: Trigger\nname: t\n";
  EXPECT_EQ(LoadText(head + "plan: x\nevery: 1h\n").First<TriggerDefinition>().target_kind,
            Kind::kPlan);
  EXPECT_THAT(LoadText(head + "every: 1h\n").Said(), HasSubstr("one of patrol, drill, plan"));
  EXPECT_THAT(LoadText(head + "patrol: a\ndrill: b\nevery: 1h\n").Said(),
              HasSubstr("one of patrol, drill, plan"));
  EXPECT_THAT(LoadText(head + "patrol: a\n").Said(), HasSubstr("needs one of cron"));
  EXPECT_THAT(LoadText(head + "patrl: a\nevery: 1h\n").Said(),
              HasSubstr("did you mean \"patrol\"?"));
}

}  // namespace
}  // namespace ronda::model
