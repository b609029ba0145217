#include "store/migrations.h"

#include <gtest/gtest.h>

#include <string>

#include "store/store_test_util.h"

namespace ronda::store {
namespace {

class MigrationsTest : public testing::TestWithParam<Engine> {
 protected:
  MigrationsTest() : database_(GetParam()) {}
  TestDatabase database_;
};

TEST_P(MigrationsTest, NumbersHaveNoGaps) {
  for (std::size_t i = 0; i < Migrations().size(); ++i) {
    EXPECT_EQ(Migrations()[i].number, static_cast<int>(i) + 1);
  }
}

TEST_P(MigrationsTest, EveryEarlierVersionBecomesTheNewest) {
  const int newest = Migrations().back().number;
  for (int from = 0; from <= newest; ++from) {
    TestDatabase database(GetParam());
    if (from > 0) {
      ASSERT_TRUE(Migrate(*database, 1, from).ok());
    }
    EXPECT_EQ(*SchemaVersion(*database), from);
    const base::Status status = Migrate(*database, 2);
    EXPECT_TRUE(status.ok()) << "from " << from << ": " << status.ToString();
    EXPECT_EQ(*SchemaVersion(*database), newest);
  }
}

TEST_P(MigrationsTest, TwiceChangesNothing) {
  ASSERT_TRUE(Migrate(*database_, 1).ok());
  ASSERT_TRUE(database_
                  ->Write([](Transaction& t) {
                    return t.Run("INSERT INTO snapshots VALUES ('d', 'text', 5)");
                  })
                  .ok());
  ASSERT_TRUE(Migrate(*database_, 2).ok());
  ASSERT_TRUE(database_
                  ->Read([](Transaction& t) -> base::Status {
                    ASSIGN_OR_RETURN(const auto n, t.QueryInt("SELECT count(*) FROM snapshots"));
                    EXPECT_EQ(n, 1);
                    return base::Ok();
                  })
                  .ok());
}

TEST_P(MigrationsTest, ANewerDatabaseIsRefused) {
  ASSERT_TRUE(Migrate(*database_, 1).ok());
  ASSERT_TRUE(database_
                  ->Write([](Transaction& t) {
                    return t.Run("INSERT INTO schema_versions VALUES (99, 'later', 'x', 1)");
                  })
                  .ok());
  const base::Status status = Migrate(*database_, 2);
  EXPECT_EQ(status.code(), base::Code::kFailedPrecondition);
  EXPECT_NE(status.message().find("99"), std::string::npos) << status.message();
}

TEST_P(MigrationsTest, AStepThatWasMadeOtherwiseIsRefused) {
  ASSERT_TRUE(Migrate(*database_, 1).ok());
  ASSERT_TRUE(database_
                  ->Write([](Transaction& t) {
                    return t.Run("UPDATE schema_versions SET digest = 'other' WHERE number = 1");
                  })
                  .ok());
  EXPECT_EQ(Migrate(*database_, 2).code(), base::Code::kFailedPrecondition);
}

INSTANTIATE_TEST_SUITE_P(Each, MigrationsTest, testing::ValuesIn(TestEngines()), EngineName);

}  // namespace
}  // namespace ronda::store
