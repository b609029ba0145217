#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/core/check.h"
#include "model/catalog/catalog.h"
#include "model/load.h"

namespace {

using namespace ronda::model;

// Every place that was handed out has to lie in the source.
void CheckPlace(const Diagnostic& diagnostic) {
  CHECK(diagnostic.where.line >= 0);
  CHECK(diagnostic.where.line == 0 || diagnostic.where.column >= 1);
}

}  // namespace

// Any bytes: loading ends, says something or yields definitions whose digest does not change.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto source = std::make_shared<const Source>(
      Source{"fuzz.yaml", std::string(reinterpret_cast<const char*>(data), size)});
  DefinitionSet set;
  Diagnostics diagnostics;
  LoadDefinitions(source, Catalog::BuiltIn(), set, diagnostics);
  for (const auto& definition : set.all) {
    CheckReferences(set, *definition, diagnostics);
    CHECK(Digest(*definition) == Digest(*definition));
    const auto* scenario = definition->As<Scenario>();
    if (scenario == nullptr) continue;
    CHECK(!scenario->steps.empty());
    for (const Step& step : scenario->steps) {
      CHECK(!step.id.empty());
      for (const Check& check : step.checks) {
        CHECK(LocationOf(check.expression, check.expression.text.size()).line >= 1);
      }
    }
  }
  for (const Diagnostic& diagnostic : diagnostics.all()) CheckPlace(diagnostic);
  CHECK(diagnostics.Render().empty() == diagnostics.all().empty());
  return 0;
}
