#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "model/testing.h"

namespace ronda::model {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

const Scenario& FirstScenario(const Loaded& loaded) { return loaded.First<Scenario>(); }

// The only step of a list that loads without an error.
Step OneStep(const std::string& step) {
  const Loaded loaded = LoadSteps("[" + step + "]");
  EXPECT_THAT(loaded.Said(), IsEmpty());
  return loaded.set.all.empty() ? Step{} : FirstScenario(loaded).steps.at(0);
}

std::string StepError(const std::string& step) {
  const Loaded loaded = LoadSteps("[" + step + "]");
  EXPECT_TRUE(loaded.diagnostics.has_errors()) << step;
  EXPECT_TRUE(loaded.set.all.empty()) << "what is wrong is not loaded";
  return loaded.Said();
}

TEST(LoadDefinitions, ReadsTheObjectModelsOwnExamples) {
  std::ifstream in("src/model/testdata/model.yaml");
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const Loaded loaded = LoadText(text);
  EXPECT_THAT(loaded.Said(), IsEmpty());
  ASSERT_EQ(loaded.set.all.size(), 5u);
  const Scenario& scenario = FirstScenario(loaded);
  EXPECT_EQ(scenario.feeds.at(0).feed.pick, Feed::Pick::kUnique);
  EXPECT_TRUE(scenario.feeds.at(0).feed.shard);
  ASSERT_EQ(scenario.steps.size(), 4u);
  EXPECT_EQ(scenario.steps[0].extract.at(0).pattern.text, "$.token");
  EXPECT_TRUE(scenario.steps[0].extract.at(0).secret);
  EXPECT_EQ(scenario.steps[1].kind, StepKind::kUse);
  EXPECT_EQ(scenario.steps[1].think->kind, Wait::Kind::kLogNormal);
  EXPECT_EQ(scenario.steps[2].when.text, "browse.stock > 0");
  EXPECT_TRUE(scenario.steps[2].checks.at(0).fatal);
  EXPECT_EQ(scenario.steps[3].meet, "pay-spike");
  EXPECT_EQ(scenario.steps[3].schema->code, "http.request");

  const Drill& drill = *loaded.set.all[2]->As<Drill>();
  EXPECT_EQ(drill.mix.at(0).scenario.version, 3);
  EXPECT_EQ(drill.mix.at(1).weight, 92);
  const Load& load = drill.plan.loads.at(0);
  EXPECT_EQ(load.executor, Executor::kRampingArrivalRate);
  EXPECT_EQ(load.pre_allocated_vus, 4000);
  EXPECT_EQ(load.stages.at(1).target, 5000);
  EXPECT_EQ(load.stages.at(1).duration.ns, 1'200'000'000'000);
  EXPECT_EQ(drill.plan.meets.at(0).timeout.ns, 20'000'000'000);
  EXPECT_EQ(drill.plan.guards.at(0).to_fraction->fraction, 0.5);
  EXPECT_EQ(drill.isolation->profile.name, "trade-shadow");
  EXPECT_EQ(drill.window->allow.at(0).to_minute, 300);
  EXPECT_EQ(drill.gates.at(0).who.text, "role:sre");
  EXPECT_EQ(drill.finally.at(0).id, "shadow_clean");
  EXPECT_EQ(drill.finally.at(0).schema, nullptr) << "a package has to bring it";
  EXPECT_EQ(loaded.set.all[4]->kind, Kind::kPlan);
  EXPECT_EQ(loaded.set.all[4]->name, "order-dr");
}

TEST(LoadDefinitions, EveryExampleOfTheFormatPagesLoads) {
  int examples = 0;
  for (const std::string page :
       {"docs/formats/definitions.md", "docs/formats/scenario.md", "docs/formats/patrol.md"}) {
    std::ifstream in(page);
    const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    const std::string fence = "```yaml\n";
    for (auto at = text.find(fence); at != std::string::npos; at = text.find(fence, at + 1)) {
      const auto begin = at + fence.size();
      EXPECT_THAT(LoadText(text.substr(begin, text.find("```", begin) - begin)).Said(), IsEmpty());
      ++examples;
    }
  }
  EXPECT_EQ(examples, 8);
}

TEST(LoadDefinitions, AllMistakesAreToldAtOnceWithTheirPlaces) {
  const Loaded loaded = LoadText(
      "kind: Scenario\nname: s\nvesion: 2\nsteps:\n- id: a\n  action: wait\n  with: {fro: 1s}\n"
      "  timout: 3s\n");
  EXPECT_THAT(loaded.Said(), HasSubstr("t.yaml:3:1: error: a Scenario has no key \"vesion\""));
  EXPECT_THAT(loaded.Said(), HasSubstr("did you mean \"version\"?"));
  EXPECT_THAT(loaded.Said(), HasSubstr("t.yaml:7:10: error: wait has no key \"fro\""));
  EXPECT_THAT(loaded.Said(), HasSubstr("t.yaml:8:3: error: a step has no key \"timout\""));
}

TEST(LoadDefinitions, KindAndNameAreNeeded) {
  EXPECT_THAT(LoadText("name: s\n").Said(), HasSubstr("needs \"kind\""));
  EXPECT_THAT(LoadText("kind: Scenari\nname: s\n").Said(), HasSubstr("did you mean \"Scenario\"?"));
  EXPECT_THAT(LoadText("kind: Patrol\n").Said(), HasSubstr("Patrol needs \"name\""));
  EXPECT_THAT(LoadText("- a\n").Said(), HasSubstr("is a map"));
  EXPECT_THAT(LoadText("kind: Patrol\nname: 'a b'\n").Said(), HasSubstr("t.yaml:2:7"));
}

TEST(LoadDefinitions, OneWrongDocumentDoesNotHideTheOthers) {
  const Loaded loaded = LoadText("kind: Scenario\nname: bad\n---\nkind: Plan\nname: good\n");
  ASSERT_EQ(loaded.set.all.size(), 1u);
  EXPECT_EQ(loaded.set.all[0]->name, "good");
}

TEST(LoadDefinitions, TheSameNameAndVersionTwiceIsAnError) {
  const std::string feed = "kind: Feed\nname: f\nversion: 1\ninline: [1]\n";
  EXPECT_THAT(LoadText(feed + "---\n" + feed).Said(), HasSubstr("is defined twice"));
  const Loaded loaded = LoadText(feed + "---\nkind: Feed\nname: f\nversion: 2\ninline: [1]\n");
  EXPECT_THAT(loaded.Said(), IsEmpty());
}

TEST(DefinitionSet, FindsTheVersionOrTheDraftOrTheNewest) {
  const Loaded loaded = LoadText(
      "kind: Feed\nname: f\nversion: 1\ninline: [1]\n---\nkind: Feed\nname: f\nversion: 2\n"
      "inline: [1]\n---\nkind: Feed\nname: draft\ninline: [1]\n");
  const auto version = [&loaded](const std::string& name, int wanted) {
    const Definition* found = loaded.set.Find(Kind::kFeed, {name, wanted, {}});
    return found == nullptr ? -1 : found->version;
  };
  EXPECT_EQ(version("f", 1), 1);
  EXPECT_EQ(version("f", 0), 2);
  EXPECT_EQ(version("f", 3), -1);
  EXPECT_EQ(version("draft", 7), 0);
  EXPECT_EQ(version("g", 0), -1);
}

TEST(Steps, HaveExactlyOneTarget) {
  EXPECT_THAT(StepError("{id: a}"), HasSubstr("one of action, use, scenario, steps"));
  EXPECT_THAT(StepError("{id: a, action: wait, use: b, with: {for: 1s}}"),
              HasSubstr("one of action"));
  EXPECT_EQ(OneStep("{id: a, scenario: other@2}").target.version, 2);
}

TEST(Steps, IdsAreNamesOfExpressionsAndUnique) {
  EXPECT_THAT(StepError("{id: log-in, use: b}"), HasSubstr("expressions can name \"log_in\""));
  EXPECT_THAT(StepError("{id: a, use: b}, {id: g, steps: [{id: a, use: b}]}"),
              HasSubstr("\"a\" is taken"));
  EXPECT_THAT(StepError("{id: env, use: b}"), HasSubstr("expression language"));
  const Loaded loaded = LoadText(
      "kind: Scenario\nname: s\nfeeds: {buyer: {inline: [1]}}\nsteps: [{id: buyer, use: b}]\n");
  EXPECT_THAT(loaded.Said(), HasSubstr("\"buyer\" is taken"));
}

TEST(Steps, WithoutAnIdGetOneThatNobodyElseHas) {
  const Loaded loaded =
      LoadSteps("[{use: b}, {use: b}, {id: b_2, use: b}, {steps: [{use: x.y-z}]}]");
  const auto& steps = FirstScenario(loaded).steps;
  ASSERT_EQ(steps.size(), 4u) << loaded.Said();
  EXPECT_EQ(steps[0].id, "b");
  EXPECT_EQ(steps[1].id, "b_3");
  EXPECT_EQ(steps[3].id, "group");
  EXPECT_EQ(steps[3].steps.at(0).id, "x_y_z");
}

TEST(Steps, KeysOfPlansAreRefusedWithTheReason) {
  EXPECT_THAT(StepError("{id: a, use: b, undo: auto}"), HasSubstr("clean up in `finally`"));
  EXPECT_THAT(StepError("{id: a, use: b, preConfirm: true}"), HasSubstr("nobody is asked"));
  EXPECT_THAT(StepError("{id: a, patrol: b}"), HasSubstr("belongs to the steps of a Plan"));
}

TEST(Steps, TimesAreTyped) {
  EXPECT_EQ(OneStep("{id: a, use: b, timeout: 1m30s}").timeout->ns, 90'000'000'000);
  EXPECT_EQ(OneStep("{id: a, use: b, timeout: none}").timeout->ns, 0);
  EXPECT_THAT(StepError("{id: a, use: b, timeout: 30}"), HasSubstr("write 30s or 30ms"));
  EXPECT_THAT(StepError("{id: a, use: b, timeout: 48h}"), HasSubstr("at most 86400s"));
  EXPECT_THAT(StepError("{id: a, use: b, timeout: \"${x.y}\"}"), HasSubstr("takes no ${...}"));
}

TEST(Steps, ThinkTimeIsFixedUniformOrByQuantiles) {
  EXPECT_EQ(OneStep("{id: a, use: b, think: 2s}").think->a.ns, 2'000'000'000);
  EXPECT_EQ(OneStep("{id: a, use: b, think: {min: 1s, max: 2s}}").think->kind,
            Wait::Kind::kUniform);
  EXPECT_EQ(OneStep("{id: a, use: b, think: {p50: 1s, p95: 2s}}").think->kind,
            Wait::Kind::kLogNormal);
  EXPECT_THAT(StepError("{id: a, use: b, think: {min: 1s}}"),
              HasSubstr("{min, max} or {p50, p95}"));
  EXPECT_THAT(StepError("{id: a, use: b, think: {min: 1s, max: 2s, p50: 1s}}"),
              HasSubstr("{min, max} or {p50, p95}"));
  EXPECT_THAT(StepError("{id: a, use: b, think: {p50: 3s, p95: 2s}}"), HasSubstr("less than"));
}

TEST(Steps, RetrySaysWhatIsTriedAgain) {
  EXPECT_EQ(OneStep("{id: a, use: b, retry: 3}").retry->times, 3);
  const Step step = OneStep(
      "{id: a, use: b, retry: {times: 2, every: 50ms, backoff: 2, on: [timeout, 503, 4xx]}}");
  EXPECT_FALSE(step.retry->on_error);
  EXPECT_TRUE(step.retry->on_timeout);
  ASSERT_EQ(step.retry->on_status.size(), 2u);
  EXPECT_EQ(step.retry->on_status[0], std::pair(503, 503));
  EXPECT_EQ(step.retry->on_status[1], std::pair(400, 499));
  EXPECT_THAT(StepError("{id: a, use: b, retry: {times: 1, on: [sometimes]}}"),
              HasSubstr("503 or 5xx"));
  EXPECT_THAT(StepError("{id: a, use: b, retry: {every: 1s}}"), HasSubstr("needs \"times\""));
}

TEST(Steps, PollNeedsAnEnd) {
  EXPECT_THAT(StepError("{id: a, use: b, poll: {until: x}}"), HasSubstr("needs \"deadline\""));
  EXPECT_EQ(OneStep("{id: a, use: b, poll: {until: a.x == 1, deadline: 1m}}").poll->every.ns,
            1'000'000'000);
}

TEST(Steps, LoopsExcludeOneAnother) {
  EXPECT_EQ(OneStep("{id: a, use: b, forEach: \"${x.list}\", parallel: 2}").parallel, 2);
  EXPECT_EQ(OneStep("{id: a, use: b, forEach: [1, 2], parallel: all}").parallel, 0);
  EXPECT_EQ(OneStep("{id: a, use: b, forEach: {in: [1], as: row, max: 5}}").for_each->as, "row");
  EXPECT_EQ(OneStep("{id: a, use: b, repeat: 3}").repeat.scalar, "3");
  EXPECT_EQ(OneStep("{id: a, use: b, while: a.more, maxLoops: 7}").max_loops, 7);
  EXPECT_THAT(StepError("{id: a, use: b, repeat: 3, while: x}"), HasSubstr("at most one of"));
  EXPECT_THAT(StepError("{id: a, use: b, forEach: x.list}"), HasSubstr("write \"${x.list}\""));
  EXPECT_THAT(StepError("{id: a, use: b, parallel: 2}"), HasSubstr("belongs to a group"));
  EXPECT_THAT(StepError("{id: a, use: b, repeat: often}"), HasSubstr("\"repeat\" is an int"));
  EXPECT_THAT(StepError("{id: item, use: b, forEach: [1]}"), HasSubstr("both called \"item\""));
}

TEST(Steps, GotoNamesALaterStepOfTheSameList) {
  EXPECT_EQ(OneStep("{id: a, use: b, onFailure: goto c}, {id: c, use: b}").on_failure.target, "c");
  EXPECT_EQ(OneStep("{id: a, use: b, onFailure: continue}").on_failure.kind,
            OnFailure::Kind::kContinue);
  EXPECT_THAT(StepError("{id: a, use: b}, {id: c, use: b, onFailure: goto a}"),
              HasSubstr("no later step"));
  EXPECT_THAT(StepError("{id: a, use: b, onFailure: {goto: logn}}, {id: login, use: b}"),
              HasSubstr("did you mean \"login\"?"));
  EXPECT_THAT(StepError("{id: a, use: b, onFailure: undo}"), HasSubstr("Plan"));
}

TEST(Steps, ExtractionHasOneSource) {
  const std::string head = "{id: a, action: http.request, with: {url: /}, extract: ";
  const Step step = OneStep(head + "{x: {regex: 'a(b)', group: 1, index: -1, default: none}}}");
  EXPECT_EQ(step.extract.at(0).kind, Extract::Kind::kRegex);
  EXPECT_EQ(step.extract.at(0).group, 1);
  EXPECT_EQ(step.extract.at(0).index, -1);
  EXPECT_EQ(step.extract.at(0).fallback->scalar, "none");
  EXPECT_TRUE(OneStep(head + "{x: {css: 'a', index: random}}}").extract.at(0).random);
  EXPECT_THAT(StepError(head + "{x: {json: $.a, header: b}}}"), HasSubstr("one of json"));
  EXPECT_THAT(StepError(head + "{x: {json: $.a, group: 1}}}"), HasSubstr("belongs to \"regex\""));
  EXPECT_THAT(StepError("{id: a, use: b, extract: {x: {json: $.a}}}"),
              HasSubstr("step with an action"));
}

TEST(Steps, AnUnknownActionNearAKnownOneIsAMistake) {
  EXPECT_THAT(StepError("{id: a, action: http.reqest}"),
              HasSubstr("did you mean \"http.request\"?"));
  EXPECT_EQ(OneStep("{id: a, action: shadow.clean}").schema, nullptr);
}

TEST(Scenario, PacingAndFeedsAndParams) {
  const Loaded loaded = LoadWith(
      "pacing: {every: 5s}\n"
      "feeds: {a: {file: x.json, onEnd: stop, take: per-user}, b: rows@2, c: {inline: [{k: 1}]}}\n"
      "params: {n: 3, who: {type: string, secret: true}, t: {type: duration, default: 2s}}\n");
  ASSERT_THAT(loaded.Said(), IsEmpty());
  const Scenario& scenario = FirstScenario(loaded);
  EXPECT_EQ(scenario.pacing->a.ns, 5'000'000'000);
  EXPECT_EQ(scenario.feeds[0].feed.format, Feed::Format::kJson);
  EXPECT_EQ(scenario.feeds[0].feed.on_end, Feed::OnEnd::kStop);
  EXPECT_EQ(scenario.feeds[0].feed.take, Feed::Take::kUser);
  EXPECT_EQ(scenario.feeds[1].ref->version, 2);
  EXPECT_EQ(scenario.feeds[2].feed.rows.size(), 1u);
  EXPECT_EQ(scenario.params[0].type, FieldType::kInt);
  EXPECT_FALSE(scenario.params[0].required);
  EXPECT_TRUE(scenario.params[1].required);
  EXPECT_TRUE(scenario.params[1].secret);
}

TEST(Scenario, WrongFeedsAndParamsAreTold) {
  EXPECT_THAT(LoadWith("feeds: {a: {pick: random}}").Said(),
              HasSubstr("either \"file\" or \"inline\""));
  EXPECT_THAT(LoadWith("feeds: {a: {file: x.csv, pick: uniqe}}").Said(),
              HasSubstr("did you mean \"unique\"?"));
  EXPECT_THAT(LoadWith("feeds: {a: {inline: [1, {b: 2}]}}").Said(), HasSubstr("all maps"));
  EXPECT_THAT(LoadWith("feeds: {a: {file: x.json, columns: [a]}}").Said(), HasSubstr("CSV file"));
  EXPECT_THAT(LoadWith("params: {n: {type: int, max: 3, default: 5}}").Said(),
              HasSubstr("at most 3"));
  EXPECT_THAT(LoadWith("params: {n: {type: integer}}").Said(), HasSubstr("\"type\" is one of"));
  EXPECT_THAT(LoadWith("pacing: {every: 5s, more: 1}").Said(), HasSubstr("nothing else"));
}

TEST(Scenario, HttpDefaultsAreTyped) {
  const Loaded loaded = LoadWith(
      "http: {baseUrl: \"${env.shop}\", headers: {X-A: b}, timeout: none, redirects: 0, version: "
      "1.1,\n"
      "  connections: per-iteration, cookies: off, maxBody: 1MiB, resolve: \"a:80:127.0.0.1\",\n"
      "  tls: {verify: false, minVersion: 1.3}}");
  ASSERT_THAT(loaded.Said(), IsEmpty());
  const HttpSettings& http = FirstScenario(loaded).plan.http;
  EXPECT_EQ(http.base_url.text, "${env.shop}");
  EXPECT_EQ(http.base_url.where.column, 18) << "the first character, not the quote";
  EXPECT_EQ(http.headers.at(0).second.text, "b");
  EXPECT_EQ(http.timeout->ns, 0);
  EXPECT_EQ(http.version, "1.1");
  EXPECT_EQ(http.connections, HttpSettings::Connections::kIteration);
  EXPECT_EQ(http.cookies, HttpSettings::Cookies::kOff);
  EXPECT_EQ(http.max_body->bytes, 1u << 20);
  EXPECT_EQ(http.resolve.at(0), "a:80:127.0.0.1");
  EXPECT_FALSE(http.tls->verify);
  EXPECT_THAT(LoadWith("http: {tls: {verify: no}}").Said(), HasSubstr("write true or false"));
  EXPECT_THAT(LoadWith("http: {tls: {cert: a.pem}}").Said(), HasSubstr("go together"));
}

TEST(Component, HasParamsStepsAndOutputs) {
  const Loaded loaded = LoadText(
      "kind: Component\nname: c\nparams: {token: {type: string}}\n"
      "steps: [{id: a, action: http.request, with: {url: /}}]\noutputs: {sku: "
      "\"${a.json.sku}\"}\n");
  ASSERT_THAT(loaded.Said(), IsEmpty());
  EXPECT_EQ(loaded.First<Component>().outputs.at(0).second.text, "${a.json.sku}");
  EXPECT_THAT(LoadText("kind: Component\nname: c\nsteps: []\n").Said(), HasSubstr("has no step"));
}

TEST(Environment, KeepsValuesAndSecretsApart) {
  const Loaded loaded = LoadText(
      "kind: Environment\nname: local\nendpoints: {shop: \"http://127.0.0.1:1\"}\n"
      "variables: {region: eu, n: 3}\nsecrets: {key: {env: SHOP_KEY}, cert: {file: a.pem}}\n");
  ASSERT_THAT(loaded.Said(), IsEmpty());
  const auto& environment = loaded.First<Environment>();
  EXPECT_EQ(environment.values.size(), 3u);
  EXPECT_EQ(environment.secrets.at(0).env, "SHOP_KEY");
  EXPECT_EQ(environment.secrets.at(1).file, "a.pem");
}

TEST(Environment, RefusesWrittenSecretsAndDoubleNames) {
  const std::string head = "kind: Environment\nname: e\n";
  EXPECT_THAT(LoadText(head + "secrets: {k: hunter2}\n").Said(), HasSubstr("say where it is"));
  EXPECT_THAT(LoadText(head + "secrets: {k: {env: A, file: b}}\n").Said(),
              HasSubstr("one of env, file"));
  EXPECT_THAT(LoadText(head + "endpoints: {a: x}\nvariables: {a: y}\n").Said(),
              HasSubstr("both called"));
  EXPECT_THAT(LoadText(head + "variables: {a-b: y}\n").Said(),
              HasSubstr("expressions can name \"a_b\""));
}

}  // namespace
}  // namespace ronda::model
