#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "base/core/clock.h"
#include "control/library.h"
#include "store/store_test_util.h"

namespace ronda::control {

// A database with the newest schema, a clock, and a library over both.
struct ControlFixture {
  explicit ControlFixture(store::Engine engine = store::Engine::kSqlite) : database(engine) {
    EXPECT_TRUE(store::Migrate(*database, 1).ok());
  }

  // Applies one text and expects it to be taken.
  std::vector<Applied> Apply(const std::string& text) {
    auto applied = library.Apply({.files = {{"t.yaml", text}}}, {"ann"});
    EXPECT_TRUE(applied.ok()) << applied.status().ToString();
    return applied.ok() ? *std::move(applied) : std::vector<Applied>();
  }

  store::TestDatabase database;
  base::FakeClock clock;
  Library library{*database, clock};
};

}  // namespace ronda::control
