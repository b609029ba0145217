#include "model/contents.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "model/testing.h"

namespace ronda::model {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> Paths(const std::string& text) {
  const Loaded loaded = LoadText(text);
  EXPECT_THAT(loaded.Said(), IsEmpty());
  const auto paths = StepPaths(loaded.set, *loaded.set.all.at(0));
  if (!paths.ok()) return {std::string(paths.status().message())};
  std::vector<std::string> out;
  for (const StepPath& path : *paths) {
    out.push_back(path.scenario + ':' + path.path + ' ' + path.action);
  }
  return out;
}

std::vector<std::string> Files(const std::string& text) {
  const Loaded loaded = LoadText(text);
  EXPECT_THAT(loaded.Said(), IsEmpty());
  std::vector<std::string> out;
  for (const FileUse& use : FilesOf(*loaded.set.all.at(0))) {
    out.push_back(use.file + ':' + std::to_string(use.where.line));
  }
  return out;
}

TEST(StepPaths, NameEachStepOnceWithThoseOfComponentsAndScenarios) {
  EXPECT_THAT(Paths(R"(
kind: Scenario
name: buy
setup: [{id: seed, action: wait, with: {for: 1s}}]
steps:
- id: both
  steps: [{id: one, action: log, with: {message: a}}, {id: two, use: login}]
- {id: other, scenario: search}
finally: [{id: clean, action: wait, with: {for: 1s}}]
---
kind: Component
name: login
steps: [{id: get, action: wait, with: {for: 1s}}]
---
kind: Scenario
name: search
setup: [{id: not_run_when_nested, action: wait, with: {for: 1s}}]
steps: [{id: find, use: login}]
)"),
              ElementsAre("setup:setup.seed wait", "buy:both group", "buy:one log", "buy:two group",
                          "buy:two.get wait", "buy:other group", "buy:other.find group",
                          "buy:other.find.get wait", "finally:finally.clean wait"));
}

TEST(StepPaths, ADrillHasThoseOfItsMix) {
  EXPECT_THAT(Paths(R"(
kind: Drill
name: d
mix: [{scenario: a}, {scenario: b, weight: 2}]
finally: [{id: clean, action: wait, with: {for: 1s}}]
---
{kind: Scenario, name: a, steps: [{id: x, action: wait, with: {for: 1s}}]}
---
{kind: Scenario, name: b, setup: [{id: s, action: wait, with: {for: 1s}}], steps: [{id: x, use: c}]}
---
{kind: Component, name: c, steps: [{id: y, action: wait, with: {for: 1s}}]}
)"),
              ElementsAre("a:x wait", "setup:setup.s wait", "b:x group", "b:x.y wait",
                          "finally:finally.clean wait"));
}

TEST(StepPaths, ComponentsThatMultiplyAreStopped) {
  std::string text = "kind: Scenario\nname: s\nsteps: [{use: c0}]\n";
  for (int i = 0; i < 20; ++i) {
    const std::string next = "{use: c" + std::to_string(i + 1) + "}";
    text += "---\nkind: Component\nname: c" + std::to_string(i) + "\nsteps: [" + next + ", " +
            next + ", " + next + "]\n";
  }
  EXPECT_THAT(Paths(text), ElementsAre(HasSubstr("more than 100000 steps")));
}

TEST(FilesOf, NamesWhatIsReadOnceAndNoTemplate) {
  EXPECT_THAT(Files(R"(
kind: Scenario
name: buy
feeds:
  buyer: {file: buyers.csv}
  again: {file: buyers.csv}
  rows: {inline: [1]}
  shared: some-feed
http: {tls: {ca: ca.pem}}
steps:
- id: a
  action: http.request
  with: {method: POST, url: /, multipart: [{name: f, file: photo.png}]}
- id: g
  steps:
  - {id: b, action: http.request, with: {method: PUT, url: /, file: "${params.f}.json"}}
  - {id: c, action: http.request, with: {method: PUT, url: /, file: body.json}}
)"),
              ElementsAre("buyers.csv:5", "ca.pem:9", "photo.png:13", "body.json:17"));
  EXPECT_THAT(Files("kind: Feed\nname: f\nfile: rows.ndjson\n"), ElementsAre("rows.ndjson:1"));
  EXPECT_THAT(Files("kind: Environment\nname: e\nsecrets: {k: {file: key.txt}}\n"), IsEmpty());
}

}  // namespace
}  // namespace ronda::model
