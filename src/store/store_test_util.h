#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "store/database.h"
#include "store/migrations.h"

namespace ronda::store {

// A folder of a test, gone with it.
class TestFolder {
 public:
  TestFolder() {
    std::string path = std::filesystem::temp_directory_path() / "ronda-store-XXXXXX";
    if (mkdtemp(path.data()) != nullptr) path_ = path;
  }
  ~TestFolder() { std::filesystem::remove_all(path_); }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  [[nodiscard]] std::string File(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// A new, empty database for each test: in a file; or, where RONDA_TEST_POSTGRES has the URL of a
// server's database, in a schema of its own there.
class TestDatabase {
 public:
  explicit TestDatabase(Engine engine) {
    std::string url = "sqlite:" + folder_.File("ronda.db");
    if (engine == Engine::kPostgres) {
      url = std::getenv("RONDA_TEST_POSTGRES");
      static int count = 0;
      const std::string schema = "t" + std::to_string(getpid()) + "_" + std::to_string(++count);
      auto plain = Database::Open(url);
      EXPECT_TRUE(plain.ok()) << plain.status().ToString();
      const auto made = (*plain)->Write(
          [&](Transaction& transaction) { return transaction.Run("CREATE SCHEMA " + schema); });
      EXPECT_TRUE(made.ok()) << made.ToString();
      url += (url.find('?') == std::string::npos ? "?" : "&");
      url += "options=-csearch_path%3D" + schema;
    }
    url_ = url;
    Open();
  }
  void Open() {
    database_.reset();
    auto opened = Database::Open(url_);
    EXPECT_TRUE(opened.ok()) << opened.status().ToString();
    database_ = *std::move(opened);
  }
  [[nodiscard]] Database& operator*() { return *database_; }
  Database* operator->() { return database_.get(); }
  [[nodiscard]] const std::string& url() const { return url_; }

 private:
  TestFolder folder_;
  std::string url_;
  std::unique_ptr<Database> database_;
};

// SQLite always; PostgreSQL where there is one (tests/integration starts one and runs these again).
[[nodiscard]] inline std::vector<Engine> TestEngines() {
  std::vector<Engine> engines = {Engine::kSqlite};
  if (std::getenv("RONDA_TEST_POSTGRES") != nullptr) engines.push_back(Engine::kPostgres);
  return engines;
}
[[nodiscard]] inline std::string EngineName(const testing::TestParamInfo<Engine>& info) {
  return info.param == Engine::kSqlite ? "Sqlite" : "Postgres";
}

}  // namespace ronda::store
