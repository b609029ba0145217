#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "engine/program/compiler.h"
#include "engine/run/load_run.h"
#include "model/catalog/catalog.h"
#include "model/load.h"

// For the room's tests: a scenario or drill in YAML, compiled and run in the process.
namespace ronda::engine {

class TestRun {
 public:
  // What --set, --users and the like say may be changed between this and Compile.
  explicit TestRun(std::string yaml) {
    const auto source =
        std::make_shared<const model::Source>(model::Source{"t.yaml", std::move(yaml)});
    model::LoadDefinitions(source, model::Catalog::BuiltIn(), definitions, diagnostics);
    for (const model::Kind kind : {model::Kind::kScenario, model::Kind::kDrill}) {
      for (const auto& definition : definitions.all) {
        if (definition->kind == kind) input.root = definition.get();
      }
    }
    for (const auto& definition : definitions.all) {
      if (definition->kind == model::Kind::kEnvironment) input.environment = definition.get();
    }
    input.definitions = &definitions;
    input.folder = "/tmp";
  }

  bool Compile() {
    if (diagnostics.has_errors() || input.root == nullptr) return false;
    model::CheckReferences(definitions, *input.root, diagnostics);
    if (!diagnostics.has_errors()) program = CompileProgram(input, diagnostics);
    return program != nullptr;
  }

  // Compiles and runs; what is wrong is in Said(), the result is that of an aborted run then.
  RunResult& Execute(RunOptions options = {}) {
    if (program == nullptr && !Compile()) {
      ADD_FAILURE() << Said();
      return Empty("not compiled");
    }
    if (options.seed == 0) options.seed = 1;
    options.on_log = [this](std::string_view, std::string_view text) {
      std::string line(text);
      {
        const std::lock_guard lock(mutex_);
        log.push_back(line);
      }
      if (on_log) on_log(line);
    };
    auto created = LoadRun::Create(*program, std::move(options), diagnostics);
    if (!created.ok()) {
      ADD_FAILURE() << created.status().message();
      return Empty(created.status().message());
    }
    run_ = *std::move(created);
    result = run_->Execute();
    return result;
  }
  void Interrupt() { run_->Interrupt(); }

  [[nodiscard]] std::string Said() const { return diagnostics.Render(); }
  // The lines that steps logged, "step: text", without what the run itself says.
  [[nodiscard]] std::vector<std::string> Lines() const {
    std::vector<std::string> lines;
    for (const std::string& line : log) {
      if (line.find(": ") != std::string::npos && !line.starts_with("stopping:") &&
          !line.starts_with("control:") && !line.starts_with("guard ")) {
        lines.push_back(line);
      }
    }
    return lines;
  }
  [[nodiscard]] std::uint64_t Iterations() const { return result.load->totals().Iterations(); }
  [[nodiscard]] std::uint64_t Failed() const { return result.load->totals().IterationsFailed(); }
  // How often a step ran (attempts count).
  [[nodiscard]] std::uint64_t Runs(const std::string& path) const {
    const stats::Shape& shape = program->shape;
    for (std::size_t i = 0; i < shape.steps.size(); ++i) {
      const auto& step = result.load->totals().steps[i];
      if (shape.steps[i].id == path) return step ? step->service.count() : 0;
    }
    return ~std::uint64_t{0};
  }
  // Messages of all errors, most frequent first.
  [[nodiscard]] std::vector<std::string> Errors() const {
    std::vector<std::string> messages;
    for (const stats::FailureGroup* group : result.load->Failures())
      messages.push_back(group->message);
    return messages;
  }

  model::DefinitionSet definitions;
  model::Diagnostics diagnostics;
  CompileInput input;
  std::unique_ptr<Program> program;
  RunResult result;
  std::vector<std::string> log;
  std::function<void(const std::string&)> on_log;  // on a thread of the run

 private:
  RunResult& Empty(const std::string& why) {
    static const stats::Shape kNone;
    result.verdict = why;
    result.load = std::make_unique<stats::Aggregator>(program != nullptr ? program->shape : kNone,
                                                      stats::Aggregator::Options{});
    return result;
  }

  std::mutex mutex_;
  std::unique_ptr<LoadRun> run_;
};

}  // namespace ronda::engine
