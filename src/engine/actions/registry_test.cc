#include "engine/actions/registry.h"

#include <gtest/gtest.h>

#include "model/catalog/catalog.h"

namespace ronda::engine {
namespace {

TEST(Registry, EveryActionOfTheCatalogHasItsCode) {
  for (const std::string& code : model::Catalog::BuiltIn().Codes())
    EXPECT_NE(FindAction(code), nullptr) << code;
  EXPECT_EQ(FindAction("http.reqest"), nullptr);
}

}  // namespace
}  // namespace ronda::engine
