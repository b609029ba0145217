#include "store/database.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "store/store_test_util.h"

namespace ronda::store {
namespace {

class DatabaseTest : public testing::TestWithParam<Engine> {
 protected:
  DatabaseTest() : database_(GetParam()) {
    const std::string bytes = GetParam() == Engine::kSqlite ? "BLOB" : "BYTEA";
    EXPECT_TRUE(database_
                    ->Write([&](Transaction& t) {
                      return t.Run(
                          "CREATE TABLE things (id BIGINT PRIMARY KEY, name TEXT, size "
                          "DOUBLE PRECISION, body " +
                          bytes + ")");
                    })
                    .ok());
  }

  base::Status Insert(std::int64_t id, const std::string& name) {
    return database_->Write([&](Transaction& t) {
      return t.Run("INSERT INTO things (id, name) VALUES ($1, $2)", {id, name});
    });
  }
  std::int64_t Count() {
    std::int64_t count = -1;
    const auto status = database_->Read([&](Transaction& t) -> base::Status {
      ASSIGN_OR_RETURN(const auto n, t.QueryInt("SELECT count(*) FROM things"));
      count = n.value_or(-1);
      return base::Ok();
    });
    EXPECT_TRUE(status.ok()) << status.ToString();
    return count;
  }

  TestDatabase database_;
};

TEST_P(DatabaseTest, EveryTypeComesBackAsItWent) {
  const std::string bytes("\0\xff\x01'", 4);
  const std::vector<Value> row = {std::int64_t{-(1ll << 62)}, std::string("it's \xe4\xb8\xad"), 0.1,
                                  Bytes{bytes}};
  ASSERT_TRUE(database_
                  ->Write([&](Transaction& t) {
                    return t.Run("INSERT INTO things VALUES ($1, $2, $3, $4)", row);
                  })
                  .ok());
  std::vector<Value> read;
  ASSERT_TRUE(database_
                  ->Read([&](Transaction& t) {
                    return t.Query("SELECT * FROM things WHERE name = $1 AND body = $2",
                                   {row[1], row[3]}, [&](const Row& found) {
                                     for (std::size_t i = 0; i < found.size(); ++i)
                                       read.push_back(found.at(i));
                                   });
                  })
                  .ok());
  EXPECT_EQ(read, row);
}

TEST_P(DatabaseTest, NullIsNull) {
  ASSERT_TRUE(database_
                  ->Write([&](Transaction& t) {
                    return t.Run(
                        "INSERT INTO things VALUES ($1, $2, $3, $4)",
                        {std::int64_t{1}, std::monostate(), std::monostate(), std::monostate()});
                  })
                  .ok());
  int rows = 0;
  ASSERT_TRUE(database_
                  ->Read([&](Transaction& t) {
                    return t.Query("SELECT name, size, body FROM things", {}, [&](const Row& row) {
                      ++rows;
                      for (std::size_t i = 0; i < 3; ++i) EXPECT_TRUE(row.IsNull(i));
                      EXPECT_EQ(row.Text(0), "");
                      EXPECT_EQ(row.OptionalInt(1), std::nullopt);
                    });
                  })
                  .ok());
  EXPECT_EQ(rows, 1);
}

TEST_P(DatabaseTest, ABodyThatFailsLeavesNothing) {
  const base::Status status = database_->Write([&](Transaction& t) -> base::Status {
    RETURN_IF_ERROR(t.Run("INSERT INTO things (id) VALUES (1)"));
    return base::FailedPrecondition("no");
  });
  EXPECT_EQ(status, base::FailedPrecondition("no"));
  EXPECT_EQ(Count(), 0);
  EXPECT_TRUE(Insert(1, "after").ok()) << "the connection can be used on";
}

TEST_P(DatabaseTest, AKeyTwiceIsAlreadyExistsAndSaysWhere) {
  ASSERT_TRUE(Insert(7, "a").ok());
  const base::Status status = Insert(7, "b");
  EXPECT_EQ(status.code(), base::Code::kAlreadyExists);
  EXPECT_NE(status.message().find("things"), std::string::npos) << status.message();
  EXPECT_EQ(Count(), 1);
}

TEST_P(DatabaseTest, ExecuteTellsHowManyRowsChanged) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(Insert(i, "x").ok());
  std::int64_t changed = 0;
  ASSERT_TRUE(database_
                  ->Write([&](Transaction& t) -> base::Status {
                    ASSIGN_OR_RETURN(changed, t.Execute("UPDATE things SET name = $1 WHERE id > $2",
                                                        {std::string("y"), std::int64_t{0}}));
                    return base::Ok();
                  })
                  .ok());
  EXPECT_EQ(changed, 2);
}

// Serializable: increments by many threads that each read and then write are all there.
TEST_P(DatabaseTest, WritersThatReadFirstLoseNothing) {
  ASSERT_TRUE(Insert(1, "counter").ok());
  constexpr int kThreads = 4, kTurns = 25;
  std::atomic<int> failed{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int turn = 0; turn < kTurns; ++turn) {
        const base::Status status = database_->Write([&](Transaction& t) -> base::Status {
          double size = 0;
          RETURN_IF_ERROR(t.Query("SELECT size FROM things WHERE id = 1", {},
                                  [&](const Row& row) { size = row.Real(0); }));
          return t.Run("UPDATE things SET size = $1 WHERE id = 1", {size + 1});
        });
        if (!status.ok()) ++failed;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failed, 0);
  double size = 0;
  ASSERT_TRUE(database_
                  ->Read([&](Transaction& t) {
                    return t.Query("SELECT size FROM things", {},
                                   [&](const Row& row) { size = row.Real(0); });
                  })
                  .ok());
  EXPECT_EQ(size, kThreads * kTurns);
}

TEST_P(DatabaseTest, AReaderSeesOneState) {
  ASSERT_TRUE(Insert(1, "a").ok());
  std::int64_t before = 0, after = 0;
  ASSERT_TRUE(database_
                  ->Read([&](Transaction& t) -> base::Status {
                    ASSIGN_OR_RETURN(const auto first, t.QueryInt("SELECT count(*) FROM things"));
                    EXPECT_TRUE(Insert(2, "b").ok());
                    ASSIGN_OR_RETURN(const auto second, t.QueryInt("SELECT count(*) FROM things"));
                    before = first.value_or(-1);
                    after = second.value_or(-1);
                    return base::Ok();
                  })
                  .ok());
  EXPECT_EQ(before, 1);
  EXPECT_EQ(after, 1);
  EXPECT_EQ(Count(), 2);
}

TEST_P(DatabaseTest, WhatWasCommittedIsThereAfterOpeningAgain) {
  ASSERT_TRUE(Insert(1, "kept").ok());
  database_.Open();
  EXPECT_EQ(Count(), 1);
}

INSTANTIATE_TEST_SUITE_P(Each, DatabaseTest, testing::ValuesIn(TestEngines()), EngineName);

TEST(Open, SaysWhatAUrlIs) {
  const auto opened = Database::Open("mysql://root:secret@here/x");
  EXPECT_EQ(opened.status().code(), base::Code::kInvalidArgument);
  EXPECT_NE(opened.status().message().find("sqlite:PATH"), std::string::npos);
  EXPECT_EQ(opened.status().message().find("secret"), std::string::npos);
}

TEST(Open, AFileThatIsNoDatabaseIsToldSo) {
  const TestFolder folder;
  const std::string path = folder.File("text.db");
  std::FILE* file = std::fopen(path.c_str(), "w");
  for (int i = 0; i < 1000; ++i) std::fputs("not a database\n", file);
  std::fclose(file);
  const auto opened = Database::Open("sqlite:" + path);
  EXPECT_EQ(opened.status().code(), base::Code::kDataLoss);
  EXPECT_NE(opened.status().message().find(path), std::string::npos);
}

TEST(Open, AFolderThatIsMissingIsToldSo) {
  EXPECT_EQ(Database::Open("sqlite:/nowhere/at/all/x.db").status().code(),
            base::Code::kFailedPrecondition);
}

}  // namespace
}  // namespace ronda::store
