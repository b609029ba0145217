#include "control/journal.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "control/control_test_util.h"
#include "store/servers.h"

namespace ronda::control {
namespace {

class JournalTest : public testing::Test {
 protected:
  JournalTest() {
    EXPECT_TRUE(fixture_.database
                    ->Write([](store::Transaction& t) {
                      return store::TakeLead(t, "control", "me", "", 100, 200).status();
                    })
                    .ok());
    journal_.SetLead("control", 1);
  }
  std::int64_t Count() {
    std::int64_t n = -1;
    EXPECT_TRUE(fixture_.database
                    ->Read([&](store::Transaction& t) -> base::Status {
                      ASSIGN_OR_RETURN(const auto count,
                                       t.QueryInt("SELECT count(*) FROM snapshots"));
                      n = count.value_or(-1);
                      return base::Ok();
                    })
                    .ok());
    return n;
  }
  void Add(const std::string& digest) {
    journal_.Write([digest](store::Transaction& t) {
      return t.Run("INSERT INTO snapshots VALUES ($1, '', 0)", {digest});
    });
  }

  ControlFixture fixture_;
  Journal journal_{*fixture_.database};
};

TEST_F(JournalTest, EffectsComeAfterTheCommitAndSeeIt) {
  std::vector<std::int64_t> seen;
  Add("a");
  journal_.Then([&] { seen.push_back(Count()); });
  Add("b");
  EXPECT_EQ(Count(), 0);
  ASSERT_TRUE(journal_.Commit(300).ok());
  EXPECT_EQ(seen, std::vector<std::int64_t>{2});
  EXPECT_TRUE(journal_.empty());
}

TEST_F(JournalTest, AFailedCommitKeepsEverythingForTheNext) {
  int effects = 0;
  bool broken = true;
  Add("a");
  journal_.Write([&](store::Transaction&) {
    return broken ? base::ResourceExhausted("disk full") : base::Ok();
  });
  journal_.Then([&] { ++effects; });
  EXPECT_EQ(journal_.Commit(300).code(), base::Code::kResourceExhausted);
  EXPECT_EQ(effects, 0);
  EXPECT_EQ(Count(), 0);
  broken = false;
  ASSERT_TRUE(journal_.Commit(300).ok());
  EXPECT_EQ(effects, 1);
  EXPECT_EQ(Count(), 1);
}

TEST_F(JournalTest, NothingIsWrittenOnceAnotherLeads) {
  int effects = 0;
  Add("a");
  journal_.Then([&] { ++effects; });
  ASSERT_TRUE(fixture_.database
                  ->Write([](store::Transaction& t) {
                    return store::TakeLead(t, "control", "other", "", 500, 600).status();
                  })
                  .ok());
  EXPECT_EQ(journal_.Commit(700).code(), base::Code::kAborted);
  EXPECT_EQ(Count(), 0);
  EXPECT_EQ(effects, 0);
}

TEST_F(JournalTest, AnEffectMayWriteForTheNextCommit) {
  journal_.Then([&] { Add("later"); });
  ASSERT_TRUE(journal_.Commit(300).ok());
  EXPECT_FALSE(journal_.empty());
  ASSERT_TRUE(journal_.Commit(300).ok());
  EXPECT_EQ(Count(), 1);
}

}  // namespace
}  // namespace ronda::control
