// The model's list of a run's steps is the engine's.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "engine/program/compiler.h"
#include "model/catalog/catalog.h"
#include "model/contents.h"
#include "model/load.h"

namespace ronda::engine {
namespace {

// Compiles the first definition of the text and compares its shape with model::StepPaths.
void ExpectAgreement(const std::string& text, std::size_t steps) {
  model::DefinitionSet definitions;
  model::Diagnostics diagnostics;
  model::LoadDefinitions(std::make_shared<const model::Source>(model::Source{"t.yaml", text}),
                         model::Catalog::BuiltIn(), definitions, diagnostics);
  ASSERT_FALSE(diagnostics.has_errors()) << diagnostics.Render();
  CompileInput input;
  input.root = definitions.all.at(0).get();
  input.definitions = &definitions;
  const auto program = CompileProgram(input, diagnostics);
  ASSERT_NE(program, nullptr) << diagnostics.Render();
  std::vector<std::string> engine;
  for (const stats::StepInfo& step : program->shape.steps) {
    engine.push_back(program->shape.scenarios[step.scenario].name + ':' + step.id + ' ' +
                     step.action);
  }
  const auto paths = model::StepPaths(definitions, *input.root);
  ASSERT_TRUE(paths.ok()) << paths.status().message();
  std::vector<std::string> model;
  for (const model::StepPath& path : *paths) {
    model.push_back(path.scenario + ':' + path.path + ' ' + path.action);
  }
  EXPECT_EQ(model, engine);
  EXPECT_EQ(model.size(), steps);
}

TEST(StepPaths, AreThoseOfTheProgramOfAScenario) {
  ExpectAgreement(R"(
kind: Scenario
name: buy
setup: [{id: seed, use: login}]
steps:
- id: both
  steps: [{id: one, action: log, with: {message: a}}, {id: two, use: login}]
- {id: other, scenario: search}
- {id: again, use: login, repeat: 3}
finally: [{id: clean, action: wait, with: {for: 1s}}]
---
kind: Component
name: login
steps: [{id: get, action: wait, with: {for: 1s}}, {id: g, steps: [{id: inside, action: wait, with: {for: 1s}}]}]
---
kind: Scenario
name: search
setup: [{id: own, action: wait, with: {for: 1s}}]
steps: [{id: find, use: login}]
)",
                  20);
}

TEST(StepPaths, AreThoseOfTheProgramOfADrill) {
  ExpectAgreement(R"(
kind: Drill
name: d
setup: [{id: first, action: wait, with: {for: 1s}}]
mix: [{scenario: a}, {scenario: b, weight: 2}]
load:
  own: {executor: constant-vus, vus: 1, duration: 1s, mix: [{scenario: b}]}
  shared: {executor: constant-vus, vus: 1, duration: 1s}
finally: [{id: clean, action: wait, with: {for: 1s}}]
---
{kind: Scenario, name: a, steps: [{id: x, action: wait, with: {for: 1s}}]}
---
kind: Scenario
name: b
setup: [{id: s, action: wait, with: {for: 1s}}]
steps: [{id: x, use: c}]
finally: [{id: f, action: wait, with: {for: 1s}}]
---
{kind: Component, name: c, steps: [{id: y, action: wait, with: {for: 1s}}]}
)",
                  11);
}

}  // namespace
}  // namespace ronda::engine
