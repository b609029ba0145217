#pragma once

#include <memory>
#include <string>
#include <utility>

#include "model/catalog/catalog.h"
#include "model/load.h"

// For the room's tests.
namespace ronda::model {

struct Loaded {
  DefinitionSet set;
  Diagnostics diagnostics;

  // What was said, for failure messages and for substrings.
  [[nodiscard]] std::string Said() const { return diagnostics.Render(); }
  // The first definition's body; the test ends when there is none of that kind.
  template <typename T>
  [[nodiscard]] const T& First() const {
    static const T none;
    const T* body = set.all.empty() ? nullptr : set.all[0]->As<T>();
    return body == nullptr ? none : *body;
  }
};

inline std::shared_ptr<const Source> SourceOf(std::string text, std::string name = "t.yaml") {
  return std::make_shared<const Source>(Source{std::move(name), std::move(text)});
}

inline Loaded LoadText(std::string text) {
  Loaded loaded;
  LoadDefinitions(SourceOf(std::move(text)), Catalog::BuiltIn(), loaded.set, loaded.diagnostics);
  return loaded;
}

// A scenario whose `steps:` are `steps`, a flow-style list.
inline Loaded LoadSteps(const std::string& steps) {
  return LoadText("kind: Scenario\nname: s\nsteps: " + steps + "\n");
}

// A scenario with one wait step and `more`.
inline Loaded LoadWith(const std::string& more) {
  return LoadText("kind: Scenario\nname: s\nsteps: [{id: w, action: wait, with: {for: 1s}}]\n" +
                  more + "\n");
}

}  // namespace ronda::model
