#include "cli/api_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <sstream>

#include "cli/testing.h"

namespace ronda::cli {
namespace {

// Runs a command that prints where its server is.
class ServerPlaceTest : public ::testing::Test {
 protected:
  ServerPlaceTest() {
    std::string folder = std::filesystem::temp_directory_path() / "ronda-place-XXXXXX";
    folder_ = mkdtemp(folder.data());
    world_.environment["XDG_CONFIG_HOME"] = folder_ + "/config";
    world_.environment["XDG_STATE_HOME"] = folder_ + "/state";
  }
  ~ServerPlaceTest() override { std::filesystem::remove_all(folder_); }

  std::string Find(std::vector<std::string> flags = {}) {
    const Command where = {
        .name = "where",
        .summary = "where",
        .description = "Where.",
        .examples = "",
        .options = ServerOptions({}),
        .run = [](const Invocation& invocation, Context& context) -> base::Result<base::ExitCode> {
          ASSIGN_OR_RETURN(const ServerPlace place, FindServer(invocation.options, context));
          context.out << place.url << ' ' << place.token;
          return base::ExitCode::kOk;
        }};
    flags.insert(flags.begin(), "where");
    const int code = world_.Run(std::span(&where, 1), flags);
    return code == 0 ? world_.out() : world_.err();
  }
  void Write(const std::string& file, const ServerPlace& place) {
    ASSERT_TRUE(WriteServerFile(folder_ + file, place).ok());
  }

  TestWorld world_;
  std::string folder_;
};

TEST_F(ServerPlaceTest, TheLoginGoesBeforeTheServerThatRunsHere) {
  EXPECT_THAT(Find(), ::testing::HasSubstr("no server is known: start `ronda up`"));
  Write("/state/ronda/server.json", {"http://127.0.0.1:1", "up"});
  EXPECT_EQ(Find(), "http://127.0.0.1:1 up");
  Write("/config/ronda/login.json", {"http://far", "mine"});
  EXPECT_EQ(Find(), "http://far mine");
}

TEST_F(ServerPlaceTest, ATokenGoesToItsOwnServerOnly) {
  Write("/config/ronda/login.json", {"http://far", "mine"});
  EXPECT_EQ(Find({"--server", "http://elsewhere/"}), "http://elsewhere ");
  EXPECT_EQ(Find({"--server", "http://far/"}), "http://far mine");
  EXPECT_EQ(Find({"--server", "http://elsewhere", "--token", "t"}), "http://elsewhere t");
  world_.environment["RONDA_SERVER"] = "http://by-environment";
  world_.environment["RONDA_TOKEN"] = "e";
  EXPECT_EQ(Find(), "http://by-environment e");
}

TEST_F(ServerPlaceTest, TheFileIsTheUsersAlone) {
  Write("/config/ronda/login.json", {"http://far", "a\"b"});
  struct stat about{};
  ASSERT_EQ(stat((folder_ + "/config/ronda/login.json").c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600u);
  EXPECT_EQ(ReadServerFile(folder_ + "/config/ronda/login.json").token, "a\"b");
  EXPECT_EQ(ReadServerFile(folder_ + "/nothing").url, "");
}

TEST(PrintTable, ColumnsAreAsWideAsTheirWidestText) {
  std::ostringstream out;
  PrintTable({{"A", "B"}, {"long", "x"}, {"c", ""}}, out);
  EXPECT_EQ(out.str(), "A     B\nlong  x\nc\n");
}

}  // namespace
}  // namespace ronda::cli
